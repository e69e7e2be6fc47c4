/**
 * From parsed JSON to an object of an API type: a fresh tree that its holder may change, with the type's fields in the
 * type's order (so that `JSON.stringify` writes what the reference writes), zero values filled in or left out as each
 * field's presence says, quantities and times in canonical form, and everything unknown left out and named.
 *
 * ```ts
 * const { object, problems } = decode(Pod, body, { mode: 'Warn' }) // problems: ['unknown field "spec.foo"']
 * ```
 *
 * A type is compiled once into closures. Those only say that something is wrong; what is wrong, and where, is found
 * by `decode-faults.ts` in a second walk, so that good objects do not pay for bad ones.
 *
 * Bytes from the store are canonical already: `JSON.parse` is all they need.
 *
 * Maps get their keys in the order of their bytes, as Go writes them. JavaScript puts keys that look like array
 * indices first whatever we do (`{"10":…,"9":…}` becomes 9, 10); to clients, for whom maps have no order, it is the same.
 */

import { canonicalDuration } from '../base/duration.ts'
import { canonicalMicroTime, canonicalTime, zeroTime } from '../base/go-time.ts'
import { canonicalQuantity } from '../base/quantity.ts'
import { sortedKeys } from '../base/sorted-keys.ts'
import { faultOf, fitsInt32, fitsInt64, strictDecodingError, unknownFields } from './decode-faults.ts'
import { setOwn, sharing } from './freeze.ts'
import { ApiError } from './status.ts'
import type { Field, Infer, ListType, MapType, Mutable, ObjectType, Scalar, ScalarName, Type } from './types.ts'

export { DecodeError } from './decode-faults.ts'

/** What becomes of unknown and duplicate fields: an error, a warning, nothing. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore'

export interface DecodeOptions {
  readonly mode?: FieldValidation
  /** Problems that were found in the text before it was parsed, such as `duplicate field "spec.a"`. */
  readonly textProblems?: readonly string[]
}

export interface Decoded<T> {
  readonly object: T
  /** What to warn about, in the reference's words; empty unless the mode is `Warn`. */
  readonly problems: readonly string[]
}

/**
 * Decodes a value as `type`. `null` gives the zero object.
 * @throws DecodeError when a value has the wrong JSON type or form, or in Strict mode something is unknown
 */
export function decode<S extends ObjectType>(
  type: S,
  value: unknown,
  options: DecodeOptions = {},
): Decoded<Mutable<Infer<S>>> {
  if (type.options.decode !== undefined) return type.options.decode(value, options) as Decoded<Mutable<Infer<S>>>
  const { mode = 'Ignore', textProblems = [] } = options
  const { object, hasUnknown } = decoderOf(type).run(value)
  const problems =
    mode === 'Ignore' || !(hasUnknown || textProblems.length > 0) ? [] : unknownFields(type, value, textProblems)
  if (mode === 'Strict' && problems.length > 0) throw strictDecodingError(problems)
  return { object: object as Mutable<Infer<S>>, problems }
}

/**
 * The same, with the parts of `old`, an object of the type as decoding makes it, in the place of those that come out
 * the same: what `sharing` would make of the decoded object, in one walk instead of two. What is a part of `old` in its
 * place already is not looked at, and neither is what is unknown.
 */
export function decodeLike<S extends ObjectType>(type: S, value: unknown, old: object): Infer<S> {
  return decoderOf(type).run(value, old).object as Infer<S>
}

/**
 * Decodes a value but for some of its members, which are taken as they are: they have been decoded as this type's
 * before. Only for types whose fields are known (no `options.decode`).
 * @throws DecodeError
 */
