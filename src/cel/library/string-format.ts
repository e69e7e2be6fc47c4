/** `'%s has %d'.format([name, count])`, with the reference's messages. */
import { Failure } from '../failure.ts'
import { fixedDouble, formatDouble } from '../numbers.ts'
import { formatDuration, formatTimestamp } from '../time.ts'
import { CelList, CelMap, type CelValue, Double, Duration, Timestamp, TypeValue, typeNameOf, Uint } from '../values.ts'

const defaultPrecision = 6
/** More digits than anybody reads; the reference has the same border. */
const precisionLimit = 1000

const failure = (message: string) => new Failure(message)

/** @throws Failure */
export function formatText(template: string, args: readonly CelValue[]): string {
  const clause = /%(?:%|(?:\.(\d*))?([\s\S]))?/gu
  let next = 0
  return template.replace(clause, (whole, precision: string | undefined, verb: string | undefined) => {
    if (whole === '%%') return '%'
    if (verb === undefined) throw failure('unexpected end of string')
    const decimals = precision === undefined ? defaultPrecision : Number(precision === '' ? '0' : precision)
    if (decimals > precisionLimit) throw failure(`precision exceeds maximum: ${precisionLimit}`)
    if (!'sdfebxXo'.includes(verb))
      throw failure(`could not parse formatting clause: unrecognized formatting clause "${verb}"`)
    const index = next++
    if (index >= args.length) throw failure(`index ${index} out of range`)
    return formatClause(verb, decimals, args[index]!)
  })
}

function formatClause(verb: string, precision: number, value: CelValue): string {
  switch (verb) {
    case 's':
      return formatString(value)
    case 'd':
      return formatDecimal(value)
    case 'f':
      return formatFixed(value, precision)
    case 'e':
      return formatScientific(value, precision)
    case 'b':
      return formatBinary(value)
    case 'o':
      return formatOctal(value)
    default:
      return formatHexadecimal(value, verb === 'X')
  }
}

const refusal = (clause: string, allowed: string, value: CelValue) =>
  failure(`error during formatting: ${clause} clause can only be used on ${allowed}, was given ${typeNameOf(value)}`)

function formatString(value: CelValue): string {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value)
  }
  if (value === null) return 'null'
  if (value instanceof Double) return specialDouble(value.value) ?? formatDouble(value.value)
  if (value instanceof Uint) return String(value.value)
  if (value instanceof CelList) return `[${value.toArray().map(formatString).join(', ')}]`
  if (value instanceof CelMap) return formatMap(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  if (value instanceof Timestamp) return formatTimestamp(value)
  if (value instanceof Duration) return formatDuration(value)
  if (value instanceof TypeValue) return value.name
  throw refusal('string', 'strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps', value)
}

function formatMap(map: CelMap): string {
  const entries = map.keys().map((key) => [formatString(key), formatString(map.get(key)!)] as const)
  entries.sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0))
  return `{${entries.map(([key, value]) => `${key}: ${value}`).join(', ')}}`
}

function specialDouble(value: number): string | undefined {
  if (Number.isNaN(value)) return 'NaN'
  if (Number.isFinite(value)) return undefined
  return value > 0 ? 'Infinity' : '-Infinity'
}

/** Numbers, and the texts that stand for what is none. */
function doubleOf(value: CelValue): number | undefined {
  if (value instanceof Double) return value.value
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value)
  if (value instanceof Uint) return Number(value.value)
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value)
  return undefined
}

function formatDecimal(value: CelValue): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (value instanceof Uint) return String(value.value)
  if (value instanceof Double) return specialDouble(value.value) ?? formatDouble(value.value)
  throw refusal('decimal', 'ints, uints, and doubles', value)
}

function formatFixed(value: CelValue, precision: number): string {
  const number = doubleOf(value)
  if (number === undefined) throw refusal('fixed-point', 'ints, uints, and doubles', value)
  return specialDouble(number) ?? fixedDouble(number, precision)
}

function formatScientific(value: CelValue, precision: number): string {
  const number = doubleOf(value)
  if (number === undefined) throw refusal('scientific', 'ints, uints, and doubles', value)
  const special = specialDouble(number)
  if (special !== undefined) return special
  const [digits, exponent] = number.toExponential(Math.min(precision, 100)).split('e') as [string, string]
  const power = Number(exponent)
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
}

function integerOf(value: CelValue): bigint | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return BigInt(value)
  return value instanceof Uint ? value.value : undefined
}

function formatBinary(value: CelValue): string {
  if (typeof value === 'boolean') return value ? '1' : '0'
  const integer = integerOf(value)
  if (integer === undefined) throw refusal('binary', 'ints, uints, and bools', value)
  return integer.toString(2)
}

function formatOctal(value: CelValue): string {
  const integer = integerOf(value)
  if (integer === undefined) throw refusal('octal', 'ints and uints', value)
  return integer.toString(8)
}

function formatHexadecimal(value: CelValue, upper: boolean): string {
  const text = hexadecimal(value)
  return upper ? text.toUpperCase() : text
}

function hexadecimal(value: CelValue): string {
  if (typeof value === 'string') return Buffer.from(value).toString('hex')
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  const integer = integerOf(value)
  if (integer === undefined) throw refusal('hex', 'ints, uints, bytes, and strings', value)
  return integer.toString(16)
}

const quoteEscapes: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
}

/** A text as a literal of the language. */
export function quote(text: string): string {
  return `"${text.toWellFormed().replace(/[\u0007-\r\\"]/g, (character) => quoteEscapes[character] ?? character)}"`
}
