/** Structural schemas → types. What an expression may not see (unknown fields, lists without items) has no type. */
import { maxRequestBytes } from './limits.ts'
import { bool, type CelField, type CelType, double, int, listOf, mapOf, objectType, stringOf } from './types.ts'

/** The parts of an OpenAPI v3 schema that matter here. */
export interface JsonSchema {
  readonly type?: string
  readonly format?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
  readonly additionalProperties?: JsonSchema | boolean
  readonly required?: readonly string[]
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly maxLength?: number
  readonly maxItems?: number
  readonly maxProperties?: number
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-embedded-resource'?: boolean
  readonly 'x-kubernetes-list-type'?: string
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
}

/** Sizes in JSON, quotes included: bound how many values fit a request. */
const sizes = {
  text: 2,
  bool: 4,
  number: 1,
  duration: 3,
  date: 12,
  dateTime: 21,
  composite: 2,
} as const

/** The longest texts of formats. */
const longest = { duration: 32, date: 12, 'date-time': 32 } as const

/** A type and the least that its JSON takes. */
interface Sized {
  readonly type: CelType
  readonly minBytes: number
}

/**
 * The type of a schema; undefined when expressions may not see its values.
 * @param options.root for the schema of a whole resource: `apiVersion`, `kind` and the names in `metadata` are always there
 * @param options.name what messages call the object; its fields' objects are called after it
 */
export function typeOfSchema(
  schema: JsonSchema,
  options: { readonly root?: boolean; readonly name?: string } = {},
): CelType | undefined {
  return sizedType(schema, options.root ?? false, options.name ?? 'selfType')?.type
}

function sizedType(schema: JsonSchema, isResource: boolean, name: string): Sized | undefined {
  if (schema['x-kubernetes-int-or-string']) {
    const maxElements = schema.maxLength === undefined ? maxRequestBytes - 2 : fourfold(schema.maxLength)
    return { type: { kind: 'dyn', maxElements }, minBytes: 1 }
  }
  switch (schema.type) {
    case 'array':
      return arrayType(schema, name)
    case 'object':
      return objectSchemaType(isResource ? withMetadata(schema) : schema, name)
    case 'string':
      return textType(schema)
    case 'boolean':
      return { type: bool, minBytes: sizes.bool }
    case 'number':
      return { type: double, minBytes: sizes.number }
    case 'integer':
      return { type: int, minBytes: sizes.number }
    default:
      return undefined
  }
}

const isEmbedded = (schema: JsonSchema) => schema['x-kubernetes-embedded-resource'] ?? false

function arrayType(schema: JsonSchema, name: string): Sized | undefined {
  if (!schema.items) return undefined
  const items = sizedType(schema.items, isEmbedded(schema.items), `${name}.@idx`)
  if (!items) return undefined
  const maxItems = schema.maxItems ?? Math.floor((maxRequestBytes - 2) / (items.minBytes + 1))
  const kind = schema['x-kubernetes-list-type']
  const list = listOf(items.type, Math.max(maxItems, 0))
  const type: CelType =
    kind === 'set' || kind === 'map'
      ? { ...list, semantics: kind, mapKeys: schema['x-kubernetes-list-map-keys'] ?? [] }
      : list
  return { type, minBytes: sizes.composite }
}

function objectSchemaType(schema: JsonSchema, name: string): Sized | undefined {
  const values = schema.additionalProperties
  if (typeof values === 'object') return mapType(schema, values, name)
  const fields: Record<string, CelField> = {}
  let minBytes: number = sizes.composite
  for (const [property, propertySchema] of Object.entries(schema.properties ?? {})) {
    const sized = sizedType(propertySchema, isEmbedded(propertySchema), `${name}.${property}`)
    if (!sized) continue
    const escaped = escapeFieldName(property)
    if (escaped !== undefined)
      Object.defineProperty(fields, escaped, { value: { type: sized.type, json: property }, enumerable: true })
    if (schema.required?.includes(property) && propertySchema.default === undefined)
      minBytes += property.length + sized.minBytes + 4
  }
  return { type: objectType(name, fields), minBytes }
}

function mapType(schema: JsonSchema, values: JsonSchema, name: string): Sized | undefined {
  const sized = sizedType(values, isEmbedded(values), `${name}.@elem`)
  if (!sized) return undefined
  // Two quotes, a colon, a comma and the shortest key there is.
  const maxProperties = schema.maxProperties ?? Math.floor((maxRequestBytes - 2) / (sized.minBytes + 6))
  // The reference does not look at how long keys can be.
  return { type: mapOf(stringOf(0), sized.type, Math.max(maxProperties, 0)), minBytes: sizes.composite }
}

function textType(schema: JsonSchema): Sized {
  switch (schema.format) {
    case 'byte':
      return {
        type: { kind: 'bytes', maxElements: Math.max(schema.maxLength ?? maxRequestBytes - 2, 0) },
        minBytes: sizes.text,
      }
    case 'duration':
      return { type: { kind: 'duration', maxElements: longest.duration }, minBytes: sizes.duration }
    case 'date':
      return { type: { kind: 'timestamp', maxElements: longest.date }, minBytes: sizes.date }
    case 'date-time':
      return { type: { kind: 'timestamp', maxElements: longest['date-time'] }, minBytes: sizes.dateTime }
    default:
      return { type: stringOf(maxTextLength(schema)), minBytes: sizes.text }
  }
}

function maxTextLength(schema: JsonSchema): number {
  if (schema.maxLength !== undefined) return fourfold(schema.maxLength)
  if (!schema.enum || schema.enum.length === 0) return maxRequestBytes - 2
  return schema.enum.reduce<number>(
    (longestYet, value) => Math.max(longestYet, typeof value === 'string' ? Buffer.byteLength(value) : 0),
    0,
  )
}

/** Limits count characters, sizes count bytes. */
const fourfold = (characters: number) => Math.max(characters, 0) * 4

/** `apiVersion`, `kind`, `metadata.name` and `metadata.generateName` can be read whatever the schema says. */
function withMetadata(schema: JsonSchema): JsonSchema {
  const text: JsonSchema = { type: 'string' }
  return {
    ...schema,
    properties: {
      ...schema.properties,
      kind: text,
      apiVersion: text,
      metadata: { type: 'object', properties: { name: text, generateName: text } },
    },
  }
}

const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
)

const replacements: Readonly<Record<string, string>> = {
  __: '__underscores__',
  '.': '__dot__',
  '-': '__dash__',
  '/': '__slash__',
}

/** How expressions write a field's name: `a-b` → `a__dash__b`. Undefined for names that they cannot write. */
export function escapeFieldName(name: string): string | undefined {
  if (reserved.has(name)) return `__${name}__`
  if (!/^[a-zA-Z_./-][a-zA-Z0-9_./-]*$/.test(name)) return undefined
  return name.replace(/__|[.\-/]/g, (part) => replacements[part]!)
}

/** The least that the JSON of a value takes, by which it is known how many of them a request can have. */
export function leastBytesOf(schema: JsonSchema, options: { readonly root?: boolean } = {}): number {
  return sizedType(schema, options.root ?? false, 'selfType')?.minBytes ?? 0
}