export function decodeAround<S extends ObjectType>(
  type: S,
  value: Readonly<Record<string, unknown>>,
  members: readonly string[],
  options: DecodeOptions = {},
): Decoded<Mutable<Infer<S>>> {
  if (members.length === 0) return decode(type, value, options)
  const rest: Record<string, unknown> = {}
  for (const name in value) if (!members.includes(name)) setOwn(rest, name, value[name])
  const { object: others, problems } = decode(type, rest, options)
  const object: Record<string, unknown> = {}
  for (const name in type.fields) {
    const member = members.includes(name) ? value[name] : (others as Record<string, unknown>)[name]
    if (member !== undefined) object[name] = member
  }
  return { object: object as Mutable<Infer<S>>, problems }
}

/** The object that has nothing but its required and embedded fields, all zero. */
export function zeroOf<S extends ObjectType>(type: S): Mutable<Infer<S>> {
  return decoderOf(type).zero() as Mutable<Infer<S>>
}

/** The answer to a body that says what it is but is not well formed as such. */
export function cannotBeHandled(
  sent: { readonly kind: string; readonly version: string },
  into: string,
  error: Error,
): ApiError {
  return new ApiError(
    'BadRequest',
    `${sent.kind} in version "${sent.version}" cannot be handled as a ${into}: ${error.message}`,
    {
      cause: error,
    },
  )
}

/** Thrown where a value does not fit; says nothing, because `faultOf` finds out. */
const misfit = Symbol('misfit')

/** Decodes a value that is neither null nor undefined; undefined means that the field is not written. */
type Decode = (value: unknown) => unknown

/** The same, where there is an old value that takes the place of a new one which is the same. */
type DecodeLike = (value: unknown, old: unknown) => unknown

const decoders = new WeakMap<ObjectType, ObjectDecoder>()

/** The compiled form of a type. */
export function decoderOf(type: ObjectType): ObjectDecoder {
  let decoder = decoders.get(type)
  if (decoder === undefined) {
    decoder = new ObjectDecoder(type)
    decoders.set(type, decoder)
  }
  return decoder
}

/**
 * Decoded fields wait here until all of an object's are there and can be set in order: a stack, because objects nest.
 * One for all is safe because decoding never waits.
 */
let stack: unknown[] = []
let top = 0
let sawUnknown = false

/** The compiled form of one object type. Fields are compiled at first use, since types may contain themselves. */
export class ObjectDecoder {
  readonly #type: ObjectType
  #names: string[] = []
  #decodes: Decode[] = []
  #zeros: ((() => unknown) | undefined)[] = []
  #likes: (DecodeLike | undefined)[] | undefined
  #indices: Map<string, number> | undefined

  constructor(type: ObjectType) {
    this.#type = type
  }

  /**
   * Decodes a whole document.
   * @throws DecodeError
   */
  run(value: unknown, old?: object): { readonly object: Record<string, unknown>; readonly hasUnknown: boolean } {
    if (value === null || value === undefined) return { object: this.zero(), hasUnknown: false }
    sawUnknown = false
    try {
      const object = old === undefined ? this.decode(value) : this.decodeLike(value, old)
      return { object, hasUnknown: sawUnknown }
    } catch (error) {
      stack = []
      top = 0
      throw (
        faultOf(this.#type, value) ??
        new Error(`${this.#type.name} did not decode, and nothing is wrong with it`, { cause: error })
      )
    }
  }

  /** Decodes one object inside a document. Fields are set in the type's order, whatever order they came in. */
  decode(value: unknown): Record<string, unknown> {
    if (typeof value !== 'object' || Array.isArray(value)) throw misfit
    const indices = this.#indices ?? this.#compile()
    const decodes = this.#decodes
    const base = top
    top += decodes.length
    for (const name in value) {
      const index = indices.get(name)
      if (index === undefined) {
        sawUnknown = true
        continue
      }
      const given = (value as Record<string, unknown>)[name]
      if (given !== null && given !== undefined) stack[base + index] = (decodes[index] as Decode)(given)
    }
    // Zero values are decoded, too, above this object's own fields.
    const object = this.#assemble(base)
    top = base
    return object
  }

  #assemble(base: number): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    const names = this.#names
    const zeros = this.#zeros
    for (let index = 0; index < names.length; index++) {
      const decoded = stack[base + index]
      if (decoded !== undefined) {
        object[names[index] as string] = decoded
        stack[base + index] = undefined
      } else {
        const zero = zeros[index]
        if (zero !== undefined) object[names[index] as string] = zero()
      }
    }
    return object
  }

