import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Store, Watcher } from '../store/store.ts'
import { clusterReader } from './cluster-reader.ts'
import { rangeOf } from './storage/keys.ts'
import { Boat, decoded, testContext, testServer } from './testing.ts'

function sea() {
  const { registry, store } = testServer()
  const resource = registry.resource(Boat)
  const watchers: Watcher[] = []
  const asked = { times: 0 }
  const { watch, rangeNow } = store
  const spied: Pick<Store, 'watch' | 'rangeNow'> = {
    watch(query, watcher) {
      watchers.push(watcher)
      watch.call(store, query, watcher)
    },
    rangeNow(query) {
      asked.times++
      return rangeNow.call(store, query)
    },
  }
  Object.assign(store, spied)
  const reader = clusterReader(store)
  const write = (namespace: string, name: string) =>
    resource.create(namespace, decoded(Boat, { metadata: { name } }), testContext)
  const names = (namespace: string) => {
    asked.times = 0
    const list = reader.list(Boat, namespace).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
    return [...list, asked.times]
  }
  return { store, resource, reader, watchers, write, names }
}

test('a list is read once, until something of its kind changes', async () => {
  const { resource, write, names } = sea()
  await write('sea', 'a')
  await write('lake', 'b')
  assert.deepEqual(names('sea'), ['sea/a', 1])
  assert.deepEqual(names('sea'), ['sea/a', 0])
  assert.deepEqual(names(''), ['lake/b', 'sea/a', 1])
  await write('sea', 'c')
  assert.deepEqual(names('sea'), ['sea/a', 'sea/c', 1])
  assert.deepEqual(names(''), ['lake/b', 'sea/a', 'sea/c', 1])
  await resource.delete('sea', 'a', {}, testContext)
  assert.deepEqual(names('sea'), ['sea/c', 1])
  assert.deepEqual(names('sea'), ['sea/c', 0])
})

test('who is told of changes no more reads anew', async () => {
  const { write, names, watchers } = sea()
  await write('sea', 'a')
  assert.deepEqual(names('sea'), ['sea/a', 1])
  for (const watcher of watchers.splice(0)) watcher.onError(new Error('lost'))
  assert.deepEqual(names('sea'), ['sea/a', 1])
  await write('sea', 'b')
  assert.deepEqual(names('sea'), ['sea/a', 'sea/b', 1])
})

test('a kind that is made anew reads anew, and is no further watcher', async () => {
  const { reader, watchers, write, names } = sea()
  await write('sea', 'a')
  names('sea')
  for (let time = 0; time < 3; time++) {
    const anew = { ...Boat }
    const [boat] = reader.list(anew, 'sea')
    assert.equal(boat?.metadata.name, 'a')
    assert.equal(reader.list(anew, 'sea')[0], boat)
  }
  assert.deepEqual(names('sea'), ['sea/a', 1])
  assert.equal(watchers.length, 1)
})

test('where changes may be told late, every list is read', async () => {
  const { store, write, names } = sea()
  const folder = rangeOf(Boat, '').from
  Object.assign(store, { mayHoldUp: (key: string) => key === folder })
  await write('sea', 'a')
  assert.deepEqual(names('sea'), ['sea/a', 1])
  assert.deepEqual(names('sea'), ['sea/a', 1])
})
