import type { Kind } from './kind.ts'
import { extraExtensions, withoutDefault, withZeroDefault } from './openapi-exceptions.ts'
import {
  embedded,
  type Field,
  type ListOptions,
  list,
  type ObjectType,
  optional,
  required,
  type Scalar,
  string,
  type Type,
} from './types.ts'

/**
 * OpenAPI schemas of our types, as the reference publishes them: version 2 under `definitions`, version 3 under
 * `components/schemas`. They differ in where other types are referred to (v2 cannot say more beside a `$ref`, so v3 wraps
 * it in `allOf`), in defaults (v2 states none) and in values of several types (v2 has no `oneOf`).
 */

export type OpenApiVersion = 2 | 3

export type JsonObject = { readonly [key: string]: unknown }

export interface GroupVersionKind {
  readonly group: string
  readonly kind: string
  readonly version: string
}

/** A type that stands for whole objects, and the kinds that it stands for. */
export interface PublishedType {
  readonly type: ObjectType
  readonly kinds: readonly GroupVersionKind[]
}

/**
 * Takes the types that a document refers to; gives the schemas of all that can be reached from them, by name, sorted.
 * Types must have distinct names. `others` are types that may be reached, and that stand for kinds wherever they are.
 */
export function schemasOf(
  types: readonly PublishedType[],
  version: OpenApiVersion,
  others: readonly PublishedType[] = [],
): Record<string, JsonObject> {
  const schemas = new Map<string, JsonObject>()
  const kinds = new Map([...others, ...types].map((published) => [published.type.name, published.kinds]))
  for (const { type } of types) addObject(schemas, type, kinds, version)
  return Object.fromEntries([...schemas].sort(([left], [right]) => (left < right ? -1 : 1)))
}

type Schemas = Map<string, JsonObject>

function addObject(
  schemas: Schemas,
  type: ObjectType,
  kinds: ReadonlyMap<string, readonly GroupVersionKind[]>,
  version: OpenApiVersion,
): void {
  if (schemas.has(type.name)) return
  const { schema, parts } = objectSchema(type, version)
  const published = kinds.get(type.name) ?? []
  schemas.set(type.name, {
    ...schema,
    ...(published.length > 0 && { 'x-kubernetes-group-version-kind': published.map(gvkExtension) }),
  })
  for (const part of parts) {
    if (typeof part !== 'string') addObject(schemas, part, kinds, version)
    else if (!schemas.has(part)) schemas.set(part, wellKnownSchema(part, version))
  }
}

/** In the order in which Go writes a map: sorted. */
export const gvkExtension = ({ group, kind, version }: GroupVersionKind): JsonObject => ({ group, kind, version })

/** The schema of one object type, and what it refers to: other types, or the names of well-known ones. */
export function objectSchema(
  type: ObjectType,
  version: OpenApiVersion,
): { readonly schema: JsonObject; readonly parts: readonly (ObjectType | string)[] } {
  const parts: (ObjectType | string)[] = []
  const names = Object.keys(type.fields)
  const needed = names.filter((name) => isRequired(type.fields[name]!))
  const properties = names.toSorted().map((name) => [name, fieldSchema(type, name, version, parts)] as const)
  const schema: JsonObject = {
    ...(type.doc !== '' && { description: type.doc }),
    type: 'object',
    ...(needed.length > 0 && { required: needed }),
    ...(properties.length > 0 && { properties: Object.fromEntries(properties) }),
    ...(type.options.atomic && { 'x-kubernetes-map-type': 'atomic' }),
    ...(type.options.unions && { 'x-kubernetes-unions': type.options.unions.map(unionExtension) }),
  }
  return { schema, parts }
}

const isRequired = (field: Field) => field.presence === 'required'

function unionExtension(union: {
  readonly discriminator?: string
  readonly fields: Readonly<Record<string, string>>
}): JsonObject {
  return {
    ...(union.discriminator !== undefined && { discriminator: union.discriminator }),
    'fields-to-discriminateBy': union.fields,
  }
}

