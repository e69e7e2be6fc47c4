import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CompactedError, StoreUnreachableError, type Watcher } from '../store/store.ts'
import { follow } from './follow.ts'
import { Boat, decoded, testContext, testServer } from './testing.ts'

test('what was missed is told as differences, also while nobody can say what the newest state is', async () => {
  const { registry, store } = testServer()
  const boats = registry.resource(Boat)
  const create = (name: string) =>
    boats.create('sea', decoded(Boat, { metadata: { name }, spec: { harbour: 'Cork' } }), testContext)
  const told: string[] = []
  let watcher: Watcher | undefined
  const { watch } = store
  store.watch = (query, each) => {
    watcher = each
    watch.call(store, query, each)
  }
  await create('a')
  const log = (_level: string, message: string) => told.push(message)
  await follow(boats, new AbortController().signal, log, ({ metadata }, isThere) =>
    told.push(`${metadata.name} ${isThere}`),
  )
  await create('b')
  store.currentRevision = () => Promise.reject(new StoreUnreachableError('nobody answers', false))
  const lost = watcher!
  // What happens now is not told.
  store.watch = (query, each) => watch.call(store, query, each)
  lost.onEvents = () => {}
  await boats.delete('sea', 'a', { gracePeriodSeconds: 0 }, testContext)
  lost.onError(new CompactedError(4))
  await create('c')
  assert.deepEqual(told, ['a true', 'b true', 'b true', 'a false', 'c true'])
})
