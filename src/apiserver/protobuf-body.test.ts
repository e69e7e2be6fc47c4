import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigMap } from '../kinds/core/config-map.ts'
import { ListMeta } from '../kinds/meta/list-meta.ts'
import { decodeMessage } from '../schema/protobuf.ts'
import { list, object, optional, rawBytes, string } from '../schema/types.ts'
import { listToProtobuf, parseProtobuf, toProtobuf, watchEventToProtobuf } from './protobuf-body.ts'

const map = (name: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'sea' },
  data: { depth: '20' },
})

test('an object comes back as it was', () => {
  const { value } = parseProtobuf(toProtobuf(map('a'), ConfigMap.schema), ConfigMap.schema)
  assert.deepEqual(value, { ...map('a'), metadata: { name: 'a', namespace: 'sea' } })
})

test('a list holds its objects and says how far it goes', () => {
  const maps = object('test.ConfigMapList', '', {
    metadata: optional(1, ListMeta, ''),
    items: optional(2, list(ConfigMap.schema), ''),
    kind: optional(0, string, ''),
    apiVersion: optional(0, string, ''),
  })
  const bytes = listToProtobuf(ConfigMap, { resourceVersion: '7' }, [map('a'), map('b')])
  const { value } = parseProtobuf(bytes, maps)
  const { metadata, items, kind } = value as { metadata: object; items: { metadata: { name: string } }[]; kind: string }
  assert.equal(kind, 'ConfigMapList')
  assert.deepEqual(metadata, { resourceVersion: '7' })
  assert.deepEqual(
    items.map((item) => item.metadata.name),
    ['a', 'b'],
  )
})

test('an event of a watch begins with its length', () => {
  const frame = watchEventToProtobuf('ADDED', map('a'), ConfigMap.schema)
  assert.equal(frame.readUInt32BE(), frame.length - 4)
  const raw = object('test.Raw', '', { raw: optional(1, rawBytes, '') })
  const event = object('test.Event', '', { type: optional(1, string, ''), object: optional(2, raw, '') })
  const read = decodeMessage(event, frame.subarray(4)) as { type: string; object: { raw: Uint8Array } }
  assert.equal(read.type, 'ADDED')
  const { value } = parseProtobuf(Buffer.from(read.object.raw), ConfigMap.schema)
  assert.equal((value as { metadata: { name: string } }).metadata.name, 'a')
})
