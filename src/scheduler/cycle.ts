import type { Pod } from '../kinds/core/pod.ts'
import type { Random } from '../world/world.ts'
import type { NodeState } from './node-state.ts'
import { never, type Plugin, type Refusal } from './plugin.ts'

/** The node for a pod, or why there is none. */
export type Placement =
  | { readonly node: NodeState }
  | {
      readonly node: undefined
      /** As in the event and the pod's condition. */
      readonly message: string
      /** Who refused: any of them may change its mind. */
      readonly refusedBy: ReadonlySet<Plugin>
    }

/**
 * Finds the best node for one pod: pure, but for the choice between equals. Of a large cluster only a part is looked
 * at, beginning each time where the last search ended, so that every node gets its turn (the reference's
 * `percentageOfNodesToScore` in its adaptive form).
 */
export class Cycle {
  readonly #profile: readonly Plugin[]
  readonly #random: Random
  #start = 0

  constructor(profile: readonly Plugin[], random: Random) {
    this.#profile = profile
    this.#random = random
  }

  place(pod: Pod, nodes: readonly NodeState[]): Placement {
    if (nodes.length === 0) {
      return { node: undefined, message: 'no nodes available to schedule pods', refusedBy: new Set(this.#profile) }
    }
    const prepared = this.#profile.map((plugin) => plugin.prepare?.(pod))
    const { candidates, passedOver } = this.#narrow(pod, nodes)
    const { fitting, refusals } = this.#filter(pod, candidates, prepared)
    refusals.push(...passedOver)
    if (fitting.length === 0) return this.#refused(pod, nodes.length, refusals)
    return { node: fitting.length === 1 ? fitting[0]! : this.#best(pod, fitting, prepared) }
  }

  #narrow(pod: Pod, nodes: readonly NodeState[]) {
    let candidates = nodes
    const passedOver: Refused[] = []
    for (const plugin of this.#profile) {
      const names = plugin.narrow?.(pod)
      if (!names) continue
      const before = candidates.length
      candidates = candidates.filter(({ name }) => names.has(name))
      const refusal = never(`node(s) didn't satisfy plugin(s) [${plugin.name}]`)
      for (let at = candidates.length; at < before; at++) passedOver.push({ plugin, refusal })
    }
    return { candidates, passedOver }
  }

  #filter(pod: Pod, nodes: readonly NodeState[], prepared: readonly unknown[]) {
    const enough = sampleSize(nodes.length)
    const fitting: NodeState[] = []
    const refusals: Refused[] = []
    let looked = 0
    for (; looked < nodes.length && fitting.length < enough; looked++) {
      const node = nodes[(this.#start + looked) % nodes.length]!
      const refused = this.#refusal(pod, node, prepared)
      if (refused) refusals.push(refused)
      else fitting.push(node)
    }
    this.#start += looked
    return { fitting, refusals }
  }

  #refusal(pod: Pod, node: NodeState, prepared: readonly unknown[]) {
    for (let at = 0; at < this.#profile.length; at++) {
      const plugin = this.#profile[at]!
      const refusal = plugin.filter?.(pod, node, prepared[at])
      if (refusal) return { plugin, refusal }
    }
    return undefined
  }

  #best(pod: Pod, nodes: readonly NodeState[], prepared: readonly unknown[]): NodeState {
    const totals = new Float64Array(nodes.length)
    for (let at = 0; at < this.#profile.length; at++)
      this.#addScores(this.#profile[at]!, pod, nodes, prepared[at], totals)
    let best = 0
    let equals = 1
    for (let at = 1; at < nodes.length; at++) {
      if (totals[at]! > totals[best]!) {
        best = at
        equals = 1
      } else if (totals[at] === totals[best] && this.#random.int(++equals) === 0) {
        // Each of n equals is chosen with probability 1/n, without a list of them.
        best = at
      }
    }
    return nodes[best]!
  }

  #addScores(plugin: Plugin, pod: Pod, nodes: readonly NodeState[], prepared: unknown, totals: Float64Array): void {
    if (!plugin.score) return
    const raw = new Float64Array(nodes.length)
    let most = 0
    for (let at = 0; at < nodes.length; at++) {
      raw[at] = plugin.score(pod, nodes[at]!, prepared)
      if (raw[at]! > most) most = raw[at]!
    }
    const weight = plugin.weight ?? 1
    for (let at = 0; at < nodes.length; at++) totals[at]! += weight * normalize(plugin, raw[at]!, most)
  }

  #refused(pod: Pod, nodes: number, refusals: readonly Refused[]): Placement {
    const none = `0/${nodes} nodes are available`
    const reasons = tally(refusals.flatMap(({ refusal }) => refusal.reasons))
    const preemption =
      pod.spec.preemptionPolicy === 'Never'
        ? 'not eligible due to preemptionPolicy=Never.'
        : `${none}: ${tally(refusals.map(({ refusal }) => (refusal.preemptible ? noVictims : notHelpful)))}.`
    return {
      node: undefined,
      message: `${none}: ${reasons}. no new claims to deallocate, preemption: ${preemption}`,
      refusedBy: new Set(refusals.map(({ plugin }) => plugin)),
    }
  }
}

interface Refused {
  readonly plugin: Plugin
  readonly refusal: Refusal
}

const noVictims = 'No preemption victims found for incoming pod'
const notHelpful = 'Preemption is not helpful for scheduling'

/** Whole numbers from 0 to 100, as the reference calculates: rounding decides which nodes count as equal. */
function normalize(plugin: Plugin, raw: number, most: number): number {
  if (plugin.best === 'percent') return Math.floor(raw)
  const share = most === 0 ? 0 : Math.floor((raw * 100) / most)
  return plugin.best === 'lowest' ? 100 - share : share
}

/** `1 Insufficient cpu, 2 node(s) were unschedulable`: sorted as text, as the reference does. */
function tally(reasons: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ')
}

const leastNodes = 100

/** How many fitting nodes are enough to choose from: all up to 100, then a share that falls from 50 % to 5 %. */
export function sampleSize(nodes: number): number {
  if (nodes <= leastNodes) return nodes
  const percent = Math.max(5, 50 - Math.floor(nodes / 125))
  return Math.max(leastNodes, Math.floor((nodes * percent) / 100))
}
