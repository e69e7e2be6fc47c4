/**
 * The language in which every API type is written once. A type is a plain value that says how a field is called,
 * which number it has in protobuf, what it may hold and how lists merge. Everything else is derived from it:
 * the TypeScript type (`Infer`), decoding and pruning (`decode.ts`), protobuf (`protobuf.ts`), OpenAPI
 * (`openapi.ts`), strategic merge and server-side apply.
 *
 * ```ts
 * export const ServicePort = object('io.k8s.api.core.v1.ServicePort', 'One port that a service offers.', {
 *   name: optional(1, string, 'Name of the port; needed when a service has more than one.'),
 *   protocol: optional(2, oneOf('SCTP', 'TCP', 'UDP'), 'Transport protocol.', { default: 'TCP' }),
 *   port: required(3, int32, 'Port that the service offers.'),
 *   targetPort: embedded(4, intOrString, 'Number or name of the port on the pods.'),
 * })
 * export interface ServicePort extends Infer<typeof ServicePort> {}
 * ```
 *
 * Fields stand in the order in which the reference writes them to JSON. Four words say when a field is written,
 * and they are all that the reference's pointers and `omitempty` come to for a client:
 *
 * - `required`: always written; when absent it gets its zero value (`""`, `0`, `false`, `{}`, a list's or a map's
 *   zero is `null`, as is that of a time). OpenAPI calls it required.
 * - `embedded`: as `required`, but OpenAPI does not call it required (`metadata`, `status`, `resources`).
 * - `optional`: not written when it is zero; `""`, `0`, `false`, `[]` and `{}` are the same as absent.
 * - `explicit`: written exactly when it was given; a given zero (`replicas: 0`) is not the same as absent.
 */

/** Any API type. */
export type Type = Scalar | ObjectType | ListType | MapType

export type ScalarName =
  | 'string'
  | 'bool'
  | 'int32'
  | 'int64'
  | 'double'
  /** Base64 in JSON. */
  | 'bytes'
  /** A resource quantity such as `500m`; kept in its canonical form. */
  | 'quantity'
  /** RFC 3339, whole seconds, UTC. */
  | 'time'
  /** RFC 3339 with microseconds, UTC. */
  | 'microTime'
  /** A time span in Go's notation, such as `1m30s`. */
  | 'duration'
  | 'intOrString'
  /** Any JSON value; not looked into. */
  | 'json'
  /** Any JSON object: an embedded API object (`runtime.RawExtension`) or a set of fields (`FieldsV1`). */
  | 'rawObject'

export interface Scalar<T = unknown> {
  readonly type: ScalarName
  /** The values that OpenAPI lists; decoding does not check them, validation does. */
  readonly values?: readonly string[]
  /** How `protobuf.ts` holds the value, where that is not JSON's way. Only for types that never become JSON. */
  readonly wire?: 'signed' | 'unsigned' | 'raw' | 'latin1'
  /** The name of the Go type, where error messages that clients see spell it (`v1.PodPhase`). */
  readonly goType?: string
  /** Never set: carries the TypeScript type. */
  readonly _?: T
}

export interface ListType<Item extends Type = Type> {
  readonly type: 'list'
  readonly items: Item
  readonly options: ListOptions
}

export interface ListOptions {
  /** How server-side apply owns the list: as one value, as a set of scalars, or item by item under these keys. */
  readonly list?: 'atomic' | 'set' | readonly string[]
  /** The key by which strategic merge patch matches items; `true` merges scalars as a set; absent: replaced whole. */
  readonly merge?: string | true
  /** Strategic merge: the patch names the fields of an item that stay (`$retainKeys`). */
  readonly retainKeys?: boolean
}

export interface MapType<Value extends Type = Type> {
  readonly type: 'map'
  readonly values: Value
  /** Server-side apply owns an atomic map as one value. */
  readonly atomic?: boolean
}

export interface ObjectType<F extends Fields = Fields> {
  readonly type: 'object'
  /** The name in OpenAPI v2, such as `io.k8s.api.core.v1.Pod`. */
  readonly name: string
  readonly doc: string
  readonly fields: F
  readonly options: ObjectOptions
}

export interface ObjectOptions {
  /** Server-side apply owns the object as one value. */
  readonly atomic?: boolean
  /** Strategic merge: the patch names the fields that stay (`$retainKeys`). */
  readonly retainKeys?: boolean
  /** Reads whole objects in place of the fields: types that are only known while the server runs (custom resources). */
  readonly decode?: (
    value: unknown,
    options: { readonly mode?: 'Strict' | 'Warn' | 'Ignore'; readonly textProblems?: readonly string[] },
  ) => { readonly object: Record<string, unknown>; readonly problems: readonly string[] }
  /** The whole type of such objects, as server-side apply sees it, where the fields are only those that all objects have. */
  readonly structure?: () => ObjectType
  /** Besides the fields there may be others, whose values are what they are. */
  readonly open?: boolean
  /** OpenAPI's `x-kubernetes-unions`. */
  readonly unions?: readonly { readonly discriminator?: string; readonly fields: Readonly<Record<string, string>> }[]
}

export type Fields = Readonly<Record<string, Field>>

export type Presence = 'required' | 'embedded' | 'optional' | 'explicit'

export interface Field<T extends Type = Type, P extends Presence = Presence> {
  readonly number: number
  readonly type: T
  readonly presence: P
  readonly doc: string
  readonly options: FieldOptions
}

