import type { Pod } from '../../kinds/core/pod.ts'
import type { PodDisruptionBudget } from '../../kinds/policy/pod-disruption-budget.ts'
import { type LabelSelector, toLabelSelector } from '../../schema/selectors.ts'
import { nameOf } from './selection.ts'

/** What a budget has to say to the evictions of a drain. */
export interface BudgetFinding {
  /** Those that select the pods; several are too many. */
  readonly budgets: readonly PodDisruptionBudget[]
  /** Pods of the drain that need its leave. */
  readonly pods: readonly Pod[]
  /** How many may go at once; the others follow when as many are ready elsewhere. */
  readonly allowed: number
  /** Why none may go. */
  readonly blocked: string | undefined
  /** What would let at least one go; the smallest change first. */
  readonly remedies: readonly string[]
}

/** Who runs the pods of a budget, and how many of them: known when it is one that can be scaled. */
export interface Scalable {
  /** As kubectl names it: `deployment/web`. */
  readonly reference: string
  readonly replicas: number
  /** Whether a drain with `--surge` gives it a second pod by itself. */
  readonly canSurge: boolean
}

/** `owner`: who runs a pod. */
export function findBudgets(
  pods: readonly Pod[],
  budgets: readonly PodDisruptionBudget[],
  ownerOf: (pod: Pod) => Scalable | undefined,
): BudgetFinding[] {
  const selectors = new Map(budgets.map((budget) => [budget, toLabelSelector(budget.spec.selector)]))
  const groups = Map.groupBy(
    pods.filter(needsLeave).map((pod) => ({ pod, matching: budgetsOf(pod, selectors) })),
    ({ matching }) => matching.map(nameOf).join(' '),
  )
  return [...groups.values()].flatMap((group) => {
    const { matching } = group[0]!
    const governed = group.map(({ pod }) => pod)
    if (matching.length === 0) return []
    if (matching.length > 1) return [tooMany(governed, matching)]
    const [budget] = matching
    const asking = governed.filter((pod) => !goesUnready(pod, budget!))
    return asking.length > 0 ? [judge(asking, budget!, ownerOf)] : []
  })
}

const budgetsOf = ({ metadata }: Pod, selectors: ReadonlyMap<PodDisruptionBudget, LabelSelector>) =>
  [...selectors]
    .filter(([budget, { matches }]) => budget.metadata.namespace === metadata.namespace && matches(metadata.labels))
    .map(([budget]) => budget)

/** Pods that have ended, have not begun or are going already are evicted without leave. */
function needsLeave({ metadata, status }: Pod): boolean {
  const phase = status?.phase ?? ''
  return metadata.deletionTimestamp === undefined && !['Succeeded', 'Failed', 'Pending'].includes(phase)
}

