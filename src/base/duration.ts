/** Spans of time: Go's notation (`1h30m0s`), as the API writes them, and the ages that kubectl shows (`5d3h`). */

/** What is not a duration; the messages are Go's. */
export class DurationError extends Error {}

const second = 1_000_000_000n
const minute = 60n * second
const hour = 60n * minute

const nanosecondsOf: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: second,
  m: minute,
  h: hour,
}

/**
 * Reads a duration such as `1h30m`, `-1.5s`, `0`; gives milliseconds, with fractions.
 * @throws DurationError in Go's words
 */
export function parseDuration(text: string): number {
  return Number(parseNanoseconds(text)) / 1e6
}

/** Writes milliseconds as Go writes a duration: `1m30s`, `1.5s`, `250ms`, `0s`. */
export function formatDuration(milliseconds: number): string {
  return formatNanoseconds(BigInt(Math.round(milliseconds * 1e6)))
}

/**
 * A duration as the API gives it back: `90s` → `1m30s`.
 * @throws DurationError in Go's words
 */
export function canonicalDuration(text: string): string {
  return formatNanoseconds(parseNanoseconds(text))
}

function parseNanoseconds(text: string): bigint {
  const invalid = () => new DurationError(`time: invalid duration ${JSON.stringify(text)}`)
  const negative = text.startsWith('-')
  let rest = text.replace(/^[-+]/, '')
  if (rest === '0') return 0n
  if (rest === '') throw invalid()
  let total = 0n
  while (rest !== '') {
    const [number = '', whole = '', decimals = ''] = /^(\d*)(?:\.(\d*))?/.exec(rest) ?? []
    if (whole === '' && decimals === '') throw invalid()
    rest = rest.slice(number.length)
    const unit = /^[^.\d]*/.exec(rest)?.[0] ?? ''
    if (unit === '') throw new DurationError(`time: missing unit in duration ${JSON.stringify(text)}`)
    const nanoseconds = Object.hasOwn(nanosecondsOf, unit) ? nanosecondsOf[unit] : undefined
    if (nanoseconds === undefined) {
      throw new DurationError(`time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`)
    }
    rest = rest.slice(unit.length)
    total += BigInt(whole) * nanoseconds + fractionOf(decimals, nanoseconds)
    if (total > 2n ** 63n - (negative ? 0n : 1n)) throw invalid()
  }
  return negative ? -total : total
}

function fractionOf(decimals: string, unit: bigint): bigint {
  const digits = decimals.slice(0, 18)
  return digits === '' ? 0n : (BigInt(digits) * unit) / 10n ** BigInt(digits.length)
}

function formatNanoseconds(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '0s'
  if (nanoseconds < 0n) return `-${formatNanoseconds(-nanoseconds)}`
  if (nanoseconds < 1_000n) return `${nanoseconds}ns`
  if (nanoseconds < 1_000_000n) return `${decimal(nanoseconds, 3)}µs`
  if (nanoseconds < second) return `${decimal(nanoseconds, 6)}ms`
  const seconds = `${decimal(nanoseconds % minute, 9)}s`
  if (nanoseconds < minute) return seconds
  const minutes = `${(nanoseconds / minute) % 60n}m${seconds}`
  return nanoseconds < hour ? minutes : `${nanoseconds / hour}h${minutes}`
}

/** `value / 10^places` without trailing zeros. */
function decimal(value: bigint, places: number): string {
  const digits = String(value).padStart(places + 1, '0')
  const fraction = digits.slice(-places).replace(/0+$/, '')
  const whole = digits.slice(0, -places)
  return fraction === '' ? whole : `${whole}.${fraction}`
}

/**
 * An age as kubectl shows it: two units at most, the finer one only while it tells something (`47m`, `5d3h`, `2y`).
 * Up to two seconds in the future are taken for clocks that differ.
 */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 10) return twoUnits(minutes, 'm', seconds % 60, 's')
  if (minutes < 180) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  if (hours < 8) return twoUnits(hours, 'h', minutes % 60, 'm')
  if (hours < 48) return `${hours}h`
  const days = Math.floor(hours / 24)
  if (days < 8) return twoUnits(days, 'd', hours % 24, 'h')
  if (days < 730) return `${days}d`
  const years = Math.floor(days / 365)
  return years < 8 ? twoUnits(years, 'y', days % 365, 'd') : `${years}y`
}

/** An age in one unit, as server-side tables of old show it (`59s`, `23h`, `364d`). */
export function shortHumanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`
  const days = Math.floor(seconds / 86_400)
  return days < 365 ? `${days}d` : `${Math.floor(days / 365)}y`
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`
}
