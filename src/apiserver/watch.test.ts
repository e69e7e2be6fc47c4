import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError } from '../schema/status.ts'
import { CompactedError, type Watcher } from '../store/store.ts'
import type { WatchObserver, WatchOptions } from './resource.ts'
import { Boat, decoded, testContext, testServer } from './testing.ts'

function sea() {
  const server = testServer()
  const boats = server.registry.resource(Boat)
  const stop = new AbortController()
  const create = (name: string, harbour: string, namespace = 'sea') =>
    boats.create(namespace, decoded(Boat, { metadata: { name }, spec: { harbour } }), testContext)
  const move = (name: string, harbour: string) =>
    boats.update('sea', name, '', (boat) => decoded(Boat, { ...boat, spec: { harbour } }), testContext)
  const remove = (name: string) => boats.delete('sea', name, { gracePeriodSeconds: 0 }, testContext)
  const watch = (
    options: Omit<WatchOptions, 'signal'> & { namespace?: string } = {},
    more: Partial<WatchObserver<Boat>> = {},
  ) => {
    const seen: string[] = []
    const { namespace = '', ...rest } = options
    const ended = boats.watch(
      namespace,
      { ...rest, signal: stop.signal },
      {
        event: (type, { object }) => {
          seen.push(`${type} ${object.metadata.name} ${object.spec.harbour} @${object.metadata.resourceVersion}`)
          more.event?.(type, { object } as never)
        },
        bookmark: (revision, isEnd) => seen.push(`BOOKMARK @${revision}${isEnd ? ' end' : ''}`),
        error: (error) => seen.push(`ERROR ${error.message}`),
      },
    )
    ended.catch(() => {})
    return { seen, ended }
  }
  return { ...server, boats, create, move, remove, watch, stop }
}

test('a field selector sees boats come and go, with what they were before', async () => {
  const { create, move, remove, watch } = sea()
  await create('a', 'Cork')
  const cork = watch({ resourceVersion: '0', fieldSelector: 'spec.harbour=Cork' })
  const elsewhere = watch({ resourceVersion: '0', fieldSelector: 'spec.harbour!=Cork' })
  const all = watch({ resourceVersion: '0' })
  await move('a', 'Galway')
  await move('a', 'Cork')
  await remove('a')
  assert.deepEqual(cork.seen, [
    'ADDED a Cork @2',
    'DELETED a Cork @3',
    'ADDED a Cork @4',
    'MODIFIED a Cork @5',
    'DELETED a Cork @6',
  ])
  assert.deepEqual(elsewhere.seen, ['ADDED a Galway @3', 'DELETED a Galway @4'])
  assert.deepEqual(
    all.seen.map((line) => line.split(' ')[0]),
    ['ADDED', 'MODIFIED', 'MODIFIED', 'MODIFIED', 'DELETED'],
  )
})

test('namespaces and names narrow a watch', async () => {
  const { create, watch } = sea()
  const sees = watch({ namespace: 'sea' })
  const named = watch({ namespace: 'sea', fieldSelector: 'metadata.name=b' })
  const anywhere = watch({ fieldSelector: 'metadata.name=b' })
  await create('a', 'Cork')
  await create('b', 'Cork')
  await create('b', 'Cork', 'lake')
  assert.deepEqual(sees.seen, ['ADDED a Cork @2', 'ADDED b Cork @3'])
  assert.deepEqual(named.seen, ['ADDED b Cork @3'])
  assert.deepEqual(anywhere.seen, ['ADDED b Cork @3', 'ADDED b Cork @4'])
})

test('a watch goes on from any revision that is remembered, beside others, and misses nothing', async () => {
  const { create, move, watch } = sea()
  const first = watch({ resourceVersion: '1' })
  await create('a', 'Cork')
  await create('b', 'Cork')
  const later = watch({ resourceVersion: '2' })
  const future = watch({ resourceVersion: '4' })
  await move('a', 'Galway')
  await move('b', 'Galway')
  assert.deepEqual(first.seen, ['ADDED a Cork @2', 'ADDED b Cork @3', 'MODIFIED a Galway @4', 'MODIFIED b Galway @5'])
  assert.deepEqual(later.seen, first.seen.slice(1))
  assert.deepEqual(future.seen, first.seen.slice(3))
})

