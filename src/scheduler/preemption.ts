import { PodDisruptionBudget } from '../kinds/policy/pod-disruption-budget.ts'
import { matcherOf } from '../reconciler/selector.ts'
import type { Random } from '../world/world.ts'
import type { NodeState } from './cluster-state.ts'
import type { Cycle, Placement, Prepared } from './cycle.ts'
import type { Known, Memory } from './memory.ts'
import { Tally } from './messages.ts'
import type { Nominations } from './nominations.ts'
import type { ClusterView, Refusal } from './plugin.ts'
import { moreImportant, type PodState, startOf } from './pod-state.ts'
import type { Refusals } from './refusals.ts'

/** Who has to go from which node, or why that would not help. */
export type Preemption =
  | { readonly node: NodeState; readonly victims: readonly PodState[] }
  | {
      readonly node: undefined
      readonly message: string
      /** Whether the pod goes on waiting for the node for which it has driven away others before. */
      readonly waits: boolean
    }

const noVictims = ['No preemption victims found for incoming pod']
const notHelpful = ['Preemption is not helpful for scheduling']
/** The reason of the condition on a pod that has to make room. */
export const preemptionReason = 'PreemptionByScheduler'

export interface PreemptionContext {
  readonly cycle: Cycle
  readonly cluster: ClusterView
  readonly nominations: Nominations
  readonly random: Random
  readonly memory: Memory<Known<Found>>
}

/** Who would have to go, or the reasons why it would not help. */
export type Found = Candidate | Pick<Refusal, 'reasons'>

/** Finds the node on which the least harm makes room for a pod that fits nowhere. Changes nothing. */
export function preempt(
  pod: PodState,
  refused: Extract<Placement, { node: undefined }>,
  context: PreemptionContext,
): Preemption {
  const found = candidatesFor(pod, refused, context)
  return 'candidates' in found ? leastHarm(found.candidates) : found
}

const noCandidate: Preemption = { node: undefined, message: 'no candidate node for preemption', waits: false }

/** The node on which the least harm is done. */
export const leastHarm = (candidates: readonly Candidate[]): Preemption =>
  candidates.length === 0 ? noCandidate : candidates.reduce((best, next) => (isBetter(next, best) ? next : best))

/** All nodes on which others could make room, or why there is none. */
export function candidatesFor(
  pod: PodState,
  refused: Extract<Placement, { node: undefined }>,
  context: PreemptionContext,
): { readonly candidates: readonly Candidate[] } | Extract<Preemption, { node: undefined }> {
  const nodes = context.cluster.state.nodes.length
  const ineligible = whyNot(pod, refused.refused, context)
  if (ineligible) return { node: undefined, message: ineligible, waits: true }
  const { candidates, failures } = dryRun(pod, refused.refused, refused.prepared, context)
  if (candidates.length > 0) return { candidates }
  const tally = new Tally()
  for (const reasons of failures) tally.add(reasons)
  tally.add(notHelpful, nodes - failures.reduce((sum, reasons) => sum + reasons.length, 0))
  return {
    node: undefined,
    message: `0/${nodes} nodes are available: ${tally}.`,
    waits: false,
  }
}