  /** The same, with the parts of an old object in the place of those that are the same. */
  decodeLike(value: unknown, before: unknown): Record<string, unknown> {
    const old = membersOf(before)
    if (old === undefined) return this.decode(value)
    if (value === old) return old
    if (typeof value !== 'object' || Array.isArray(value)) throw misfit
    const indices = this.#indices ?? this.#compile()
    this.#likes ??= Object.values(this.#type.fields).map(fieldDecoderLike)
    const likes = this.#likes
    const base = top
    top += likes.length
    for (const name in value) {
      const index = indices.get(name)
      if (index === undefined) continue
      const given = (value as Members)[name]
      if (given === null || given === undefined) continue
      const before = old[name]
      if (given === before) {
        // What decoding has made stays as it is when it is decoded again.
        stack[base + index] = before
        continue
      }
      const like = before === undefined ? undefined : likes[index]
      stack[base + index] = like === undefined ? (this.#decodes[index] as Decode)(given) : like(given, before)
    }
    const object = this.#assembleLike(base, old)
    top = base
    return object
  }

  /** The old object itself when it has the same fields. */
  #assembleLike(base: number, old: Members): Record<string, unknown> {
    const names = this.#names
    let count = 0
    let isOld = true
    for (let index = 0; index < names.length; index++) {
      let decoded = stack[base + index]
      if (decoded === undefined) {
        const zero = this.#zeros[index]
        if (zero === undefined) continue
        decoded = sharing(zero(), old[names[index] as string])
        stack[base + index] = decoded
      }
      count++
      if (isOld && decoded !== old[names[index] as string]) isOld = false
    }
    const object: Record<string, unknown> = isOld && count === sizeOf(old) ? old : {}
    for (let index = 0; index < names.length; index++) {
      const decoded = stack[base + index]
      if (decoded === undefined) continue
      stack[base + index] = undefined
      if (object !== old) object[names[index] as string] = decoded
    }
    return object
  }

  zero(): Record<string, unknown> {
    return this.decode({})
  }

  #compile(): Map<string, number> {
    const fields: [string, Field][] = Object.entries(this.#type.fields)
    this.#names = fields.map(([name]) => name)
    this.#decodes = fields.map(([, field]) => fieldDecoder(field))
    this.#zeros = fields.map(([, field]) => fieldZeroMaker(field))
    this.#indices = new Map(fields.map(([name], index) => [name, index]))
    return this.#indices
  }
}

/**
 * The reference keeps objects as protobuf, in which an empty list or map and an absent one are the same. So a required
 * one that is empty becomes `null`, which is what the reference gives back, and one that is not required is not written.
 */
function fieldDecoder({ presence, type }: Field): Decode {
  const decodeValue = valueDecoder(type)
  const isCollection = type.type === 'list' || type.type === 'map'
  if (presence !== 'optional' && !isCollection) return decodeValue
  const isZero = zeroTest(type)
  return (value) => {
    const decoded = decodeValue(value)
    return isZero(decoded) ? undefined : decoded
  }
}

/** Undefined for what has no parts. */
function fieldDecoderLike({ presence, type }: Field): DecodeLike | undefined {
  const like = valueDecoderLike(type)
  if (like === undefined || (presence !== 'optional' && type.type !== 'list' && type.type !== 'map')) return like
  const isZero = zeroTest(type)
  return (value, old) => {
    const decoded = like(value, old)
    return isZero(decoded) ? undefined : decoded
  }
}

