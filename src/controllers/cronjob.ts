import { secondsTime } from '../base/seconds-time.ts'
import { CronJob, type CronJobStatus } from '../kinds/batch/cron-job.ts'
import { CronError } from '../kinds/batch/cron-schedule.ts'
import { Job } from '../kinds/batch/job.ts'
import { again, create, event, made, remove, type Steps, setStatus } from '../reconciler/changes.ts'
import { type Context, type Controller, defineController } from '../reconciler/controller.ts'
import { ApiError, isAlreadyExists } from '../schema/status.ts'
import { earlierStartFirst, jobAt, jobName, referenceTo } from './cronjob/jobs.ts'
import { missedTimes, nextTime, ScheduleError } from './cronjob/missed.ts'
import { type Schedule, scheduleOf } from './cronjob/schedule.ts'
import { TimeZone } from './cronjob/time-zone.ts'
import { finishOf } from './job/conditions.ts'
import { attemptTo } from './shared/attempt.ts'
import { isEqual } from './shared/equal.ts'
import { isBeingDeleted, isControlledBy, timeOf } from './shared/owner.ts'
import { isNamespaceTerminating } from './shared/pod-control.ts'

/** Starts jobs by a schedule. */
export function cronJobController(): Controller {
  /** Schedules as they were when last seen, by uid: a new one begins with its next time, not with one that has gone by. */
  const schedules = new Map<string, string>()
  return defineController<CronJob>({
    name: 'cronjob-controller',
    reconciles: CronJob,
    owns: [Job],
    wakes: ({ object, old }) => {
      if (object === undefined) schedules.delete(old!.metadata.uid!)
      return object !== undefined
    },

    *reconcile(cronJob, context) {
      const { schedule, timeZone = '' } = cronJob.spec
      const { uid = '' } = cronJob.metadata
      const text = `${timeZone} ${schedule}`
      const before = schedules.get(uid)
      schedules.set(uid, text)
      const round = roundOf(cronJob, context)
      yield* follow(round)
      const error = yield* attemptTo(start(round, before === undefined || before === text))
      yield* tidyUp(round)
      yield* flush(round)
      if (error !== undefined) throw error
    },
  })
}

/** A cron job in the course of one reconcile. */
interface Round {
  readonly cronJob: CronJob
  readonly context: Context
  readonly jobs: readonly Job[]
  /** As it is going to be. */
  active: NonNullable<CronJobStatus['active']>
  lastScheduleTime: string | undefined
  lastSuccessfulTime: string | undefined
}

function roundOf(cronJob: CronJob, context: Context): Round {
  const { active = [], lastScheduleTime, lastSuccessfulTime } = cronJob.status
  return { cronJob, context, jobs: context.owned(Job), active, lastScheduleTime, lastSuccessfulTime }
}

const isActive = ({ active }: Round, uid: string | undefined) => active.some((each) => each.uid === uid)

function forget(round: Round, uid: string | undefined): void {
  round.active = round.active.filter((each) => each.uid !== uid)
}

/** Brings the list of active jobs up to date. */
function* follow(round: Round): Steps {
  for (const job of round.jobs) yield* followJob(round, job)
  for (const { uid, name, namespace } of round.active) {
    if (round.jobs.some(({ metadata }) => metadata.uid === uid)) continue
    if (round.context.get(Job, { namespace, name: name! }) !== undefined) continue
    yield event('MissingJob', `Active job went missing: ${name}`)
    forget(round, uid)
  }
}

function* followJob(round: Round, job: Job): Steps {
  const { uid, name } = job.metadata
  const finish = finishOf(job.status.conditions ?? [])
  const wasActive = isActive(round, uid)
  if (finish === undefined) {
    if (wasActive) return
    return void (yield event(
      'UnexpectedJob',
      `Saw a job that the controller did not create or forgot: ${name}`,
      'Warning',
    ))
  }
  if (wasActive) {
    forget(round, uid)
    yield event('SawCompletedJob', `Saw completed job: ${name}, condition: ${finish.type}`)
  }
  const { completionTime } = job.status
  if (finish.type !== 'Complete' || completionTime === undefined) return
  if (timeOf(completionTime) > timeOf(round.lastSuccessfulTime)) round.lastSuccessfulTime = completionTime
}

/** Starts a job if one is due, and says when to look again. */
function* start(round: Round, mayStart: boolean): Steps {
  const { cronJob, context } = round
  if (isBeingDeleted(cronJob)) return
  const schedule = yield* readSchedule(cronJob)
  if (schedule === undefined) return
  try {
    if (mayStart && !(yield* startDue(round, schedule))) return
    const next = nextTime({ ...cronJob, status: statusOf(round) }, schedule, context.now)
    if (next !== undefined) yield again(next - context.now)
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error
    yield event('InvalidSchedule', `invalid schedule: ${cronJob.spec.schedule} : ${error.message}`, 'Warning')
  }
}

