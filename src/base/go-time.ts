/**
 * Points in time as the API writes them: RFC 3339, in UTC, with whole seconds (`metav1.Time`) or microseconds
 * (`metav1.MicroTime`). What is accepted, and what is said about the rest, is what Go's `time.Parse` accepts and says.
 */

/** What is not a time; the messages are Go's. */
export class TimeError extends Error {}

const timeLayout = '2006-01-02T15:04:05Z07:00'
const microTimeLayout = '2006-01-02T15:04:05.000000Z07:00'

/** Go's zero time, which the API writes as `null`. */
export const zeroTime = '0001-01-01T00:00:00Z'

/**
 * Milliseconds since 1970 of an RFC 3339 time.
 * @throws TimeError in Go's words
 */
export function parseTime(text: string): number {
  return parse(text, timeLayout).milliseconds
}

/** Writes milliseconds since 1970 with whole seconds: `2026-01-31T12:00:00Z`. */
export function formatTime(milliseconds: number): string {
  return `${isoSeconds(milliseconds)}Z`
}

/** Writes milliseconds since 1970 with six decimals; a fraction of a millisecond counts. */
export function formatMicroTime(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000)
  const microseconds = Math.floor((milliseconds - seconds * 1000) * 1000 + 1e-6)
  return `${isoSeconds(seconds * 1000)}.${String(microseconds).padStart(6, '0')}Z`
}

/**
 * A time as the API gives it back: in UTC and without fractions.
 * @throws TimeError in Go's words
 */
export function canonicalTime(text: string): string {
  if (isCanonicalTime(text)) return text
  return formatTime(parse(text, timeLayout).milliseconds)
}

/**
 * A time with microseconds as the API gives it back. It must be written with exactly six decimals.
 * @throws TimeError in Go's words
 */
export function canonicalMicroTime(text: string): string {
  if (isCanonicalMicroTime(text)) return text
  const { milliseconds, decimals } = parse(text, microTimeLayout)
  return `${isoSeconds(milliseconds)}.${decimals}Z`
}

function isoSeconds(milliseconds: number): string {
  const iso = new Date(Math.floor(milliseconds / 1000) * 1000).toISOString()
  return iso.slice(0, iso.length - 5)
}

/** Quick: most times that arrive were written by the API itself. Days beyond 28 go the long way. */
function isCanonicalTime(text: string): boolean {
  return /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/.test(text)
}

function isCanonicalMicroTime(text: string): boolean {
  return /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z$/.test(text)
}

interface Parsed {
  /** Whole seconds, in milliseconds. */
  readonly milliseconds: number
  readonly decimals: string
}

/** Reads from the left as Go does, so that the same part is named when something is wrong. */
function parse(text: string, layout: string): Parsed {
  const reader = new Reader(text, layout)
  const year = reader.number('', '2006', /^\d{4}/)
  const month = reader.number('-', '01', /^\d\d/, 'month', 1, 12)
  const day = reader.number('-', '02', /^\d\d/)
  const hour = reader.number('T', '15', /^\d\d?/, 'hour', 0, 23)
  const minute = reader.number(':', '04', /^\d\d/, 'minute', 0, 59)
  const second = reader.number(':', '05', /^\d\d/, 'second', 0, 59)
  const decimals = layout === microTimeLayout ? reader.decimals() : reader.skipDecimals()
  const offsetMinutes = reader.zone()
  reader.end()
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (day < 1 || date.getUTCDate() !== day)
    throw new TimeError(`parsing time ${JSON.stringify(text)}: day out of range`)
  date.setUTCHours(hour, minute - offsetMinutes, second)
  return { milliseconds: date.getTime(), decimals }
}

class Reader {
  readonly #text: string
  readonly #layout: string
  #rest: string

  constructor(text: string, layout: string) {
    this.#text = text
    this.#layout = layout
    this.#rest = text
  }

  /** A number after a separator; `name`, `min` and `max` say which values are in range. */
  number(separator: string, element: string, shape: RegExp, name = '', min = 0, max = 9999): number {
    if (!this.#rest.startsWith(separator)) this.#fail(separator)
    this.#rest = this.#rest.slice(separator.length)
    const digits = shape.exec(this.#rest)?.[0]
    if (digits === undefined) return this.#fail(element)
    this.#rest = this.#rest.slice(digits.length)
    const value = Number(digits)
    if (value < min || value > max) this.#outOfRange(name)
    return value
  }

  decimals(): string {
    const digits = /^[.,](\d{6})/.exec(this.#rest)?.[1]
    if (digits === undefined) return this.#fail('.000000')
    this.#rest = this.#rest.slice(7)
    return digits
  }

  /** Go takes a fraction that the layout does not ask for; the API drops it. */
  skipDecimals(): string {
    this.#rest = this.#rest.replace(/^[.,]\d+/, '')
    return ''
  }

  /** The distance from UTC in minutes. */
  zone(): number {
    if (this.#rest.startsWith('Z')) {
      this.#rest = this.#rest.slice(1)
      return 0
    }
    const [all = '', sign, hours, minutes] = /^([+-])(\d\d):(\d\d)/.exec(this.#rest) ?? this.#fail('Z07:00')
    if (Number(hours) > 24) this.#outOfRange('time zone offset hour')
    if (Number(minutes) > 60) this.#outOfRange('time zone offset minute')
    this.#rest = this.#rest.slice(all.length)
    const distance = Number(hours) * 60 + Number(minutes)
    return sign === '-' ? -distance : distance
  }

  end(): void {
    if (this.#rest === '') return
    throw new TimeError(`parsing time ${JSON.stringify(this.#text)}: extra text: ${JSON.stringify(this.#rest)}`)
  }

  #fail(element: string): never {
    const [text, layout, rest, expected] = [this.#text, this.#layout, this.#rest, element].map((part) =>
      JSON.stringify(part),
    )
    throw new TimeError(`parsing time ${text} as ${layout}: cannot parse ${rest} as ${expected}`)
  }

  #outOfRange(name: string): never {
    throw new TimeError(`parsing time ${JSON.stringify(this.#text)}: ${name} out of range`)
  }
}