function valueDecoderLike(type: Type): DecodeLike | undefined {
  if (type.type === 'object') {
    const decoder = decoderOf(type)
    return (value, old) => decoder.decodeLike(value, old)
  }
  if (type.type === 'list') return listDecoderLike(type)
  if (type.type === 'map') return mapDecoderLike(type)
  return type.type === 'json' || type.type === 'rawObject' ? sharing : undefined
}

function valueDecoder(type: Type): Decode {
  if (type.type === 'object') {
    const decoder = decoderOf(type)
    return (value) => decoder.decode(value)
  }
  if (type.type === 'list') return listDecoder(type)
  if (type.type === 'map') return mapDecoder(type)
  return decodeScalar[type.type]
}

function listDecoder(type: ListType): Decode {
  const decodeItem = valueDecoder(type.items)
  const zero = itemZeroMaker(type.items)
  return (value) => {
    if (!Array.isArray(value)) throw misfit
    const list = new Array<unknown>(value.length)
    for (let index = 0; index < list.length; index++) {
      const item: unknown = value[index]
      list[index] = item === null ? zero() : decodeItem(item)
    }
    return list
  }
}

function listDecoderLike(type: ListType): DecodeLike {
  const decodeItem = valueDecoder(type.items)
  const decodeItemLike = valueDecoderLike(type.items) ?? decodeItem
  const decode = listDecoder(type)
  const zero = itemZeroMaker(type.items)
  return (value, old) => {
    if (!Array.isArray(value) || !Array.isArray(old)) return decode(value)
    if (value === old) return old
    // Made when the first item is another one than before.
    let list: unknown[] | undefined
    for (let index = 0; index < value.length; index++) {
      const item: unknown = value[index]
      const before: unknown = old[index]
      let decoded = item
      if (item === null) decoded = sharing(zero(), before)
      else if (item !== before || item === undefined) decoded = decodeItemLike(item, before)
      if (list === undefined && decoded !== before) list = old.slice(0, index)
      list?.push(decoded)
    }
    return list ?? (old.length === value.length ? old : old.slice(0, value.length))
  }
}

function mapDecoder(type: MapType): Decode {
  const decodeValue = valueDecoder(type.values)
  const zero = itemZeroMaker(type.values)
  return (value) => {
    if (typeof value !== 'object' || Array.isArray(value)) throw misfit
    const given = value as Record<string, unknown>
    const map: Record<string, unknown> = {}
    for (const key of sortedKeys(given)) {
      const item = given[key]
      setOwn(map, key, item === null ? zero() : decodeValue(item))
    }
    return map
  }
}

function mapDecoderLike(type: MapType): DecodeLike {
  const decodeValue = valueDecoder(type.values)
  const decodeValueLike = valueDecoderLike(type.values) ?? decodeValue
  const decode = mapDecoder(type)
  const zero = itemZeroMaker(type.values)
  return (value, before) => {
    const given = membersOf(value)
    const old = membersOf(before)
    if (given === undefined || old === undefined) return decode(value)
    if (given === old || hasJust(given, old)) return old
    const map: Members = {}
    const keys = sortedKeys(given)
    let isOld = keys.length === sizeOf(old)
    for (const key of keys) {
      const item = given[key]
      const last = Object.hasOwn(old, key) ? old[key] : undefined
      const decoded = item === null ? sharing(zero(), last) : decodeValueLike(item, last)
      setOwn(map, key, decoded)
      if (decoded !== last) isOld = false
    }
    return isOld ? old : map
  }
}

type Members = Record<string, unknown>

function membersOf(value: unknown): Members | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : undefined
}

/** Whether these are the same members, whatever their order, with the very same values. */
function hasJust(given: Members, old: Members): boolean {
  let count = 0
  for (const key in given) {
    if (given[key] === undefined || given[key] !== old[key]) return false
    count++
  }
  return count === sizeOf(old)
}

function sizeOf(members: Members): number {
  let size = 0
  for (const _ in members) size++
  return size
}