function fieldSchema(
  owner: ObjectType,
  name: string,
  version: OpenApiVersion,
  parts: (ObjectType | string)[],
): JsonObject {
  const field = owner.fields[name]!
  const context: Context = { version, parts, wellKnown: wellKnownOf(owner, name) }
  const content = typeSchema(field.type, context)
  const standsFor = fieldDefault(owner, name, field)
  const withDefault = version === 3 && standsFor !== undefined && { default: standsFor }
  const description = field.doc !== '' && { description: field.doc }
  const extensions = { ...listExtensions(field), ...patchExtensions(field), ...extraExtensions[pathOf(owner, name)] }
  const isReference = '$ref' in content
  if (isReference && version === 3) return { allOf: [content], ...description, ...withDefault, ...extensions }
  return { ...content, ...description, ...withDefault, ...extensions }
}

interface Context {
  readonly version: OpenApiVersion
  readonly parts: (ObjectType | string)[]
  /** The published name of a field's type where our schema only says that it holds JSON. */
  readonly wellKnown: string | undefined
}

function typeSchema(type: Type, context: Context): JsonObject {
  switch (type.type) {
    case 'object':
      context.parts.push(type)
      return reference(type.name, context)
    case 'list':
      return { type: 'array', items: itemSchema(type.items, context) }
    case 'map':
      return {
        type: 'object',
        additionalProperties: itemSchema(type.values, context),
        ...(type.atomic && { 'x-kubernetes-map-type': 'atomic' }),
      }
    default:
      return scalarSchema(type, context)
  }
}

/** What stands in lists and maps has its zero as default. */
function itemSchema(type: Type, context: Context): JsonObject {
  const schema = typeSchema(type, context)
  const zero = context.version === 3 ? zeroOf(type) : undefined
  if (zero === undefined) return schema
  return '$ref' in schema ? { allOf: [schema], default: zero } : { ...schema, default: zero }
}

const pointers: Record<OpenApiVersion, string> = { 2: '#/definitions/', 3: '#/components/schemas/' }

export const referenceTo = (name: string, version: OpenApiVersion): JsonObject => ({ $ref: pointers[version] + name })

const reference = (name: string, { version }: Context) => referenceTo(name, version)

function scalarSchema(type: Scalar, context: Context): JsonObject {
  const named =
    wellKnownScalars[type.type] ?? (type.type === 'json' || type.type === 'rawObject' ? context.wellKnown : undefined)
  if (named !== undefined) {
    context.parts.push(named)
    return reference(named, context)
  }
  return { ...plainScalars[type.type], ...(type.values && { enum: type.values.toSorted() }) }
}