test('initial events end with a bookmark for those who asked', async () => {
  const { create, watch } = sea()
  await create('a', 'Cork')
  const asked = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: true }
  const listed = watch(asked)
  const skipped = watch({ ...asked, sendInitialEvents: false })
  const selected = watch({ ...asked, labelSelector: 'nobody' })
  // A state that must be the newest is asked for first, which takes a turn.
  await null
  await null
  await create('b', 'Cork')
  assert.deepEqual(listed.seen, ['ADDED a Cork @2', 'BOOKMARK @2 end', 'ADDED b Cork @3'])
  assert.deepEqual(skipped.seen, ['ADDED b Cork @3'])
  assert.deepEqual(selected.seen, ['BOOKMARK @2 end'])
})

test('bookmarks come once a minute', async () => {
  const { create, watch, world, store } = sea()
  const marked = watch({ resourceVersion: '0', allowWatchBookmarks: true, fieldSelector: 'spec.harbour=Galway' })
  const plain = watch({ resourceVersion: '0' })
  await create('a', 'Cork')
  await world.advance(60_000)
  await create('b', 'Cork')
  await world.advance(60_000)
  assert.deepEqual(marked.seen, ['BOOKMARK @2', 'BOOKMARK @3'])
  assert.deepEqual(plain.seen.length, 2)
  assert.equal(store.revision, 3)
})

test('what is wrong is said at once', async () => {
  const { create, watch, store } = sea()
  for (const name of ['a', 'b', 'c']) await create(name, 'Cork')
  await store.compact(4)
  const invalid = 'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch:'
  const cases: readonly [Omit<WatchOptions, 'signal'>, number, string][] = [
    [{ resourceVersion: '2' }, 410, 'too old resource version: 2 (4)'],
    [
      { resourceVersion: 'x' },
      400,
      'invalid resource version: resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax',
    ],
    [{ fieldSelector: 'spec.mast=1' }, 400, 'field label not supported: spec.mast'],
    [
      { resourceVersionMatch: 'NotOlderThan' },
      422,
      `${invalid} Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided`,
    ],
    [
      { sendInitialEvents: true },
      422,
      `${invalid} Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan`,
    ],
    [
      { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', resourceVersion: '99' },
      504,
      'Timeout: Too large resource version: 99, current: 4',
    ],
  ]
  for (const [options, code, message] of cases) {
    const error = await watch(options).ended.catch((error: unknown) => error)
    assert.ok(error instanceof ApiError, message)
    assert.deepEqual([error.code, error.message], [code, message])
  }
})

test('a store that refuses later ends the watch, also when it had not begun', async () => {
  const { create, watch, store } = sea()
  for (const name of ['a', 'b']) await create(name, 'Cork')
  const refused = Promise.withResolvers<Watcher>()
  store.watch = (_query, watcher) => refused.resolve(watcher)
  const { seen, ended } = watch({ resourceVersion: '2' })
  const watcher = await refused.promise
  watcher.onError(new CompactedError(3))
  await ended
  assert.deepEqual(seen, ['ERROR too old resource version: 2 (3)'])
})

test('a watcher may write and stop while it is told', async () => {
  const { create, move, watch, stop } = sea()
  let answered = false
  const { seen, ended } = watch(
    {},
    {
      event: () => {
        if (answered) stop.abort()
        else void move('a', 'Galway')
        answered = true
      },
    },
  )
  const other = watch({ resourceVersion: '1' })
  await create('a', 'Cork')
  await ended
  assert.deepEqual(seen, ['ADDED a Cork @2', 'MODIFIED a Galway @3'])
  assert.deepEqual(other.seen.slice(0, 1), ['ADDED a Cork @2'])
})
