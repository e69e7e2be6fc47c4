import { ReplicaSet } from '../../kinds/apps/replica-set.ts'
import { event, made, type Steps, update } from '../../reconciler/changes.ts'
import { isEqual } from '../shared/equal.ts'
import { olderFirst } from '../shared/owner.ts'
import { annotationsOf, desiredReplicasOf, maxReplicasOf, withSize } from './annotations.ts'
import { isRollingUpdate, maxSurge, maxUnavailable, replicasOf, sum } from './limits.ts'
import { allSets, newSetReplicas, type Rollout } from './rollout.ts'

export const isActiveSet = (set: ReplicaSet): boolean => replicasOf(set) > 0

/** Whether the Deployment's wish has changed since its ReplicaSets were last scaled. */
export function wasScaled(rollout: Rollout): boolean {
  const wish = replicasOf(rollout.deployment)
  return allSets(rollout).some((set) => isActiveSet(set) && (desiredReplicasOf(set) ?? wish) !== wish)
}

/** Gives a ReplicaSet another size, and says so in an event. Answers whether it had another one before. */
export function* scaleSet(rollout: Rollout, set: ReplicaSet, replicas: number): Steps<boolean> {
  const present = replicasOf(set)
  if (present === replicas) return false
  yield* resize(rollout, set, replicas)
  const direction = present < replicas ? 'up' : 'down'
  const message = `Scaled ${direction} replica set ${set.metadata.name} from ${present} to ${replicas}`
  yield event('ScalingReplicaSet', message)
  return true
}

function* resize(rollout: Rollout, set: ReplicaSet, replicas: number): Steps {
  const annotations = withSize(annotationsOf(set), rollout.deployment)
  const changed = { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, replicas } }
  const result = yield* made<ReplicaSet>(update(ReplicaSet, changed))
  if (rollout.newSet === set) rollout.newSet = result
  rollout.oldSets = rollout.oldSets.map((old) => (old === set ? result : old))
}

/**
 * Brings the ReplicaSets to the Deployment's wish without rolling on: the only one that has pods gets all; when the
 * rollout was through, the old ones get none; else what is to come or go is shared out in proportion to their sizes.
 */
export function* scale(rollout: Rollout): Steps {
  const { deployment, newSet, oldSets } = rollout
  const single = activeOrLatest(rollout)
  if (single !== undefined) {
    yield* scaleSet(rollout, single, replicasOf(deployment))
  } else if (newSet !== undefined && isSaturated(rollout, newSet)) {
    for (const set of oldSets.filter(isActiveSet)) yield* scaleSet(rollout, set, 0)
  } else if (isRollingUpdate(deployment)) {
    yield* scaleInProportion(rollout)
  }
}

function activeOrLatest({ newSet, oldSets }: Rollout): ReplicaSet | undefined {
  const active = [...oldSets, ...(newSet ? [newSet] : [])].filter(isActiveSet)
  if (active.length > 1) return undefined
  return active[0] ?? newSet ?? oldSets.toSorted(olderFirst).at(-1)
}

function isSaturated({ deployment }: Rollout, set: ReplicaSet): boolean {
  const wish = replicasOf(deployment)
  return replicasOf(set) === wish && desiredReplicasOf(set) === wish && (set.status.availableReplicas ?? 0) === wish
}

function* scaleInProportion(rollout: Rollout): Steps {
  const { deployment } = rollout
  const wish = replicasOf(deployment)
  const sets = allSets(rollout).filter(isActiveSet)
  const toAdd = (wish > 0 ? wish + maxSurge(deployment) : 0) - sum(sets, replicasOf)
  sets.sort(toAdd > 0 ? bySizeNewerFirst : bySizeOlderFirst)
  const shares = shareOut(rollout, sets, toAdd)
  for (const [n, set] of sets.entries()) {
    const replicas = Math.max(0, replicasOf(set) + shares[n]!)
    const isSized = isEqual(withSize(annotationsOf(set), deployment), annotationsOf(set))
    if (replicas !== replicasOf(set)) yield* scaleSet(rollout, set, replicas)
    else if (!isSized) yield* resize(rollout, set, replicas)
  }
}

