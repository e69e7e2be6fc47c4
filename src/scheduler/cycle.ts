import type { Pod } from '../kinds/core/pod.ts'
import type { Random } from '../world/world.ts'
import type { NodeState } from './cluster-state.ts'
import { Fruitless } from './fruitless.ts'
import { Memory, Verdicts } from './memory.ts'
import type { StepTimer } from './meter.ts'
import type { Nominations } from './nominations.ts'
import { type ClusterView, Nowhere, never, nothingToSay, type Plugin } from './plugin.ts'
import { type PodState, podState } from './pod-state.ts'
import type { Profile } from './profile.ts'
import { noRefusals, Refusals, type Veto, Vetoes } from './refusals.ts'

/** The node for a pod, or why there is none. */
export type Placement =
  | { readonly node: NodeState; readonly prepared: Prepared }
  | {
      readonly node: undefined
      readonly prepared: Prepared
      /** Why no node can be right, whichever it is. */
      readonly nowhere: string | undefined
      readonly refused: Refusals
      /** Who refused: any of them may change its mind. */
      readonly refusedBy: ReadonlySet<Plugin>
    }

/** The nodes that fit a pod, among which one is to be chosen. */
export interface Found {
  readonly pod: PodState
  readonly fitting: readonly NodeState[]
  readonly refused: Refusals
  readonly prepared: Prepared
  /** What is remembered of nodes for pods of its shape. */
  readonly known: Verdicts | undefined
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
  readonly #timer: StepTimer | undefined
  readonly #memory = new Memory(() => new Verdicts())
  readonly #vetoes = new Vetoes()
  /** Room to calculate in, one figure for each node. */
  readonly #room = { totals: new Float64Array(0), numbers: new Float64Array(0) }
  #start = 0

  /** `timer`: absent, nobody wants to know how long steps take. */
  constructor(profile: Profile, cluster: ClusterView, nominations: Nominations, random: Random, timer?: StepTimer) {
    this.profile = profile
    this.#cluster = cluster
    this.#nominations = nominations
    this.#random = random
    this.#timer = timer
  }

  place(pod: Pod): Placement {
    const found = this.find(pod)
    if (!('fitting' in found)) return found
    return { node: this.choose(found, found.fitting), prepared: found.prepared }
  }

  /** The nodes that fit, or why there is none. */
  find(pod: Pod): Found | Extract<Placement, { node: undefined }> {
    const { nodes } = this.#cluster.state
    const state = podState(pod)
    if (nodes.length === 0) return refusedAll([], undefined, noRefusals, new Set(this.profile.plugins))
    const prepareEnds = this.#timer?.begin('PreFilter')
    const { prepared, nowhere } = prepare(pod, this.profile.plugins, this.#cluster)
    prepareEnds?.(nowhere ? 'UnschedulableAndUnresolvable' : 'Success')
    if (nowhere) return refusedAll(prepared, nowhere.reason, noRefusals, new Set([nowhere.plugin]))
    const filterEnds = this.#timer?.begin('Filter')
    const found = this.#fitting(pod, state, prepared)
    filterEnds?.('Success')
    return found
  }

  #fitting(pod: Pod, state: PodState, prepared: Prepared): Found | Extract<Placement, { node: undefined }> {
    const { nodes } = this.#cluster.state
    const { candidates, passedOver } = this.#narrow(pod, nodes, prepared)
    const nominated = this.#nominatedNode(state, candidates, prepared)
    if (nominated) return { pod: state, fitting: [nominated], refused: noRefusals, prepared, known: undefined }
    // Whom others make room for sees that node with other eyes than its like.
    const known = this.#nominations.nodeOf(state.uid) === undefined ? this.#memory.of(state) : undefined
    const { fitting, refused: asked } = this.#filter(state, candidates, prepared, known)
    const refused = asked.plus(passedOver)
    if (fitting.length === 0) return refusedAll(prepared, undefined, refused)
    return { pod: state, fitting, refused, prepared, known }
  }

