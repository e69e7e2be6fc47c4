import { secondsTime } from '../../base/seconds-time.ts'
import { Pod } from '../../kinds/core/pod.ts'
import type { Condition } from '../../kinds/meta/condition.ts'
import { PodDisruptionBudget, type PodDisruptionBudgetStatus } from '../../kinds/policy/pod-disruption-budget.ts'
import { again, event, eventOn, type Steps, setStatus } from '../../reconciler/changes.ts'
import type { Context } from '../../reconciler/controller.ts'
import { isEqual } from '../shared/equal.ts'
import { isBeingDeleted, timeOf } from '../shared/owner.ts'
import { isReady } from '../shared/pods.ts'
import type { Expectation } from './expectation.ts'
import type { Failure } from './scale.ts'

/** An eviction that has not led to a deletion after this long will not. */
const evictionTimeoutMs = 120_000

/**
 * When it cannot be known how many pods there should be, none may be evicted. The generation does not count as observed,
 * as in the reference: evictions are refused as for a budget that nobody has looked at.
 */
export function* fail(budget: PodDisruptionBudget, { failure }: Failure, { now }: Context): Steps {
  yield event(
    'CalculateExpectedPodCountFailed',
    `Failed to calculate the number of expected pods: ${failure}`,
    'Warning',
  )
  const { observedGeneration } = budget.status
  const conditions = withAllowed(budget, ['False', 'SyncFailed', failure], observedGeneration, now)
  const status = { ...budget.status, disruptionsAllowed: 0, conditions }
  if (!isEqual(budget.status, status)) yield setStatus(PodDisruptionBudget, budget, status)
}

/** Writes how many of the pods may go now. */
export function* report(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  { expected, healthy }: Expectation,
  { now }: Context,
): Steps {
  const { disruptedPods, recheckAt } = yield* disrupted(budget, pods, now)
  const currentHealthy = pods.filter(
    (pod) => !isBeingDeleted(pod) && !(pod.metadata.name! in disruptedPods) && isReady(pod),
  ).length
  const disruptionsAllowed = expected > 0 ? Math.max(0, currentHealthy - healthy) : 0
  const observedGeneration = budget.metadata.generation
  const status: PodDisruptionBudgetStatus = {
    observedGeneration,
    ...(Object.keys(disruptedPods).length > 0 && { disruptedPods }),
    disruptionsAllowed,
    currentHealthy,
    desiredHealthy: healthy,
    expectedPods: expected,
    conditions: withAllowed(
      budget,
      disruptionsAllowed > 0 ? ['True', 'SufficientPods', ''] : ['False', 'InsufficientPods', ''],
      observedGeneration,
      now,
    ),
  }
  if (!isEqual(budget.status, status)) yield setStatus(PodDisruptionBudget, budget, status)
  if (recheckAt !== undefined) yield again(recheckAt - now)
}

/** Pods whose eviction was granted and that are not being deleted yet: they are as good as gone, for a while. */
function* disrupted(budget: PodDisruptionBudget, pods: readonly Pod[], now: number) {
  const disruptedPods: Record<string, string> = {}
  let recheckAt: number | undefined
  for (const pod of pods) {
    const { name = '' } = pod.metadata
    const since = budget.status.disruptedPods?.[name]
    if (since === undefined || isBeingDeleted(pod)) continue
    const until = timeOf(since) + evictionTimeoutMs
    if (until < now) {
      const { namespace, name: budgetName } = budget.metadata
      const message = `Pod was expected by PDB ${namespace}/${budgetName} to be deleted but it wasn't`
      yield eventOn(Pod, pod, 'NotDeleted', message, 'Warning')
      continue
    }
    disruptedPods[name] = since
    recheckAt = Math.min(recheckAt ?? until, until)
  }
  return { disruptedPods, recheckAt }
}

function withAllowed(
  { status }: PodDisruptionBudget,
  [verdict, reason, message]: readonly ['True' | 'False', string, string],
  observedGeneration: number | undefined,
  now: number,
): Condition[] {
  const conditions = status.conditions ?? []
  const old = conditions.find(({ type }) => type === 'DisruptionAllowed')
  const next: Condition = {
    type: 'DisruptionAllowed',
    status: verdict,
    ...(observedGeneration !== undefined && { observedGeneration }),
    lastTransitionTime: old?.status === verdict ? old.lastTransitionTime : secondsTime(now),
    reason,
    message,
  }
  return old ? conditions.map((each) => (each === old ? next : each)) : [...conditions, next]
}
