import { FieldErrors } from '../../../schema/field-errors.ts'
import {
  isEmbedded,
  isIntOrString,
  itemsOf,
  type JsonSchema,
  keepsUnknown,
  propertyOf,
  valuesOf,
} from './json-schema.ts'
import { patternFault } from './patterns.ts'

/**
 * What makes a schema structural (KEP-1002): every value has one type that can be seen without looking at the value,
 * and what stands below `allOf`, `anyOf`, `oneOf` and `not` only restricts values further.
 */

type Level = 'root' | 'field' | 'item'

/** What is missing, by where the type is missing. */
const noType: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
}

/** Faults are told in the order of their texts. */
export function validateStructure(schema: JsonSchema, path: string, errors: FieldErrors): void {
  const found = new FieldErrors()
  validateLevel(schema, 'root', path, found)
  validateRestrictions(schema, schema, path, path, found)
  const text = ({ field = '', message = '' }: (typeof found.causes)[number]) => `${field}: ${message}`
  errors.causes.push(...found.causes.sort((left, right) => (text(left) < text(right) ? -1 : 1)))
}

function validateLevel(schema: JsonSchema, level: Level, path: string, errors: FieldErrors): void {
  const items = itemsOf(schema)
  const values = valuesOf(schema)
  if (items !== undefined) validateLevel(items, 'item', `${path}.items`, errors)
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    validateLevel(property, 'field', `${path}.properties[${name}]`, errors)
  }
  if (level === 'root' && schema.additionalProperties !== undefined && schema.additionalProperties !== false) {
    errors.forbidden(`${path}.additionalProperties`, 'must not be used at the root')
  }
  if (values !== undefined) validateLevel(values, 'field', `${path}.additionalProperties`, errors)
  validateExtensions(schema, path, errors)
  validateRestriction(schema, intOrStringPattern(schema), path, errors)
  validateType(schema, level, path, errors)
  if (level === 'root' || isEmbedded(schema)) validateMetaTypes(schema, path, errors)
  if (level === 'root') validateRootMetadata(schema, path, errors)
  const hasProperties = Object.keys(schema.properties ?? {}).length > 0
  if (isEmbedded(schema) && !keepsUnknown(schema) && !hasProperties) {
    errors.required(
      `${path}.properties`,
      'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
    )
  }
}

function validateType(schema: JsonSchema, level: Level, path: string, errors: FieldErrors): void {
  const { type = '' } = schema
  if (type === 'array' && schema.items === undefined) errors.required(`${path}.items`, 'must be specified')
  if (isEmbedded(schema) && type !== 'object') {
    const detail = 'must be object if x-kubernetes-embedded-resource is true'
    if (type === '') errors.required(`${path}.type`, detail)
    else errors.invalid(`${path}.type`, type, detail)
  } else if (type === '' && !isIntOrString(schema) && !keepsUnknown(schema)) {
    errors.required(`${path}.type`, noType[level])
  }
  if (isEmbedded(schema) && schema.additionalProperties !== undefined) {
    errors.forbidden(`${path}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set')
  }
  if (level === 'root' && type !== '' && type !== 'object') {
    errors.invalid(`${path}.type`, type, 'must be object at the root')
  }
}

function validateExtensions(schema: JsonSchema, path: string, errors: FieldErrors): void {
  if (!isIntOrString(schema)) return
  const detail = 'must be false if x-kubernetes-int-or-string is true'
  if (keepsUnknown(schema)) errors.invalid(`${path}.x-kubernetes-preserve-unknown-fields`, true, detail)
  if (isEmbedded(schema)) errors.invalid(`${path}.x-kubernetes-embedded-resource`, true, detail)
}

function validateMetaTypes(schema: JsonSchema, path: string, errors: FieldErrors): void {
  for (const [name, type] of [
    ['kind', 'string'],
    ['apiVersion', 'string'],
    ['metadata', 'object'],
  ] as const) {
    const property = propertyOf(schema, name)
    if (property === undefined || property.type === type) continue
    errors.invalid(`${path}.properties[${name}].type`, property.type ?? '', `must be ${type}`)
  }
}

/** Of an object's own metadata only the names may be restricted. */
function validateRootMetadata(schema: JsonSchema, path: string, errors: FieldErrors): void {
  const metadata = propertyOf(schema, 'metadata')
  if (metadata === undefined) return
  const { type: _type, default: _default, properties = {}, ...rest } = metadata
  const isNamesOnly = Object.keys(properties).every((name) => name === 'name' || name === 'generateName')
  if (isNamesOnly && Object.keys(rest).length === 0) return
  errors.forbidden(
    `${path}.properties[metadata]`,
    'must not specify anything other than name and generateName, but metadata is implicitly specified',
  )
}

type IntOrString = 'anyOf' | 'allOf' | undefined

/** The two forms in which alternatives may say types: those that say "integer or string" once more. */
function intOrStringPattern(schema: JsonSchema): IntOrString {
  if (!isIntOrString(schema)) return undefined
  const isPattern = (anyOf: readonly JsonSchema[] | undefined) =>
    anyOf?.length === 2 && isOnlyType(anyOf[0]!, 'integer') && isOnlyType(anyOf[1]!, 'string')
  if (isPattern(schema.anyOf)) return 'anyOf'
  return isPattern(schema.allOf?.[0]?.anyOf) ? 'allOf' : undefined
}

const isOnlyType = (schema: JsonSchema, type: string) => schema.type === type && Object.keys(schema).length === 1

function validateRestriction(schema: JsonSchema, known: IntOrString, path: string, errors: FieldErrors): void {
  if (known !== 'anyOf') validateNestedAll(schema.anyOf, `${path}.anyOf`, errors)
  for (const [index, each] of (schema.allOf ?? []).entries()) {
    const isKnown = known === 'allOf' && index === 0
    validateNested(each, isKnown ? 'anyOf' : undefined, `${path}.allOf[${index}]`, errors)
  }
  validateNestedAll(schema.oneOf, `${path}.oneOf`, errors)
  if (schema.not !== undefined) validateNested(schema.not, undefined, `${path}.not`, errors)
  validatePattern(schema, path, errors)
}

function validatePattern({ pattern }: JsonSchema, path: string, errors: FieldErrors): void {
  const fault = pattern === undefined ? undefined : patternFault(pattern)
  if (fault !== undefined) {
    errors.invalid(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${fault}`)
  }
}

