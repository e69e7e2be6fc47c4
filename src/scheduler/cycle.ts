import type { Pod } from '../kinds/core/pod.ts'
import type { Random } from '../world/world.ts'
import type { NodeState } from './cluster-state.ts'
import { Memory } from './memory.ts'
import type { Nominations } from './nominations.ts'
import { type ClusterView, Nowhere, never, nothingToSay, type Plugin, type Refusal } from './plugin.ts'
import { type PodState, podState } from './pod-state.ts'
import type { Profile } from './profile.ts'

/** The node for a pod, or why there is none. */
export type Placement =
  | { readonly node: NodeState; readonly prepared: Prepared }
  | {
      readonly node: undefined
      readonly prepared: Prepared
      /** Why no node can be right, whichever it is. */
      readonly nowhere: string | undefined
      readonly refused: readonly Refused[]
      /** Who refused: any of them may change its mind. */
      readonly refusedBy: ReadonlySet<Plugin>
    }

/** A node, and what the first plugin said that would not have the pod there. */
export interface Refused {
  readonly node: NodeState
  readonly plugin: Plugin
  readonly refusal: Refusal
}

/** The plugins that have something to say about a pod, with what they have prepared. */
export type Prepared = readonly { readonly plugin: Plugin; readonly data: unknown }[]

/**
 * Finds the best node for one pod: pure, but for the choice between equals. Of a large cluster only a part is looked
 * at, beginning each time where the last search ended, so that every node gets its turn.
 */
export class Cycle {
  readonly profile: Profile
  readonly #random: Random
  readonly #cluster: ClusterView
  readonly #nominations: Nominations
  readonly #memory = new Memory<Refused>()
  #start = 0

  constructor(profile: Profile, cluster: ClusterView, nominations: Nominations, random: Random) {
    this.profile = profile
    this.#cluster = cluster
    this.#nominations = nominations
    this.#random = random
  }

  place(pod: Pod): Placement {
    const { nodes } = this.#cluster.state
    const state = podState(pod)
    const everybody = new Set(this.profile.plugins)
    if (nodes.length === 0) return refusedAll([], undefined, [], everybody)
    const { prepared, nowhere } = prepare(pod, this.profile.plugins, this.#cluster)
    if (nowhere) return refusedAll(prepared, nowhere.reason, [], new Set([nowhere.plugin]))
    const { candidates, passedOver } = this.#narrow(pod, nodes, prepared)
    const nominated = this.#nominatedNode(state, candidates, prepared)
    if (nominated) return { node: nominated, prepared }
    const { fitting, refused } = this.#filter(state, candidates, prepared)
    refused.push(...passedOver)
    if (fitting.length === 0) {
      return refusedAll(prepared, undefined, refused, new Set(refused.map(({ plugin }) => plugin)))
    }
    return { node: fitting.length === 1 ? fitting[0]! : this.#best(state, fitting, prepared), prepared }
  }

  #narrow(pod: Pod, nodes: readonly NodeState[], prepared: Prepared) {
    let candidates = nodes
    const passedOver: Refused[] = []
    for (const { plugin, data } of prepared) {
      const names = plugin.narrow?.(pod, data)
      if (!names) continue
      const before = candidates
      candidates = candidates.filter(({ name }) => names.has(name))
      const refusal = never(`node(s) didn't satisfy plugin(s) [${plugin.name}]`)
      for (const node of before) if (!names.has(node.name)) passedOver.push({ node, plugin, refusal })
    }
    return { candidates, passedOver }
  }

  /** The node for which others had to go, if it fits now: nobody else needs to be asked. */
  #nominatedNode(pod: PodState, candidates: readonly NodeState[], prepared: Prepared): NodeState | undefined {
    const name = this.#nominations.nodeOf(pod.uid)
    if (name === undefined) return undefined
    const node = candidates.find((candidate) => candidate.name === name)
    return node && !this.refusal(pod, node, prepared) ? node : undefined
  }

