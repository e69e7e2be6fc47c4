/** A moment as a wall clock shows it. `day` and `month` count from 1; what is too large runs over, as 32 December. */
export interface Civil {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
}

/** A time zone of the IANA database: from moments (milliseconds since 1970) to what its wall clocks show, and back. */
export class TimeZone {
  static readonly utc: TimeZone = new TimeZone(undefined)
  readonly #format: Intl.DateTimeFormat | undefined
  /** Offsets change on the quarter of an hour at most. */
  #last: { readonly quarter: number; readonly offsetMs: number } = { quarter: Number.NaN, offsetMs: 0 }

  private constructor(format: Intl.DateTimeFormat | undefined) {
    this.#format = format
  }

  /** Nothing when there is no such zone. */
  static named(name: string): TimeZone | undefined {
    if (name === 'UTC' || name === '') return TimeZone.utc
    const known = zones.get(name)
    if (known !== undefined) return known
    try {
      const zone = new TimeZone(new Intl.DateTimeFormat('en-US', { timeZone: name, ...allFields }))
      zones.set(name, zone)
      return zone
    } catch (error) {
      if (error instanceof RangeError) return undefined
      throw error
    }
  }

  /** What is to be added to UTC. */
  offsetMs(at: number): number {
    if (this.#format === undefined) return 0
    const quarter = Math.floor(at / quarterMs)
    if (quarter !== this.#last.quarter) this.#last = { quarter, offsetMs: offsetBy(this.#format, quarter * quarterMs) }
    return this.#last.offsetMs
  }

  civil(at: number): Civil & { readonly weekday: number } {
    const local = new Date(at + this.offsetMs(at))
    return {
      year: local.getUTCFullYear(),
      month: local.getUTCMonth() + 1,
      day: local.getUTCDate(),
      hour: local.getUTCHours(),
      minute: local.getUTCMinutes(),
      weekday: local.getUTCDay(),
    }
  }

  /**
   * The moment at which the clocks show this. A time that a change skips counts by one of the two offsets; of one that
   * comes twice, the first is meant.
   */
  moment({ year, month, day, hour, minute }: Civil): number {
    const local = Date.UTC(year, month - 1, day, hour, minute)
    const guess = local - this.offsetMs(local)
    return this.offsetMs(local) === this.offsetMs(guess) ? guess : local - this.offsetMs(guess)
  }

  /** RFC 3339 with the offset of the zone. */
  text(at: number): string {
    const offsetMs = this.offsetMs(at)
    const local = new Date(at + offsetMs).toISOString().slice(0, 19)
    if (this.#format === undefined || offsetMs === 0) return `${local}Z`
    const minutes = Math.abs(offsetMs) / 60_000
    const two = (value: number) => String(Math.floor(value)).padStart(2, '0')
    return `${local}${offsetMs < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`
  }
}

const zones = new Map<string, TimeZone>()
const quarterMs = 900_000

const allFields = {
  calendar: 'gregory',
  numberingSystem: 'latn',
  hourCycle: 'h23',
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
} as const

function offsetBy(format: Intl.DateTimeFormat, at: number): number {
  const fields: Record<string, number> = {}
  for (const { type, value } of format.formatToParts(at)) fields[type] = Number(value)
  const { year = 0, month = 1, day, hour, minute, second } = fields
  return Date.UTC(year, month - 1, day, hour, minute, second) - at
}
