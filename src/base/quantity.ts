/**
 * Amounts of a resource as Kubernetes writes them: `500m`, `128Mi`, `1.5`, `1e3`. Exact, as the reference's
 * `resource.Quantity`: a whole number times a power of ten, no smaller than a nano, and a way of writing it.
 *
 * ```ts
 * canonicalQuantity('1000m')                          // '1'
 * parseQuantity('1Gi').subtract(parseQuantity('512Mi')).toString() // '512Mi'
 * ```
 */

/** How an amount is written: `k`, `M` …; `Ki`, `Mi` …; or `e3`, `e6` …. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent'

/** What is not an amount; the messages are the reference's. */
export class QuantityError extends Error {}

const wrongFormat = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
const wrongSuffix = "unable to parse quantity's suffix"
const wrongNumber = 'unable to parse numeric part of quantity'

const nano = -9
const int64Max = 2n ** 63n - 1n
const int64Min = -(2n ** 63n)
/** As many digits as surely fit an int64: up to here the reference keeps what was written, if it looks canonical. */
const sureDigits = 18
/** No sensible amount is further from 1; keeps hostile exponents from growing numbers without end. */
const exponentLimit = 1000

/** The same for digits that are written out. */
const digitLimit = 1000

/** Sign, digits, decimals, suffix. No text can be split in two ways, so that hostile ones are refused at once. */
const amount = /^([+-]?)0*((?:[1-9]\d*)?)(?:\.(\d*))?((?:[eEinumkKMGTP]+[-+]?\d*|[-+]\d*)?)$/

const decimalExponents: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
}
const binaryExponents: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 }
const decimalSuffixes = new Map(Object.entries(decimalExponents).map(([suffix, exponent]) => [exponent, suffix]))
const binarySuffixes = ['', ...Object.keys(binaryExponents)]

/** An amount. Immutable; what calculates gives a new one. */
export class Quantity {
  static readonly zero: Quantity = new Quantity(0n, 0, 'DecimalSI')

  /** The amount is `mantissa × 10^scale`. */
  readonly mantissa: bigint
  readonly scale: number
  readonly format: QuantityFormat
  #text: string | undefined
  #milliValue: number | undefined
  #value: number | undefined

  constructor(mantissa: bigint, scale: number, format: QuantityFormat, text?: string) {
    this.mantissa = mantissa
    this.scale = scale
    this.format = format
    this.#text = text
  }

  get isZero(): boolean {
    return this.mantissa === 0n
  }

  /** -1, 0 or 1. */
  get sign(): number {
    return this.mantissa > 0n ? 1 : this.mantissa < 0n ? -1 : 0
  }

  /** Negative when this is less than `other`, 0 when they are the same amount, positive when it is more. */
  compare(other: Quantity): number {
    const [left, right] = align(this, other)
    return left < right ? -1 : left > right ? 1 : 0
  }

  /** The sum, written as this amount is; as the other one when this is zero. */
  add(other: Quantity): Quantity {
    const [left, right, scale] = align(this, other)
    return new Quantity(left + right, scale, this.isZero ? other.format : this.format)
  }

  /** The difference, written as this amount is; as the other one when this is zero. */
  subtract(other: Quantity): Quantity {
    return this.add(new Quantity(-other.mantissa, other.scale, this.isZero ? other.format : this.format))
  }

  negate(): Quantity {
    return new Quantity(-this.mantissa, this.scale, this.format)
  }

  /** The nearest JavaScript number. */
  toNumber(): number {
    if (this.scale === 0) return Number(this.mantissa)
    return Number(`${this.mantissa}e${this.scale}`)
  }

  /** The amount in thousandths, rounded away from zero: how the scheduler counts CPU. */
  milliValue(): number {
    this.#milliValue ??= Number(this.scaled(-3))
    return this.#milliValue
  }

  /** The amount in whole units, rounded away from zero: how the scheduler counts bytes. */
  value(): number {
    this.#value ??= Number(this.scaled(0))
    return this.#value
  }

  /** The amount in units of `10^scale`, rounded away from zero. */
  scaled(scale: number): bigint {
    return rescale(this.mantissa, this.scale, scale)
  }

  /** As the reference prints it. */
  toString(): string {
    this.#text ??= format(this)
    return this.#text
  }

  toJSON(): string {
    return this.toString()
  }
}

const cacheSize = 4096
const cache = new Map<string, Quantity>()

/**
 * Reads an amount. Spaces around it do not matter.
 * @throws QuantityError in the reference's words
 */
export function parseQuantity(text: string): Quantity {
  const known = cache.get(text)
  if (known !== undefined) return known
  const parsed = parse(text.trim())
  if (cache.size >= cacheSize) cache.clear()
  if (text.length <= 32) cache.set(text, parsed)
  return parsed
}

/**
 * An amount as the API gives it back: `0.5` → `500m`, `1024Mi` → `1Gi`. What already looks canonical stays as it was
 * written (`1.234`), because the reference does not look closer either.
 * @throws QuantityError in the reference's words
 */
export function canonicalQuantity(text: string): string {
  return parseQuantity(text).toString()
}

/** Compares two amounts in their text form. */
export function compareQuantities(left: string, right: string): number {
  return left === right ? 0 : parseQuantity(left).compare(parseQuantity(right))
}

/** Whether `text` is an amount. */
export function isQuantity(text: string): boolean {
  try {
    parseQuantity(text)
    return true
  } catch (error) {
    if (error instanceof QuantityError) return false
    throw error
  }
}

