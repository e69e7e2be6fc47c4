import { Deployment, type DeploymentCondition, type DeploymentStatus } from '../../kinds/apps/deployment.ts'
import type { ReplicaSet } from '../../kinds/apps/replica-set.ts'
import { again, made, type Steps, setStatus } from '../../reconciler/changes.ts'
import { isEqual } from '../shared/equal.ts'
import { timeOf } from '../shared/owner.ts'
import { condition, conditionOf, isComplete, withCondition, without } from './conditions.ts'
import { maxUnavailable, progressDeadline, replicasOf, sum } from './limits.ts'
import { allSets, type Rollout } from './rollout.ts'

/** Numbers and availability alone: after scaling, while paused, while being deleted. */
export function* reportStatus(rollout: Rollout): Steps {
  yield* write(rollout, statusOf(rollout))
}

/** Also how the rollout goes on: progressing, through, or stuck for too long. */
export function* reportRollout(rollout: Rollout): Steps {
  const numbers = statusOf(rollout)
  let conditions = progressConditions(rollout, numbers)
  const failure = replicaFailure(rollout)
  conditions = failure ? withCondition(conditions, failure) : without(conditions, 'ReplicaFailure')
  const status = withConditions(numbers, conditions)
  if (!(yield* write(rollout, status))) yield* lookAgainAtDeadline(rollout, status)
}

function* write(rollout: Rollout, status: DeploymentStatus): Steps<boolean> {
  if (isEqual(rollout.deployment.status, status)) return false
  rollout.deployment = yield* made<Deployment>(setStatus(Deployment, rollout.deployment, status))
  return true
}

/** As the API shows it: zeros are left out. */
function statusOf(rollout: Rollout): DeploymentStatus {
  const { deployment, newSet, context } = rollout
  const sets = allSets(rollout)
  const available = sum(sets, ({ status }) => status.availableReplicas)
  const counts = {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: sum(sets, ({ status }) => status.replicas),
    updatedReplicas: newSet?.status.replicas ?? 0,
    readyReplicas: sum(sets, ({ status }) => status.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(sets, replicasOf) - available),
  }
  const isAvailable = available >= replicasOf(deployment) - maxUnavailable(deployment)
  const availability = isAvailable
    ? condition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.', context.now)
    : condition(
        'Available',
        'False',
        'MinimumReplicasUnavailable',
        'Deployment does not have minimum availability.',
        context.now,
      )
  return {
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)),
    ...terminating(sets),
    conditions: withCondition(deployment.status.conditions ?? [], availability),
    ...(deployment.status.collisionCount !== undefined && { collisionCount: deployment.status.collisionCount }),
  }
}

/** Known only when every ReplicaSet has told it. */
function terminating(sets: readonly ReplicaSet[]): { terminatingReplicas?: number } {
  if (sets.some(({ status }) => status.terminatingReplicas === undefined)) return {}
  return { terminatingReplicas: sum(sets, ({ status }) => status.terminatingReplicas) }
}

function withConditions(status: DeploymentStatus, conditions: readonly DeploymentCondition[]): DeploymentStatus {
  const { conditions: _, ...others } = status
  return conditions.length > 0 ? { ...others, conditions } : others
}

function progressConditions(rollout: Rollout, status: DeploymentStatus): readonly DeploymentCondition[] {
  const { deployment } = rollout
  const conditions = status.conditions ?? []
  if (progressDeadline(deployment) === undefined) return without(conditions, 'Progressing')
  const present = conditionOf(deployment.status, 'Progressing')
  const wasComplete =
    (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && present?.reason === 'NewReplicaSetAvailable'
  return wasComplete ? conditions : progress(rollout, status, conditions, present)
}

function progress(
  { deployment, newSet, context: { now } }: Rollout,
  status: DeploymentStatus,
  conditions: readonly DeploymentCondition[],
  present: DeploymentCondition | undefined,
): readonly DeploymentCondition[] {
  const subject = newSet ? `ReplicaSet "${newSet.metadata.name}"` : `Deployment "${deployment.metadata.name}"`
  if (isComplete(deployment, status)) {
    const message = `${subject} has successfully progressed.`
    return withCondition(conditions, condition('Progressing', 'True', 'NewReplicaSetAvailable', message, now))
  }
  if (hasProgressed(deployment.status, status)) {
    const next = condition('Progressing', 'True', 'ReplicaSetUpdated', `${subject} is progressing.`, now)
    const since = present?.status === 'True' ? present.lastTransitionTime : next.lastTransitionTime
    return [...without(conditions, 'Progressing'), { ...next, lastTransitionTime: since }]
  }
  if (hasTimedOut(deployment, status, now)) {
    const message = `${subject} has timed out progressing.`
    return withCondition(conditions, condition('Progressing', 'False', 'ProgressDeadlineExceeded', message, now))
  }
  return conditions
}

function hasProgressed(old: DeploymentStatus, now: DeploymentStatus): boolean {
  const outdated = ({ replicas = 0, updatedReplicas = 0 }: DeploymentStatus) => replicas - updatedReplicas
  return (
    (now.updatedReplicas ?? 0) > (old.updatedReplicas ?? 0) ||
    outdated(now) < outdated(old) ||
    (now.readyReplicas ?? 0) > (old.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (old.availableReplicas ?? 0)
  )
}

function hasTimedOut(deployment: Deployment, status: DeploymentStatus, now: number): boolean {
  const present = conditionOf(status, 'Progressing')
  if (present === undefined || present.reason === 'NewReplicaSetAvailable') return false
  if (present.reason === 'ProgressDeadlineExceeded') return true
  return timeOf(present.lastUpdateTime) + progressDeadline(deployment)! * 1000 < now
}

/** The new ReplicaSet's failure to make pods, or else an old one's, as the Deployment's own. */
function replicaFailure({ newSet, oldSets }: Rollout): DeploymentCondition | undefined {
  const failureOf = ({ status }: ReplicaSet) => status.conditions?.find(({ type }) => type === 'ReplicaFailure')
  const failure = (newSet && failureOf(newSet)) ?? oldSets.map(failureOf).find((found) => found !== undefined)
  return failure && { ...failure, lastUpdateTime: failure.lastTransitionTime }
}

/** Nothing moves: nothing will wake this Deployment when its time is up. */
function* lookAgainAtDeadline({ deployment, context }: Rollout, status: DeploymentStatus): Steps {
  const present = conditionOf(deployment.status, 'Progressing')
  const seconds = progressDeadline(deployment)
  if (seconds === undefined || present === undefined) return
  if (isComplete(deployment, status) || present.reason === 'ProgressDeadlineExceeded') return
  const left = timeOf(present.lastUpdateTime) + seconds * 1000 - context.now
  // A second more: times are kept in whole seconds.
  yield again(Math.max(0, left) + 1000)
}
