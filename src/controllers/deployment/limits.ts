import type { Deployment } from '../../kinds/apps/deployment.ts'
import type { ReplicaSet } from '../../kinds/apps/replica-set.ts'
import { scaledValue } from '../shared/int-or-percent.ts'

const unlimited = 2 ** 31 - 1

export const replicasOf = (object: Deployment | ReplicaSet): number => object.spec.replicas ?? 1

export const isRollingUpdate = ({ spec }: Deployment): boolean => spec.strategy.type === 'RollingUpdate'

/** How many pods there may be beyond the wish. Rounds up. */
export function maxSurge(deployment: Deployment): number {
  if (!isRollingUpdate(deployment)) return 0
  return scaledValue(deployment.spec.strategy.rollingUpdate?.maxSurge, replicasOf(deployment), 'up')
}

/** How many pods may be missing. Rounds down, but when there is no surge either, to 1: an update has to go on somehow. */
export function maxUnavailable(deployment: Deployment): number {
  const replicas = replicasOf(deployment)
  if (!isRollingUpdate(deployment) || replicas === 0) return 0
  const value = scaledValue(deployment.spec.strategy.rollingUpdate?.maxUnavailable, replicas, 'down')
  return Math.min(value === 0 && maxSurge(deployment) === 0 ? 1 : value, replicas)
}

/** How long a rollout may stand still, in seconds; undefined: for ever. */
export function progressDeadline({ spec }: Deployment): number | undefined {
  return limited(spec.progressDeadlineSeconds)
}

export function historyLimit({ spec }: Deployment): number | undefined {
  return limited(spec.revisionHistoryLimit)
}

const limited = (value: number | undefined) => (value === unlimited ? undefined : value)

export function sum(sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number | undefined): number {
  return sets.reduce((total, set) => total + (count(set) ?? 0), 0)
}