const decodeScalar: Readonly<Record<ScalarName, Decode>> = {
  string: (value) => {
    if (typeof value !== 'string') throw misfit
    return value
  },
  bool: (value) => {
    if (typeof value !== 'boolean') throw misfit
    return value
  },
  int32: (value) => {
    if (typeof value !== 'number' || !fitsInt32(value)) throw misfit
    return value
  },
  int64: (value) => {
    if (typeof value !== 'number' || !fitsInt64(value)) throw misfit
    return value
  },
  double: (value) => {
    if (typeof value !== 'number') throw misfit
    return value
  },
  bytes: (value) => {
    if (typeof value !== 'string') throw misfit
    return canonicalBase64(value)
  },
  quantity: (value) => {
    if (typeof value === 'string') return canonicalQuantity(value)
    if (typeof value !== 'number') throw misfit
    return canonicalQuantity(String(value))
  },
  time: (value) => {
    if (typeof value !== 'string') throw misfit
    return canonicalTime(value)
  },
  microTime: (value) => {
    if (typeof value !== 'string') throw misfit
    return canonicalMicroTime(value)
  },
  duration: (value) => {
    if (typeof value !== 'string') throw misfit
    return canonicalDuration(value)
  },
  intOrString: (value) => (typeof value === 'string' ? value : decodeScalar.int32(value)),
  json: (value) => value,
  rawObject: (value) => value,
}

/** Base64 as Go reads it: padded, line breaks ignored; anything else does not fit. */
function canonicalBase64(text: string): string {
  const joined = text.replace(/[\r\n]/g, '')
  if (joined.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(joined)) throw misfit
  return joined.endsWith('=') ? Buffer.from(joined, 'base64').toString('base64') : joined
}

/** Makes a field's value when it was not given; undefined: the field is not written. */
function fieldZeroMaker({ presence, type, options }: Field): (() => unknown) | undefined {
  if (presence === 'optional' || presence === 'explicit') return undefined
  return options.nullable === true ? () => null : zeroMaker(type)
}

function zeroMaker(type: Type): () => unknown {
  if (type.type === 'object') {
    const decoder = decoderOf(type)
    return () => decoder.zero()
  }
  if (type.type === 'list' || type.type === 'map') return () => null
  const zero = scalarZero(type)
  return () => zero
}

/** The same for an item of a list or a map, where no bytes are empty bytes. */
function itemZeroMaker(type: Type): () => unknown {
  return type.type === 'bytes' ? () => '' : zeroMaker(type)
}

function scalarZero(type: Scalar): unknown {
  return zeros[type.type]
}

const zeros: Readonly<Record<ScalarName, unknown>> = {
  string: '',
  bool: false,
  int32: 0,
  int64: 0,
  double: 0,
  bytes: null,
  quantity: '0',
  time: null,
  microTime: null,
  duration: '0s',
  intOrString: 0,
  json: null,
  rawObject: null,
}

/** Says whether an optional field with this value is not written. */
function zeroTest(type: Type): (value: unknown) => boolean {
  switch (type.type) {
    case 'object':
      return isZeroTree
    case 'list':
      return (value) => (value as unknown[]).length === 0
    case 'map':
      return isEmpty
    case 'bytes':
      return (value) => value === ''
    case 'time':
      return (value) => value === zeroTime
    case 'json':
    case 'rawObject':
    case 'microTime':
      return () => false
    default: {
      const zero = scalarZero(type)
      return (value) => value === zero
    }
  }
}

function isEmpty(value: unknown): boolean {
  for (const _ in value as object) return false
  return true
}

/** Whether a decoded object holds nothing but zeros. */
function isZeroTree(value: unknown): boolean {
  if (value === null || value === '' || value === 0 || value === false) return true
  if (typeof value !== 'object' || Array.isArray(value)) return false
  for (const key in value) if (!isZeroTree((value as Record<string, unknown>)[key])) return false
  return true
}
