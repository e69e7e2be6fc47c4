import type { Pod } from '../../src/kinds/core/pod.ts'
import type { PodDisruptionBudget } from '../../src/kinds/policy/pod-disruption-budget.ts'
import { toLabelSelector } from '../../src/schema/selectors.ts'
import type { Checker, State } from '../history.ts'

/**
 * No healthy pod is evicted that is not booked in every budget that covers it, each booking takes one of the disruptions
 * that the budget allows, and none is allowed that the health of the rest does not bear. What else happens to pods (a
 * node that dies, a rollout) a budget does not hold up, and pods that are not ready are no loss.
 */
export const budgets: Checker = {
  name: 'budget',
  see({ key, object, old }, state) {
    if (key.startsWith('/registry/pods/')) return lossFaults(object as never, old as never, state)
    if (key.startsWith('/registry/poddisruptionbudgets/')) return bookingFaults(object as never, old as never)
    return []
  },
}

function lossFaults(pod: Pod | undefined, before: Pod | undefined, state: State): string[] {
  // What becomes of it afterwards is not the eviction's doing: its node may come back, and it is ready again for a while.
  if (!pod || !isLoss(pod) || before?.metadata.deletionTimestamp !== undefined) return []
  const unbooked = [...budgetsOf(pod, state)].filter(
    ({ status }) => status?.disruptedPods?.[pod.metadata.name!] === undefined,
  )
  return unbooked.map(({ metadata }) => `${pod.metadata.name} is evicted and not booked in ${metadata.name}`)
}

function bookingFaults(budget: PodDisruptionBudget | undefined, before: PodDisruptionBudget | undefined): string[] {
  if (!budget) return []
  const { name } = budget.metadata
  const { disruptionsAllowed = 0, currentHealthy = 0, desiredHealthy = 0, disruptedPods } = budget.status ?? {}
  const faults: string[] = []
  if (disruptionsAllowed > Math.max(0, currentHealthy - desiredHealthy)) {
    faults.push(
      `${name} allows ${disruptionsAllowed} with ${currentHealthy} healthy, where ${desiredHealthy} must stay`,
    )
  }
  const known = before?.status?.disruptedPods ?? {}
  const booked = Object.keys(disruptedPods ?? {}).filter((pod) => known[pod] === undefined).length
  const taken = (before?.status?.disruptionsAllowed ?? 0) - disruptionsAllowed
  if (booked > 0 && (taken < booked || disruptionsAllowed < 0))
    faults.push(`${name} books ${booked} and takes ${taken}`)
  return faults
}

/** Evicted, and well until then. */
function isLoss({ metadata, status }: Pod): boolean {
  const conditions = status?.conditions ?? []
  return (
    metadata.deletionTimestamp !== undefined &&
    conditions.some(({ reason }) => reason === 'EvictionByEvictionAPI') &&
    conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
  )
}

function* budgetsOf(pod: Pod, state: State): Iterable<PodDisruptionBudget> {
  for (const object of state.below(`/registry/poddisruptionbudgets/${pod.metadata.namespace}/`)) {
    const budget = object as unknown as PodDisruptionBudget
    if (toLabelSelector(budget.spec?.selector).matches(pod.metadata.labels ?? {})) yield budget
  }
}
