import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kinds } from '../src/kinds/index.ts'
import type { ObjectType, Type } from '../src/schema/types.ts'
import { openApiInfo } from './openapi-info.ts'

/**
 * `kubectl explain` shows the documentation line of every published type and field, so each has one: a whole sentence,
 * short enough to read in a terminal.
 */
const maxLength = 200

const { deleteOptions, status, listMeta, subresourceTypes } = openApiInfo
const published = [...kinds, ...subresourceTypes].map(({ schema }) => schema).concat(deleteOptions, status, listMeta)

/** Adds the type, when it is an object, and all object types that it refers to. */
function collect(type: Type, found: Set<ObjectType>): void {
  if (type.type === 'list') collect(type.items, found)
  else if (type.type === 'map') collect(type.values, found)
  else if (type.type === 'object' && !found.has(type)) {
    found.add(type)
    for (const field of Object.values(type.fields)) collect(field.type, found)
  }
}

function allTypes(): ReadonlySet<ObjectType> {
  const found = new Set<ObjectType>()
  for (const type of published) collect(type, found)
  return found
}

/** Where a line stands, and the line: of the type itself and of each of its fields. */
function linesOf({ name, doc, fields }: ObjectType): [string, string][] {
  return [[name, doc], ...Object.entries(fields).map(([key, field]): [string, string] => [`${name}.${key}`, field.doc])]
}

function faultOf(doc: string): string | undefined {
  if (doc === '') return 'is missing'
  if (doc !== doc.trim() || /\s\s|[\n\t]/.test(doc)) return 'is not one line of plain words'
  if (!doc.endsWith('.')) return 'does not end with a full stop'
  if (doc.length > maxLength) return `has ${doc.length} characters, more than ${maxLength}`
  return undefined
}

test('every published type and field has a documentation line', () => {
  const faults = [...allTypes()]
    .flatMap(linesOf)
    .map(([where, doc]) => ({ where, fault: faultOf(doc) }))
    .filter(({ fault }) => fault !== undefined)
    .map(({ where, fault }) => `${where} ${fault}`)
  assert.deepEqual(faults, [])
})

test('the walk reaches types through lists, maps and sub-resources', () => {
  const names = new Set([...allTypes()].map(({ name }) => name))
  for (const name of [
    'io.k8s.api.core.v1.ContainerPort',
    'io.k8s.api.resource.v1.DeviceAttribute',
    'io.k8s.api.autoscaling.v1.ScaleSpec',
    'io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference',
  ])
    assert.ok(names.has(name), name)
})