/** Nothing when it is not to be followed. */
function* readSchedule({ spec }: CronJob): Steps<Schedule | undefined> {
  const { schedule, timeZone, suspend } = spec
  if (timeZone !== undefined && TimeZone.named(timeZone) === undefined) {
    const message = `invalid timeZone: ${JSON.stringify(timeZone)}: unknown time zone ${timeZone}`
    return void (yield event('UnknownTimeZone', message, 'Warning'))
  }
  if (suspend) return undefined
  if (schedule.includes('TZ')) {
    const message = `CRON_TZ or TZ used in schedule ${JSON.stringify(schedule)} is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details`
    yield event('UnsupportedSchedule', message, 'Warning')
  }
  try {
    return scheduleOf(schedule, timeZone)
  } catch (error) {
    if (!(error instanceof CronError)) throw error
    const message = `unparseable schedule: ${JSON.stringify(schedule)} : ${error.message}`
    return void (yield event('UnparseableSchedule', message, 'Warning'))
  }
}

/** Answers whether the schedule is to be followed further. */
function* startDue(round: Round, schedule: Schedule): Steps<boolean> {
  const { cronJob, context, active } = round
  const { startingDeadlineSeconds, concurrencyPolicy } = cronJob.spec
  const deadlineMs = startingDeadlineSeconds === undefined ? undefined : startingDeadlineSeconds * 1000
  const notBefore = deadlineMs === undefined ? 0 : context.now - deadlineMs
  const { latest, areMany } = missedTimes(cronJob, schedule, context.now, notBefore)
  if (latest === undefined) return true
  if (areMany) {
    const advice = 'Set or decrease .spec.startingDeadlineSeconds or check clock skew'
    yield event('TooManyMissedTimes', `too many missed start times. ${advice}`, 'Warning')
  }
  if (deadlineMs !== undefined && latest + deadlineMs < context.now) {
    const time = new Date(latest).toUTCString().replace(/GMT$/, 'UTC')
    yield event('MissSchedule', `Missed scheduled time to start a job: ${time}`, 'Warning')
    return true
  }
  const name = jobName(cronJob, latest)
  if (active.some((each) => each.name === name) || timeOf(round.lastScheduleTime) === latest) return true
  if (concurrencyPolicy === 'Forbid' && active.length > 0) {
    const message = 'Not starting job because prior execution is running and concurrency policy is Forbid'
    yield event('JobAlreadyActive', message)
    return true
  }
  if (concurrencyPolicy === 'Replace') yield* dismissActive(round)
  return yield* startJob(round, latest)
}

function* dismissActive(round: Round): Steps {
  for (const { name, namespace } of round.active) {
    const job = round.context.get(Job, { namespace, name: name! })
    if (job !== undefined) yield* dismiss(round, job)
  }
}

function* dismiss(round: Round, job: Job): Steps {
  try {
    yield remove(Job, job, { propagationPolicy: 'Background' })
  } catch (error) {
    yield event('FailedDelete', `Deleted job: ${messageOf(error)}`, 'Warning')
    throw error
  }
  forget(round, job.metadata.uid)
  yield event('SuccessfulDelete', `Deleted job ${job.metadata.name}`)
}

function* startJob(round: Round, scheduledAt: number): Steps<boolean> {
  const { cronJob, context } = round
  const job = yield* createJob(jobAt(cronJob, scheduledAt), context)
  if (job === undefined || !isControlledBy(job, cronJob) || isActive(round, job.metadata.uid)) return false
  round.active = [...round.active, referenceTo(job)]
  round.lastScheduleTime = secondsTime(scheduledAt)
  return true
}

/** A job that is there already may be one that could not be written into the status. */
function* createJob(draft: ReturnType<typeof jobAt>, { get }: Context): Steps<Job | undefined> {
  try {
    const job = yield* made<Job>(create(Job, draft))
    yield event('SuccessfulCreate', `Created job ${job.metadata.name}`)
    return job
  } catch (error) {
    const { namespace, name } = draft.metadata as { readonly namespace: string; readonly name: string }
    if (isAlreadyExists(error)) return get(Job, { namespace, name })
    const isLost = error instanceof ApiError && isNamespaceTerminating(error)
    if (!isLost) yield event('FailedCreate', `Error creating job: ${messageOf(error)}`, 'Warning')
    throw error
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

/** Deletes the oldest of the jobs that are over, beyond as many as are to be kept. */
function* tidyUp(round: Round): Steps {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = round.cronJob.spec
  yield* keepYoungest(round, 'Complete', successfulJobsHistoryLimit)
  yield* keepYoungest(round, 'Failed', failedJobsHistoryLimit)
}

function* keepYoungest(round: Round, outcome: string, limit: number | undefined): Steps {
  if (limit === undefined) return
  const over = round.jobs.filter(
    (job) => finishOf(job.status.conditions ?? [])?.type === outcome && !isBeingDeleted(job),
  )
  for (const job of over.toSorted(earlierStartFirst).slice(0, Math.max(0, over.length - limit)))
    yield* dismiss(round, job)
}

function statusOf({ active, lastScheduleTime, lastSuccessfulTime }: Round): CronJobStatus {
  return {
    ...(active.length > 0 && { active }),
    ...(lastScheduleTime !== undefined && { lastScheduleTime }),
    ...(lastSuccessfulTime !== undefined && { lastSuccessfulTime }),
  }
}

function* flush(round: Round): Steps {
  const status = statusOf(round)
  if (!isEqual(round.cronJob.status, status)) yield setStatus(CronJob, round.cronJob, status)
}