  /** The best of these nodes, of which there is at least one; `extra` is what others add to their scores. */
  choose(found: Found, nodes: readonly NodeState[], extra?: ReadonlyMap<string, number>): NodeState {
    if (nodes.length === 1) return nodes[0]!
    const scoreEnds = this.#timer?.begin('Score')
    const totals = this.#totals(found.pod, nodes, found.prepared, found.known)
    scoreEnds?.('Success')
    if (extra) for (let at = 0; at < nodes.length; at++) totals[at]! += extra.get(nodes[at]!.name) ?? 0
    return nodes[this.#highest(totals)]!
  }

  #narrow(pod: Pod, nodes: readonly NodeState[], prepared: Prepared) {
    let candidates = nodes
    const passedOver: NodeState[] = []
    const vetoes: Veto[] = []
    for (const { plugin, data } of prepared) {
      const names = plugin.narrow?.(pod, data)
      if (!names) continue
      const before = candidates
      candidates = candidates.filter(({ name }) => names.has(name))
      const veto = { plugin, refusal: never(`node(s) didn't satisfy plugin(s) [${plugin.name}]`) }
      for (const node of before) {
        if (names.has(node.name)) continue
        passedOver.push(node)
        vetoes.push(veto)
      }
    }
    return { candidates, passedOver: passedOver.length > 0 ? new Refusals(passedOver, vetoes) : noRefusals }
  }

  /** The node for which others had to go, if it fits now: nobody else needs to be asked. */
  #nominatedNode(pod: PodState, candidates: readonly NodeState[], prepared: Prepared): NodeState | undefined {
    const name = this.#nominations.nodeOf(pod.uid)
    if (name === undefined) return undefined
    const node = this.#cluster.state.node(name)
    const isCandidate = node && (candidates === this.#cluster.state.nodes || candidates.includes(node))
    return isCandidate && !this.refusal(pod, node, prepared) ? node : undefined
  }

  #filter(pod: PodState, nodes: readonly NodeState[], prepared: Prepared, known: Verdicts | undefined) {
    const { state } = this.#cluster
    const { versions } = state
    const { local, others } = byWhatTheyLookAt(prepared)
    known?.reserve(state.indexes)
    // What is found holds for the whole shape: all nodes are asked, and none of them about more than itself.
    const ofShape = others.length === 0 && nodes === state.nodes ? known : undefined
    const still = ofShape && this.#stillRefused(pod, local, ofShape)
    if (still) return { fitting: [], refused: still }
    const enough = sampleSize(nodes.length, this.profile.percentageOfNodesToScore)
    const fitting: NodeState[] = []
    const refused: NodeState[] = []
    const vetoes: Veto[] = []
    // Thousands of nodes are looked at: by columns, so that those that are known need not be touched.
    const order = nodes === state.nodes ? state.order : Int32Array.from(nodes, ({ index }) => index)
    // Pods that name their nodes take few of them; the turn goes on among all.
    const start = this.#start % nodes.length
    let at = start
    let looked = 0
    for (; looked < nodes.length && fitting.length < enough; looked++) {
      const node = nodes[at]!
      const index = order[at]!
      const isKnown = known !== undefined && known.versions[index] === versions[index]
      const veto =
        (isKnown ? known.vetoes[index] : this.#look(pod, node, local, known)) ??
        (others.length > 0 ? this.refusal(pod, node, others) : undefined)
      if (veto) {
        refused.push(node)
        vetoes.push(veto)
      } else fitting.push(node)
      if (++at === nodes.length) at = 0
    }
    this.#start = (this.#start + looked) % state.nodes.length
    if (ofShape) ofShape.fruitless = fitting.length > 0 ? undefined : new Fruitless(state, inOrder(vetoes, start))
    return { fitting, refused: new Refusals(refused, vetoes) }
  }

