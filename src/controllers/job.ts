import { secondsTime } from '../base/seconds-time.ts'
import { Job } from '../kinds/batch/job.ts'
import { Pod } from '../kinds/core/pod.ts'
import { again, event, type Steps } from '../reconciler/changes.ts'
import { type Controller, defineController, watch } from '../reconciler/controller.ts'
import { matcherOf } from '../reconciler/selector.ts'
import type { ApiError } from '../schema/status.ts'
import { type Failures, noFailures } from './job/backoff.ts'
import {
  announcedVerdict,
  condition,
  failure,
  isFinished,
  success,
  type Verdict,
  withCondition,
} from './job/conditions.ts'
import { fateOf } from './job/failure-policy.ts'
import { jobOrphansController } from './job/orphans.ts'
import { isFailed, isManagedElsewhere, isSuspended, isTracked, trackingFinalizer } from './job/pods.ts'
import { type Round, roundOf } from './job/round.ts'
import { dismissActive, scale } from './job/scale.ts'
import { successByPolicy } from './job/success-policy.ts'
import { track } from './job/tracking.ts'
import { claim } from './shared/claim.ts'
import { orphanWakes } from './shared/orphans.ts'
import { timeOf } from './shared/owner.ts'

/** Pods of a job start and end in crowds, and each look at it is a look at all of them. */
const gatherMs = 100

/** Runs pods of every job until enough of them have succeeded, or too many failed. */
export const jobControllers = (): Controller[] => [jobController(), jobOrphansController]

/** What is known of a job beyond its state; where it is forgotten, a wait is shorter. */
interface Memory {
  failures: Failures
  /** Uids of pods that were let go, though the cache may not show it yet. */
  readonly released: Set<string>
}

function jobController(): Controller {
  /** By uid. */
  const memories = new Map<string, Memory>()
  return defineController<Job>({
    name: 'job-controller',
    reconciles: Job,
    owns: [Pod],
    gatherMs,
    watches: [
      watch(
        Pod,
        orphanWakes(Job, ({ spec }) => matcherOf(spec.selector)),
      ),
    ],
    wakes: ({ object, old }) => {
      if (old !== undefined && old.metadata.uid !== object?.metadata.uid) memories.delete(old.metadata.uid!)
      return object !== undefined
    },

    *reconcile(job, context) {
      if (isManagedElsewhere(job)) return
      const uid = job.metadata.uid!
      if (isFinished(job)) return void memories.delete(uid)
      const matches = matcherOf(job.spec.selector)
      const owner = { ownerKind: Job, owner: job, kind: Pod, matches, finalizer: trackingFinalizer }
      const pods = yield* claim(owner, context)
      const memory = recall(memories, uid, pods)
      const round = roundOf({
        job,
        pods,
        now: context.now,
        failures: memory.failures,
        isTracked: (pod) => isTracked(pod) && !memory.released.has(pod.metadata.uid!),
      })
      if (!isSuspended(job)) round.status.startTime ??= secondsTime(context.now)
      const { verdict, error } = yield* steer(round)
      yield* track(round, verdict, {
        flushed() {
          memory.failures = round.failures
        },
        released: (pod) => void memory.released.add(pod),
      })
      if (error !== undefined) throw error
    },
  })
}

/** What is remembered of a job; of pods that the cache shows to be gone or let go, nothing is. */
function recall(memories: Map<string, Memory>, uid: string, pods: readonly Pod[]): Memory {
  const { failures, released } = memories.get(uid) ?? { failures: noFailures, released: new Set<string>() }
  const unseen = pods.filter((pod) => isTracked(pod) && released.has(pod.metadata.uid!))
  const memory = { failures, released: new Set(unseen.map(({ metadata }) => metadata.uid!)) }
  memories.set(uid, memory)
  return memory
}

interface Course {
  /** How the job ends, if it does and nothing is in its way. */
  readonly verdict: Verdict | undefined
  readonly error: ApiError | undefined
}

