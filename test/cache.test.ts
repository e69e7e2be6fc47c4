import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from '../src/apiserver/registry.ts'
import { type CacheChange, CacheSet } from '../src/client/cache.ts'
import type { Client } from '../src/client/client.ts'
import { LocalClient } from '../src/client/local.ts'
import { ConfigMap } from '../src/kinds/core/config-map.ts'
import { ApiError } from '../src/schema/status.ts'
import { MemoryStore } from '../src/store/memory.ts'
import { VirtualWorld } from '../src/world/virtual.ts'

function setup(wrap: (client: LocalClient) => Client = (client) => client) {
  const world = new VirtualWorld()
  const store = new MemoryStore(world)
  const client = new LocalClient(new Registry({ store, kinds: [ConfigMap], world, admission: [] }))
  const stop = new AbortController()
  const { clock, random } = world
  const logged: string[] = []
  const log = (_level: string, message: string) => logged.push(message)
  const caches = new CacheSet({ client: wrap(client), clock, random, log, signal: stop.signal })
  const create = (name: string, labels: Record<string, string> = {}, namespace = 'n') =>
    client.create(ConfigMap, { metadata: { name, namespace, labels } })
  return { world, store, client, caches, create, stop, logged }
}

function text({ object, old }: CacheChange<ConfigMap>): string {
  if (object === undefined) return `deleted ${old.metadata.name}`
  return `${old === undefined ? 'added' : 'updated'} ${object.metadata.name}`
}

test('a cache has what is there and follows what happens', async () => {
  const { caches, create, client } = setup()
  await create('a')
  const cache = caches.of(ConfigMap)
  const changes: string[] = []
  cache.onChange((change) => changes.push(text(change)))
  await cache.synced
  const made = await create('b')
  await cache.untilRevision(made.metadata.resourceVersion!)
  // The server's very objects, not copies of them.
  assert.equal(cache.get('n', 'b'), made)
  const changed = await client.update(ConfigMap, { ...made, data: { k: 'v' } })
  await cache.untilRevision(changed.metadata.resourceVersion!)
  assert.deepEqual(cache.get('n', 'b')?.data, { k: 'v' })
  await client.delete(ConfigMap, { namespace: 'n', name: 'a' })
  const last = await create('c', {}, 'other')
  await cache.untilRevision(last.metadata.resourceVersion!)
  assert.deepEqual(changes, ['added a', 'added b', 'updated b', 'deleted a', 'added c'])
  assert.deepEqual([cache.size, [...cache.list('n')].length, cache.get('n', 'a')], [2, 1, undefined])
})

test('what has come together is there before anybody acts upon the first of it', async () => {
  const { caches, create } = setup()
  const cache = caches.of(ConfigMap)
  await cache.synced
  const sizes: number[] = []
  cache.onChange(() => queueMicrotask(() => sizes.push(cache.size)))
  const made = await Promise.all([create('a'), create('b'), create('c')])
  await Promise.all(made.map(({ metadata }) => cache.untilRevision(metadata.resourceVersion!)))
  assert.deepEqual(sizes, [3, 3, 3])
})

test('whoever comes late is told what there is', async () => {
  const { caches, create } = setup()
  await create('a')
  const cache = caches.of(ConfigMap)
  await cache.synced
  const changes: string[] = []
  const end = cache.onChange((change) => changes.push(text(change)))
  end()
  await cache.untilRevision((await create('b')).metadata.resourceVersion!)
  assert.deepEqual(changes, ['added a'])
})

test('indexes follow', async () => {
  const { caches, create, client } = setup()
  const cache = caches.of(ConfigMap)
  cache.addIndex('team', ({ metadata }) => (metadata.labels?.['team'] ? [metadata.labels['team']] : []))
  const made = await create('a', { team: 'red' })
  await create('b', { team: 'red' })
  await cache.synced
  const names = (team: string) => [...cache.byIndex('team', team)].map(({ metadata }) => metadata.name).sort()
  const changed = await client.update(ConfigMap, { ...made, metadata: { ...made.metadata, labels: { team: 'blue' } } })
  await cache.untilRevision(changed.metadata.resourceVersion!)
  assert.deepEqual([names('red'), names('blue'), names('green')], [['b'], ['a'], []])
  await client.delete(ConfigMap, { namespace: 'n', name: 'b' })
  await cache.untilRevision((await create('c')).metadata.resourceVersion!)
  assert.deepEqual(names('red'), [])
})

test('one cache for each kind and selection', () => {
  const { caches } = setup()
  assert.equal(caches.of(ConfigMap), caches.of(ConfigMap, {}))
  assert.notEqual(caches.of(ConfigMap), caches.of(ConfigMap, { namespace: 'n' }))
})

test('a handler that fails does not keep others from hearing', async () => {
  const { caches, create, logged } = setup()
  const cache = caches.of(ConfigMap)
  await cache.synced
  const heard: string[] = []
  cache.onChange(() => {
    throw new Error('broken')
  })
  cache.onChange((change) => heard.push(text(change)))
  await cache.untilRevision((await create('a')).metadata.resourceVersion!)
  assert.deepEqual([heard, logged], [['added a'], ['a handler of changes failed']])
})

