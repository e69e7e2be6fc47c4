/** Texts of times and durations, with the precision and the range that expressions have. */
import { Failure } from './failure.ts'
import { Duration, Timestamp } from './values.ts'

const secondNanoseconds = 1_000_000_000n
/** 0001-01-01T00:00:00Z */
const minTimestamp = -62135596800n * secondNanoseconds
/** 9999-12-31T23:59:59.999999999Z */
const maxTimestamp = 253402300800n * secondNanoseconds - 1n
/** Go's durations are an int64 of nanoseconds. */
const maxDuration = 2n ** 63n - 1n
const minDuration = -(2n ** 63n)

/** @throws Failure when it is beyond what can be told */
export function timestampOf(nanoseconds: bigint): Timestamp {
  if (nanoseconds < minTimestamp || nanoseconds > maxTimestamp) throw new Failure('timestamp overflow')
  return new Timestamp(nanoseconds)
}

/** @throws Failure when it is beyond what can be told */
export function durationOf(nanoseconds: bigint): Duration {
  if (nanoseconds < minDuration || nanoseconds > maxDuration) throw new Failure('integer overflow')
  return new Duration(nanoseconds)
}

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)$/

/** Reads an RFC 3339 text; undefined when it is none. */
export function parseTimestamp(text: string): Timestamp | undefined {
  const parts = rfc3339.exec(text)
  if (!parts) return undefined
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59)
    return undefined
  const offset = offsetSeconds(parts[8]!)
  if (offset === undefined) return undefined
  const days = daysSinceEpoch(year, month, day)
  const seconds = BigInt(days * 86400 + hour * 3600 + minute * 60 + second - offset)
  const fraction = BigInt((parts[7] ?? '').slice(0, 9).padEnd(9, '0'))
  const nanoseconds = seconds * secondNanoseconds + fraction
  return nanoseconds < minTimestamp || nanoseconds > maxTimestamp ? undefined : new Timestamp(nanoseconds)
}

/** Reads `2024-01-31`; undefined when it is no date. */
export function parseDate(text: string): Timestamp | undefined {
  return /^\d{4}-\d\d-\d\d$/.test(text) ? parseTimestamp(`${text}T00:00:00Z`) : undefined
}

function offsetSeconds(text: string): number | undefined {
  if (text === 'Z' || text === 'z') return 0
  const hours = Number(text.slice(1, 3))
  const minutes = Number(text.slice(4, 6))
  if (hours > 23 || minutes > 59) return undefined
  return (text.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60)
}

const isLeap = (year: number) => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
const daysIn = (year: number, month: number) =>
  month === 2 ? (isLeap(year) ? 29 : 28) : month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31

/** The count of days from 1970-01-01, in the Gregorian calendar of all times. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return era * 146097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719468
}

/** A time as a calendar has it. */
export interface CalendarTime {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly weekday: number
  readonly dayOfYear: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly millisecond: number
}

/**
 * The calendar's view of a time in a zone: `UTC`, `+02:30`, `America/New_York`.
 * @throws Failure for an unknown zone
 */
export function calendarOf(time: Timestamp, zone: string | undefined): CalendarTime {
  const seconds = floorDivide(time.nanoseconds, secondNanoseconds)
  const local = Number(seconds) + (zone === undefined ? 0 : zoneOffset(zone, Number(seconds)))
  const days = Math.floor(local / 86400)
  const inDay = local - days * 86400
  const [year, month, day] = dateOf(days)
  return {
    year,
    month,
    day,
    weekday: (((days + 4) % 7) + 7) % 7,
    dayOfYear: days - daysSinceEpoch(year, 1, 1),
    hour: Math.floor(inDay / 3600),
    minute: Math.floor(inDay / 60) % 60,
    second: inDay % 60,
    millisecond: Number((time.nanoseconds - seconds * secondNanoseconds) / 1_000_000n),
  }
}

function dateOf(daysSince1970: number): [number, number, number] {
  const days = daysSince1970 + 719468
  const era = Math.floor(days / 146097)
  const dayOfEra = days - era * 146097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shifted = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shifted < 10 ? shifted + 3 : shifted - 9
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1]
}

