import type { Pod } from '../../src/kinds/core/pod.ts'
import type { PodDisruptionBudget } from '../../src/kinds/policy/pod-disruption-budget.ts'
import { toLabelSelector } from '../../src/schema/selectors.ts'
import type { Checker, State } from '../history.ts'

/**
 * Never are more healthy pods on their way out by eviction than the budget allows to be missing. What else happens to
 * pods (a node that dies, a rollout) a budget does not hold up, and pods that are not ready are no loss. Holds for
 * workloads whose size stays the same.
 */
export const budgets: Checker = {
  name: 'budget',
  see({ key, object, old }, state) {
    if (!key.startsWith('/registry/pods/')) return []
    const [pod, before] = [object as unknown as Pod | undefined, old as unknown as Pod | undefined]
    if (!pod || !isLoss(pod) || (before && isLoss(before))) return []
    return [...budgetsOf(pod, state)].flatMap((budget) => {
      const { expectedPods = 0, desiredHealthy = 0 } = budget.status ?? {}
      const leaving = [...podsOf(budget, state)].filter(isLoss).length
      if (leaving <= Math.max(0, expectedPods - desiredHealthy)) return []
      return [
        `${leaving} of ${expectedPods} pods of ${budget.metadata.name} are evicted, and ${desiredHealthy} must stay`,
      ]
    })
  },
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
    if (covers(budget, pod)) yield budget
  }
}

function* podsOf(budget: PodDisruptionBudget, state: State): Iterable<Pod> {
  for (const object of state.below(`/registry/pods/${budget.metadata.namespace}/`)) {
    const pod = object as unknown as Pod
    if (covers(budget, pod)) yield pod
  }
}

const covers = (budget: PodDisruptionBudget, pod: Pod) =>
  toLabelSelector(budget.spec?.selector).matches(pod.metadata.labels ?? {})
