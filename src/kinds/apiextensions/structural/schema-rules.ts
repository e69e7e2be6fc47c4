import type { FieldErrors } from '../../../schema/field-errors.ts'
import { clone, equalJson } from '../../../schema/freeze.ts'
import { coerce } from './coerce.ts'
import { coerceEmbedded, validateEmbedded } from './embedded.ts'
import { evaluateDefault } from './evaluate.ts'
import { isEmbedded, itemsOf, type JsonSchema, metaFields, valuesOf } from './json-schema.ts'
import { validateLists } from './lists.ts'
import { itemsPlace, propertyPlace, RuleCheck, type RulePlace, rootPlace, valuesPlace } from './rules.ts'
import { validateStructure } from './structural-rules.ts'
import { validateValue } from './validate.ts'

/** What is wrong with the schema of a version of a custom resource; `path` is that of the schema. */
export function validateSchema(schema: JsonSchema, path: string, hasStatus: boolean, errors: FieldErrors): void {
  if (hasStatus) validateStatusRoot(schema, path, errors)
  if (schema.nullable === true) errors.forbidden(`${path}.nullable`, 'nullable cannot be true at the root')
  const before = errors.length
  if (!usesUnsupported(schema)) {
    validateStructure(schema, path, errors)
    if (errors.length === before) validateDefaults(schema, path, true, errors)
  }
  const isSound = errors.length === before
  const rules = new RuleCheck(errors, isSound)
  validateNode(schema, path, { isRoot: true, inMetadata: false, rules, place: rootPlace }, errors)
  rules.finish(path)
}

const allowedAtRoot = [
  'Description',
  'Type',
  'Format',
  'Title',
  'Maximum',
  'ExclusiveMaximum',
  'Minimum',
  'ExclusiveMinimum',
  'MaxLength',
  'MinLength',
  'Pattern',
  'MaxItems',
  'MinItems',
  'UniqueItems',
  'MultipleOf',
  'Required',
  'Items',
  'Properties',
  'ExternalDocs',
  'Example',
  'XPreserveUnknownFields',
  'XValidations',
]

/** The status is validated alone, by its property; what is said about the whole would be lost. */
function validateStatusRoot(schema: JsonSchema, path: string, errors: FieldErrors): void {
  for (const field of Object.keys(schema)) {
    if (field === 'type') {
      if (schema.type === 'object') continue
      const detail =
        'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
      errors.invalid(`${path}.type`, schema.type, detail)
      return
    }
    if (allowedAtRoot.includes(goName(field))) continue
    const detail = `only [${allowedAtRoot.join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`
    errors.invalid(path, schema, detail)
    return
  }
}

/** How the reference's type calls a field: `XPreserveUnknownFields` is `x-kubernetes-preserve-unknown-fields`. */
function goName(field: string): string {
  const words = field.replace(/^x-kubernetes-/, 'x-').split('-')
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}

const children = (schema: JsonSchema): readonly JsonSchema[] => {
  const { properties = {}, allOf = [], anyOf = [], oneOf = [], not, items } = schema
  const values = valuesOf(schema)
  return [
    ...Object.values(properties),
    ...(values ? [values] : []),
    ...(Array.isArray(items) ? items : items !== undefined ? [items as JsonSchema] : []),
    ...allOf,
    ...anyOf,
    ...oneOf,
    ...(not ? [not] : []),
  ]
}

/** Whether there is something that no structural schema can say; then only that is told. */
function usesUnsupported(schema: JsonSchema): boolean {
  const { id, $ref, definitions, patternProperties, dependencies, additionalItems, items, type } = schema
  const used = [id, $ref, definitions, patternProperties, dependencies, additionalItems]
  const isUsed = used.some((each) => each !== undefined) || Array.isArray(items) || type === 'null'
  return isUsed || children(schema).some(usesUnsupported)
}

/** Defaults must be what the schema itself would let through. */
function validateDefaults(schema: JsonSchema, path: string, isRoot: boolean, errors: FieldErrors): void {
  if (schema.default !== undefined && schema.default !== null) validateDefault(schema, path, errors)
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (!(isRoot && metaFields.has(name))) validateDefaults(property, `${path}.properties[${name}]`, false, errors)
  }
  const items = itemsOf(schema)
  const values = valuesOf(schema)
  if (items !== undefined) validateDefaults(items, `${path}.items`, false, errors)
  if (values !== undefined) validateDefaults(values, `${path}.additionalProperties`, false, errors)
}

