import { Job, type JobStatus } from '../../kinds/batch/job.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { made, type Steps, setStatus } from '../../reconciler/changes.ts'
import { isEqual } from '../shared/equal.ts'
import { isActive, isReady, isTerminating } from '../shared/pods.ts'
import { type Failures, withEnded } from './backoff.ts'
import { fateOf } from './failure-policy.ts'
import { Indexes } from './indexes.ts'
import { allFailuresBefore, endOf, failuresBefore, indexOf, isFailed, isIndexed, isLimitedPerIndex } from './pods.ts'

/** A job in the course of one reconcile. */
export interface Round {
  /** As the server has it. */
  job: Job
  /** As it is going to be. */
  readonly status: Mutable
  readonly pods: readonly Pod[]
  /** Those that are neither at their end nor on their way there. */
  readonly active: readonly Pod[]
  readonly now: number
  /** Pods that have succeeded and failed so far, those included that the status does not count yet. */
  readonly succeeded: number
  readonly failed: number
  readonly failures: Failures
  /** Only of an indexed job. */
  readonly indexes: IndexState | undefined
  /** Whether the pod's end is still to be counted. */
  isTracked(pod: Pod): boolean
}

/** The parts of a status that change, with no field left out. */
export interface Mutable extends Pick<JobStatus, 'startTime' | 'completionTime' | 'failedIndexes'> {
  startTime: string | undefined
  completionTime: string | undefined
  failedIndexes: string | undefined
  conditions: NonNullable<JobStatus['conditions']>
  active: number
  ready: number
  terminating: number
  succeeded: number
  failed: number
  completedIndexes: string
  uncounted: { succeeded: readonly string[]; failed: readonly string[] }
}

export interface IndexState {
  /** Those that the status names. */
  readonly before: Indexes
  /** With those that have succeeded since. */
  readonly succeeded: Indexes
  /** Only where indexes can fail by themselves. */
  readonly failed: Indexes | undefined
  /** Failed pods that stay until their successors have taken over their counts, by index. */
  readonly replaceable: ReadonlyMap<number, Pod>
}

export interface RoundInput {
  readonly job: Job
  readonly pods: readonly Pod[]
  readonly now: number
  readonly failures: Failures
  isTracked(pod: Pod): boolean
}

export function roundOf({ job, pods, now, failures, isTracked }: RoundInput): Round {
  const active = pods.filter(isActive)
  const status = statusOf(job, active, pods)
  const { uncounted } = status
  const isNew = (pod: Pod, counted: readonly string[]) =>
    isTracked(pod) && !counted.includes(pod.metadata.uid!) && (!isIndexed(job) || indexOf(job, pod) !== undefined)
  const newSucceeded = pods.filter((pod) => pod.status.phase === 'Succeeded' && isNew(pod, uncounted.succeeded))
  const newFailed = pods.filter((pod) => isFailed(job, pod) && isNew(pod, uncounted.failed))
  const counted = newFailed.filter((pod) => fateOf(job.spec.podFailurePolicy, pod).counts)
  const indexes = isIndexed(job) ? indexState(job, pods, active, isTracked) : undefined
  return {
    job,
    status,
    pods,
    active,
    now,
    succeeded: indexes?.succeeded.count ?? status.succeeded + newSucceeded.length + uncounted.succeeded.length,
    failed: status.failed + counted.length + uncounted.failed.length,
    failures: withEnded(failures, newSucceeded, newFailed),
    indexes,
    isTracked,
  }
}

function statusOf({ status }: Job, active: readonly Pod[], pods: readonly Pod[]): Mutable {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {}
  return {
    startTime: status.startTime,
    completionTime: status.completionTime,
    failedIndexes: status.failedIndexes,
    conditions: status.conditions ?? [],
    active: active.length,
    ready: active.filter(isReady).length,
    terminating: pods.filter(isTerminating).length,
    succeeded: status.succeeded ?? 0,
    failed: status.failed ?? 0,
    completedIndexes: status.completedIndexes ?? '',
    uncounted: { succeeded, failed },
  }
}

function indexState(
  job: Job,
  pods: readonly Pod[],
  active: readonly Pod[],
  isTracked: (pod: Pod) => boolean,
): IndexState {
  const { completions = 0 } = job.spec
  const numbered = pods.filter((pod) => isTracked(pod) && indexOf(job, pod) !== undefined)
  const indexesOf = (some: readonly Pod[]) => Indexes.of(some.map((pod) => indexOf(job, pod)!))
  const before = Indexes.parse(job.status.completedIndexes, completions)
  const succeeded = before.and(indexesOf(numbered.filter(({ status }) => status.phase === 'Succeeded')))
  if (!isLimitedPerIndex(job)) return { before, succeeded, failed: undefined, replaceable: new Map() }
  const failed = Indexes.parse(job.status.failedIndexes, completions).and(
    indexesOf(numbered.filter((pod) => failsItsIndex(job, pod))),
  )
  const served = Indexes.of(active.flatMap((pod) => indexOf(job, pod) ?? []))
  const settled = succeeded.and(failed).and(served)
  const replaceable = new Map<number, Pod>()
  for (const pod of numbered) {
    const index = indexOf(job, pod)!
    if (!isFailed(job, pod) || settled.has(index)) continue
    const other = replaceable.get(index)
    if (other === undefined || isLater(pod, other)) replaceable.set(index, pod)
  }
  return { before, succeeded, failed, replaceable }
}

/** Whether the index of a pod has no attempt left. */
function failsItsIndex(job: Job, pod: Pod): boolean {
  if (!isFailed(job, pod)) return false
  const { action, counts } = fateOf(job.spec.podFailurePolicy, pod)
  return action === 'FailIndex' || (counts && failuresBefore(pod) >= job.spec.backoffLimitPerIndex!)
}

const isLater = (pod: Pod, other: Pod) =>
  allFailuresBefore(pod) >= allFailuresBefore(other) && endOf(pod) >= endOf(other)

/** Writes the status, if it differs from what the server has. Answers whether it did. */
export function* flush(round: Round): Steps<boolean> {
  const { job } = round
  const status = asWritten(round.status)
  if (isEqual(job.status, status)) return false
  round.job = yield* made<Job>(setStatus(Job, job, status))
  return true
}

/** As the API shows it: counts that are zero are left out where absence says the same. */
function asWritten({ uncounted: { succeeded, failed }, ...status }: Mutable): JobStatus {
  return {
    ...(status.conditions.length > 0 && { conditions: status.conditions }),
    ...(status.startTime !== undefined && { startTime: status.startTime }),
    ...(status.completionTime !== undefined && { completionTime: status.completionTime }),
    ...(status.active > 0 && { active: status.active }),
    ...(status.succeeded > 0 && { succeeded: status.succeeded }),
    ...(status.failed > 0 && { failed: status.failed }),
    terminating: status.terminating,
    ...(status.completedIndexes !== '' && { completedIndexes: status.completedIndexes }),
    ...(status.failedIndexes !== undefined && { failedIndexes: status.failedIndexes }),
    uncountedTerminatedPods: {
      ...(succeeded.length > 0 && { succeeded }),
      ...(failed.length > 0 && { failed }),
    },
    ready: status.ready,
  }
}
