import { DurationError, parseDuration } from '../../base/duration.ts'
import { parseQuantity, QuantityError } from '../../base/quantity.ts'

/** An amount over time. */
export interface Curve {
  /** `sinceMs`: since the container began; `now`: milliseconds since 1970. */
  at(sinceMs: number, now: number): number
}

/** A text that is no curve; the message says what is wrong with it. */
export class CurveError extends Error {}

/**
 * Reads a curve; docs/simulation.md has the forms. `whole` is what percentages are of.
 *
 * ```ts
 * parseCurve('150m', 0).at(0, 0)                    // 0.15
 * parseCurve('ramp 10% 100% 5m', 2).at(60_000, 0)   // 0.56
 * ```
 */
export function parseCurve(text: string, whole: number): Curve {
  const [first = '', ...rest] = text.trim().split(/\s+/)
  try {
    const make = Object.hasOwn(curves, first) ? curves[first] : undefined
    if (make !== undefined) return make(rest, whole)
    if (rest.length > 0) throw new CurveError(`there is no curve ${JSON.stringify(first)}`)
    return constant(amount(first, whole))
  } catch (error) {
    if (error instanceof CurveError) throw error
    if (error instanceof DurationError || error instanceof QuantityError) throw new CurveError(error.message)
    throw error
  }
}

type Make = (words: readonly string[], whole: number) => Curve

const curves: Readonly<Record<string, Make>> = {
  constant(words, whole) {
    const [value] = exactly(words, 1, 'constant AMOUNT')
    return constant(amount(value!, whole))
  },

  /** From one amount to another, then that. */
  ramp(words, whole) {
    const [from, to, over] = exactly(words, 3, 'ramp FROM TO OVER')
    const [start, end, lengthMs] = [amount(from!, whole), amount(to!, whole), span(over!)]
    return { at: (sinceMs) => start + (end - start) * Math.min(1, sinceMs / lengthMs) }
  },

  /** One amount after the other: `steps 10m 5m=400m 20m=10m`. */
  steps([first, ...later], whole) {
    if (first === undefined) throw new CurveError('it is written steps AMOUNT [AFTER=AMOUNT …]')
    const steps = [{ afterMs: 0, value: amount(first, whole) }]
    for (const word of later) {
      const [after = '', value = ''] = word.split('=')
      steps.push({ afterMs: span(after), value: amount(value, whole) })
    }
    return { at: (sinceMs) => steps.findLast(({ afterMs }) => afterMs <= sinceMs)?.value ?? steps[0]!.value }
  },

  /** Up and down like the tides, by the clock: lowest when a period begins, highest in its middle. */
  wave(words, whole) {
    const [low, high, every] = exactly(words, 3, 'wave LOW HIGH PERIOD')
    const [lowest, highest, periodMs] = [amount(low!, whole), amount(high!, whole), span(every!)]
    const middle = (lowest + highest) / 2
    return { at: (_, now) => middle - ((highest - lowest) / 2) * Math.cos((2 * Math.PI * now) / periodMs) }
  },

  /** High at the beginning of each period, by the clock, then low. */
  pulse(words, whole) {
    const [low, high, every, length] = exactly(words, 4, 'pulse LOW HIGH PERIOD LENGTH')
    const [lowest, highest, periodMs, lengthMs] = [
      amount(low!, whole),
      amount(high!, whole),
      span(every!),
      span(length!),
    ]
    return { at: (_, now) => (now % periodMs < lengthMs ? highest : lowest) }
  },
}

const constant = (value: number): Curve => ({ at: () => value })

function exactly(words: readonly string[], count: number, form: string): readonly string[] {
  if (words.length !== count) throw new CurveError(`it is written ${form}`)
  return words
}

function amount(text: string, whole: number): number {
  const value = text.endsWith('%') ? (Number(text.slice(0, -1)) / 100) * whole : parseQuantity(text).toNumber()
  if (Number.isFinite(value) && value >= 0) return value
  throw new CurveError(`${JSON.stringify(text)} is no amount`)
}

function span(text: string): number {
  const ms = parseDuration(text)
  if (ms > 0) return ms
  throw new CurveError(`${JSON.stringify(text)} is no span of time`)
}

/** So many points of a span are looked at. */
const points = 10

/** The mean over a span of time. */
export function meanOf(
  curve: Curve,
  startedAt: number,
  { from, until }: { readonly from: number; readonly until: number },
): number {
  const step = (until - from) / points
  let sum = 0
  for (let n = 0; n < points; n++) {
    const now = from + (n + 0.5) * step
    sum += curve.at(now - startedAt, now)
  }
  return sum / points
}
