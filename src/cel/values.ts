/**
 * Values at run time. What JSON and expressions share is itself: `true`, `'text'`, `null`, whole numbers. The rest is
 * a class. Lists, maps and objects that come from JSON are wrapped, not copied; their parts are converted when they
 * are read.
 */
export type CelValue =
  | null
  | boolean
  | string
  /** An int that fits a safe integer. */
  | number
  /** An int beyond that; never one that would fit. */
  | bigint
  | Uint8Array
  | Uint
  | Double
  | CelList
  | CelMap
  | CelObject
  | Duration
  | Timestamp
  | TypeValue
  | Optional
  | Opaque

export class Uint {
  readonly value: bigint

  constructor(value: bigint) {
    this.value = value
  }
}

export class Double {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

export class Duration {
  readonly nanoseconds: bigint

  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds
  }
}

/** A point in time, in nanoseconds since 1970. */
export class Timestamp {
  readonly nanoseconds: bigint

  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds
  }
}

export class TypeValue {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

export class Optional {
  /** Undefined: there is none. */
  readonly value: CelValue | undefined

  constructor(value: CelValue | undefined) {
    this.value = value
  }
}

/** A value with functions only: quantities, addresses, authorizers. */
export abstract class Opaque {
  abstract readonly typeName: string

  /** How large it is for the count of costs. */
  get size(): number | undefined {
    return undefined
  }

  equals(other: Opaque): boolean {
    return this === other
  }
}

/** Makes a value of the engine from JSON. */
export type Convert = (json: unknown) => CelValue

export class CelList {
  readonly items: readonly unknown[]
  /** Undefined when the items are values already. */
  readonly convert: Convert | undefined
  /** How the list is compared and added; undefined for plain lists. */
  readonly semantics: ListSemantics | undefined

  constructor(items: readonly unknown[], convert?: Convert, semantics?: ListSemantics) {
    this.items = items
    this.convert = convert
    this.semantics = semantics
  }

  get size(): number {
    return this.items.length
  }

  at(index: number): CelValue {
    const item = this.items[index]
    return this.convert ? this.convert(item) : (item as CelValue)
  }

  toArray(): readonly CelValue[] {
    return this.convert ? this.items.map(this.convert) : (this.items as readonly CelValue[])
  }
}

/** `x-kubernetes-list-type` other than atomic. */
export interface ListSemantics {
  readonly kind: 'set' | 'map'
  readonly keys: readonly string[]
}

export abstract class CelMap {
  abstract readonly size: number
  abstract get(key: CelValue): CelValue | undefined
  abstract keys(): readonly CelValue[]

  has(key: CelValue): boolean {
    return this.get(key) !== undefined
  }
}

/** A map whose keys are texts, straight from JSON. */
export class JsonMap extends CelMap {
  readonly json: Readonly<Record<string, unknown>>
  readonly convert: Convert
  #keys: readonly string[] | undefined

  constructor(json: Readonly<Record<string, unknown>>, convert: Convert) {
    super()
    this.json = json
    this.convert = convert
  }

  get size(): number {
    return this.keys().length
  }

  get(key: CelValue): CelValue | undefined {
    if (typeof key !== 'string' || !Object.hasOwn(this.json, key)) return undefined
    const value = this.json[key]
    return value === undefined ? undefined : this.convert(value)
  }

  override has(key: CelValue): boolean {
    return typeof key === 'string' && Object.hasOwn(this.json, key) && this.json[key] !== undefined
  }

  /** In their order in the document: the engine is deterministic. */
  keys(): readonly string[] {
    this.#keys ??= Object.keys(this.json)
    return this.#keys
  }
}

type MapKey = string | boolean | number | bigint

/** A map that an expression has made. */
export class EntryMap extends CelMap {
  readonly #entries: ReadonlyMap<MapKey, readonly [CelValue, CelValue]>

  constructor(entries: ReadonlyMap<MapKey, readonly [CelValue, CelValue]>) {
    super()
    this.#entries = entries
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: CelValue): CelValue | undefined {
    const normalized = mapKeyOf(key)
    return normalized === undefined ? undefined : this.#entries.get(normalized)?.[1]
  }

  keys(): readonly CelValue[] {
    return Array.from(this.#entries.values(), ([key]) => key)
  }

  entries(): Iterable<readonly [CelValue, CelValue]> {
    return this.#entries.values()
  }
}

/** Under what a map keeps a key: numbers of all kinds that are equal are one key. Undefined for what cannot be found. */
export function mapKeyOf(key: CelValue): MapKey | undefined {
  if (typeof key === 'string' || typeof key === 'number' || typeof key === 'boolean' || typeof key === 'bigint')
    return key
  if (key instanceof Uint) return toInt(key.value)
  if (key instanceof Double && Number.isInteger(key.value)) return toInt(BigInt(key.value))
  return undefined
}

/** An object with declared fields. */
export class CelObject {
  readonly json: Readonly<Record<string, unknown>>
  readonly shape: Shape

  constructor(json: Readonly<Record<string, unknown>>, shape: Shape) {
    this.json = json
    this.shape = shape
  }

