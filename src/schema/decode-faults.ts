/**
 * Why a document cannot be decoded, in the words of the reference's JSON decoder, and which of its fields are unknown.
 * Walks the document in its own order, because the first fault is the one that is told.
 */

import { canonicalDuration } from '../base/duration.ts'
import { canonicalMicroTime, canonicalTime } from '../base/go-time.ts'
import { canonicalQuantity } from '../base/quantity.ts'
import type { ObjectType, Scalar, ScalarName, Type } from './types.ts'

/** A document that is not what its type says. */
export class DecodeError extends Error {}

/** The error for unknown and duplicate fields in Strict mode. */
export function strictDecodingError(problems: readonly string[]): DecodeError {
  const isYaml = (problem: string) => /^line \d+: key /.test(problem)
  // The YAML library tells all of its faults in one error, a line for each.
  const yaml = problems.filter(isYaml).map((problem) => `\n  ${problem}`)
  const told = yaml.length > 0 ? [`yaml: unmarshal errors:${yaml.join('')}`] : []
  const others = problems.filter((problem) => !isYaml(problem))
  return new DecodeError(`strict decoding error: ${[...told, ...others].join(', ')}`)
}

/** What is wrong with the document; undefined when nothing is. */
export function faultOf(type: ObjectType, value: unknown): DecodeError | undefined {
  const faults = new Faults()
  try {
    faults.check(type, value, { struct: '', fields: [] })
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
  return faults.first
}

export function fitsInt32(value: number): boolean {
  return (value | 0) === value
}

/** 2^63 itself passes, since it is what the largest int64 becomes as a JavaScript number. */
export function fitsInt64(value: number): boolean {
  return Number.isInteger(value) && value >= -(2 ** 63) && value <= 2 ** 63
}

/** The reference stops counting here. */
const maxProblems = 100

/**
 * The unknown fields in the document's order, each once; before them `textProblems`, without those that lie inside an
 * unknown field, where the reference does not look.
 */
export function unknownFields(type: ObjectType, value: unknown, textProblems: readonly string[]): string[] {
  const unknown: string[] = []
  collectUnknown(type, value, '', unknown)
  const unknownPaths = new Set(unknown)
  const inside = (problem: string) => {
    const path = /^duplicate field "(.*)"$/s.exec(problem)?.[1]
    return path !== undefined && prefixesOf(path).some((prefix) => unknownPaths.has(prefix))
  }
  const problems = [
    ...textProblems.filter((problem) => !inside(problem)),
    ...unknown.map((path) => `unknown field "${path}"`),
  ]
  return [...new Set(problems)].slice(0, maxProblems)
}

/** The path itself and those of all that it lies in. */
function prefixesOf(path: string): string[] {
  const ends = [...path.matchAll(/[.[]/g)].slice(0, maxProblems).map((match) => path.slice(0, match.index))
  return [...ends, path]
}

function collectUnknown(type: Type, value: unknown, path: string, unknown: string[]): void {
  if (typeof value !== 'object' || value === null) return
  if (type.type === 'list' && Array.isArray(value)) {
    for (const [index, item] of value.entries()) collectUnknown(type.items, item, `${path}[${index}]`, unknown)
  } else if (type.type === 'map') {
    for (const [key, item] of Object.entries(value)) collectUnknown(type.values, item, join(path, key), unknown)
  } else if (type.type === 'object') {
    for (const [name, item] of Object.entries(value)) {
      const field = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined
      if (field) collectUnknown(field.type, item, join(path, name), unknown)
      else unknown.push(join(path, name))
    }
  }
}

const join = (path: string, name: string) => (path === '' ? name : `${path}.${name}`)

/** Where the decoder is: the innermost struct, and the names of the fields that lead there. */
interface Place {
  readonly struct: string
  readonly fields: readonly string[]
}

class Faults {
  /** Wrong JSON types are noted and the walk goes on, because a type's own decoder may still fail, which ends it. */
  first: DecodeError | undefined

  /** @throws DecodeError from a type that decodes itself */
  check(type: Type, value: unknown, place: Place): void {
    if (value === null || value === undefined) return
    if (type.type === 'object') this.#object(type, value, place)
    else if (type.type === 'list') this.#list(type, value, place)
    else if (type.type === 'map') this.#map(type, value, place)
    else this.#scalar(type, value, place)
  }

  #object(type: ObjectType, value: unknown, place: Place): void {
    if (typeof value !== 'object' || Array.isArray(value)) return this.#mismatch(shapeOf(value), goType(type), place)
    const struct = type.name.slice(type.name.lastIndexOf('.') + 1)
    for (const [name, item] of Object.entries(value as object)) {
      const field = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined
      if (field) this.check(field.type, item, { struct, fields: [...place.fields, name] })
    }
  }

  #list(type: Type & { type: 'list' }, value: unknown, place: Place): void {
    if (!Array.isArray(value)) return this.#mismatch(shapeOf(value), goType(type), place)
    for (const item of value) this.check(type.items, item, place)
  }

  #map(type: Type & { type: 'map' }, value: unknown, place: Place): void {
    if (typeof value !== 'object' || Array.isArray(value)) return this.#mismatch(shapeOf(value), goType(type), place)
    for (const item of Object.values(value as object)) this.check(type.values, item, place)
  }

  #scalar(type: Scalar, value: unknown, place: Place): void {
    const fault = scalarFaults[type.type](value, type)
    if (fault === undefined) return
    if (fault.ends)
      throw new DecodeError(fault.shape === undefined ? fault.message : mismatchText(fault.shape, fault.goType, place))
    if (fault.shape === undefined) this.first ??= new DecodeError(fault.message)
    else this.#mismatch(fault.shape, fault.goType, place)
  }

  #mismatch(shape: string, type: string, place: Place): void {
    this.first ??= new DecodeError(mismatchText(shape, type, place))
  }
}

