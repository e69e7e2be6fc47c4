import { secondsTime } from '../../base/seconds-time.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { attempt, type Change, event, patch, type Steps } from '../../reconciler/changes.ts'
import { type ApiError, isInvalid, isNotFound } from '../../schema/status.ts'
import { announcement, condition, type Verdict, withCondition } from './conditions.ts'
import { fateOf } from './failure-policy.ts'
import { Indexes } from './indexes.ts'
import { indexOf, isFailed, isIndexed, trackingFinalizer } from './pods.ts'
import { flush, type Round } from './round.ts'

/** A status names no more pods than this; the others wait for the next reconcile. */
const uncountedAtMost = 500

/**
 * Counts every pod's end exactly once, whatever is lost on the way: the uids of ended pods are written into the status
 * first, then their finalizers are taken off, and only then do the uids become numbers. Tells of the job's end when
 * nothing is left to be counted. `flushed` is called when the status has been written, `released` for every pod that
 * needs no more counting.
 */
export function* track(
  round: Round,
  verdict: Verdict | undefined,
  tell: { flushed(): void; released(uid: string): void },
): Steps {
  const { status } = round
  const tracked = new Set(round.pods.filter(round.isTracked).map(({ metadata }) => metadata.uid!))
  count(round, tracked)
  const { ended, isCutShort } = note(round, verdict)
  if (verdict !== undefined && !verdict.isAnnounced) announce(round, verdict)
  if (yield* flush(round)) tell.flushed()
  const error = yield* release(ended, (uid) => {
    tracked.delete(uid)
    tell.released(uid)
  })
  count(round, tracked)
  const { succeeded, failed } = status.uncounted
  const isOver = verdict && !error && !isCutShort && succeeded.length + failed.length + status.terminating === 0
  if (isOver) enact(round, verdict)
  yield* flush(round)
  if (isOver) yield* proclaim(round, verdict)
  if (error !== undefined) throw error
}

/** Turns uids of pods that carry no finalizer any more into numbers. */
function count({ job, status }: Round, tracked: ReadonlySet<string>): void {
  const { succeeded, failed } = status.uncounted
  const left = {
    succeeded: succeeded.filter((uid) => tracked.has(uid)),
    failed: failed.filter((uid) => tracked.has(uid)),
  }
  status.failed += failed.length - left.failed.length
  if (!isIndexed(job)) status.succeeded += succeeded.length - left.succeeded.length
  status.uncounted = left
}

/** Notes pods that have ended in the status, and gives back those whose finalizers may go once that is written. */
function note(
  round: Round,
  verdict: Verdict | undefined,
): { readonly ended: readonly Pod[]; readonly isCutShort: boolean } {
  const { job, status, indexes } = round
  const succeeded = new Set(status.uncounted.succeeded)
  const failed = new Set(status.uncounted.failed)
  const newIndexes: number[] = []
  const ended: Pod[] = []
  let isCutShort = false
  for (const pod of inOrder(round)) {
    if (!round.isTracked(pod) || !mayBeReleased(round, pod, verdict)) continue
    ended.push(pod)
    const uid = pod.metadata.uid!
    const index = indexOf(job, pod)
    if (pod.status.phase === 'Succeeded' && !failed.has(uid)) {
      if (!isIndexed(job)) succeeded.add(uid)
      else if (index !== undefined && !indexes!.before.has(index)) newIndexes.push(index)
    } else if (isFailed(job, pod) || verdict?.outcome === 'Failed') {
      if ((!isIndexed(job) || index !== undefined) && fateOf(job.spec.podFailurePolicy, pod).counts) failed.add(uid)
    }
    isCutShort = newIndexes.length + succeeded.size + failed.size >= uncountedAtMost
    if (isCutShort) break
  }
  status.uncounted = { succeeded: [...succeeded], failed: [...failed] }
  if (indexes !== undefined) noteIndexes(round, newIndexes)
  return { ended, isCutShort }
}

function inOrder({ job, pods }: Round): readonly Pod[] {
  if (!isIndexed(job)) return pods
  return pods.toSorted((a, b) => (indexOf(job, a) ?? -1) - (indexOf(job, b) ?? -1))
}

function noteIndexes({ status, indexes }: Round, newIndexes: readonly number[]): void {
  const done = indexes!.before.and(Indexes.of(newIndexes))
  status.succeeded = done.count
  status.completedIndexes = done.toString()
  status.failedIndexes = indexes!.failed?.toString()
}

/** A failed pod stays until the successor of its index has taken over how often it failed. */
function mayBeReleased({ job, indexes }: Round, pod: Pod, verdict: Verdict | undefined): boolean {
  if (job.metadata.deletionTimestamp !== undefined || verdict !== undefined) return true
  if (pod.status.phase === 'Succeeded') return true
  if (!isFailed(job, pod)) return false
  const index = indexOf(job, pod)
  return index === undefined || indexes?.replaceable.get(index)?.metadata.uid !== pod.metadata.uid
}

function announce({ status, now }: Round, { outcome, reason, message }: Verdict): void {
  const next = condition(announcement[outcome], 'True', reason, message, now)
  status.conditions = withCondition(status.conditions, next)
}

/** Takes the finalizers off. Answers the first failure; a pod that is gone needs none. */
function* release(pods: readonly Pod[], released: (uid: string) => void): Steps<ApiError | undefined> {
  const uids = new Map(pods.map((pod) => [withoutFinalizer(pod), pod.metadata.uid!]))
  const left = [...uids.keys()]
  let firstError: ApiError | undefined
  while (left.length > 0) {
    const { done, failed } = yield* attempt(left)
    for (const { change } of done) released(uids.get(change)!)
    for (const { change, error } of failed) {
      if (isGone(error)) released(uids.get(change)!)
      else firstError ??= error
    }
    if (firstError !== undefined) return firstError
    left.splice(0, done.length + failed.length)
  }
  return undefined
}

/** The change that lets a pod go. */
export const withoutFinalizer = (pod: Pod): Change =>
  patch(Pod, pod, {
    type: 'strategic',
    body: { metadata: { '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] } },
  })

/** Gone, or replaced by another of the same name (whence "invalid": the uid is not that one's). */
export const isGone = (error: unknown): boolean => isNotFound(error) || isInvalid(error)

function enact({ status, now }: Round, { outcome, reason, message }: Verdict): void {
  status.conditions = withCondition(status.conditions, condition(outcome, 'True', reason, message, now))
  if (outcome === 'Complete') status.completionTime = secondsTime(now)
}

function* proclaim({ job, status }: Round, { outcome, reason, message }: Verdict): Steps {
  if (outcome === 'Failed') return void (yield event(reason, message, 'Warning'))
  const { completions } = job.spec
  if (completions !== undefined && status.succeeded > completions)
    yield event('TooManySucceededPods', 'Too many succeeded pods running after completion count reached', 'Warning')
  yield event('Completed', 'Job completed')
}