const plainScalars: Partial<Record<Scalar['type'], JsonObject>> = {
  string: { type: 'string' },
  duration: { type: 'string' },
  bool: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
  bytes: { type: 'string', format: 'byte' },
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.'
const rawExtension = 'io.k8s.apimachinery.pkg.runtime.RawExtension'
const extensions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.'

const wellKnownScalars: Partial<Record<Scalar['type'], string>> = {
  time: `${meta}Time`,
  microTime: `${meta}MicroTime`,
  quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  intOrString: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
}

/** JSON schemas hold themselves; our schema language says only that there is JSON. */
const schemaProps: Readonly<Record<string, string>> = {
  additionalItems: 'JSONSchemaPropsOrBool',
  additionalProperties: 'JSONSchemaPropsOrBool',
  allOf: 'JSONSchemaProps',
  anyOf: 'JSONSchemaProps',
  default: 'JSON',
  definitions: 'JSONSchemaProps',
  dependencies: 'JSONSchemaPropsOrStringArray',
  enum: 'JSON',
  example: 'JSON',
  items: 'JSONSchemaPropsOrArray',
  not: 'JSONSchemaProps',
  oneOf: 'JSONSchemaProps',
  patternProperties: 'JSONSchemaProps',
  properties: 'JSONSchemaProps',
}

function wellKnownOf(owner: ObjectType, name: string): string {
  if (owner.name === `${extensions}JSONSchemaProps` && name in schemaProps) return extensions + schemaProps[name]
  return name === 'fieldsV1' ? `${meta}FieldsV1` : rawExtension
}

interface WellKnown {
  readonly doc: string
  readonly 2: JsonObject
  readonly 3?: JsonObject
}

const wellKnown: Readonly<Record<string, WellKnown>> = {
  [`${meta}Time`]: {
    doc: 'A point in time, to the second, as RFC 3339 writes it.',
    2: { type: 'string', format: 'date-time' },
  },
  [`${meta}MicroTime`]: {
    doc: 'A point in time, to the microsecond, as RFC 3339 writes it.',
    2: { type: 'string', format: 'date-time' },
  },
  'io.k8s.apimachinery.pkg.api.resource.Quantity': {
    doc: 'An amount of something: a decimal number with a suffix, such as 500m (half of one), 2k (two thousand) or 1Gi (1073741824).',
    2: { type: 'string' },
    3: { oneOf: [{ type: 'string' }, { type: 'number' }] },
  },
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': {
    doc: 'A number, or a string where a name or a percentage is meant.',
    2: { type: 'string', format: 'int-or-string' },
    3: { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
  },
  [rawExtension]: { doc: 'An object of any kind, kept as it was given.', 2: { type: 'object' } },
  [`${meta}FieldsV1`]: {
    doc: 'A set of fields, each a member of its parent, in the form that managed fields have.',
    2: { type: 'object' },
  },
  [`${meta}Patch`]: { doc: 'A patch: its form is that of the content type.', 2: { type: 'object' } },
  [`${extensions}JSON`]: { doc: 'Any JSON value.', 2: {} },
  [`${extensions}JSONSchemaPropsOrArray`]: { doc: 'One JSON schema, or a list of them.', 2: {} },
  [`${extensions}JSONSchemaPropsOrBool`]: { doc: 'A JSON schema, or true or false for all or nothing.', 2: {} },
  [`${extensions}JSONSchemaPropsOrStringArray`]: { doc: 'A JSON schema, or a list of names.', 2: {} },
}

/** The schema of a type that has no fields of its own. */
export function wellKnownSchema(name: string, version: OpenApiVersion): JsonObject {
  const known = wellKnown[name]
  if (!known) throw new Error(`${name} is not a well-known type`)
  return { description: known.doc, ...((version === 3 && known[3]) || known[2]) }
}

/** The default that is stated, or the zero that is written when the field is absent. */
function fieldDefault(owner: ObjectType, name: string, field: Field): unknown {
  if (field.options.default !== undefined) return field.options.default
  const path = pathOf(owner, name)
  const isWritten = field.presence === 'required' || field.presence === 'embedded'
  if (!isWritten && !withZeroDefault.has(path)) return undefined
  return withoutDefault.has(path) ? undefined : zeroOf(field.type)
}

/** How exceptions name a field: the type's last name and the field's. */
const pathOf = (owner: ObjectType, name: string) => `${owner.name.slice(owner.name.lastIndexOf('.') + 1)}.${name}`

function zeroOf(type: Type): unknown {
  switch (type.type) {
    case 'object':
      return {}
    case 'string':
      return ''
    case 'bool':
      return false
    case 'int32':
    case 'int64':
    case 'double':
      return 0
    default:
      return undefined
  }
}

function listExtensions({ type }: Field): JsonObject {
  if (type.type !== 'list' || type.options.list === undefined) return {}
  const kind = type.options.list
  if (typeof kind === 'string') return { 'x-kubernetes-list-type': kind }
  return { 'x-kubernetes-list-map-keys': kind, 'x-kubernetes-list-type': 'map' }
}

function patchExtensions({ type, options }: Field): JsonObject {
  if (type.type === 'list' && type.options.merge !== undefined) return mergeExtensions(type.options)
  if (options.retainKeys) return { 'x-kubernetes-patch-strategy': 'retainKeys' }
  return options.replace ? { 'x-kubernetes-patch-strategy': 'replace' } : {}
}

function mergeExtensions({ merge, retainKeys }: ListOptions): JsonObject {
  return {
    ...(typeof merge === 'string' && { 'x-kubernetes-patch-merge-key': merge }),
    'x-kubernetes-patch-strategy': retainKeys ? 'merge,retainKeys' : 'merge',
  }
}

/** The type of a kind's list (`PodList`), which no kind declares itself. */
export function listTypeOf(kind: Pick<Kind, 'kind' | 'schema'>, listMeta: ObjectType): ObjectType {
  return {
    type: 'object',
    name: `${kind.schema.name}List`,
    doc: `A list of objects of kind ${kind.kind}.`,
    fields: {
      apiVersion: optional(0, string, 'Group and version in which this list is written, such as apps/v1.'),
      items: required(2, list(kind.schema), `The objects of kind ${kind.kind}.`),
      kind: optional(0, string, `Always ${kind.kind}List.`),
      metadata: embedded(
        1,
        listMeta,
        'What there is to say about the list itself: its resource version, and how to get on.',
      ),
    },
    options: {},
  }
}
