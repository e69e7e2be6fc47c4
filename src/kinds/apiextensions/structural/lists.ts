import type { FieldErrors } from '../../../schema/field-errors.ts'
import { childPath, isMembers, itemsOf, type JsonSchema, propertyOf, valuesOf } from './json-schema.ts'

/** Lists of type `set` have no item twice, lists of type `map` no two items with the same keys. */
export function validateLists(schema: JsonSchema, value: unknown, path: string, errors: FieldErrors): void {
  if (!reachesLists(schema)) return
  if (Array.isArray(value)) {
    validateList(schema, value, path, errors)
    const items = itemsOf(schema)
    if (items === undefined || !reachesLists(items)) return
    for (const [index, item] of value.entries()) validateLists(items, item, `${path}[${index}]`, errors)
  } else if (isMembers(value)) {
    for (const name in value) {
      const own = propertyOf(schema, name)
      const known = own ?? valuesOf(schema)
      const at = own === undefined ? `${path}[${name}]` : childPath(path, name)
      if (known !== undefined) validateLists(known, value[name], at, errors)
    }
  }
}

const hasRule = (schema: JsonSchema) => /^(set|map)$/.test(schema['x-kubernetes-list-type'] ?? '')

const reaching = new WeakMap<JsonSchema, boolean>()

function reachesLists(schema: JsonSchema): boolean {
  let reaches = reaching.get(schema)
  if (reaches === undefined) {
    const parts = [itemsOf(schema), valuesOf(schema), ...Object.values(schema.properties ?? {})]
    reaches = hasRule(schema) || parts.some((part) => part !== undefined && reachesLists(part))
    reaching.set(schema, reaches)
  }
  return reaches
}

function validateList(schema: JsonSchema, list: readonly unknown[], path: string, errors: FieldErrors): void {
  if (!hasRule(schema)) return
  const isMap = schema['x-kubernetes-list-type'] === 'map'
  const seen = new Set<string>()
  for (const [index, item] of list.entries()) {
    const shown = isMap ? keysOf(schema, item) : item
    if (shown === undefined) continue
    // Values are in canonical form, so that equal ones have equal texts.
    const text = JSON.stringify(shown)
    if (seen.has(text)) errors.duplicate(`${path}[${index}]`, shown)
    seen.add(text)
  }
}

/** The keys of an item of a map-like list, those that it has; undefined: it is no object, which others complain about. */
export function keysOf(schema: JsonSchema, item: unknown): Readonly<Record<string, unknown>> | undefined {
  if (!isMembers(item)) return undefined
  const keys = (schema['x-kubernetes-list-map-keys'] ?? []).toSorted().filter((key) => Object.hasOwn(item, key))
  return Object.fromEntries(keys.map((key) => [key, item[key]]))
}
