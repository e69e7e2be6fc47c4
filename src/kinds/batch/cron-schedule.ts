/**
 * Schedules of cron jobs: `minute hour day-of-month month day-of-week`, names and `@daily` included, as the library that
 * the reference uses (robfig/cron v3, "standard") reads them; its words are in the errors.
 */

import { DurationError, parseDuration } from '../../base/duration.ts'
import { own } from '../../base/own.ts'

/** What is not a schedule. */
export class CronError extends Error {}

/** When something happens: at the times that match all fields, or again and again after a while. */
export type CronSchedule = CronTimes | { readonly everySeconds: number }

/** The sets of allowed values. */
export interface CronTimes {
  readonly minutes: ReadonlySet<number>
  readonly hours: ReadonlySet<number>
  readonly daysOfMonth: ReadonlySet<number>
  readonly months: ReadonlySet<number>
  /** Sunday is 0. */
  readonly daysOfWeek: ReadonlySet<number>
  /** `*` in one of the two day fields means that only the other one counts; otherwise either may match. */
  readonly anyDayOfMonth: boolean
  readonly anyDayOfWeek: boolean
}

interface Bounds {
  readonly min: number
  readonly max: number
  readonly names?: readonly string[]
}

const minutes: Bounds = { min: 0, max: 59 }
const hours: Bounds = { min: 0, max: 23 }
const days: Bounds = { min: 1, max: 31 }
const months: Bounds = {
  min: 1,
  max: 12,
  names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
}
const weekdays: Bounds = { min: 0, max: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] }

const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

/**
 * Reads a schedule without a time zone.
 * @throws CronError in the library's words
 */
export function parseCron(text: string): CronSchedule {
  if (text === '') throw new CronError('empty spec string')
  if (text.startsWith('@')) return parseDescriptor(text)
  const fields = text.trim().split(/\s+/)
  if (fields.length !== 5 || fields[0] === '') {
    const found = fields.filter((field) => field !== '')
    throw new CronError(`expected exactly 5 fields, found ${found.length}: [${found.join(' ')}]`)
  }
  const [minute, hour, dayOfMonth, month, dayOfWeek] = fields as [string, string, string, string, string]
  const times = {
    minutes: parseField(minute, minutes),
    hours: parseField(hour, hours),
    daysOfMonth: parseField(dayOfMonth, days),
    months: parseField(month, months),
    daysOfWeek: parseField(dayOfWeek, weekdays),
  }
  return { ...times, anyDayOfMonth: isAny(dayOfMonth), anyDayOfWeek: isAny(dayOfWeek) }
}

function parseDescriptor(text: string): CronSchedule {
  const fields = own(descriptors, text)
  if (fields !== undefined) return parseCron(fields)
  if (!text.startsWith('@every ')) throw new CronError(`unrecognized descriptor: ${text}`)
  try {
    const seconds = Math.trunc(parseDuration(text.slice('@every '.length)) / 1000)
    return { everySeconds: Math.max(seconds, 1) }
  } catch (error) {
    if (!(error instanceof DurationError)) throw error
    throw new CronError(`failed to parse duration ${text}: ${error.message}`)
  }
}

const isAny = (field: string): boolean => field.split(',').some((part) => /^[*?](\/1)?$/.test(part))

function parseField(field: string, bounds: Bounds): ReadonlySet<number> {
  const values = new Set<number>()
  for (const part of field.split(',')) if (part !== '') addRange(part, bounds, values)
  return values
}

function addRange(text: string, bounds: Bounds, values: Set<number>): void {
  const [range = '', stepText, ...moreSteps] = text.split('/')
  const [low = '', high, ...moreHyphens] = range.split('-')
  let { min: start, max: end } = bounds
  if (low !== '*' && low !== '?') {
    start = parseValue(low, bounds)
    if (moreHyphens.length > 0) throw new CronError(`too many hyphens: ${text}`)
    end = high === undefined ? start : parseValue(high, bounds)
  }
  if (moreSteps.length > 0) throw new CronError(`too many slashes: ${text}`)
  const step = stepText === undefined ? 1 : parseNumber(stepText)
  if (stepText !== undefined && high === undefined) end = bounds.max
  if (start < bounds.min) {
    throw new CronError(`beginning of range (${start}) below minimum (${bounds.min}): ${text}`)
  }
  if (end > bounds.max) throw new CronError(`end of range (${end}) above maximum (${bounds.max}): ${text}`)
  if (start > end) throw new CronError(`beginning of range (${start}) beyond end of range (${end}): ${text}`)
  if (step === 0) throw new CronError(`step of range should be a positive number: ${text}`)
  for (let value = start; value <= end; value += step) values.add(value)
}

function parseValue(text: string, { names, min }: Bounds): number {
  const index = names?.indexOf(text.toLowerCase()) ?? -1
  return index >= 0 ? index + min : parseNumber(text)
}

function parseNumber(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) {
    throw new CronError(
      `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`,
    )
  }
  const value = Number(text)
  if (value < 0) throw new CronError(`negative number (${value}) not allowed: ${text}`)
  return value
}
