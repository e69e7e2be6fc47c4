import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import type { KeyValue } from '../store/store.ts'
import { entryOf } from './entry.ts'
import { Boat } from './testing.ts'

const kvOf = (value: string, modRevision = 7): KeyValue => ({
  key: '/registry/boats/a/b',
  value: Buffer.from(value),
  createRevision: 1,
  modRevision,
  version: 1,
  lease: 0n,
})

const stored =
  '{"kind":"Boat","apiVersion":"sea.example/v1","metadata":{"name":"b","namespace":"a","uid":"u-1",' +
  '"creationTimestamp":"2026-01-01T00:00:00Z","annotations":{"note":"\\"uid\\":\\"x"}},"spec":{},"status":{}}'

test('the revision stands behind the uid, in bytes and in the object', () => {
  const entry = entryOf(Boat, kvOf(stored))
  const expected = stored.replace('"uid":"u-1",', '"uid":"u-1","resourceVersion":"7",')
  assert.equal(entry.json().toString(), expected)
  assert.equal(entry.itemJson().toString(), expected.replace('"kind":"Boat","apiVersion":"sea.example/v1",', ''))
  assert.equal(JSON.stringify(entry.object), expected)
  assert.ok(Object.isFrozen(entry.object.metadata))
})

test('a revision of any length is written as it is', () => {
  for (let power = 1; power <= Number.MAX_SAFE_INTEGER; power *= 10) {
    for (const revision of [power - 1, power, power + 1, Math.min(power * 7 + 3, Number.MAX_SAFE_INTEGER)]) {
      if (revision === 0) continue
      const json = entryOf(Boat, kvOf(stored, revision)).json().toString()
      assert.equal(JSON.parse(json).metadata.resourceVersion, String(revision))
    }
  }
})

test('a value is parsed once, and an event is made once for all watchers', () => {
  const kv = kvOf(stored)
  assert.equal(entryOf(Boat, kv), entryOf(Boat, kv))
  assert.equal(entryOf(Boat, kv).object, entryOf(Boat, kv).object)
  const line = entryOf(Boat, kv).eventJson('ADDED')
  assert.equal(line, entryOf(Boat, kv).eventJson('ADDED'))
  assert.equal(line.toString(), `{"type":"ADDED","object":${entryOf(Boat, kv).json()}}\n`)
  const frame = entryOf(Boat, kv).eventProtobuf('ADDED')
  assert.equal(frame, entryOf(Boat, kv).eventProtobuf('ADDED'))
  assert.notDeepEqual(frame, entryOf(Boat, kv).eventProtobuf('DELETED'))
})

test('what somebody else wrote is brought into our form', () => {
  const foreign = `{"apiVersion":"sea.example/v1","kind":"Boat","spec":{"seats":0},"metadata":{"uid":"u-1","name":"b","namespace":"a","resourceVersion":"3"}}\n`
  const entry = entryOf(Boat, kvOf(foreign))
  assert.equal(
    entry.json().toString(),
    '{"kind":"Boat","apiVersion":"sea.example/v1","metadata":{"name":"b","namespace":"a","uid":"u-1",' +
      '"resourceVersion":"7"},"spec":{},"status":{}}',
  )
})

test('a deleted object is shown at the revision of its deletion', () => {
  const kv = kvOf(stored)
  const before = entryOf(Boat, kv)
  const after = before.at(9)
  assert.equal(after.object.metadata.resourceVersion, '9')
  assert.equal(before.object.metadata.resourceVersion, '7')
  assert.ok(after.json().includes('"resourceVersion":"9"'))
})

test('two versions of a resource share a value', () => {
  const Vessel = {
    ...Boat,
    version: 'v2',
    storedAs: {
      group: Boat.group,
      version: 'v1',
      toStored: (object: object) => ({ ...object, apiVersion: 'sea.example/v1' }) as Boat,
      fromStored: (object: object) => ({ ...object, apiVersion: 'sea.example/v2' }) as Boat,
    },
  }
  const kv = kvOf(stored)
  assert.equal(entryOf(Boat, kv).object.apiVersion, 'sea.example/v1')
  assert.equal(entryOf(Vessel, kv).object.apiVersion, 'sea.example/v2')
  assert.equal(entryOf(Vessel, kv), entryOf(Vessel, kv))
  assert.equal(entryOf(Boat, kv).object.apiVersion, 'sea.example/v1')
})