function zoneOffset(zone: string, seconds: number): number {
  const fixed = /^([+-]?)(\d\d):(\d\d)$/.exec(zone)
  if (fixed) return (fixed[1] === '-' ? -1 : 1) * (Number(fixed[2]) * 3600 + Number(fixed[3]) * 60)
  if (zone === 'UTC' || zone === '') return 0
  return namedZoneOffset(zone, seconds)
}

const formatters = new Map<string, Intl.DateTimeFormat>()

function namedZoneOffset(zone: string, seconds: number): number {
  const parts = zoneFormatter(zone).formatToParts(seconds * 1000)
  const part = (type: string) => Number(parts.find((candidate) => candidate.type === type)?.value)
  const local =
    daysSinceEpoch(part('year'), part('month'), part('day')) * 86400 +
    part('hour') * 3600 +
    part('minute') * 60 +
    part('second')
  return local - seconds
}

/** Zones are few in practice; hostile ones do not fill the memory. */
const zoneLimit = 64

function zoneFormatter(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone)
  if (known) return known
  try {
    const formatter = new Intl.DateTimeFormat('en-u-ca-iso8601-hc-h23', {
      timeZone: zone,
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      hourCycle: 'h23',
    })
    if (formatters.size >= zoneLimit) formatters.clear()
    formatters.set(zone, formatter)
    return formatter
  } catch {
    throw new Failure(`unknown time zone ${zone}`)
  }
}

/** RFC 3339 in UTC, with as many decimals as needed. */
export function formatTimestamp(time: Timestamp): string {
  const { year, month, day, hour, minute, second } = calendarOf(time, undefined)
  const pad = (value: number, width = 2) => String(value).padStart(width, '0')
  const fraction = time.nanoseconds - floorDivide(time.nanoseconds, secondNanoseconds) * secondNanoseconds
  const decimals = fraction === 0n ? '' : `.${String(fraction).padStart(9, '0').replace(/0+$/, '')}`
  return `${pad(year, 4)}-${pad(month)}-${pad(day)}T${pad(hour)}:${pad(minute)}:${pad(second)}${decimals}Z`
}

/** Seconds with as many decimals as needed: `1.5s`. */
export function formatDuration({ nanoseconds }: Duration): string {
  const positive = nanoseconds < 0n ? -nanoseconds : nanoseconds
  const fraction = positive % secondNanoseconds
  const decimals = fraction === 0n ? '' : `.${String(fraction).padStart(9, '0').replace(/0+$/, '')}`
  return `${nanoseconds < 0n ? '-' : ''}${positive / secondNanoseconds}${decimals}s`
}

const unitNanoseconds: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: secondNanoseconds,
  m: 60n * secondNanoseconds,
  h: 3600n * secondNanoseconds,
}

/** Reads a duration as Go does (`1h30m`, `-1.5s`, `0`); undefined when it is none. */
export function parseDuration(text: string): Duration | undefined {
  const signed = /^([+-]?)(.*)$/s.exec(text)
  if (!signed || text.length > 100) return undefined
  const body = signed[2]!
  if (body === '0') return new Duration(0n)
  let total = 0n
  let rest = body
  while (rest !== '') {
    const part = /^(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/.exec(rest)
    if (!part || (part[1] === '' && !part[2])) return undefined
    const unit = unitNanoseconds[part[3]!]!
    const decimals = part[2] ?? ''
    total += BigInt(part[1] || '0') * unit
    if (decimals !== '') total += (BigInt(decimals) * unit) / 10n ** BigInt(decimals.length)
    rest = rest.slice(part[0].length)
  }
  if (body === '') return undefined
  const nanoseconds = signed[1] === '-' ? -total : total
  return nanoseconds < minDuration || nanoseconds > maxDuration ? undefined : new Duration(nanoseconds)
}

export function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor
  return dividend % divisor < 0n ? quotient - 1n : quotient
}
