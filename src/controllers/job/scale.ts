import type { Job } from '../../kinds/batch/job.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { again, attempt, type Steps } from '../../reconciler/changes.ts'
import type { ApiError } from '../../schema/status.ts'
import { createCounted, deleteCounted } from '../shared/pod-control.ts'
import { leastWanted } from '../shared/pod-ranking.ts'
import { isReady, isTerminating } from '../shared/pods.ts'
import { waitAfter } from './backoff.ts'
import { Indexes } from './indexes.ts'
import {
  allFailuresBefore,
  endOf,
  indexOf,
  isIndexed,
  isLimitedPerIndex,
  isSuspended,
  podAt,
  podOf,
  replacesOnlyFailed,
} from './pods.ts'
import type { Round } from './round.ts'
import { isGone, withoutFinalizer } from './tracking.ts'

/** No more pods than this are created or deleted in one go. */
const burst = 500

/** Creates or deletes pods until as many run as should. Answers the first failure. */
export function* scale(round: Round): Steps<ApiError | undefined> {
  const { job, active, now } = round
  const wanted = isSuspended(job) ? 0 : wantedOf(round)
  const superfluous = toBeRemoved(job, active, Math.max(0, active.length - wanted), now)
  if (superfluous.length > 0) {
    return yield* dismiss(round, isSuspended(job) ? superfluous : superfluous.slice(0, burst))
  }
  if (isSuspended(job)) return undefined
  const onTheirWay = replacesOnlyFailed(job) ? round.status.terminating : 0
  const missing = Math.min(wanted - onTheirWay - active.length, burst)
  return missing > 0 ? yield* recruit(round, missing) : undefined
}

/** How many pods should run: as many as may at once, but not more than are missing to the end. */
function wantedOf({ job, succeeded, active }: Round): number {
  const { parallelism = 1, completions } = job.spec
  if (completions !== undefined) return Math.max(0, Math.min(parallelism, completions - succeeded))
  return succeeded > 0 ? active.length : parallelism
}

/** At least this many pods, those first that have no index of their own. */
function toBeRemoved(job: Job, active: readonly Pod[], atLeast: number, now: number): readonly Pod[] {
  const misplaced = isIndexed(job) ? withoutPlace(job, active, now) : []
  if (misplaced.length >= atLeast) return misplaced
  const placed = misplaced.length === 0 ? active : active.filter((pod) => !misplaced.includes(pod))
  return [...misplaced, ...leastWanted(placed, [], atLeast - misplaced.length, now)]
}

/** Pods whose index is none of the job's, or that another pod has, too. */
function withoutPlace(job: Job, active: readonly Pod[], now: number): readonly Pod[] {
  const byIndex = Map.groupBy(active, (pod) => indexOf(job, pod))
  return [...byIndex].flatMap(([index, pods]) =>
    index === undefined ? pods : leastWanted(pods, [], pods.length - 1, now),
  )
}

/** Deletes pods that are not to count as failed: their finalizers go first. */
function* dismiss({ status, isTracked }: Round, pods: readonly Pod[]): Steps<ApiError | undefined> {
  const tracked = pods.filter(isTracked)
  const { failed } = yield* attempt(tracked.map(withoutFinalizer))
  const error = failed.find((failure) => !isGone(failure.error))?.error
  if (error !== undefined) return error
  const result = yield* deleteCounted(pods)
  discount(status, result.deleted)
  return result.error
}

/** Deletes the active pods of a job that has ended. They keep their finalizers: how they end is counted. */
export function* dismissActive({ active, status }: Round): Steps<ApiError | undefined> {
  const { deleted, error } = yield* deleteCounted(active)
  discount(status, deleted)
  return error
}

function discount(status: Round['status'], deleted: readonly Pod[]): void {
  status.active -= deleted.length
  status.terminating += deleted.length
  status.ready -= deleted.filter(isReady).length
}

function* recruit(round: Round, missing: number): Steps<ApiError | undefined> {
  const { job, now, status } = round
  if (!isLimitedPerIndex(job)) {
    const waitMs = waitAfter(round.failures, now)
    if (waitMs > 0) return void (yield again(waitMs))
  }
  const drafts = isIndexed(job) ? yield* draftsByIndex(round, missing) : Array(missing).fill(podOf(job))
  const { count, error } = yield* createCounted(drafts)
  status.active += count
  return error
}

function* draftsByIndex(round: Round, missing: number): Steps<ReturnType<typeof podAt>[]> {
  const { job, indexes, now } = round
  const { replaceable } = indexes!
  const pending = taken(round).missing(missing, job.spec.completions ?? 0)
  const waits = pending.map((index) => ({ index, waitMs: waitOf(replaceable.get(index), now) }))
  const ready = waits.filter(({ waitMs }) => waitMs === 0)
  if (ready.length === 0 && waits.length > 0) yield again(Math.min(...waits.map(({ waitMs }) => waitMs)))
  return ready.map(({ index }) => podAt(job, index, replaceable.get(index)))
}

/** An index waits for itself alone; only where indexes can fail by themselves is there somebody to be replaced. */
const waitOf = (failed: Pod | undefined, now: number): number =>
  failed === undefined ? 0 : waitAfter({ count: allFailuresBefore(failed) + 1, lastAt: endOf(failed) }, now)

/** Indexes that need no new pod. */
function taken({ job, active, pods, indexes }: Round): Indexes {
  const busy = replacesOnlyFailed(job) ? [...active, ...pods.filter(isTerminating)] : active
  const served = Indexes.of(busy.flatMap((pod) => indexOf(job, pod) ?? []))
  return indexes!.succeeded.and(served).and(indexes!.failed ?? Indexes.none)
}
