import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApiObject } from '../schema/kind.ts'
import { toJson, toJsonLike } from './entry-text.ts'

const entry = (manager: string, fieldsV1: object, more: object = {}) => ({
  manager,
  operation: 'Update',
  time: '2026-01-01T00:00:00Z',
  fieldsType: 'FieldsV1',
  fieldsV1,
  ...more,
})
const wishes = { 'f:spec': { 'f:seats': {} } }
const reports = { 'f:status': { 'k:{"type":"Ready"}': { '.': {} } } }

const boat = {
  kind: 'Boat',
  apiVersion: 'sea.example/v1',
  metadata: {
    name: 'b',
    labels: { größe: '"klein"', note: ',"spec":{' },
    managedFields: [entry('käpt’n', wishes), entry('crew', reports, { subresource: 'status' })],
  },
  spec: { seats: 2, name: 'Ahoj 🚢' },
  weight: 3,
  crew: ['ä', { spec: {} }],
  status: { afloat: true },
} as unknown as ApiObject & { readonly metadata: { readonly managedFields: readonly object[] } }

const first = { object: boat, ...toJsonLike(boat, { object: boat, bytes: toJson(boat), places: [] }) }

const { metadata } = boat
const { managedFields, ...facts } = metadata
const table: Readonly<Record<string, object>> = {
  'nothing changes': boat,
  'the status does': { ...boat, status: { afloat: false, wörds: 'ö' } },
  'the wish does': { ...boat, spec: { seats: 20 } },
  'a plain member does': { ...boat, weight: 4 },
  'a member goes': { ...boat, crew: undefined },
  'a member comes': { ...boat, more: { a: [] } },
  'members change places': { ...boat, spec: (boat as unknown as { crew: object }).crew, crew: { seats: 1 } },
  'somebody owns the same at another time': {
    ...boat,
    metadata: { ...metadata, managedFields: [...managedFields].reverse().map((each) => ({ ...each, time: 'later' })) },
  },
  'somebody else owns more': {
    ...boat,
    metadata: { ...metadata, managedFields: [...managedFields, entry('new', { 'f:x': {} }), entry('old', wishes)] },
  },
  'somebody owns nothing': {
    ...boat,
    metadata: { ...metadata, managedFields: [{ manager: 'idle', subresource: 'status' }, ...managedFields] },
  },
  'nobody owns anything': { ...boat, metadata: facts },
  'there is nothing but metadata': { kind: 'Boat', apiVersion: 'v1', metadata: { name: 'b' } },
}

for (const [what, object] of Object.entries(table)) {
  test(`the bytes are those of JSON.stringify when ${what}`, () => {
    const next = toJsonLike(object as ApiObject, first)
    assert.equal(next.bytes.toString(), JSON.stringify(object))
    // And what is known of them is true: it serves the next one.
    const third = toJsonLike({ ...boat, extra: 'ü' } as ApiObject, { object: object as ApiObject, ...next })
    assert.equal(third.bytes.toString(), JSON.stringify({ ...boat, extra: 'ü' }))
  })
}

test('what is the same is copied, and not written anew', () => {
  const spec = { ...boat, spec: { toJSON: () => assert.fail('written anew') } } as unknown as ApiObject
  const bytes = Buffer.from(first.bytes)
  assert.equal(toJsonLike(spec, { ...first, object: spec, bytes }).bytes.toString(), JSON.stringify(boat))
})