export interface FieldOptions {
  /** The default that the published schema states. Defaults that depend on more than the field are the kind's own. */
  readonly default?: unknown
  /** Set by `inline`: the protobuf messages, from the outside in, that hold this field. */
  readonly inside?: readonly number[]
  /** Strategic merge: the patch names the fields of this object that stay (`$retainKeys`). */
  readonly retainKeys?: boolean
  /** Strategic merge replaces this object as a whole. */
  readonly replace?: boolean
  /** A required or embedded field that is written as `null` when absent, whatever its zero is: a Go pointer without `omitempty`. */
  readonly nullable?: boolean
  /** Server-side apply owns this object field by field, though its type is atomic elsewhere. */
  readonly granular?: boolean
}

// The TypeScript type of a schema.

export type Infer<T> = T extends { readonly _?: infer V; readonly type: ScalarName }
  ? V
  : T extends { readonly type: 'list'; readonly items: infer Item }
    ? readonly Infer<Item>[]
    : T extends { readonly type: 'map'; readonly values: infer Value }
      ? { readonly [key: string]: Infer<Value> }
      : T extends { readonly type: 'object'; readonly fields: infer F }
        ? InferFields<F>
        : never

type InferFields<F> = {
  readonly [K in keyof F as F[K] extends { presence: 'required' | 'embedded' } ? K : never]: InferField<F[K]>
} & {
  readonly [K in keyof F as F[K] extends { presence: 'optional' | 'explicit' } ? K : never]?: InferField<F[K]>
}

/** A required time or list may be `null` on the wire; readers treat that like an empty one, so the type leaves it out. */
type InferField<F> = F extends { readonly type: infer T } ? Infer<T> : never

/** The same value with every `readonly` taken off, for the code that builds or defaults an object before it is frozen. */
export type Mutable<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? Mutable<Item>[]
    : T extends object
      ? { -readonly [K in keyof T]: Mutable<T[K]> }
      : T

/** What a client may send: everything that decoding fills in may be left out. */
export type Draft<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Draft<Item>[]
    : T extends object
      ? { readonly [K in keyof T]?: Draft<T[K]> }
      : T

// Constructors.

const scalar = <T>(type: ScalarName): Scalar<T> => ({ type })

export const string: Scalar<string> = scalar('string')
export const bool: Scalar<boolean> = scalar('bool')
export const int32: Scalar<number> = scalar('int32')
/** A JavaScript number: values beyond 2^53 lose their last digits (no API field needs them). */
export const int64: Scalar<number> = scalar('int64')
export const double: Scalar<number> = scalar('double')
export const bytes: Scalar<string> = scalar('bytes')
export const quantity: Scalar<string> = scalar('quantity')
export const time: Scalar<string> = scalar('time')
export const microTime: Scalar<string> = scalar('microTime')
export const duration: Scalar<string> = scalar('duration')
export const intOrString: Scalar<number | string> = scalar('intOrString')
export const json: Scalar<unknown> = scalar('json')
export const rawObject: Scalar<Readonly<Record<string, unknown>>> = scalar('rawObject')

// For protocols that are protobuf only (etcd): what JSON's number and base64 would spoil or slow down.

/** A signed 64-bit number in full. */
export const signed64: Scalar<bigint> = { type: 'int64', wire: 'signed' }
/** An unsigned 64-bit number in full. */
export const unsigned64: Scalar<bigint> = { type: 'int64', wire: 'unsigned' }
/** Bytes as they are. Decoded ones are a view into what was decoded. */
export const rawBytes: Scalar<Uint8Array> = { type: 'bytes', wire: 'raw' }
/** Bytes as a string with one character for each (Latin-1). */
export const byteString: Scalar<string> = { type: 'bytes', wire: 'latin1' }

/** A string of which the published schema lists the values. */
export function oneOf<const V extends string>(...values: V[]): Scalar<V> {
  return { type: 'string', values }
}

/** There are thousands of fields without any: all have this one. */
const noOptions = Object.freeze({})

export function list<Item extends Type>(items: Item, options: ListOptions = noOptions): ListType<Item> {
  return { type: 'list', items, options }
}

export function map<Value extends Type>(values: Value, options: { atomic?: boolean } = {}): MapType<Value> {
  return { type: 'map', values, ...options }
}

export function object<const F extends Fields>(
  name: string,
  doc: string,
  fields: F,
  options: ObjectOptions = noOptions,
): ObjectType<F> {
  return { type: 'object', name, doc, fields, options }
}

const field =
  <P extends Presence>(presence: P) =>
  <T extends Type>(number: number, type: T, doc: string, options: FieldOptions = noOptions): Field<T, P> => ({
    number,
    type,
    presence,
    doc,
    options,
  })

export const required: <T extends Type>(
  number: number,
  type: T,
  doc: string,
  options?: FieldOptions,
) => Field<T, 'required'> = field('required')
export const embedded: <T extends Type>(
  number: number,
  type: T,
  doc: string,
  options?: FieldOptions,
) => Field<T, 'embedded'> = field('embedded')
export const optional: <T extends Type>(
  number: number,
  type: T,
  doc: string,
  options?: FieldOptions,
) => Field<T, 'optional'> = field('optional')
export const explicit: <T extends Type>(
  number: number,
  type: T,
  doc: string,
  options?: FieldOptions,
) => Field<T, 'explicit'> = field('explicit')

/**
 * Merges the fields of `type` into the type at hand, as a Go struct embeds another: in JSON they stand beside the
 * others, in protobuf they are a message of their own under `number`. Spread the result at the place where it is embedded.
 */
export function inline<F extends Fields>(number: number, type: ObjectType<F>): F {
  const inside = (field: Field): Field => ({
    ...field,
    options: { ...field.options, inside: [number, ...(field.options.inside ?? [])] },
  })
  return Object.fromEntries(Object.entries(type.fields).map(([name, field]) => [name, inside(field)])) as unknown as F
}