  #filter(pod: PodState, nodes: readonly NodeState[], prepared: Prepared) {
    const filters = prepared.filter(({ plugin }) => plugin.filter)
    // Whom others make room for sees that node with other eyes than its like.
    const known = this.#nominations.nodeOf(pod.uid) === undefined ? this.#memory.of(pod, filters) : undefined
    const enough = sampleSize(nodes.length, this.profile.percentageOfNodesToScore)
    const fitting: NodeState[] = []
    const refused: Refused[] = []
    const start = this.#start
    let looked = 0
    for (; looked < nodes.length && fitting.length < enough; looked++) {
      const node = nodes[(start + looked) % nodes.length]!
      const remembered = known?.at(node)
      const refusal = remembered ?? this.refusal(pod, node, filters)
      if (!refusal) fitting.push(node)
      else {
        refused.push(refusal)
        if (!remembered) known?.set(node, refusal)
      }
    }
    this.#start = (start + looked) % nodes.length
    return { fitting, refused }
  }

  /**
   * What stands against a node. Pods that are about to come there because others had to go count as there, where they
   * matter as much as this one, and as not there: neither their coming nor their staying away may make it wrong.
   */
  refusal(pod: PodState, node: NodeState, prepared: Prepared): Refused | undefined {
    const { state } = this.#cluster
    const coming = this.#nominations.comingTo(node.name, pod)
    if (coming.length > 0) {
      const refused = state.with(node, coming, () => this.#ask(pod, node, prepared))
      if (refused) return refused
    }
    return this.#ask(pod, node, prepared)
  }

  #ask(pod: PodState, node: NodeState, prepared: Prepared): Refused | undefined {
    for (let at = 0; at < prepared.length; at++) {
      const { plugin, data } = prepared[at]!
      const refusal = plugin.filter?.(pod, node, data)
      if (refusal) return { node, plugin, refusal }
    }
    return undefined
  }

  #best(pod: PodState, nodes: readonly NodeState[], prepared: Prepared): NodeState {
    const totals = new Float64Array(nodes.length)
    const numbers = new Float64Array(nodes.length)
    for (const { plugin, data } of prepared) {
      const scorer = plugin.scorer?.(pod, nodes, data, this.#cluster)
      if (!scorer) continue
      for (let at = 0; at < nodes.length; at++) numbers[at] = scorer(nodes[at]!)
      normalize(plugin, numbers)
      const weight = this.profile.weights.get(plugin) ?? plugin.weight ?? 1
      for (let at = 0; at < nodes.length; at++) totals[at]! += weight * numbers[at]!
    }
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
}

/** Asks every plugin once, before any node: those that have nothing to say are left out. */
export function prepare(
  pod: Pod,
  plugins: readonly Plugin[],
  cluster: ClusterView,
): { prepared: Prepared; nowhere?: { readonly plugin: Plugin; readonly reason: string } } {
  const prepared: { plugin: Plugin; data: unknown }[] = []
  for (const plugin of plugins) {
    const data = plugin.prepare?.(pod, cluster)
    if (data === nothingToSay) continue
    if (data instanceof Nowhere) return { prepared, nowhere: { plugin, reason: data.reason } }
    prepared.push({ plugin, data })
  }
  return { prepared }
}

const refusedAll = (
  prepared: Prepared,
  nowhere: string | undefined,
  refused: readonly Refused[],
  refusedBy: ReadonlySet<Plugin>,
): Placement => ({ node: undefined, prepared, nowhere, refused, refusedBy })

/** Whole numbers from 0 to 100, as the reference calculates: rounding decides which nodes count as equal. */
function normalize({ best }: Plugin, numbers: Float64Array): void {
  if (typeof best === 'function') return best(numbers)
  if (best === 'percent') {
    for (let at = 0; at < numbers.length; at++) numbers[at] = Math.floor(numbers[at]!)
    return
  }
  let [least, most] = [Infinity, best === 'range' ? -Infinity : 0]
  for (const number of numbers) {
    if (number > most) most = number
    if (number < least) least = number
  }
  for (let at = 0; at < numbers.length; at++) {
    const number = numbers[at]!
    if (best === 'range') numbers[at] = most === least ? 0 : Math.floor((100 * (number - least)) / (most - least))
    else {
      const share = most === 0 ? 0 : Math.floor((number * 100) / most)
      numbers[at] = best === 'lowest' ? 100 - share : share
    }
  }
}

const leastNodes = 100

/**
 * How many fitting nodes are enough to choose from: all up to 100, then the given share, or one that falls from 50 % to
 * 5 % the more there are.
 */
export function sampleSize(nodes: number, givenPercent = 0): number {
  if (nodes <= leastNodes || givenPercent >= 100) return nodes
  const percent = givenPercent > 0 ? givenPercent : Math.max(5, 50 - Math.floor(nodes / 125))
  return Math.max(leastNodes, Math.floor((nodes * percent) / 100))
}
