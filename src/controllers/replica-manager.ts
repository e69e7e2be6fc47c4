import { secondsTime } from '../base/seconds-time.ts'
import { Pod } from '../kinds/core/pod.ts'
import type { PodTemplateSpec } from '../kinds/core/pod-spec.ts'
import { again, type Steps } from '../reconciler/changes.ts'
import type { Context } from '../reconciler/controller.ts'
import type { Matcher } from '../reconciler/selector.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import type { ApiError } from '../schema/status.ts'
import type { Draft } from '../schema/types.ts'
import { claim } from './shared/claim.ts'
import { controllerReference } from './shared/owner.ts'
import { createPods, deletePods } from './shared/pod-control.ts'
import { leastWanted } from './shared/pod-ranking.ts'
import { isActive, isAvailable, isReady, isTerminating, podFrom, untilNextAvailable } from './shared/pods.ts'

/** No more pods than this are created or deleted in one go. */
const burst = 500

/** What ReplicaSets and ReplicationControllers have in common: a number of pods that are all alike. */
export interface ReplicaOwner<T extends ApiObject> {
  readonly kind: Kind<T>
  readonly object: T
  readonly replicas: number
  readonly minReadySeconds: number
  readonly matches: Matcher
  readonly template: PodTemplateSpec
  readonly conditions: readonly ReplicaCondition[]
  /** Pods that count when a node is called crowded: those of the whole rollout. */
  related(): readonly Pod[]
}

export interface ReplicaCondition {
  readonly type: string
  readonly status: string
  readonly lastTransitionTime: string
  readonly reason?: string
  readonly message?: string
}

export interface ReplicaCounts {
  readonly replicas: number
  readonly fullyLabeledReplicas: number
  readonly readyReplicas: number
  readonly availableReplicas: number
  readonly terminatingReplicas: number
  readonly conditions: readonly ReplicaCondition[]
}

/**
 * Creates or deletes pods until there are as many as wished, and gives the numbers for the status to `report`. A
 * failure shows as the condition `ReplicaFailure` first, then it is thrown, so that the runtime tries again.
 */
export function* manageReplicas<T extends ApiObject>(
  owner: ReplicaOwner<T>,
  context: Context,
  report: (counts: ReplicaCounts) => Steps,
): Steps {
  const { kind, object, minReadySeconds, matches } = owner
  const pods = yield* claim({ ownerKind: kind, owner: object, kind: Pod, matches, ignore: isNotActive }, context)
  const error = object.metadata.deletionTimestamp === undefined ? yield* scale(owner, pods, context) : undefined
  const terminating = context.owned(Pod).filter(isTerminating).length
  yield* report(countsOf(owner, pods, terminating, error, context.now))
  if (error !== undefined) throw error
  const next = untilNextAvailable(pods, minReadySeconds, context.now)
  if (next !== undefined) yield again(next)
}

const isNotActive = (pod: Pod) => !isActive(pod)

function* scale<T extends ApiObject>(
  owner: ReplicaOwner<T>,
  pods: readonly Pod[],
  context: Context,
): Steps<ApiError | undefined> {
  const missing = owner.replicas - pods.length
  if (missing > 0) return yield* createPods(drafts(owner, Math.min(missing, burst)))
  if (missing === 0) return undefined
  return yield* deletePods(leastWanted(pods, owner.related(), Math.min(-missing, burst), context.now))
}

function drafts<T extends ApiObject>({ kind, object, template }: ReplicaOwner<T>, count: number): Draft<Pod>[] {
  const { name = '', namespace = '' } = object.metadata
  const draft = podFrom(template, { name, namespace }, controllerReference(kind, object))
  return Array.from({ length: count }, () => draft)
}

function countsOf<T extends ApiObject>(
  owner: ReplicaOwner<T>,
  pods: readonly Pod[],
  terminatingReplicas: number,
  error: ApiError | undefined,
  now: number,
): ReplicaCounts {
  const labels = Object.entries(owner.template.metadata.labels ?? {})
  const isLabeled = ({ metadata }: Pod) => labels.every(([key, value]) => metadata.labels?.[key] === value)
  let [fullyLabeledReplicas, readyReplicas, availableReplicas] = [0, 0, 0]
  for (const pod of pods) {
    if (isLabeled(pod)) fullyLabeledReplicas++
    if (!isReady(pod)) continue
    readyReplicas++
    if (isAvailable(pod, owner.minReadySeconds, now)) availableReplicas++
  }
  return {
    replicas: pods.length,
    fullyLabeledReplicas,
    readyReplicas,
    availableReplicas,
    terminatingReplicas,
    conditions: conditionsOf(owner, pods.length, error, now),
  }
}

function conditionsOf<T extends ApiObject>(
  { conditions, replicas }: ReplicaOwner<T>,
  present: number,
  error: ApiError | undefined,
  now: number,
): readonly ReplicaCondition[] {
  if (error === undefined) return conditions.filter(({ type }) => type !== 'ReplicaFailure')
  if (conditions.some(({ type }) => type === 'ReplicaFailure')) return conditions
  const failure = {
    type: 'ReplicaFailure',
    status: 'True',
    lastTransitionTime: secondsTime(now),
    reason: present < replicas ? 'FailedCreate' : 'FailedDelete',
    message: error.message,
  }
  return [...conditions, failure]
}