function validateDefault(schema: JsonSchema, path: string, errors: FieldErrors): void {
  const where = `${path}.default`
  const { value, hasUnknown } = coerce(schema, schema.default, isEmbedded(schema))
  if (hasUnknown) errors.invalid(where, schema.default, 'must not have unknown fields')
  const before = errors.length
  validateValue(schema, schema.default, where, errors)
  if (errors.length > before) return
  validateLists(schema, value, where, errors)
  evaluateDefault(schema, where, errors)
  try {
    const unknown: string[] = []
    const coerced = clone(value)
    coerceEmbedded(schema, coerced, where, unknown)
    validateEmbedded(schema, coerced, where, errors)
    if (unknown.length > 0 || !equalJson(coerced, value)) {
      errors.invalid(where, schema.default, 'must not have unknown fields')
    }
  } catch (error) {
    errors.invalid(where, schema.default, (error as Error).message)
  }
}

interface Context {
  readonly isRoot: boolean
  /** Inside of a whole object's kind, apiVersion or metadata. */
  readonly inMetadata: boolean
  /** Why there may be no defaults. */
  readonly noDefaults?: string
  readonly rules: RuleCheck
  readonly place: RulePlace
}

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string']

/** Rules for each part of a schema, structural or not. */
function validateNode(schema: JsonSchema, path: string, context: Context, errors: FieldErrors): void {
  const before = errors.length
  validateSupport(schema, path, context, errors)
  if (schema.uniqueItems === true) {
    const detail = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'
    errors.forbidden(`${path}.uniqueItems`, detail)
  }
  validateMembers(schema, path, context, errors)
  const inner = { ...context, isRoot: false, place: propertyPlace(context.place) }
  const each = (word: string, schemas: readonly JsonSchema[]) => {
    for (const [index, part] of schemas.entries()) validateNode(part, `${path}.${word}[${index}]`, inner, errors)
  }
  const { not, allOf = [], oneOf = [], anyOf = [], items } = schema
  if (not !== undefined) validateNode(not, `${path}.not`, inner, errors)
  each('allOf', allOf)
  each('oneOf', oneOf)
  each('anyOf', anyOf)
  if (Array.isArray(items)) each('items', items)
  else if (items !== undefined) {
    const place = itemsPlace(schema, path, context.place)
    validateNode(items as JsonSchema, `${path}.items`, { ...inner, place }, errors)
  }
  validateNodeExtensions(schema, path, errors)
  context.rules.check(schema, path, context.place, errors.length === before)
}

