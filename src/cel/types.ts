/**
 * Types of expressions. A neutral description, so that structural schemas, our API types and hand-written variables
 * can all be turned into it.
 *
 * ```ts
 * const spec = objectType('Spec', { replicas: field(int), image: field(string), tags: field(listOf(string, 16)) })
 * formatType(spec.fields.tags!.type)   // 'list(string)'
 * ```
 */
export type CelType =
  | PrimitiveType
  | ListType
  | MapType
  | ObjectType
  | OptionalType
  | NullableType
  | OpaqueType
  | TypeType
  | TypeParameter

/** `dyn` is what is known only at run time (`x-kubernetes-preserve-unknown-fields`, int-or-string). */
export interface PrimitiveType {
  readonly kind:
    | 'bool'
    | 'int'
    | 'uint'
    | 'double'
    | 'string'
    | 'bytes'
    | 'duration'
    | 'timestamp'
    | 'null'
    | 'dyn'
    | 'error'
  /** Of strings and bytes: how long one can be, for the estimate of costs; undefined when nobody knows. */
  readonly maxElements?: number
}

export interface ListType {
  readonly kind: 'list'
  readonly element: CelType
  readonly maxElements?: number
  /** How lists are compared and added, as `x-kubernetes-list-type` says; `atomic` when not given. */
  readonly semantics?: 'atomic' | 'set' | 'map'
  /** Of `map` semantics: the JSON names of the key fields. */
  readonly mapKeys?: readonly string[]
}

export interface MapType {
  readonly kind: 'map'
  readonly key: CelType
  readonly value: CelType
  readonly maxElements?: number
}

/** An object whose fields are declared. */
export interface ObjectType {
  readonly kind: 'object'
  /** How messages call it. */
  readonly name: string
  /** By the name that expressions use (`escapeFieldName`). */
  readonly fields: Readonly<Record<string, CelField>>
  /** The type of all other fields, where there may be others (objects that mutations make). */
  readonly others?: CelType
}

export interface CelField {
  readonly type: CelType
  /** The name in JSON; the name of the field itself when not given. */
  readonly json?: string
  /** What an absent field gives when it is read (API types); when not given, reading it is an error: `no such key`. */
  readonly absent?: unknown
}

export interface OptionalType {
  readonly kind: 'optional'
  readonly value: CelType
}

/** A value or null (`nullable: true`). */
export interface NullableType {
  readonly kind: 'nullable'
  readonly value: CelType
}

/** A type with functions only, such as `kubernetes.Quantity`. */
export interface OpaqueType {
  readonly kind: 'opaque'
  readonly name: string
  readonly parameters?: readonly CelType[]
}

/** The type of a type: `type(1) == int`. */
export interface TypeType {
  readonly kind: 'type'
  readonly of?: CelType
}

/** A type variable; appears in declarations of functions only. */
export interface TypeParameter {
  readonly kind: 'parameter'
  readonly name: string
}

export const bool: CelType = { kind: 'bool' }
export const int: CelType = { kind: 'int' }
export const uint: CelType = { kind: 'uint' }
export const double: CelType = { kind: 'double' }
export const string: CelType = { kind: 'string' }
export const bytes: CelType = { kind: 'bytes' }
export const duration: CelType = { kind: 'duration' }
export const timestamp: CelType = { kind: 'timestamp' }
export const nullType: CelType = { kind: 'null' }
export const dyn: CelType = { kind: 'dyn' }
export const typeType: CelType = { kind: 'type' }
/** What stands for the type of a faulty part, so that one fault is told once. */
export const errorType: CelType = { kind: 'error' }

export const stringOf = (maxElements: number): CelType => ({ kind: 'string', maxElements })

export const listOf = (element: CelType, maxElements?: number): ListType => ({ kind: 'list', element, maxElements })

export const mapOf = (key: CelType, value: CelType, maxElements?: number): MapType => ({
  kind: 'map',
  key,
  value,
  maxElements,
})

export const objectType = (name: string, fields: Readonly<Record<string, CelField>>): ObjectType => ({
  kind: 'object',
  name,
  fields,
})

/** An object of which nobody knows the fields. */
export const openType = (name: string): ObjectType => ({ kind: 'object', name, fields: {}, others: dyn })

export const field = (type: CelType, json?: string): CelField => (json === undefined ? { type } : { type, json })

export const optionalOf = (value: CelType): OptionalType => ({ kind: 'optional', value })

export const nullableOf = (value: CelType): NullableType => ({ kind: 'nullable', value })

export const opaqueType = (name: string, parameters?: readonly CelType[]): OpaqueType =>
  parameters ? { kind: 'opaque', name, parameters } : { kind: 'opaque', name }

export const parameter = (name: string): TypeParameter => ({ kind: 'parameter', name })

const primitiveNames: Readonly<Record<PrimitiveType['kind'], string>> = {
  bool: 'bool',
  int: 'int',
  uint: 'uint',
  double: 'double',
  string: 'string',
  bytes: 'bytes',
  duration: 'duration',
  timestamp: 'timestamp',
  null: 'null',
  dyn: 'dyn',
  error: '!error!',
}

/** A type as messages write it. */
export function formatType(type: CelType): string {
  switch (type.kind) {
    case 'list':
      return `list(${formatType(type.element)})`
    case 'map':
      return `map(${formatType(type.key)}, ${formatType(type.value)})`
    case 'optional':
      return `optional_type(${formatType(type.value)})`
    case 'nullable':
      return `wrapper(${formatType(type.value)})`
    case 'object':
      return type.name
    case 'opaque':
      return type.parameters?.length ? `${type.name}(${type.parameters.map(formatType).join(', ')})` : type.name
    case 'type':
      return type.of ? `type(${formatType(type.of)})` : 'type'
    case 'parameter':
      return type.name
    default:
      return primitiveNames[type.kind]
  }
}
