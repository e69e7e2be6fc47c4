import { CronError, type CronSchedule, type CronTimes, parseCron } from '../../kinds/batch/cron-schedule.ts'
import { TimeZone } from './time-zone.ts'

/** When something is to happen, again and again. */
export interface Schedule {
  /** The first time after this one; nothing when there is none within five years. Milliseconds since 1970. */
  next(after: number): number | undefined
}

/**
 * A schedule with the zone in which it is meant: UTC, unless it says otherwise itself (`TZ=Europe/Berlin 0 9 * * *`)
 * or `zoneName` is given.
 * @throws CronError
 */
export function scheduleOf(text: string, zoneName?: string): Schedule {
  const own = /^(?:CRON_)?TZ=(\S*)\s*(.*)$/s.exec(text)
  const zone = TimeZone.named(own?.[1] ?? zoneName ?? '')
  if (zone === undefined) throw new CronError(`provided bad location ${own?.[1] ?? zoneName}`)
  const times = parseCron(own?.[2] ?? text)
  return { next: (after) => nextOf(times, zone, after) }
}

const nextOf = (schedule: CronSchedule, zone: TimeZone, after: number): number | undefined =>
  'everySeconds' in schedule
    ? Math.floor(after / 1000) * 1000 + schedule.everySeconds * 1000
    : nextMatch(schedule, zone, after)

const minuteMs = 60_000
const hourMs = 3_600_000
const yearsAhead = 5

/**
 * Goes forward from the coarse fields to the fine ones, as the library of the reference does, so that changes of the
 * clock have the same effect: what falls into an hour that is skipped does not happen on that day, and in an hour that
 * comes twice it happens twice.
 */
function nextMatch(times: CronTimes, zone: TimeZone, after: number): number | undefined {
  let at = (Math.floor(after / 1000) + 1) * 1000
  const lastYear = zone.civil(at).year + yearsAhead
  // Once a field has been moved on, the finer ones begin at their lowest.
  let isMoved = false
  for (;;) {
    if (zone.civil(at).year > lastYear) return undefined
    const month: Move = untilMonth(times, zone, at, isMoved)
    if (month.wrapped) {
      ;({ at } = month)
      isMoved = true
      continue
    }
    const day: Move = untilDay(times, zone, month.at, isMoved || month.isMoved)
    const hour: Move = day.wrapped ? day : untilHour(times, zone, day.at, isMoved || month.isMoved || day.isMoved)
    const moved: boolean = isMoved || month.isMoved || day.isMoved || hour.isMoved
    const minute: Move = hour.wrapped ? hour : untilMinute(times, zone, hour.at, moved)
    at = minute.at
    isMoved = moved || minute.isMoved
    if (minute.wrapped) continue
    if (at % minuteMs === 0) return at
    // The second of every schedule is 0.
    at = Math.floor(at / minuteMs + 1) * minuteMs
    isMoved = true
  }
}

interface Move {
  readonly at: number
  readonly isMoved: boolean
  /** The next coarser field has changed, too. */
  readonly wrapped: boolean
}

function untilMonth({ months }: CronTimes, zone: TimeZone, from: number, wasMoved: boolean): Move {
  let at = from
  let isMoved = false
  for (let civil = zone.civil(at); !months.has(civil.month); civil = zone.civil(at)) {
    const start = wasMoved || isMoved ? civil : { ...civil, day: 1, hour: 0, minute: 0 }
    at = zone.moment({ ...start, month: civil.month + 1 })
    isMoved = true
    if (zone.civil(at).month === 1) return { at, isMoved, wrapped: true }
  }
  return { at, isMoved, wrapped: false }
}

function untilDay(times: CronTimes, zone: TimeZone, from: number, wasMoved: boolean): Move {
  let at = from
  let isMoved = false
  for (let civil = zone.civil(at); !isDay(times, civil); civil = zone.civil(at)) {
    const start = wasMoved || isMoved ? civil : { ...civil, hour: 0, minute: 0 }
    at = atMidnight(zone, zone.moment({ ...start, day: civil.day + 1 }))
    isMoved = true
    if (zone.civil(at).day === 1) return { at, isMoved, wrapped: true }
  }
  return { at, isMoved, wrapped: false }
}

/** Where the clock changes at midnight, the day begins at another hour, or the moment found lies in the day before. */
function atMidnight(zone: TimeZone, at: number): number {
  const { hour } = zone.civil(at)
  return hour > 12 ? at + (24 - hour) * hourMs : at - hour * hourMs
}

function isDay(times: CronTimes, { day, weekday }: { readonly day: number; readonly weekday: number }): boolean {
  const byDate = times.daysOfMonth.has(day)
  const byWeekday = times.daysOfWeek.has(weekday)
  return times.anyDayOfMonth || times.anyDayOfWeek ? byDate && byWeekday : byDate || byWeekday
}

function untilHour({ hours }: CronTimes, zone: TimeZone, from: number, wasMoved: boolean): Move {
  let at = from
  let isMoved = false
  for (let civil = zone.civil(at); !hours.has(civil.hour); civil = zone.civil(at)) {
    if (!wasMoved && !isMoved) at = zone.moment({ ...civil, minute: 0 })
    at += hourMs
    isMoved = true
    if (zone.civil(at).hour === 0) return { at, isMoved, wrapped: true }
  }
  return { at, isMoved, wrapped: false }
}

function untilMinute({ minutes }: CronTimes, zone: TimeZone, from: number, wasMoved: boolean): Move {
  let at = from
  let isMoved = false
  for (let { minute } = zone.civil(at); !minutes.has(minute); { minute } = zone.civil(at)) {
    if (!wasMoved && !isMoved) at = Math.floor(at / minuteMs) * minuteMs
    at += minuteMs
    isMoved = true
    if (zone.civil(at).minute === 0) return { at, isMoved, wrapped: true }
  }
  return { at, isMoved, wrapped: false }
}
