import { secondsTime } from '../../base/seconds-time.ts'
import type { Deployment, DeploymentCondition, DeploymentStatus } from '../../kinds/apps/deployment.ts'

export type ConditionType = 'Available' | 'Progressing' | 'ReplicaFailure'

export interface Conditions {
  readonly conditions?: readonly DeploymentCondition[]
}

export function conditionOf(status: Conditions, type: ConditionType): DeploymentCondition | undefined {
  return status.conditions?.find((condition) => condition.type === type)
}

export function condition(
  type: ConditionType,
  status: 'True' | 'False' | 'Unknown',
  reason: string,
  message: string,
  now: number,
): DeploymentCondition {
  const time = secondsTime(now)
  return { type, status, lastUpdateTime: time, lastTransitionTime: time, reason, message }
}

/** Sets a condition, unless it has this status and reason already; the time of its last change stays as long as its status does. */
export function withCondition(
  conditions: readonly DeploymentCondition[],
  next: DeploymentCondition,
): readonly DeploymentCondition[] {
  const present = conditions.find(({ type }) => type === next.type)
  if (present?.status === next.status && present.reason === next.reason) return conditions
  const lastTransitionTime = present?.status === next.status ? present.lastTransitionTime : next.lastTransitionTime
  return [...without(conditions, next.type), { ...next, lastTransitionTime }]
}

export function without(conditions: readonly DeploymentCondition[], type: string): readonly DeploymentCondition[] {
  return conditions.filter((condition) => condition.type !== type)
}

/** Every pod is up to date and available, and no old one is left. */
export function isComplete({ spec, metadata }: Deployment, status: DeploymentStatus): boolean {
  const replicas = spec.replicas ?? 1
  return (
    (status.updatedReplicas ?? 0) === replicas &&
    (status.replicas ?? 0) === replicas &&
    (status.availableReplicas ?? 0) === replicas &&
    (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
  )
}
