/** JSON → values, as declared types say. One converter is made per type and shared; it converts one level. */
import { Failure } from './failure.ts'
import { parseDate, parseDuration, parseTimestamp } from './time.ts'
import type { CelType, ListType, ObjectType } from './types.ts'
import {
  CelList,
  CelObject,
  type CelValue,
  type Convert,
  Double,
  isCelValue,
  JsonMap,
  Optional,
  optionalNone,
  toInt,
  Uint,
} from './values.ts'

const converters = new WeakMap<CelType, Convert>()

/** How JSON of a type becomes a value. Values of the engine pass as they are. */
export function converterOf(type: CelType): Convert {
  const known = converters.get(type)
  if (known) return known
  const convert = makeConverter(type)
  converters.set(type, convert)
  return convert
}

function makeConverter(type: CelType): Convert {
  switch (type.kind) {
    case 'double':
      return (json) => (typeof json === 'number' ? new Double(json) : natural(json))
    case 'uint':
      return (json) => (typeof json === 'number' && Number.isInteger(json) ? new Uint(BigInt(json)) : natural(json))
    case 'bytes':
      return (json) => (typeof json === 'string' ? decodeBase64(json) : natural(json))
    case 'duration':
      return (json) => (typeof json === 'string' ? readText(json, parseDuration, 'duration') : natural(json))
    case 'timestamp':
      return (json) => (typeof json === 'string' ? readText(json, readTime, 'timestamp') : natural(json))
    case 'list':
      return listConverter(type)
    case 'map':
      return lazily(type.value, (convert) => (json) => (isRecord(json) ? new JsonMap(json, convert()) : natural(json)))
    case 'object':
      return objectConverter(type)
    case 'optional':
      return lazily(type.value, (convert) => (json) => toOptional(json, convert))
    case 'nullable':
      return lazily(type.value, (convert) => (json) => (json === null ? null : convert()(json)))
    default:
      return natural
  }
}

/** Types may hold themselves; the inner converter is looked up when it is first needed. */
function lazily(type: CelType, make: (convert: () => Convert) => Convert): Convert {
  let inner: Convert | undefined
  return make(() => {
    inner ??= converterOf(type)
    return inner
  })
}

function toOptional(json: unknown, convert: () => Convert): CelValue {
  if (json instanceof Optional) return json
  return json === undefined || json === null ? optionalNone : new Optional(convert()(json))
}

function listConverter(type: ListType): Convert {
  const semantics =
    type.semantics === 'set' || type.semantics === 'map'
      ? { kind: type.semantics, keys: type.mapKeys ?? [] }
      : undefined
  return lazily(
    type.element,
    (convert) => (json) => (Array.isArray(json) ? new CelList(json, convert(), semantics) : natural(json)),
  )
}

function objectConverter(type: ObjectType): Convert {
  const fields = new Map<string, { json: string; convert: Convert; absent: unknown }>()
  for (const [name, { type: fieldType, json, absent }] of Object.entries(type.fields)) {
    fields.set(name, {
      json: json ?? name,
      convert: lazily(fieldType, (convert) => (value) => convert()(value)),
      absent,
    })
  }
  const others = type.others && lazily(type.others, (convert) => (value) => convert()(value))
  const shape = { name: type.name, fields, ...(others && { others }) }
  return (json) => (isRecord(json) ? new CelObject(json, shape) : natural(json))
}

const isRecord = (json: unknown): json is Record<string, unknown> =>
  typeof json === 'object' && json !== null && !Array.isArray(json) && !isCelValue(json)

/** JSON without a declared type: whole numbers are ints, others doubles. */
export function natural(json: unknown): CelValue {
  switch (typeof json) {
    case 'string':
    case 'boolean':
      return json
    case 'bigint':
      return toInt(json)
    case 'number':
      if (Number.isSafeInteger(json)) return json
      return Number.isInteger(json) && Math.abs(json) < 2 ** 63 ? BigInt(json) : new Double(json)
    case 'object':
      if (json === null) return null
      if (Array.isArray(json)) return new CelList(json, natural)
      return isCelValue(json) ? json : new JsonMap(json as Record<string, unknown>, natural)
    case 'undefined':
      return null
    default:
      throw new Failure(`unsupported value of type ${typeof json}`)
  }
}

function decodeBase64(text: string): Uint8Array {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0)
    throw new Failure(`error decoding base64 string: ${text}`)
  return new Uint8Array(Buffer.from(text, 'base64'))
}

const readTime = (text: string) => parseTimestamp(text) ?? parseDate(text)

function readText<Value>(text: string, parse: (text: string) => Value | undefined, what: string): Value {
  const value = parse(text)
  if (value === undefined) throw new Failure(`error parsing ${what}: "${text}"`)
  return value
}