function parse(text: string): Quantity {
  const parts = text === '' ? null : amount.exec(text)
  if (!parts) throw new QuantityError(wrongFormat)
  const [, sign, digits = '', decimals = '', suffix = ''] = parts
  const { exponent, format } = interpretSuffix(suffix)
  if (digits.length + decimals.length > digitLimit) throw new QuantityError(wrongNumber)
  const whole = digits === '' ? '0' : digits
  const magnitude = BigInt(whole + decimals)
  const negative = sign === '-'

  const kept =
    fits(magnitude, whole, decimals, exponent, format) &&
    looksCanonical(magnitude, whole + decimals, exponent - decimals.length, exponent, format)
  if (kept) return make(magnitude, exponent, decimals.length, format, negative, text)
  return make(magnitude, exponent, decimals.length, format, negative, undefined)
}

/** Whether the reference reads this on its quick path, on which it may keep the text. */
function fits(magnitude: bigint, whole: string, decimals: string, exponent: number, format: QuantityFormat): boolean {
  if (format === 'BinarySI') {
    const precision = 15 - whole.length - Math.trunc((exponent * 3) / 10) - 1
    return decimals === '' && precision >= 0 && magnitude << BigInt(exponent) <= int64Max
  }
  return whole.length + decimals.length <= sureDigits && exponent - decimals.length >= nano
}

function looksCanonical(
  magnitude: bigint,
  digits: string,
  scale: number,
  exponent: number,
  format: QuantityFormat,
): boolean {
  if (format === 'BinarySI') return exponent % 10 === 0 && (magnitude & 7n) !== 0n
  return scale % 3 === 0 && !digits.endsWith('000') && !digits.startsWith('0')
}

function make(
  magnitude: bigint,
  exponent: number,
  decimals: number,
  format: QuantityFormat,
  negative: boolean,
  text: string | undefined,
): Quantity {
  if (magnitude === 0n) return new Quantity(0n, 0, format, '0')
  let mantissa = magnitude
  let scale = -decimals
  if (format === 'BinarySI') mantissa <<= BigInt(exponent)
  else scale += exponent
  if (scale < nano) {
    mantissa = rescale(mantissa, scale, nano)
    scale = nano
  }
  if (format === 'BinarySI' && mantissa > int64Max * 10n ** BigInt(-scale)) {
    mantissa = int64Max
    scale = 0
  }
  const small = format === 'BinarySI' && mantissa < 10n ** BigInt(-scale)
  return new Quantity(negative ? -mantissa : mantissa, scale, small ? 'DecimalSI' : format, text)
}

function interpretSuffix(suffix: string): { exponent: number; format: QuantityFormat } {
  const decimal = Object.hasOwn(decimalExponents, suffix) ? decimalExponents[suffix] : undefined
  if (decimal !== undefined) return { exponent: decimal, format: 'DecimalSI' }
  const binary = Object.hasOwn(binaryExponents, suffix) ? binaryExponents[suffix] : undefined
  if (binary !== undefined) return { exponent: binary, format: 'BinarySI' }
  if (!/^[eE][-+]?\d+$/.test(suffix)) throw new QuantityError(wrongSuffix)
  const exponent = Number(suffix.slice(1))
  if (Math.abs(exponent) > exponentLimit) throw new QuantityError(wrongNumber)
  return { exponent, format: 'DecimalExponent' }
}

/** Both mantissas at the smaller of the two scales. */
function align(left: Quantity, right: Quantity): [bigint, bigint, number] {
  if (left.scale === right.scale) return [left.mantissa, right.mantissa, left.scale]
  const scale = Math.min(left.scale, right.scale)
  return [left.mantissa * 10n ** BigInt(left.scale - scale), right.mantissa * 10n ** BigInt(right.scale - scale), scale]
}

/** `mantissa × 10^from` in units of `10^to`, rounded away from zero. */
function rescale(mantissa: bigint, from: number, to: number): bigint {
  if (from >= to) return mantissa * 10n ** BigInt(from - to)
  const divisor = 10n ** BigInt(to - from)
  const quotient = mantissa / divisor
  if (quotient * divisor === mantissa) return quotient
  return mantissa > 0n ? quotient + 1n : quotient - 1n
}

function format(quantity: Quantity): string {
  if (quantity.isZero) return '0'
  return (quantity.format === 'BinarySI' && formatBinary(quantity)) || formatDecimal(quantity)
}

/** Undefined for what is written in decimal because it is small or not whole. */
function formatBinary({ mantissa, scale }: Quantity): string | undefined {
  let whole = rescale(mantissa, scale, 0)
  if (rescale(whole, 0, Math.min(scale, 0)) !== rescale(mantissa, scale, Math.min(scale, 0))) return undefined
  if (whole > -1024n && whole < 1024n) return undefined
  let power = 0
  while (whole % 1024n === 0n && power < binarySuffixes.length - 1) {
    whole /= 1024n
    power++
  }
  return `${whole}${binarySuffixes[power]}`
}

function formatDecimal({ mantissa, scale, format }: Quantity): string {
  let digits = mantissa
  let exponent = scale
  while (digits % 10n === 0n) {
    digits /= 10n
    exponent++
  }
  while (exponent % 3 !== 0) {
    digits *= 10n
    exponent--
  }
  const suffix = format === 'DecimalExponent' ? undefined : decimalSuffixes.get(exponent)
  if (suffix !== undefined) return `${digits}${suffix}`
  return exponent === 0 ? `${digits}` : `${digits}e${exponent}`
}

/** Whether the amount in whole units is one that the reference can count with. */
export function fitsInt64(quantity: Quantity): boolean {
  const whole = quantity.scaled(0)
  return whole >= int64Min && whole <= int64Max
}