  /** Who refuses a pod of a shape that nobody would have the last time; nothing when somebody would now. */
  #stillRefused(pod: PodState, local: Prepared, known: Verdicts): Refusals | undefined {
    const { state } = this.#cluster
    return known.fruitless?.refusals(state, (index, at) =>
      known.versions[index] === state.versions[index]
        ? known.vetoes[index]
        : this.#look(pod, state.nodes[at]!, local, known),
    )
  }

  /** Asks those that look at the node alone, and remembers what they say. */
  #look(pod: PodState, node: NodeState, local: Prepared, known: Verdicts | undefined): Veto | undefined {
    const veto = this.refusal(pod, node, local)
    known?.set(node, veto)
    return veto
  }

  /**
   * What stands against a node. Pods that are about to come there because others had to go count as there, where they
   * matter as much as this one, and as not there: neither their coming nor their staying away may make it wrong.
   */
  refusal(pod: PodState, node: NodeState, prepared: Prepared): Veto | undefined {
    const { state } = this.#cluster
    const coming = this.#nominations.comingTo(node.name, pod)
    if (coming.length > 0) {
      const refused = state.with(node, coming, () => this.#ask(pod, node, prepared))
      if (refused) return refused
    }
    return this.#ask(pod, node, prepared)
  }

  #ask(pod: PodState, node: NodeState, prepared: Prepared): Veto | undefined {
    for (let at = 0; at < prepared.length; at++) {
      const { plugin, data } = prepared[at]!
      const refusal = plugin.filter?.(pod, node, data)
      if (refusal) return this.#vetoes.of(plugin, refusal)
    }
    return undefined
  }

  #totals(pod: PodState, nodes: readonly NodeState[], prepared: Prepared, known: Verdicts | undefined): Float64Array {
    const totals = this.#localScores(pod, nodes, prepared, known)
    for (const { plugin, data } of prepared) {
      const scorer = plugin.scoresLocally ? undefined : plugin.scorer?.(pod, nodes, data, this.#cluster)
      if (!scorer) continue
      const numbers = this.#roomFor('numbers', nodes.length)
      for (let at = 0; at < nodes.length; at++) numbers[at] = scorer(nodes[at]!)
      normalize(plugin, numbers)
      const weight = this.#weightOf(plugin)
      for (let at = 0; at < nodes.length; at++) totals[at]! += weight * numbers[at]!
    }
    return totals
  }

  /** The sums of those scores that only the nodes decide. */
  #localScores(pod: PodState, nodes: readonly NodeState[], prepared: Prepared, known: Verdicts | undefined) {
    const { state } = this.#cluster
    const scorers: { readonly score: (node: NodeState) => number; readonly weight: number }[] = []
    for (const { plugin, data } of prepared) {
      const score = plugin.scoresLocally ? plugin.scorer?.(pod, nodes, data, this.#cluster) : undefined
      if (score) scorers.push({ score, weight: this.#weightOf(plugin) })
    }
    const sumOf = (node: NodeState): number => {
      let sum = 0
      for (const { score, weight } of scorers) sum += weight * Math.floor(score(node))
      return sum
    }
    const totals = this.#roomFor('totals', nodes.length)
    for (let at = 0; at < nodes.length; at++) {
      const node = nodes[at]!
      const { index } = node
      if (!known || known.versions[index] !== state.versions[index]) totals[at] = sumOf(node)
      else {
        let score = known.scores[index]!
        if (Number.isNaN(score)) {
          score = sumOf(node)
          known.scores[index] = score
        }
        totals[at] = score
      }
    }
    return totals
  }

  #roomFor(what: 'totals' | 'numbers', count: number): Float64Array {
    if (this.#room[what].length !== count) this.#room[what] = new Float64Array(count)
    return this.#room[what]
  }

  #weightOf(plugin: Plugin): number {
    return this.profile.weights.get(plugin) ?? plugin.weight ?? 1
  }

  /** Where the highest number is. Each of n equals is chosen with probability 1/n. */
  #highest(totals: Float64Array): number {
    let highest = -Infinity
    let equals = 0
    for (const total of totals) {
      if (total > highest) {
        highest = total
        equals = 1
      } else if (total === highest) equals++
    }
    let left = equals > 1 ? this.#random.int(equals) : 0
    let at = 0
    while (totals[at] !== highest || left-- > 0) at++
    return at
  }
}

/** Begins with the first again what was begun at `start`. */
const inOrder = <T>(items: readonly T[], start: number): T[] => {
  const first = items.length - start
  return [...items.slice(first), ...items.slice(0, first)]
}

/** Those that look at the node alone come first in every profile. */
function byWhatTheyLookAt(prepared: Prepared): { readonly local: Prepared; readonly others: Prepared } {
  const filters = prepared.filter(({ plugin }) => plugin.filter)
  const first = filters.findIndex(({ plugin }) => !plugin.isLocal)
  return first < 0 ? { local: filters, others: [] } : { local: filters.slice(0, first), others: filters.slice(first) }
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

/** Nobody is left, also of those that others have refused. */
export const nobodyLeft = (found: Found, others: Refusals): Extract<Placement, { node: undefined }> =>
  refusedAll(found.prepared, undefined, found.refused.plus(others))

const refusedAll = (
  prepared: Prepared,
  nowhere: string | undefined,
  refused: Refusals,
  refusedBy: ReadonlySet<Plugin> = refused.plugins,
): Extract<Placement, { node: undefined }> => ({ node: undefined, prepared, nowhere, refused, refusedBy })

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