function goesUnready(
  { status }: Pod,
  { spec, status: { currentHealthy, desiredHealthy } }: PodDisruptionBudget,
): boolean {
  if (status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')) return false
  return spec.unhealthyPodEvictionPolicy === 'AlwaysAllow' || (currentHealthy >= desiredHealthy && desiredHealthy > 0)
}

const tooMany = (pods: readonly Pod[], budgets: readonly PodDisruptionBudget[]): BudgetFinding => ({
  budgets,
  pods,
  allowed: 0,
  blocked: `${budgets.length} budgets select the same pods, which evictions cannot do with`,
  remedies: [
    `change a selector, or delete ${budgets
      .slice(1)
      .map(({ metadata }) => `pdb/${metadata.name}`)
      .join(', ')}, so that one is left`,
    'add --disable-eviction: budgets are passed over then',
  ],
})

function judge(
  pods: readonly Pod[],
  budget: PodDisruptionBudget,
  ownerOf: (pod: Pod) => Scalable | undefined,
): BudgetFinding {
  const { disruptionsAllowed, observedGeneration = 0, currentHealthy, desiredHealthy, expectedPods } = budget.status
  const found = { budgets: [budget], pods }
  const failure = whyNotCounted(budget)
  if (failure !== undefined) {
    const blocked = `its controller cannot count its pods: ${failure}`
    return { ...found, allowed: 0, blocked, remedies: remediesWithoutCount(budget) }
  }
  if (observedGeneration < (budget.metadata.generation ?? 0)) {
    const blocked = 'it is new or changed, and its controller has not looked at it yet'
    return { ...found, allowed: 0, blocked, remedies: ['wait for the controller manager'] }
  }
  if (disruptionsAllowed > 0) return { ...found, allowed: disruptionsAllowed, blocked: undefined, remedies: [] }
  const blocked = `it needs ${desiredHealthy} healthy ${desiredHealthy === 1 ? 'pod' : 'pods'} and has ${currentHealthy} of ${expectedPods}`
  return { ...found, allowed: 0, blocked, remedies: remediesFor(pods, budget, ownerOf) }
}

function whyNotCounted({ status: { conditions = [] } }: PodDisruptionBudget): string | undefined {
  const condition = conditions.find(({ type }) => type === 'DisruptionAllowed')
  return condition?.status === 'False' && condition.reason === 'SyncFailed' ? condition.message : undefined
}

/** A number of pods needs no count of those that there should be. */
const remediesWithoutCount = ({ metadata: { name, namespace } }: PodDisruptionBudget) => [
  `kubectl patch pdb ${name} -n ${namespace} -p '{"spec":{"minAvailable":1,"maxUnavailable":null}}', or what else must stay`,
  'add --disable-eviction: budgets are passed over then',
]

function remediesFor(
  pods: readonly Pod[],
  budget: PodDisruptionBudget,
  ownerOf: (pod: Pod) => Scalable | undefined,
): string[] {
  const { currentHealthy, expectedPods } = budget.status
  const unready = expectedPods - currentHealthy
  if (unready > 0 && expectedPods > desiredWith(budget, expectedPods))
    return [
      `get ${unready === 1 ? 'the pod' : `the ${unready} pods`} ready that should be and ${unready === 1 ? 'is' : 'are'} not`,
    ]
  const owners = pods.map(ownerOf)
  const [owner] = owners
  const isOne = owners.every((one) => one !== undefined && one.reference === owner?.reference)
  const more = isOne && owner ? replicasMissing(budget) : undefined
  const namespace = ` -n ${budget.metadata.namespace}`
  return [
    ...(more === 1 && owner!.canSurge ? ['add --surge'] : []),
    ...(more !== undefined
      ? [`kubectl scale ${owner!.reference}${namespace} --replicas=${owner!.replicas + more} (${more} more)`]
      : []),
    `kubectl patch pdb ${budget.metadata.name}${namespace} -p '${JSON.stringify({ spec: relaxed(budget) })}'`,
  ]
}

/** Beyond this, one more replica and one more do not help. */
const replicasAtMost = 100

/** With how many more pods, all of them healthy, one may go; nothing when no number helps. */
function replicasMissing(budget: PodDisruptionBudget): number | undefined {
  for (let more = 1; more <= replicasAtMost; more++) {
    const expected = budget.status.expectedPods + more
    if (expected > desiredWith(budget, expected)) return more
  }
  return undefined
}

/** How many pods must be healthy when so many are expected: the disruption controller's sum. */
function desiredWith({ spec }: PodDisruptionBudget, expected: number): number {
  const { minAvailable, maxUnavailable } = spec
  if (maxUnavailable !== undefined) return Math.max(0, expected - share(maxUnavailable, expected))
  return share(minAvailable ?? 0, expected)
}

const share = (amount: number | string, total: number): number =>
  typeof amount === 'number' ? amount : Math.ceil((Number.parseInt(amount, 10) * total) / 100)

/** The spec with which one of the pods that there are may go. */
function relaxed({ spec, status }: PodDisruptionBudget): object {
  if (spec.maxUnavailable !== undefined) return { maxUnavailable: status.expectedPods - status.currentHealthy + 1 }
  return { minAvailable: Math.max(0, status.currentHealthy - 1) }
}
