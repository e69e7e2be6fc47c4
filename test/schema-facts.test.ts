import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { kinds } from '../src/kinds/index.ts'
import type { JsonObject } from '../src/schema/openapi.ts'
import { openApiV3 } from '../src/schema/openapi-paths.ts'
import { openApiInfo } from './openapi-info.ts'

/**
 * Holds every published type of our kinds against the facts of the reference: fields, types, list keys, patch keys,
 * enums, defaults, required. The facts are not part of the tree; without them there is nothing to compare.
 */
const factsPath = process.env['CORACLE_SCHEMA_FACTS'] ?? '/work/shared/facts/schema-hints.json'

interface FieldFacts {
  readonly type?: string
  readonly format?: string
  readonly ref?: string
  readonly items?: string
  readonly itemsFormat?: string
  readonly values?: string
  readonly enum?: readonly string[]
  readonly default?: unknown
  readonly required?: boolean
  readonly listType?: string
  readonly listMapKeys?: readonly string[]
  readonly patchStrategy?: string
  readonly patchMergeKey?: string
  readonly mapType?: string
}

interface TypeFacts {
  readonly gvk?: readonly JsonObject[]
  readonly fields: Readonly<Record<string, FieldFacts>>
  readonly mapType?: string
  readonly unions?: unknown
  readonly type?: string
  readonly format?: string
  readonly oneOf?: readonly string[]
}

test('the published types are those of the reference', { skip: !existsSync(factsPath) && 'no facts here' }, () => {
  const facts = JSON.parse(readFileSync(factsPath, 'utf8')) as Record<string, TypeFacts>
  const ours = publishedSchemas()
  const names = [...new Set([...Object.keys(facts), ...Object.keys(ours)])].sort()
  const differences = names.flatMap((name) => {
    const [schema, expected] = [ours[name], facts[name]]
    if (!schema) return [`${name}: not published`]
    return expected
      ? differencesOf(name, toFacts(schema), withoutShared(name, expected))
      : [`${name}: unknown to the reference`]
  })
  assert.deepEqual(differences, [])
})

/** The schemas of all version 3 documents, as clients get them. */
function publishedSchemas(): Record<string, JsonObject> {
  const documents = [...openApiV3(kinds, openApiInfo).values()].map((document) =>
    JSON.parse(document.json().toString()),
  )
  const schemas = Object.assign({}, ...documents.map(({ components }) => components.schemas)) as Record<
    string,
    JsonObject
  >
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, withoutShared(name, schema)]))
}

/** These two are kinds of every group version that there is, of which the facts name a few. */
function withoutShared<T extends object>(name: string, type: T): T {
  if (!/\.(DeleteOptions|WatchEvent)$/.test(name)) return type
  return { ...type, gvk: undefined, 'x-kubernetes-group-version-kind': undefined }
}

function toFacts(schema: JsonObject): TypeFacts {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, JsonObject>>
  const needed = (schema['required'] ?? []) as readonly string[]
  const fields = Object.entries(properties).map(([name, property]) => [
    name,
    fieldFacts(property, needed.includes(name)),
  ])
  const hasFields = fields.length > 0
  return without({
    gvk: schema['x-kubernetes-group-version-kind'],
    mapType: schema['x-kubernetes-map-type'],
    unions: schema['x-kubernetes-unions'],
    type: hasFields || schema['type'] === 'object' ? undefined : schema['type'],
    format: schema['format'],
    oneOf: (schema['oneOf'] as readonly JsonObject[] | undefined)?.map(({ type }) => type),
    fields: Object.fromEntries(fields),
  }) as unknown as TypeFacts
}

function fieldFacts(property: JsonObject, isRequired: boolean): FieldFacts {
  const inner = (property['items'] ?? property['additionalProperties'] ?? {}) as JsonObject
  const isMap = 'additionalProperties' in property
  return without({
    type: property['type'],
    format: property['format'],
    ref: refOf(property) ?? refOf(inner),
    items: isMap ? undefined : inner['type'],
    itemsFormat: isMap ? undefined : inner['format'],
    values: isMap ? inner['type'] : undefined,
    enum: property['enum'],
    default: property['default'],
    required: isRequired || undefined,
    listType: property['x-kubernetes-list-type'],
    listMapKeys: property['x-kubernetes-list-map-keys'],
    patchStrategy: property['x-kubernetes-patch-strategy'],
    patchMergeKey: property['x-kubernetes-patch-merge-key'],
    mapType: property['x-kubernetes-map-type'],
  })
}

function refOf(schema: JsonObject): string | undefined {
  const [wrapped] = (schema['allOf'] ?? [schema]) as readonly JsonObject[]
  return (wrapped?.['$ref'] as string | undefined)?.replace('#/components/schemas/', '')
}

const without = (object: JsonObject) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))

function differencesOf(path: string, ours: unknown, theirs: unknown): string[] {
  if (isObject(ours) && isObject(theirs)) {
    const keys = new Set([...Object.keys(ours), ...Object.keys(theirs)])
    return [...keys].flatMap((key) => differencesOf(`${path}.${key}`, ours[key], theirs[key]))
  }
  const [mine, wanted] = [JSON.stringify(ours), JSON.stringify(theirs)]
  return mine === wanted ? [] : [`${path}: ${mine} instead of ${wanted}`]
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