function whyNot(pod: PodState, refused: Refusals, context: PreemptionContext): string | undefined {
  if (pod.pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.'
  const name = context.nominations.nodeOf(pod.uid)
  const node = name === undefined ? undefined : context.cluster.state.node(name)
  if (!node || refused.of(node)?.refusal.preemptible === false) return undefined
  for (const other of node.pods.values())
    if (other.priority < pod.priority && isBeingPreempted(other))
      return 'not eligible due to a terminating pod on the nominated node.'
  return undefined
}

const isBeingPreempted = ({ pod: { metadata, status } }: PodState): boolean =>
  metadata.deletionTimestamp !== undefined &&
  (status?.conditions?.some(
    ({ type, status, reason }) => type === 'DisruptionTarget' && status === 'True' && reason === preemptionReason,
  ) ??
    false)

/** A node, and who would have to go from there. */
export interface Candidate {
  readonly node: NodeState
  readonly victims: readonly PodState[]
  /** How much harm it would do; see `isBetter`. */
  readonly harm: Harm
}

interface Harm {
  /** How many victims a budget would keep. */
  readonly violations: number
  /** The highest priority among them. */
  readonly highest: number
  /** Of their priorities, shifted so that two of below zero are more than one. */
  readonly sum: number
  /** How many they are. */
  readonly count: number
  /** When the longest-running of those who matter most was started. */
  readonly earliest: number
}

/** Beginning anywhere, until enough nodes are found on which it would work, one of them without breaking a budget. */
function dryRun(pod: PodState, refused: Refusals, prepared: Prepared, context: PreemptionContext) {
  const { random, cycle, cluster } = context
  const { state } = cluster
  const possible = refused.preemptible
  const failures: (readonly string[])[] = []
  const candidates: Candidate[] = []
  if (possible.length === 0) return { candidates, failures }
  const budgets = budgetsOf(cluster)
  const { minCandidateNodesAbsolute, minCandidateNodesPercentage } = cycle.profile.preemption
  const enough = Math.min(
    possible.length,
    Math.max(minCandidateNodesAbsolute, Math.floor((possible.length * minCandidateNodesPercentage) / 100)),
  )
  const isLikeOthers =
    budgets.length === 0 &&
    context.nominations.nodeOf(pod.uid) === undefined &&
    prepared.every(({ plugin }) => !plugin.filter || plugin.isLocal)
  const known = isLikeOthers ? context.memory.of(pod) : undefined
  // As in the cycle: nodes of which everything is known need not be touched.
  const order = possible === state.nodes ? state.order : Int32Array.from(possible, ({ index }) => index)
  let at = random.int(possible.length)
  let harmless = 0
  for (let looked = 0; looked < possible.length && (harmless === 0 || candidates.length < enough); looked++) {
    const index = order[at]!
    let found = known?.at(index, state.versions[index]!)
    if (!found) {
      const node = possible[at]!
      found = victimsOn(pod, node, prepared, budgets, context)
      known?.set(node, found)
    }
    if (++at === possible.length) at = 0
    if ('reasons' in found) failures.push(found.reasons)
    else {
      candidates.push(found)
      if (found.harm.violations === 0) harmless++
    }
  }
  return { candidates, failures }
}

/**
 * Whom the pod would have to drive away from the node: all who matter less are taken off, and as many as possible put
 * back, those first whom a budget protects. Gives the reasons when it would not fit even without them.
 */
function victimsOn(
  pod: PodState,
  node: NodeState,
  prepared: Prepared,
  budgets: readonly Budget[],
  { cluster: { state }, cycle }: PreemptionContext,
): Found {
  const lesser: PodState[] = []
  for (const other of node.pods.values()) if (other.priority < pod.priority) lesser.push(other)
  if (lesser.length === 0) return { reasons: noVictims }
  const whyNot = () => cycle.refusal(pod, node, prepared)?.refusal
  return state.without(node, lesser, () => {
    const refusal = whyNot()
    if (refusal) return refusal
    const { violating, others } = divide(lesser.sort(moreImportant), budgets)
    const victims: PodState[] = []
    const staysAway = (other: PodState): boolean => {
      state.place(other.pod, node.name)
      if (!whyNot()) return false
      state.remove(other.uid)
      victims.push(other)
      return true
    }
    let violations = 0
    for (const other of violating) if (staysAway(other)) violations++
    for (const other of others) staysAway(other)
    if (violations > 0) victims.sort(moreImportant)
    return { node, victims, harm: harmTo(victims, violations) }
  })
}

interface Budget {
  readonly namespace: string
  matches(labels: Readonly<Record<string, string>> | undefined): boolean
  readonly allowed: number
  readonly disrupted: ReadonlySet<string>
}

const budgetsOf = ({ objects }: ClusterView): Budget[] =>
  [...objects.of(PodDisruptionBudget).list()].map(({ metadata, spec, status }) => ({
    namespace: metadata.namespace ?? '',
    matches: matcherOf(spec?.selector),
    allowed: status?.disruptionsAllowed ?? 0,
    disrupted: new Set(Object.keys(status?.disruptedPods ?? {})),
  }))

/** Who would be one too many for a budget, and who not. */
function divide(pods: readonly PodState[], budgets: readonly Budget[]) {
  if (budgets.length === 0) return { violating: [], others: pods }
  const left = budgets.map(({ allowed }) => allowed)
  const violating: PodState[] = []
  const others: PodState[] = []
  for (const pod of pods) {
    const { namespace, labels, name } = pod.pod.metadata
    let isViolating = false
    budgets.forEach((budget, at) => {
      if (!labels || budget.namespace !== namespace || !budget.matches(labels) || budget.disrupted.has(name!)) return
      left[at]!--
      if (left[at]! < 0) isViolating = true
    })
    ;(isViolating ? violating : others).push(pod)
  }
  return { violating, others }
}

/** Fewer broken budgets; then who matters most matters less; then less matters in sum; fewer; younger. */
function isBetter({ harm: a }: Candidate, { harm: b }: Candidate): boolean {
  return a !== b && compareHarm(a, b) < 0
}

const compareHarm = (a: Harm, b: Harm): number =>
  a.violations - b.violations ||
  a.highest - b.highest ||
  a.sum - b.sum ||
  a.count - b.count ||
  // Both may be infinite.
  (a.earliest === b.earliest ? 0 : b.earliest - a.earliest)

/** Where pods are alike, thousands of nodes would suffer alike: they share one, so that comparing them is cheap. */
let latest: Harm | undefined

function harmTo(victims: readonly PodState[], violations: number): Harm {
  const highest = victims[0]?.priority ?? -Infinity
  let [sum, earliest] = [0, Infinity]
  for (const { priority, pod } of victims) {
    sum += priority + 2 ** 31
    if (priority === highest) earliest = Math.min(earliest, startOf(pod))
  }
  const harm = { violations, highest, sum, count: victims.length, earliest }
  if (!latest || latest.highest !== highest || compareHarm(latest, harm) !== 0) latest = harm
  return latest
}
