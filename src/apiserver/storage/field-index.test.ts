import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Store, Watcher } from '../../store/store.ts'
import { seededRandom } from '../../world/virtual.ts'
import { Boat, decoded, testContext, testServer } from '../testing.ts'
import { rangeOf } from './keys.ts'

const harbours = ['Cork', 'Galway', '']
const namespaces = ['sea', 'lake']

/** Boats in a server whose store can lose its watches, as a mirror of etcd does after a long outage. */
function boats() {
  const { registry, store } = testServer()
  const resource = registry.resource(Boat)
  const watchers: Watcher[] = []
  const looks = { all: 0 }
  const { watch, rangeNow, range } = store
  const spied: Pick<Store, 'watch' | 'rangeNow' | 'range'> = {
    watch(query, watcher) {
      watchers.push(watcher)
      watch.call(store, query, watcher)
    },
    rangeNow(query) {
      if (query.to !== undefined) looks.all++
      return rangeNow.call(store, query)
    },
    range(query) {
      if (query.to !== undefined) looks.all++
      return range.call(store, query)
    },
  }
  Object.assign(store, spied)
  const lose = () => watchers.splice(0).forEach((watcher) => void watcher.onError(new Error('lost')))
  const draft = (name: string, harbour: string) =>
    decoded(Boat, { metadata: { name }, spec: { ...(harbour !== '' && { harbour }) } })
  const write = (namespace: string, name: string, harbour: string) =>
    resource.update(namespace, name, '', () => draft(name, harbour), testContext)
  const remove = (namespace: string, name: string) =>
    resource.delete(namespace, name, { gracePeriodSeconds: 0 }, testContext).catch(() => {})
  const names = async (namespace: string, fieldSelector: string, more: object = {}) => {
    const { entries } = await resource.list(namespace, { fieldSelector, ...more })
    return entries.map(({ object }) => `${object.metadata.namespace}/${object.metadata.name}`)
  }
  return { resource, store, looks, lose, write, remove, names }
}

test('what an index finds is what looking at all finds, whatever was written', async () => {
  const { resource, lose, write, remove, names } = boats()
  const random = seededRandom(7)
  for (let step = 0; step < 400; step++) {
    const [namespace, name] = [namespaces[random.int(2)]!, `b${random.int(12)}`]
    const action = random.int(10)
    if (action === 0) lose()
    else if (action < 4) await remove(namespace, name)
    else {
      const old = await resource.get(namespace, name).catch(() => undefined)
      const harbour = harbours[random.int(3)]!
      if (old === undefined) await write(namespace, name, harbour)
      else
        await resource.update(
          ...([namespace, name, ''] as const),
          (boat) => decoded(Boat, { ...boat!, spec: { ...(harbour !== '' && { harbour }) } }),
          testContext,
        )
    }
    for (const within of ['', ...namespaces])
      for (const harbour of harbours) {
        const others = harbours.filter((each) => each !== harbour).map((each) => `spec.harbour!=${each}`)
        assert.deepEqual(await names(within, `spec.harbour=${harbour}`), await names(within, others.join(',')))
      }
  }
})

test('only the first question looks at all objects', async () => {
  const { looks, write, names } = boats()
  for (let at = 0; at < 20; at++) await write('sea', `b${at}`, at < 3 ? 'Cork' : 'Galway')
  await names('', 'spec.harbour=Cork')
  looks.all = 0
  await write('sea', 'late', 'Cork')
  assert.deepEqual(await names('', 'spec.harbour=Cork'), ['sea/b0', 'sea/b1', 'sea/b2', 'sea/late'])
  assert.deepEqual(await names('lake', 'spec.harbour=Cork'), [])
  assert.equal(looks.all, 0)
})

test('a page that does not hold all goes on as other lists do', async () => {
  const { resource, write, names } = boats()
  for (let at = 0; at < 5; at++) await write('sea', `b${at}`, 'Cork')
  const first = await resource.list('', { fieldSelector: 'spec.harbour=Cork', limit: 2 })
  assert.equal(first.entries.length, 2)
  const rest = await names('', 'spec.harbour=Cork', { limit: 5, continue: first.continue })
  assert.deepEqual(rest, ['sea/b2', 'sea/b3', 'sea/b4'])
  assert.equal((await resource.list('', { fieldSelector: 'spec.harbour=Cork', limit: 5 })).continue, '')
})

test('the past is asked of the store', async () => {
  const { store, write, remove, names } = boats()
  await write('sea', 'a', 'Cork')
  const then = String(store.revision)
  await remove('sea', 'a')
  assert.deepEqual(await names('', 'spec.harbour=Cork'), [])
  const exact = { resourceVersion: then, resourceVersionMatch: 'Exact' } as const
  assert.deepEqual(await names('', 'spec.harbour=Cork', exact), ['sea/a'])
})

test('where watchers may be told late, all objects are looked at', async () => {
  const { store, looks, write, names } = boats()
  const folder = rangeOf(Boat, '').from
  Object.assign(store, { mayHoldUp: (key: string) => key === folder })
  for (let asked = 1; asked <= 2; asked++) {
    await write('sea', `b${asked}`, 'Cork')
    looks.all = 0
    assert.equal((await names('', 'spec.harbour=Cork')).length, asked)
    assert.ok(looks.all > 0)
  }
})
