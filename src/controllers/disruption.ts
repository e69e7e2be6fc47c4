import { secondsTime } from '../base/seconds-time.ts'
import type { Ref } from '../client/client.ts'
import { Deployment } from '../kinds/apps/deployment.ts'
import { ReplicaSet } from '../kinds/apps/replica-set.ts'
import { StatefulSet } from '../kinds/apps/stateful-set.ts'
import { Pod } from '../kinds/core/pod.ts'
import { ReplicationController } from '../kinds/core/replication-controller.ts'
import type { Condition } from '../kinds/meta/condition.ts'
import { PodDisruptionBudget, type PodDisruptionBudgetStatus } from '../kinds/policy/pod-disruption-budget.ts'
import { again, event, eventOn, type Steps, setStatus } from '../reconciler/changes.ts'
import { type Context, type Controller, defineController, nobody, watch } from '../reconciler/controller.ts'
import { matcherOf } from '../reconciler/selector.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import { isEqual } from './shared/equal.ts'
import { scaledValue } from './shared/int-or-percent.ts'
import { controllerOf, isBeingDeleted, timeOf } from './shared/owner.ts'
import { areAsReady, isReady } from './shared/pods.ts'

/** An eviction that has not led to a deletion after this long will not. */
const evictionTimeoutMs = 120_000

/** Of the scalable kinds only these are looked at; pods of others count as managed by nobody. */
const scalable: readonly Kind[] = [ReplicaSet, ReplicationController, StatefulSet]

/** Counts for every budget how many of its pods may be evicted now. */
export const disruptionController: Controller = defineController<PodDisruptionBudget>({
  name: 'disruption-controller',
  eventSource: 'controllermanager',
  reconciles: PodDisruptionBudget,
  watches: [watch(Pod, budgetsOf), ...[...scalable, Deployment].map((kind) => watch(kind, budgetsOfScaled))],

  *reconcile(budget, context) {
    const matches = matcherOf(budget.spec.selector)
    const pods = context.list(Pod, budget.metadata.namespace).filter(({ metadata }) => matches(metadata.labels))
    if (pods.length === 0) yield event('NoPods', 'No matching pods found')
    const expectation = expect(budget, pods, context)
    if ('failure' in expectation) return yield* fail(budget, expectation.failure, context)
    if (expectation.unmanaged.length > 0)
      yield event('UnmanagedPods', unmanagedMessage(expectation.unmanaged), 'Warning')
    yield* report(budget, pods, expectation, context)
  },
})

const keyOf = ({ metadata }: ApiObject) => ({ namespace: metadata.namespace, name: metadata.name! })

function budgetsOf(
  { object, old }: { readonly object: Pod | undefined; readonly old: Pod | undefined },
  { list }: Pick<Context, 'list'>,
): readonly Ref[] {
  if (object && old && isAlike(object, old)) return nobody
  return list(PodDisruptionBudget, (object ?? old!).metadata.namespace).flatMap((budget) => {
    const matches = matcherOf(budget.spec.selector)
    const isConcerned = (object && matches(object.metadata.labels)) || (old && matches(old.metadata.labels))
    return isConcerned ? [keyOf(budget)] : []
  })
}

const isAlike = (a: Pod, b: Pod) =>
  areAsReady(a, b) && isBeingDeleted(a) === isBeingDeleted(b) && a.metadata.labels === b.metadata.labels

/** Another wish of an owner changes how many pods are expected. */
function* budgetsOfScaled(
  { object, old }: { readonly object: ApiObject | undefined; readonly old: ApiObject | undefined },
  { list }: Pick<Context, 'list'>,
) {
  if (old !== undefined && object !== undefined && wishOf(object) === wishOf(old)) return
  yield* list(PodDisruptionBudget, (object ?? old!).metadata.namespace).map(keyOf)
}

const wishOf = (object: ApiObject) => (object as ApiObject & { spec?: { replicas?: number } }).spec?.replicas ?? 1

type Expectation =
  | { readonly expected: number; readonly healthy: number; readonly unmanaged: readonly Pod[] }
  | { readonly failure: string }

/** How many pods there should be, and how many of them healthy. */
function expect({ spec }: PodDisruptionBudget, pods: readonly Pod[], context: Context): Expectation {
  const { minAvailable, maxUnavailable } = spec
  if (maxUnavailable === undefined && typeof minAvailable !== 'string')
    return { expected: minAvailable === undefined ? 0 : pods.length, healthy: minAvailable ?? 0, unmanaged: [] }
  const scale = expectedScale(pods, context)
  if ('failure' in scale) return scale
  const { expected, unmanaged } = scale
  const healthy =
    maxUnavailable !== undefined
      ? Math.max(0, expected - scaledValue(maxUnavailable, expected, 'up'))
      : scaledValue(minAvailable, expected, 'up')
  return { expected, healthy, unmanaged }
}