function validateNestedAll(schemas: readonly JsonSchema[] | undefined, path: string, errors: FieldErrors): void {
  for (const [index, each] of (schemas ?? []).entries()) validateNested(each, undefined, `${path}[${index}]`, errors)
}

/** What must not be said in a restriction, with what it must be instead. */
const notNested: readonly (readonly [keyof JsonSchema, string])[] = [
  ['type', 'must be empty to be structural'],
  ['additionalProperties', 'must be undefined to be structural'],
  ['default', 'must be undefined to be structural'],
  ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['nullable', 'must be false to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', 'must be false to be structural'],
  ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
]

function validateNested(schema: JsonSchema, known: IntOrString, path: string, errors: FieldErrors): void {
  validateRestriction(schema, known, path, errors)
  const items = itemsOf(schema)
  if (items !== undefined) validateNested(items, undefined, `${path}.items`, errors)
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    validateNested(property, undefined, `${path}.properties[${name}]`, errors)
  }
  for (const [field, detail] of notNested) {
    if (schema[field] !== undefined) errors.forbidden(`${path}.${field}`, detail)
  }
  if (propertyOf(schema, 'metadata') !== undefined) {
    errors.forbidden(`${path}.properties[metadata]`, 'must not be specified in a nested context')
  }
}

/** What a restriction speaks of must be declared outside of it. */
function validateRestrictions(
  restriction: JsonSchema,
  schema: JsonSchema,
  schemaPath: string,
  path: string,
  errors: FieldErrors,
): void {
  const { not, allOf = [], anyOf = [], oneOf = [] } = restriction
  if (not !== undefined) validateDeclared(not, schema, schemaPath, `${path}.not`, errors)
  for (const [word, schemas] of Object.entries({ allOf, anyOf, oneOf })) {
    for (const [index, each] of schemas.entries()) {
      validateDeclared(each, schema, schemaPath, `${path}.${word}[${index}]`, errors)
    }
  }
}

function validateDeclared(
  restriction: JsonSchema,
  schema: JsonSchema | undefined,
  schemaPath: string,
  path: string,
  errors: FieldErrors,
): void {
  if (schema === undefined) {
    errors.required(schemaPath, `because it is defined in ${path}`)
    return
  }
  validateRestrictions(restriction, schema, schemaPath, path, errors)
  const items = itemsOf(restriction)
  if (items !== undefined) validateDeclared(items, itemsOf(schema), `${schemaPath}.items`, `${path}.items`, errors)
  for (const [name, property] of Object.entries(restriction.properties ?? {})) {
    const at = `properties[${name}]`
    const declared = propertyOf(schema, name) ?? valuesOf(schema)
    validateDeclared(property, declared, `${schemaPath}.${at}`, `${path}.${at}`, errors)
  }
}
