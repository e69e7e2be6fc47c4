import type { Pod } from '../../kinds/core/pod.ts'
import type { Log, Network } from '../../world/world.ts'
import type { NodeState } from '../cluster-state.ts'
import { definePlugin } from '../plugin.ts'
import type { Candidate } from '../preemption.ts'
import { Refusals, type Veto } from '../refusals.ts'
import { Extender, ExtenderError } from './extender.ts'
import type { ExtenderConfiguration } from './settings.ts'

/** Scores of extenders go to 10, those of plugins to 100. */
const scale = 10

/** Stands for extenders where it matters who has refused a node; what may change their mind nobody knows. */
const asPlugin = definePlugin({
  name: 'Extender',
  listens: ['node', 'room', 'placed', 'storage', 'devices', 'namespace'],
  wakes: () => true,
})

/** All programs that are asked beside the plugins. One that is dead or slow is left out where it may be. */
export class Extenders {
  readonly #all: readonly Extender[]
  readonly #log: Log
  readonly #signal: AbortSignal

  constructor(settings: readonly ExtenderConfiguration[], network: Network | undefined, log: Log, signal: AbortSignal) {
    this.#all = settings.map((one) => new Extender(one, network))
    this.#log = log
    this.#signal = signal
  }

  isInterestedIn(pod: Pod): boolean {
    return this.#all.some((one) => one.isInterestedIn(pod))
  }

  /** The one that binds this pod in the place of the scheduler. */
  binderOf(pod: Pod): { bind(node: string): Promise<void> } | undefined {
    const binder = this.#all.find((one) => one.binds && one.isInterestedIn(pod))
    return binder && { bind: (node) => binder.bind(pod, node, this.#signal) }
  }

  /**
   * The nodes that all leave, one after the other, and what they say of the rest.
   * @throws ExtenderError
   */
  async filter(pod: Pod, nodes: readonly NodeState[]): Promise<{ fitting: readonly NodeState[]; refused: Refusals }> {
    let fitting = nodes
    const refused: NodeState[] = []
    const vetoes: Veto[] = []
    for (const extender of this.#of(pod)) {
      if (fitting.length === 0) break
      if (!extender.filters) continue
      const objects = fitting.flatMap(({ node }) => node ?? [])
      const said = await this.#orIgnored(extender, () => extender.filter(pod, objects, this.#signal))
      if (!said) continue
      for (const node of fitting) {
        if (said.fitting.has(node.name)) continue
        const why = said.refused.get(node.name)
        const refusal = { reasons: why ? [why.reason] : [], preemptible: why?.preemptible ?? false }
        refused.push(node)
        vetoes.push({ plugin: asPlugin, refusal })
      }
      fitting = fitting.filter(({ name }) => said.fitting.has(name))
    }
    return { fitting, refused: new Refusals(refused, vetoes) }
  }

  /** What is added to the scores of nodes. Who cannot be asked has no say. */
  async scores(pod: Pod, nodes: readonly NodeState[]): Promise<ReadonlyMap<string, number>> {
    const objects = nodes.flatMap(({ node }) => node ?? [])
    const sums = new Map<string, number>()
    await Promise.all(
      this.#of(pod).map(async (extender) => {
        if (!extender.ranks) return
        try {
          for (const [name, score] of await extender.rank(pod, objects, this.#signal))
            sums.set(name, (sums.get(name) ?? 0) + score * extender.weight * scale)
        } catch (error) {
          if (!(error instanceof ExtenderError)) throw error
          this.#complain(extender, error)
        }
      }),
    )
    return sums
  }

  /**
   * Which of the candidates are left.
   * @throws ExtenderError
   */
  async preempt(pod: Pod, candidates: readonly Candidate[]): Promise<readonly Candidate[]> {
    let left = candidates
    for (const extender of this.#of(pod)) {
      if (!extender.preempts || left.length === 0) continue
      const victims = new Map(
        left.map(({ node, victims, harm }) => [
          node.name,
          { pods: victims.map(({ pod }) => pod), violations: harm.violations },
        ]),
      )
      const said = await this.#orIgnored(extender, () => extender.preempt(pod, victims, this.#signal))
      if (!said) continue
      left = left.flatMap((candidate) => {
        const there = said.get(candidate.node.name)
        if (!there) return []
        const uids = new Set(there.pods.map(({ metadata }) => metadata.uid))
        const victims = candidate.victims.filter(({ uid }) => uids.has(uid))
        return { ...candidate, victims, harm: { ...candidate.harm, count: victims.length } }
      })
    }
    return left
  }

  #of(pod: Pod): readonly Extender[] {
    return this.#all.filter((one) => one.isInterestedIn(pod))
  }

  async #orIgnored<T>(extender: Extender, ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof ExtenderError) || !extender.isIgnorable) throw error
      this.#complain(extender, error)
      return undefined
    }
  }

  #complain({ name }: Extender, error: ExtenderError): void {
    this.#log('warn', 'an extender could not be asked', { extender: name, error: error.message })
  }
}
