import { sortedKeys } from '../../../base/sorted-keys.ts'
import { setOwn } from '../../../schema/freeze.ts'
import {
  childPath,
  isEmbedded,
  isMembers,
  itemsOf,
  type JsonSchema,
  keepsUnknown,
  type Members,
  metaFields,
  propertyOf,
  valuesOf,
} from './json-schema.ts'

/**
 * Brings values into the form that a structural schema gives them, as a fresh tree with sorted keys: what the schema
 * does not know is pruned, null where it is not allowed is dropped or becomes the default, and defaults are filled in.
 */

let sawUnknown = false

/** The coerced value, and whether anything was pruned. `isResource`: it is a whole object, so metadata and the like stay. */
export function coerce(
  schema: JsonSchema,
  value: unknown,
  isResource: boolean,
): { readonly value: unknown; readonly hasUnknown: boolean } {
  sawUnknown = false
  const coerced = isResource && isMembers(value) ? coerceMembers(value, schema, true) : coerceValue(value, schema)
  return { value: coerced, hasUnknown: sawUnknown }
}

function coerceValue(value: unknown, schema: JsonSchema): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return coerceList(value, schema)
  return coerceMembers(value as Members, schema, isEmbedded(schema))
}

function coerceList(list: readonly unknown[], schema: JsonSchema): unknown[] {
  const items = itemsOf(schema)
  if (items === undefined) return list.map(keepsUnknown(schema) ? copy : prune)
  return list.map((item) => {
    const isMissing = item === null && items.nullable !== true
    return isMissing && hasDefault(items) ? coerceValue(items.default, items) : coerceValue(item, items)
  })
}

function coerceMembers(value: Members, schema: JsonSchema, isResource: boolean): Record<string, unknown> {
  const keeps = keepsUnknown(schema)
  const values = valuesOf(schema)
  const result: Record<string, unknown> = {}
  for (const name of namesWithDefaults(value, schema)) {
    const member = Object.hasOwn(value, name) ? value[name] : undefined
    const known = propertyOf(schema, name) ?? values
    if (known !== undefined) {
      const isMissing = member === undefined || (member === null && known.nullable !== true)
      if (!isMissing) setOwn(result, name, coerceValue(member, known))
      else if (hasDefault(known)) setOwn(result, name, coerceValue(known.default, known))
    } else if (schema.additionalProperties === true) setOwn(result, name, prune(member))
    else if (keeps || (isResource && metaFields.has(name))) setOwn(result, name, copy(member))
    else sawUnknown = true
  }
  return result
}

const hasDefault = (schema: JsonSchema) => schema.default !== undefined && schema.default !== null

const defaultNames = new WeakMap<object, readonly string[]>()

/** The names of properties that have a default. */
function defaultsOf({ properties }: JsonSchema): readonly string[] {
  if (properties === undefined) return []
  let names = defaultNames.get(properties)
  if (names === undefined) {
    names = Object.keys(properties).filter((name) => hasDefault(properties[name]!))
    defaultNames.set(properties, names)
  }
  return names
}

function namesWithDefaults(value: Members, schema: JsonSchema): readonly string[] {
  const names = sortedKeys(value)
  const missing = defaultsOf(schema).filter((name) => !Object.hasOwn(value, name))
  return missing.length === 0 ? names : sortedKeys(Object.fromEntries([...names, ...missing].map((name) => [name, 0])))
}

/** What is left where there is no schema: scalars, and empty objects. */
function prune(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(prune)
  for (const _ in value) sawUnknown = true
  return {}
}

function copy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copy)
  const result: Record<string, unknown> = {}
  for (const name of sortedKeys(value)) setOwn(result, name, copy((value as Members)[name]))
  return result
}

/** The paths of what `coerce` prunes, sorted. */
export function unknownPaths(schema: JsonSchema, value: unknown, isResource: boolean): string[] {
  const found: string[] = []
  if (isResource && isMembers(value)) collectMembers(value, schema, true, '', found)
  else collect(value, schema, '', found)
  return found.sort()
}

function collect(value: unknown, schema: JsonSchema | undefined, path: string, found: string[]): void {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    const items = schema && itemsOf(schema)
    if (items === undefined && schema !== undefined && keepsUnknown(schema)) return
    for (const [index, item] of value.entries()) collect(item, items, `${path}[${index}]`, found)
  } else if (schema !== undefined) {
    collectMembers(value as Members, schema, isEmbedded(schema), path, found)
  } else {
    for (const name in value) found.push(childPath(path, name))
  }
}

function collectMembers(value: Members, schema: JsonSchema, isResource: boolean, path: string, found: string[]): void {
  const isKept = (name: string) => keepsUnknown(schema) || (isResource && metaFields.has(name))
  for (const name in value) {
    const known = propertyOf(schema, name) ?? valuesOf(schema)
    const at = childPath(path, name)
    if (known !== undefined || schema.additionalProperties === true) collect(value[name], known, at, found)
    else if (!isKept(name)) found.push(at)
  }
}