function* steer(round: Round): Steps<Course> {
  const verdict = (yield* verdictOf(round)) ?? successOf(round)
  if (verdict !== undefined) {
    const error = yield* dismissActive(round)
    return { verdict: error === undefined ? verdict : undefined, error }
  }
  const { job } = round
  const error = job.metadata.deletionTimestamp === undefined ? yield* scale(round) : undefined
  if (isComplete(round)) {
    return { verdict: success('CompletionsReached', 'Reached expected number of succeeded pods'), error }
  }
  if (job.metadata.deletionTimestamp === undefined) yield* showSuspension(round)
  return { verdict: undefined, error }
}

/** What has been said already, else the first reason to fail. */
function* verdictOf(round: Round): Steps<Verdict | undefined> {
  const { job, failed, indexes } = round
  const announced = announcedVerdict(job)
  if (announced !== undefined) return announced
  const fatal = fatalFailure(round)
  if (fatal !== undefined) return failure('PodFailurePolicy', fatal)
  if (failed > (job.spec.backoffLimit ?? 6) || restartedTooOften(round))
    return failure('BackoffLimitExceeded', 'Job has reached the specified backoff limit')
  const left = untilDeadline(round)
  if (left !== undefined && left <= 0)
    return failure('DeadlineExceeded', 'Job was active longer than specified deadline')
  if (left !== undefined) yield again(left)
  if (indexes?.failed === undefined) return undefined
  const { maxFailedIndexes, completions = 0 } = job.spec
  if (maxFailedIndexes !== undefined && indexes.failed.count > maxFailedIndexes)
    return failure('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes')
  const isThrough = indexes.failed.count + indexes.succeeded.count >= completions
  if (indexes.failed.count > 0 && isThrough) return failure('FailedIndexes', 'Job has failed indexes')
  return undefined
}

function fatalFailure({ job, pods }: Round): string | undefined {
  const { podFailurePolicy } = job.spec
  if (podFailurePolicy === undefined) return undefined
  for (const pod of pods) {
    const message = isFailed(job, pod) ? fateOf(podFailurePolicy, pod).message : undefined
    if (message !== undefined) return message
  }
  return undefined
}

/** Where containers are started again in their pods, it is the restarts that count. */
function restartedTooOften({ job, pods }: Round): boolean {
  const { template, backoffLimit = 6 } = job.spec
  if (template.spec.restartPolicy !== 'OnFailure') return false
  let restarts = 0
  for (const { status } of pods) {
    if (status.phase !== 'Running' && status.phase !== 'Pending') continue
    for (const { restartCount } of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])])
      restarts += restartCount
  }
  return backoffLimit === 0 ? restarts > 0 : restarts >= backoffLimit
}

/** In how many milliseconds the job will have been active for too long. */
function untilDeadline({ job, status, now }: Round): number | undefined {
  const { activeDeadlineSeconds } = job.spec
  if (activeDeadlineSeconds === undefined || isSuspended(job)) return undefined
  return timeOf(status.startTime) + activeDeadlineSeconds * 1000 - now
}

function successOf({ job, indexes }: Round): Verdict | undefined {
  if (indexes === undefined) return undefined
  const message = successByPolicy(job.spec.successPolicy, indexes.succeeded, job.spec.completions ?? 0)
  return message === undefined ? undefined : success('SuccessPolicy', message)
}

/** Without a wished number, one success is enough, once the others have ended, too. */
function isComplete({ job, succeeded, status }: Round): boolean {
  const { completions } = job.spec
  return status.active === 0 && (completions === undefined ? succeeded > 0 : succeeded >= completions)
}

/** Says that a job pauses or goes on; the deadline of one that goes on begins anew. */
function* showSuspension({ job, status, now }: Round): Steps {
  const isPausing = isSuspended(job)
  const next = isPausing
    ? condition('Suspended', 'True', 'JobSuspended', 'Job suspended', now)
    : condition('Suspended', 'False', 'JobResumed', 'Job resumed', now)
  if (isPausing) status.startTime = undefined
  const conditions = withCondition(status.conditions, next)
  if (conditions === status.conditions) return
  status.conditions = conditions
  if (!isPausing) status.startTime = secondsTime(now)
  yield isPausing ? event('Suspended', 'Job suspended') : event('Resumed', 'Job resumed')
}