  /** Undefined when the field is not there. */
  get(name: string): CelValue | undefined {
    const known = this.shape.fields.get(name)
    if (known === undefined) return this.#other(name)
    const json = this.json[known.json]
    if (json !== undefined) return known.convert(json)
    return known.absent === undefined ? undefined : known.convert(known.absent)
  }

  has(name: string): boolean {
    const known = this.shape.fields.get(name)
    if (known === undefined) return this.#other(name) !== undefined
    return this.json[known.json] !== undefined
  }

  #other(name: string): CelValue | undefined {
    const { others } = this.shape
    if (others === undefined || !Object.hasOwn(this.json, name)) return undefined
    const json = this.json[name]
    return json === undefined || isCelValue(json) ? json : others(json)
  }

  /** The names of the fields that are there. */
  names(): readonly string[] {
    const names: string[] = []
    for (const [name, { json }] of this.shape.fields) if (this.json[json] !== undefined) names.push(name)
    if (this.shape.others) names.push(...Object.keys(this.json).filter((name) => !this.shape.fields.has(name)))
    return names
  }

  get size(): number {
    return Object.keys(this.json).length
  }
}

/** The fields of an object, ready to read. */
export interface Shape {
  readonly name: string
  readonly fields: ReadonlyMap<string, { readonly json: string; readonly convert: Convert; readonly absent: unknown }>
  /** Of fields that are not declared, where there may be such. */
  readonly others?: Convert
}

export const optionalNone = new Optional(undefined)

export const optionalOfValue = (value: CelValue): Optional => new Optional(value)

/** An int as the engine keeps it. */
export function toInt(value: bigint): number | bigint {
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value
}

/** Names of types as `type(x)` gives them. */
export function typeNameOf(value: CelValue): string {
  switch (typeof value) {
    case 'string':
      return 'string'
    case 'boolean':
      return 'bool'
    case 'number':
    case 'bigint':
      return 'int'
    default:
      return typeNameOfBox(value)
  }
}

function typeNameOfBox(value: Exclude<CelValue, string | boolean | number | bigint>): string {
  if (value === null) return 'null_type'
  if (value instanceof CelList) return 'list'
  if (value instanceof CelMap) return 'map'
  if (value instanceof CelObject) return value.shape.name
  if (value instanceof Double) return 'double'
  if (value instanceof Uint) return 'uint'
  if (value instanceof Uint8Array) return 'bytes'
  if (value instanceof Duration) return 'google.protobuf.Duration'
  if (value instanceof Timestamp) return 'google.protobuf.Timestamp'
  if (value instanceof TypeValue) return 'type'
  if (value instanceof Optional) return 'optional_type'
  return value.typeName
}

/** How many characters a text has; CEL counts code points. */
export function textSize(text: string): number {
  let size = text.length
  for (let index = 0; index < text.length - 1; index++) if (isPair(text, index)) size--
  return size
}

/** Whether two units at `index` are one character. */
function isPair(text: string, index: number): boolean {
  if ((text.charCodeAt(index) & 0xfc00) !== 0xd800) return false
  return (text.charCodeAt(index + 1) & 0xfc00) === 0xdc00
}

/** How large a value is for the count of costs: its size, or 1 for what has none. */
export function sizeForCost(value: CelValue): number {
  if (typeof value === 'string') return textSize(value)
  if (value === null || typeof value !== 'object') return 1
  if (value instanceof CelList || value instanceof CelMap || value instanceof CelObject) return value.size
  if (value instanceof Uint8Array) return value.length
  if (value instanceof Opaque) return value.size ?? 1
  return 1
}

/** A value as JSON: for messages, audit annotations and patches. */
export function toJson(value: CelValue): unknown {
  if (value === null || typeof value !== 'object') return typeof value === 'bigint' ? Number(value) : value
  if (value instanceof CelList) return value.toArray().map(toJson)
  if (value instanceof JsonMap || value instanceof CelObject) return settle(value.json)
  if (value instanceof CelMap)
    return Object.fromEntries(value.keys().map((key) => [String(toJson(key)), toJson(value.get(key)!)]))
  if (value instanceof Double) return value.value
  if (value instanceof Uint) return Number(value.value)
  if (value instanceof Optional) return value.value === undefined ? null : toJson(value.value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof TypeValue) return value.name
  return String(value)
}

/** Objects that expressions have made hold values of the engine; what is JSON throughout stays as it is. */
function settle(json: unknown): unknown {
  if (typeof json !== 'object' || json === null) return json
  if (isCelValue(json)) return toJson(json)
  if (Array.isArray(json)) return json.map(settle)
  const entries = Object.entries(json).map(([key, part]) => [key, part, settle(part)] as const)
  return entries.every(([, before, after]) => before === after)
    ? json
    : Object.fromEntries(entries.map(([key, , after]) => [key, after]))
}

/** Whether something is a class of the engine rather than JSON. */
export function isCelValue(value: unknown): value is Exclude<CelValue, null | boolean | string | number | bigint> {
  if (typeof value !== 'object' || value === null) return false
  return (
    value instanceof CelList ||
    value instanceof CelMap ||
    value instanceof CelObject ||
    value instanceof Double ||
    value instanceof Uint ||
    value instanceof Uint8Array ||
    value instanceof Duration ||
    value instanceof Timestamp ||
    value instanceof TypeValue ||
    value instanceof Optional ||
    value instanceof Opaque
  )
}
