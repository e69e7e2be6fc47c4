import type { CronJob } from '../../kinds/batch/cron-job.ts'
import { timeOf } from '../shared/owner.ts'
import type { Schedule } from './schedule.ts'

/** A schedule that cannot be followed. */
export class ScheduleError extends Error {}

export interface Missed {
  /** The latest time that has come since a job was last started; nothing when none has. */
  readonly latest: number | undefined
  /** Since when times were looked for. */
  readonly since: number
  /** More have come than can be meant. */
  readonly areMany: boolean
}

const manyFrom = 100

/**
 * Times of the schedule that have come since a job was last started, or the cron job was made. How many have been missed
 * is only estimated, from the distance of the first two: nobody must count the minutes of a year.
 * @throws ScheduleError
 */
export function missedTimes({ metadata, status }: CronJob, schedule: Schedule, now: number, notBefore = 0): Missed {
  const since = Math.max(timeOf(status.lastScheduleTime ?? metadata.creationTimestamp), notBefore)
  const first = schedule.next(since)
  if (first !== undefined && now < first) return { latest: undefined, since, areMany: false }
  const second = first === undefined ? undefined : schedule.next(first)
  if (first === undefined || second === undefined || second - first < 1000)
    throw new ScheduleError('time difference between two schedules is less than 1 second')
  if (now < second) return { latest: first, since, areMany: false }
  const distance = second - first
  const count = Math.floor((now - first) / distance) + 1
  return { latest: latestBefore(schedule, first + (count - 2) * distance, now), since, areMany: count > manyFrom }
}

function latestBefore(schedule: Schedule, from: number, now: number): number | undefined {
  let latest: number | undefined
  for (let at = schedule.next(from); at !== undefined && at <= now; at = schedule.next(at)) latest = at
  return latest
}

/** When the next job is to be started, counted from the last one that was due. */
export function nextTime(cronJob: CronJob, schedule: Schedule, now: number): number | undefined {
  const { latest, since } = missedTimes(cronJob, schedule, now)
  const next = schedule.next(latest ?? since)
  return next === undefined || next > now ? next : schedule.next(now)
}