/** A client whose watches can be made to fail. */
function fragile() {
  const broken: { fail: (error: Error) => void; watches: number; lists: number; down: boolean } = {
    fail: () => {},
    watches: 0,
    lists: 0,
    down: false,
  }
  const wrap = (client: LocalClient): Client => ({
    ...bound(client),
    list: (kind, options) => {
      broken.lists++
      if (broken.down) return Promise.reject(new ApiError('ServiceUnavailable', 'down'))
      return client.list(kind, options)
    },
    async *watch(kind, options) {
      broken.watches++
      if (broken.down) throw new ApiError('ServiceUnavailable', 'down')
      const { promise, reject } = Promise.withResolvers<never>()
      promise.catch(() => {})
      broken.fail = reject
      const events = client.watch(kind, options)[Symbol.asyncIterator]()
      for (;;) {
        const next = await Promise.race([events.next(), promise])
        if (next.done) return
        yield next.value
      }
    },
  })
  return { broken, wrap }
}

const bound = (client: LocalClient) =>
  ({
    get: client.get.bind(client),
    create: client.create.bind(client),
    update: client.update.bind(client),
    updateStatus: client.updateStatus.bind(client),
    patch: client.patch.bind(client),
    delete: client.delete.bind(client),
    createSubresource: client.createSubresource.bind(client),
    scale: client.scale.bind(client),
    updateScale: client.updateScale.bind(client),
    read: client.read.bind(client),
    as: client.as.bind(client),
  }) as Omit<Client, 'list' | 'watch'>

test('a watch that breaks goes on from where it was', async () => {
  const { broken, wrap } = fragile()
  const { caches, create, world } = setup(wrap)
  const cache = caches.of(ConfigMap)
  await cache.synced
  await cache.untilRevision((await create('a')).metadata.resourceVersion!)
  broken.fail(new ApiError('InternalError', 'a line that nobody can read'))
  const made = await create('b')
  await world.advance(60_000)
  await cache.untilRevision(made.metadata.resourceVersion!)
  assert.deepEqual([broken.lists, broken.watches, cache.behind], [1, 2, undefined])
})

test('who could not reach the server knows that it is behind, until it has read the newest state', async () => {
  const { broken, wrap } = fragile()
  const { caches, create, client, world } = setup(wrap)
  const cache = caches.of(ConfigMap)
  await cache.synced
  await cache.untilRevision((await create('a')).metadata.resourceVersion!)
  broken.down = true
  broken.fail(new ApiError('ServiceUnavailable', 'gone'))
  await world.advance(5000)
  assert.ok(broken.lists > 1)
  let seen: string[] | undefined
  void cache.behind?.then(() => {
    seen = [...cache.list()].map(({ metadata }) => metadata.name!)
  })
  await create('b')
  await client.delete(ConfigMap, { namespace: 'n', name: 'a' })
  await world.advance(5000)
  assert.equal(seen, undefined)
  broken.down = false
  await world.advance(60_000)
  assert.deepEqual([seen, cache.behind], [['b'], undefined])
})

test('a server that has lists but no watches is not asked for lists all the time', async () => {
  const { broken, wrap } = fragile()
  const { caches, world } = setup((client) => {
    const wrapped = wrap(client)
    return { ...wrapped, list: client.list.bind(client) }
  })
  broken.down = true
  const namespaces = ['a', 'b', 'c', 'd']
  for (const namespace of namespaces) caches.of(ConfigMap, { namespace })
  await world.advance(600_000)
  // A quarter of a second, twice as long each time and up to half a minute: eight, and then two to four in a minute.
  assert.ok(broken.watches > 0 && broken.watches <= 48 * namespaces.length, `${broken.watches} watches`)
})

test('when one gets through to a server that was away, the others try at once', async () => {
  const opened: number[] = []
  let isDown = false
  let cut = new AbortController()
  const gone = () => new ApiError('ServiceUnavailable', 'cannot reach it')
  const { caches, world } = setup((client) => ({
    ...bound(client),
    list: (kind, options) => (isDown ? Promise.reject(gone()) : client.list(kind, options)),
    async *watch(kind, options) {
      if (isDown) throw gone()
      opened.push(world.clock.now())
      yield* client.watch(kind, { ...options, signal: AbortSignal.any([options.signal, cut.signal]) })
      throw gone()
    },
  }))
  const namespaces = ['a', 'b', 'c', 'd', 'e', 'f']
  await Promise.all(namespaces.map((namespace) => caches.of(ConfigMap, { namespace }).synced))
  isDown = true
  cut.abort()
  await world.advance(90_000)
  opened.length = 0
  isDown = false
  cut = new AbortController()
  await world.advance(60_000)
  assert.deepEqual(opened, Array(namespaces.length).fill(opened[0]))
})

test('what was missed for good is found by a new list', async () => {
  const { broken, wrap } = fragile()
  const { caches, create, client, store, world } = setup(wrap)
  const cache = caches.of(ConfigMap)
  await create('gone')
  await create('stays')
  await create('twin')
  await cache.synced
  const changes: string[] = []
  cache.onChange((change) => changes.push(text(change)))
  broken.fail(new ApiError('Expired', 'too old'))
  broken.down = true
  for (const name of ['gone', 'twin']) await client.delete(ConfigMap, { namespace: 'n', name })
  await create('twin')
  const made = await create('new')
  await store.compact(store.revision)
  broken.down = false
  await world.advance(1000)
  assert.ok(cache.revision >= Number(made.metadata.resourceVersion))
  assert.deepEqual(changes.slice(0, 3), ['added gone', 'added stays', 'added twin'])
  // Another one of the same name is no change of the first.
  assert.deepEqual(changes.slice(3), ['deleted gone', 'deleted twin', 'added new', 'added twin'])
})