const bySizeNewerFirst = (a: ReplicaSet, b: ReplicaSet) => replicasOf(b) - replicasOf(a) || olderFirst(b, a)
const bySizeOlderFirst = (a: ReplicaSet, b: ReplicaSet) => replicasOf(b) - replicasOf(a) || olderFirst(a, b)

/** What each ReplicaSet gets of `toAdd` (which may be negative); what rounding leaves over goes to the first. */
function shareOut(rollout: Rollout, sets: readonly ReplicaSet[], toAdd: number): number[] {
  let added = 0
  const shares = sets.map((set) => {
    const left = toAdd - added
    if (toAdd === 0 || left === 0) return 0
    const share = shareOf(rollout, set)
    const limited = toAdd > 0 ? Math.min(share, left) : Math.max(share, left)
    added += limited
    return limited
  })
  if (toAdd !== 0 && shares.length > 0) shares[0]! += toAdd - added
  return shares
}

function shareOf({ deployment }: Rollout, set: ReplicaSet): number {
  const size = replicasOf(set)
  const wish = replicasOf(deployment)
  if (wish === 0) return -size
  const before = maxReplicasOf(set) || deployment.status.replicas || 0
  if (before === 0) return 0
  return Math.floor((size * (wish + maxSurge(deployment))) / before + 0.5) - size
}

/** Grows the new ReplicaSet as far as the surge allows (or shrinks it to the wish). Answers whether it did anything. */
export function* scaleNewSet(rollout: Rollout): Steps<boolean> {
  const { newSet, deployment } = rollout
  if (newSet === undefined) return false
  const wish = replicasOf(deployment)
  const present = replicasOf(newSet)
  if (present === wish) return false
  return yield* scaleSet(rollout, newSet, present > wish ? wish : newSetReplicas(rollout, present))
}

/**
 * Shrinks the old ReplicaSets as far as availability allows: their unhealthy pods first, which serve nobody, so that
 * a broken old version does not hold up a good new one; then healthy ones.
 */
export function* scaleDownOldSets(rollout: Rollout): Steps<boolean> {
  const { deployment, newSet } = rollout
  if (sum(rollout.oldSets, replicasOf) === 0) return false
  const minAvailable = replicasOf(deployment) - maxUnavailable(deployment)
  const newUnavailable = newSet ? replicasOf(newSet) - (newSet.status.availableReplicas ?? 0) : 0
  const most = sum(allSets(rollout), replicasOf) - minAvailable - newUnavailable
  if (most <= 0) return false
  const unhealthy = yield* shrink(rollout, most, (set) => replicasOf(set) - (set.status.availableReplicas ?? 0))
  const available = sum(allSets(rollout), ({ status }) => status.availableReplicas)
  const healthy = yield* shrink(rollout, available - minAvailable, replicasOf)
  return unhealthy + healthy > 0
}

/** Takes at most `most` replicas from the old sets, the oldest first, of each no more than `takeable`. */
function* shrink(rollout: Rollout, most: number, takeable: (set: ReplicaSet) => number): Steps<number> {
  let taken = 0
  for (const set of rollout.oldSets.filter(isActiveSet).sort(olderFirst)) {
    if (taken >= most) break
    const take = Math.min(most - taken, takeable(set))
    if (take <= 0) continue
    yield* scaleSet(rollout, set, replicasOf(set) - take)
    taken += take
  }
  return taken
}

/** For the strategy Recreate: all old pods go before the first new one comes. */
export function* emptyOldSets(rollout: Rollout): Steps<boolean> {
  let changed = false
  for (const set of rollout.oldSets.filter(isActiveSet)) changed = (yield* scaleSet(rollout, set, 0)) || changed
  return changed
}