function validateSupport(schema: JsonSchema, path: string, context: Context, errors: FieldErrors): void {
  const { type = '' } = schema
  if (type !== '' && type !== 'null' && !types.includes(type)) errors.notSupported(`${path}.type`, type, types)
  if (schema.default !== undefined && context.noDefaults !== undefined) {
    errors.forbidden(`${path}.default`, `must not be set ${context.noDefaults}`)
  }
  const unsupported = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const
  for (const field of unsupported) {
    if (schema[field] !== undefined) errors.forbidden(`${path}.${field}`, `${field} is not supported`)
  }
  if (type === 'null') errors.forbidden(`${path}.type`, 'type cannot be set to null, use nullable as an alternative')
  if (Array.isArray(schema.items)) {
    errors.forbidden(`${path}.items`, 'items must be a schema object and not an array')
  }
  if (context.inMetadata && isEmbedded(schema)) {
    errors.forbidden(`${path}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta')
  }
}

function validateMembers(schema: JsonSchema, path: string, context: Context, errors: FieldErrors): void {
  const properties = Object.entries(schema.properties ?? {})
  const { additionalProperties } = schema
  if (additionalProperties !== undefined && additionalProperties !== true && properties.length > 0) {
    errors.forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive')
  }
  const inner = { ...context, isRoot: false, place: propertyPlace(context.place) }
  const values = valuesOf(schema)
  if (values !== undefined) {
    const noDefaults = 'inside additionalProperties applying to object metadata'
    const mapped = { ...inner, place: valuesPlace(schema, context.place) }
    const below = context.inMetadata ? { ...mapped, noDefaults } : mapped
    validateNode(values, `${path}.additionalProperties`, below, errors)
  }
  for (const [name, property] of properties) {
    const isMeta = (context.isRoot || isEmbedded(schema)) && metaFields.has(name)
    const noDefaults = context.isRoot ? { noDefaults: `in top-level ${name}` } : {}
    const below = isMeta ? { ...inner, inMetadata: true, ...noDefaults } : inner
    validateNode(property, `${path}.properties[${name}]`, below, errors)
  }
}

function validateNodeExtensions(schema: JsonSchema, path: string, errors: FieldErrors): void {
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    errors.invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined')
  }
  const mapType = schema['x-kubernetes-map-type']
  const listType = schema['x-kubernetes-list-type']
  validateTypeOf(schema, 'object', 'x-kubernetes-map-type', path, errors)
  const mapTypes = ['atomic', 'granular']
  if (mapType !== undefined && !mapTypes.includes(mapType)) {
    errors.notSupported(`${path}.x-kubernetes-map-type`, mapType, mapTypes)
  }
  validateTypeOf(schema, 'array', 'x-kubernetes-list-type', path, errors)
  const listTypes = ['atomic', 'set', 'map']
  if (listType !== undefined && !listTypes.includes(listType)) {
    errors.notSupported(`${path}.x-kubernetes-list-type`, listType, listTypes)
  }
  validateListMap(schema, path, errors)
  validateListItems(schema, path, errors)
}

function validateTypeOf(
  { type = '', ...schema }: JsonSchema,
  wanted: string,
  extension: 'x-kubernetes-map-type' | 'x-kubernetes-list-type',
  path: string,
  errors: FieldErrors,
): void {
  if (schema[extension] === undefined || type === wanted) return
  const detail = `must be ${wanted} if ${extension} is specified`
  if (type === '') errors.required(`${path}.type`, detail)
  else errors.invalid(`${path}.type`, type, detail)
}

function validateListMap(schema: JsonSchema, path: string, errors: FieldErrors): void {
  const listType = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  if (keys.length > 0 && listType !== 'map') {
    const detail = 'must be map if x-kubernetes-list-map-keys is non-empty'
    if (listType === undefined) errors.required(`${path}.x-kubernetes-list-type`, detail)
    else errors.invalid(`${path}.x-kubernetes-list-type`, listType, detail)
  }
  if (listType !== 'map') return
  if (keys.length === 0) {
    errors.required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map')
  }
  const items = itemsOf(schema)
  if (schema.items === undefined) {
    errors.required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map')
  } else if (items === undefined) {
    errors.invalid(`${path}.items`, schema.items, 'must only have a single schema if x-kubernetes-list-type is map')
  } else if (items.type !== 'object') {
    const detail = "must be object if parent array's x-kubernetes-list-type is map"
    errors.invalid(`${path}.items.type`, items.type ?? '', detail)
  } else validateKeys(keys, items, path, errors)
}

function validateKeys(keys: readonly string[], items: JsonSchema, path: string, errors: FieldErrors): void {
  const where = `${path}.x-kubernetes-list-map-keys`
  for (const [index, key] of keys.entries()) {
    const type = items.properties?.[key]?.type
    if (items.properties?.[key] === undefined) {
      errors.invalid(where, keys, 'entries must all be names of item properties')
    } else if (type === 'array' || type === 'object') {
      const detail = "must be a scalar type if parent array's x-kubernetes-list-type is map"
      errors.invalid(`${path}.items.properties[${key}].type`, items.type, detail)
    }
    if (keys.indexOf(key) < index) errors.invalid(where, keys, 'must not contain duplicate entries')
  }
}

/** Items of sets and maps must be something by which they can be told apart. */
function validateListItems(schema: JsonSchema, path: string, errors: FieldErrors): void {
  const listType = schema['x-kubernetes-list-type']
  const items = itemsOf(schema)
  if (items === undefined || (listType !== 'set' && listType !== 'map')) return
  if (items.nullable === true) {
    errors.forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`)
  }
  if (listType === 'map') validateKeyProperties(schema, items, path, errors)
  else validateSetItems(items, path, errors)
}

function validateKeyProperties(schema: JsonSchema, items: JsonSchema, path: string, errors: FieldErrors): void {
  for (const key of schema['x-kubernetes-list-map-keys'] ?? []) {
    const property = items.properties?.[key]
    if (property === undefined) continue
    const where = `${path}.items.properties[${key}]`
    const what = 'this property is in x-kubernetes-list-map-keys, so it'
    if (!items.required?.includes(key) && property.default === undefined) {
      errors.required(`${where}.default`, `${what} must have a default or be a required property`)
    }
    if (property.nullable === true) errors.forbidden(`${where}.nullable`, `${what} cannot be nullable`)
  }
}

function validateSetItems(items: JsonSchema, path: string, errors: FieldErrors): void {
  const extension = { object: 'x-kubernetes-map-type', array: 'x-kubernetes-list-type' } as const
  const needed = extension[items.type as keyof typeof extension]
  if (needed === undefined || items[needed] === 'atomic') return
  const detail = 'must be atomic as item of a list with x-kubernetes-list-type=set'
  errors.invalid(`${path}.items.${needed}`, items[needed] ?? null, detail)
}
