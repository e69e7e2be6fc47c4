import type { JsonObject, OpenApiVersion } from './openapi.ts'

/**
 * JSON schemas of CustomResourceDefinitions as OpenAPI documents show them. Version 3 takes them as they are. Version 2
 * knows less, and kubectl's validation by it must not refuse what the server accepts: what cannot be said is left out,
 * so that anything goes there.
 */
export function customSchema(schema: JsonObject, version: OpenApiVersion): JsonObject {
  return version === 3 ? schema : toVersion2(schema)
}

const unsaid: ReadonlySet<string> = new Set(['oneOf', 'anyOf', 'allOf', 'not', 'nullable', 'default', 'example'])

function toVersion2(schema: JsonObject): JsonObject {
  const isOpen = schema['nullable'] === true || schema['x-kubernetes-preserve-unknown-fields'] === true
  const entries = Object.entries(schema).filter(([key]) => !unsaid.has(key) && !(isOpen && shape.has(key)))
  const isUntyped = schema['nullable'] === true || schema['x-kubernetes-int-or-string'] === true
  return Object.fromEntries(
    entries.filter(([key]) => !(isUntyped && key === 'type')).map(([key, value]) => [key, part(key, value)]),
  )
}

const shape: ReadonlySet<string> = new Set(['properties', 'items', 'additionalProperties', 'required'])

function part(key: string, value: unknown): unknown {
  if (key === 'items' || key === 'additionalProperties') return isObject(value) ? toVersion2(value) : value
  if (key !== 'properties' || !isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, toVersion2(schema as JsonObject)]))
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