/** The sum of the wishes of all owners of these pods. */
function expectedScale(
  pods: readonly Pod[],
  context: Context,
): { readonly expected: number; readonly unmanaged: readonly Pod[] } | { readonly failure: string } {
  const scales = new Map<string, number>()
  const unmanaged: Pod[] = []
  for (const pod of pods) {
    const owner = controllerOf(pod)
    if (owner === undefined) {
      unmanaged.push(pod)
      continue
    }
    if (scales.has(owner.uid)) continue
    const scaled = scaledOwner(pod, context)
    if (scaled === undefined) return { failure: `found no controllers for pod "${pod.metadata.name}"` }
    // By the uid of what is scaled: several ReplicaSets of one Deployment count once.
    scales.set(scaled.metadata.uid!, wishOf(scaled))
  }
  return { expected: [...scales.values()].reduce((sum, scale) => sum + scale, 0), unmanaged }
}

function scaledOwner(pod: Pod, { get }: Context): ApiObject | undefined {
  const { namespace } = pod.metadata
  const reference = controllerOf(pod)!
  const kind = scalable.find((each) => each.kind === reference.kind)
  const owner = kind && get(kind, { namespace, name: reference.name })
  if (owner === undefined || owner.metadata.uid !== reference.uid) return undefined
  const deployer = controllerOf(owner)
  if (deployer?.kind !== 'Deployment') return owner
  const deployment = get(Deployment, { namespace, name: deployer.name })
  return deployment?.metadata.uid === deployer.uid ? deployment : undefined
}

function unmanagedMessage(pods: readonly Pod[]): string {
  const names = pods.map(({ metadata }) => metadata.name).join(' ')
  return (
    `Pods selected by this PodDisruptionBudget (selector: [${names}]) were found to be unmanaged. As a result, the status ` +
    'of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please ' +
    'set ".spec.minAvailable" field of the PDB to an integer value.'
  )
}

/** When it cannot be known how many pods there should be, none may be evicted. */
function* fail(budget: PodDisruptionBudget, failure: string, { now }: Context): Steps {
  yield event(
    'CalculateExpectedPodCountFailed',
    `Failed to calculate the number of expected pods: ${failure}`,
    'Warning',
  )
  const observedGeneration = budget.metadata.generation
  const status = { ...budget.status, disruptionsAllowed: 0, observedGeneration }
  const conditions = withAllowed(budget, ['False', 'SyncFailed', failure], now)
  if (!isEqual(budget.status, { ...status, conditions }))
    yield setStatus(PodDisruptionBudget, budget, { ...status, conditions })
}

function* report(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  { expected, healthy }: { readonly expected: number; readonly healthy: number },
  { now }: Context,
): Steps {
  const { disruptedPods, recheckAt } = yield* disrupted(budget, pods, now)
  const currentHealthy = pods.filter(
    (pod) => !isBeingDeleted(pod) && !(pod.metadata.name! in disruptedPods) && isReady(pod),
  ).length
  const disruptionsAllowed = expected > 0 ? Math.max(0, currentHealthy - healthy) : 0
  const status: PodDisruptionBudgetStatus = {
    observedGeneration: budget.metadata.generation,
    ...(Object.keys(disruptedPods).length > 0 && { disruptedPods }),
    disruptionsAllowed,
    currentHealthy,
    desiredHealthy: healthy,
    expectedPods: expected,
    conditions: withAllowed(
      budget,
      disruptionsAllowed > 0 ? ['True', 'SufficientPods', ''] : ['False', 'InsufficientPods', ''],
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
  { metadata, status }: PodDisruptionBudget,
  [verdict, reason, message]: readonly ['True' | 'False', string, string],
  now: number,
): Condition[] {
  const conditions = status.conditions ?? []
  const old = conditions.find(({ type }) => type === 'DisruptionAllowed')
  const next: Condition = {
    type: 'DisruptionAllowed',
    status: verdict,
    ...(metadata.generation !== undefined && { observedGeneration: metadata.generation }),
    lastTransitionTime: old?.status === verdict ? old.lastTransitionTime : secondsTime(now),
    reason,
    message,
  }
  return old ? conditions.map((each) => (each === old ? next : each)) : [...conditions, next]
}