function mismatchText(shape: string, type: string, { struct, fields }: Place): string {
  const target = struct === '' ? `value` : `struct field ${struct}.${fields.join('.')}`
  return `json: cannot unmarshal ${shape} into Go ${target} of type ${type}`
}

/** `shape` and `goType` for a value of the wrong JSON type, else a message; `ends`: the decoder goes no further. */
type ScalarFault =
  | { readonly ends: boolean; readonly shape: string; readonly goType: string }
  | { readonly ends: boolean; readonly shape?: undefined; readonly message: string }

type ScalarCheck = (value: unknown, type: Scalar) => ScalarFault | undefined

const needs =
  (jsonType: 'string' | 'boolean' | 'number'): ScalarCheck =>
  (value, type) =>
    typeof value === jsonType ? undefined : { ends: false, shape: shapeOf(value), goType: goType(type) }

const integer =
  (fits: (value: number) => boolean, ends: boolean, goTypeName: string): ScalarCheck =>
  (value) => {
    if (typeof value !== 'number') return { ends, shape: shapeOf(value), goType: goTypeName }
    return fits(value) ? undefined : { ends, shape: `number ${value}`, goType: goTypeName }
  }

const selfDecoding =
  (canonical: (text: string) => string): ScalarCheck =>
  (value) =>
    typeof value === 'string'
      ? messageOf(() => canonical(value))
      : { ends: true, shape: shapeOf(value), goType: 'string' }

const scalarFaults: Readonly<Record<ScalarName, ScalarCheck>> = {
  string: needs('string'),
  bool: needs('boolean'),
  int32: integer(fitsInt32, false, 'int32'),
  int64: integer(fitsInt64, false, 'int64'),
  double: needs('number'),
  bytes: (value, type) =>
    typeof value === 'string' ? base64Fault(value) : { ends: false, shape: shapeOf(value), goType: goType(type) },
  quantity: (value) =>
    messageOf(() => canonicalQuantity(typeof value === 'object' ? JSON.stringify(value) : String(value))),
  time: selfDecoding(canonicalTime),
  microTime: selfDecoding(canonicalMicroTime),
  duration: selfDecoding(canonicalDuration),
  intOrString: (value, type) =>
    typeof value === 'string' ? undefined : integer(fitsInt32, true, 'int32')(value, type),
  json: () => undefined,
  rawObject: () => undefined,
}

function messageOf(canonical: () => string): ScalarFault | undefined {
  try {
    canonical()
    return undefined
  } catch (error) {
    return { ends: true, message: (error as Error).message }
  }
}

/** Go names the first byte at which the text stops being base64, counted without line breaks in groups of four. */
function base64Fault(text: string): ScalarFault | undefined {
  const at = base64FaultAt(text)
  return at === undefined ? undefined : { ends: false, message: `illegal base64 data at input byte ${at}` }
}

function base64FaultAt(text: string): number | undefined {
  const bytes = Buffer.from(text)
  const isSkipped = (byte: number | undefined) => byte === 0x0a || byte === 0x0d
  let inGroup = 0
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] as number
    if (isSkipped(byte)) continue
    if (isBase64Digit(byte)) {
      inGroup = (inGroup + 1) % 4
      continue
    }
    if (byte !== 0x3d || inGroup < 2) return index
    return paddingFaultAt(bytes, index, inGroup)
  }
  return inGroup === 0 ? undefined : bytes.length - inGroup
}

/** After the first `=`: one more when the group has two digits, then nothing. */
function paddingFaultAt(bytes: Uint8Array, start: number, inGroup: number): number | undefined {
  let index = start + 1
  const skip = () => {
    while (bytes[index] === 0x0a || bytes[index] === 0x0d) index++
  }
  skip()
  if (inGroup === 2) {
    if (index === bytes.length) return bytes.length
    if (bytes[index] !== 0x3d) return index - 1
    index++
    skip()
  }
  return index < bytes.length ? index : undefined
}

function isBase64Digit(byte: number): boolean {
  return (
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x2b ||
    byte === 0x2f
  )
}

/** What the reference calls a JSON value in its messages. */
function shapeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

const goScalars: Readonly<Record<ScalarName, string>> = {
  string: 'string',
  bool: 'bool',
  int32: 'int32',
  int64: 'int64',
  double: 'float64',
  bytes: '[]uint8',
  quantity: 'resource.Quantity',
  time: 'v1.Time',
  microTime: 'v1.MicroTime',
  duration: 'v1.Duration',
  intOrString: 'intstr.IntOrString',
  json: 'interface {}',
  rawObject: 'runtime.RawExtension',
}

/** The Go type, as messages spell it: `v1.PodSpec`, `[]v1.Container`, `map[string]string`. */
function goType(type: Type): string {
  switch (type.type) {
    case 'object':
      return type.name.split('.').slice(-2).join('.')
    case 'list':
      return `[]${goType(type.items)}`
    case 'map':
      return type.values.type === 'quantity' ? 'v1.ResourceList' : `map[string]${goType(type.values)}`
    default:
      return type.goType ?? goScalars[type.type]
  }
}
