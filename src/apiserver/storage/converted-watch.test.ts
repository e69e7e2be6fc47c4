import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import { ApiError } from '../../schema/status.ts'
import type { WatchOptions } from '../resource.ts'
import { Boat, decoded, testContext, testServer } from '../testing.ts'

type Harboured = ApiObject & { readonly spec: { readonly harbour?: string } }

/** A second version of boats, into which somebody converts who answers when he is let. */
function sea() {
  const asked: number[] = []
  const waiting: (() => void)[] = []
  const state = { isHeld: false, failure: undefined as Error | undefined }
  const conversion = {
    storage: { apiVersion: 'sea.example/v1', schema: Boat.schema },
    async convert(objects: readonly ApiObject[], apiVersion: string) {
      asked.push(objects.length)
      if (state.isHeld) await new Promise<void>((resolve) => waiting.push(resolve))
      if (state.failure !== undefined) throw state.failure
      const at = (object: ApiObject) => (object as Harboured).spec.harbour
      return objects.map((object) => ({ ...object, apiVersion, spec: { harbour: `new ${at(object)}` } }))
    },
  }
  const NewBoat = { ...Boat, version: 'v2', conversion } as unknown as Kind<Boat>
  const server = testServer([], [NewBoat as unknown as Kind])
  const boats = server.registry.resource(Boat)
  const converted = server.registry.resource(NewBoat)
  const stop = new AbortController()
  const create = (name: string, harbour: string) =>
    boats.create('sea', decoded(Boat, { metadata: { name }, spec: { harbour } }), testContext)
  const move = (name: string, harbour: string) =>
    boats.update('sea', name, '', (boat) => decoded(Boat, { ...boat, spec: { harbour } }), testContext)
  const remove = (name: string) => boats.delete('sea', name, { gracePeriodSeconds: 0 }, testContext)
  const watch = (options: Omit<WatchOptions, 'signal'> = {}) => {
    const seen: string[] = []
    const ended = converted.watch(
      'sea',
      { ...options, signal: stop.signal },
      {
        event: (type, { object }) => {
          const { metadata, spec } = object as unknown as Harboured
          seen.push(`${type} ${metadata.name} ${spec.harbour} @${metadata.resourceVersion}`)
        },
        bookmark: (revision, isEnd) => seen.push(`BOOKMARK @${revision}${isEnd ? ' end' : ''}`),
        error: (error) => seen.push(`ERROR ${error.message}`),
      },
    )
    return { seen, ended }
  }
  const release = async () => {
    state.isHeld = false
    for (const go of waiting.splice(0)) go()
    await server.world.advance(0)
  }
  const settled = () => server.world.advance(0)
  return { ...server, NewBoat, asked, state, create, move, remove, watch, release, settled, stop }
}

describe('a watch of what takes time to convert', () => {
  test('tells everything in order, and has converted together what came together', async () => {
    const { create, move, remove, watch, release, settled, state, asked } = sea()
    await create('a', 'Cork')
    const { seen } = watch({ resourceVersion: '0' })
    await settled()
    assert.deepEqual(seen, ['ADDED a new Cork @2'])
    state.isHeld = true
    await create('b', 'Cork')
    await settled()
    await move('b', 'Galway')
    await move('b', 'Sligo')
    await remove('a')
    await settled()
    assert.deepEqual(seen, ['ADDED a new Cork @2'])
    await release()
    assert.deepEqual(seen.slice(1), [
      'ADDED b new Cork @3',
      'MODIFIED b new Galway @4',
      'MODIFIED b new Sligo @5',
      'MODIFIED a new Cork @6',
      'DELETED a new Cork @7',
    ])
    assert.deepEqual(asked, [1, 1, 3], 'what is known already is not asked for again')
  })

  test('selects by what objects become', async () => {
    const { create, move, watch, settled } = sea()
    await create('a', 'Cork')
    const { seen } = watch({ resourceVersion: '0', fieldSelector: 'spec.harbour=new Cork' })
    await settled()
    await move('a', 'Galway')
    await settled()
    assert.deepEqual(seen, ['ADDED a new Cork @2', 'DELETED a new Cork @3'])
  })

  test('goes on from a revision that is remembered, and refuses one that is not', async () => {
    const { create, watch, settled, store } = sea()
    await create('a', 'Cork')
    await create('b', 'Cork')
    const { seen } = watch({ resourceVersion: '2' })
    await settled()
    assert.deepEqual(seen, ['ADDED b new Cork @3'])
    await store.compact(3)
    await assert.rejects(
      watch({ resourceVersion: '1' }).ended,
      (error) => error instanceof ApiError && error.reason === 'Expired',
    )
  })

  test('marks the end of the list, and its progress once a minute unless it is behind', async () => {
    const { create, watch, settled, release, world, state } = sea()
    await create('a', 'Cork')
    const options = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: true }
    const { seen } = watch(options)
    await settled()
    assert.deepEqual(seen.splice(0), ['ADDED a new Cork @2', 'BOOKMARK @2 end'])
    await world.advance(60_000)
    assert.deepEqual(seen.splice(0), ['BOOKMARK @2'])
    state.isHeld = true
    await create('b', 'Cork')
    await world.advance(60_000)
    assert.deepEqual(seen, [], 'what it has not told yet')
    await release()
    await world.advance(60_000)
    assert.deepEqual(seen, ['ADDED b new Cork @3', 'BOOKMARK @3'])
  })

  test('ends with the fault of who converts, or when it is too far behind, or with its kind', async () => {
    const failing = sea()
    const first = failing.watch({})
    await failing.settled()
    failing.state.failure = new Error('out of oil')
    await failing.create('a', 'Cork')
    await first.ended
    assert.deepEqual(first.seen, ['ERROR out of oil'])
    await assert.rejects(failing.watch({ resourceVersion: '0' }).ended, { message: 'out of oil' })

    const slow = sea()
    const second = slow.watch({})
    await slow.settled()
    slow.state.isHeld = true
    await slow.create('a', 'Cork')
    await slow.settled()
    for (let n = 0; n <= 10_000; n++) await slow.move('a', `harbour ${n}`)
    await second.ended
    assert.equal(second.seen.length, 1)
    assert.match(second.seen[0]!, /^ERROR too old resource version: /)

    const changed = sea()
    const third = changed.watch({})
    await changed.settled()
    changed.registry.setKinds(changed.registry.kinds.filter((kind) => kind.version !== 'v2'))
    await third.ended
    await changed.create('a', 'Cork')
    assert.deepEqual(third.seen, [])
  })
})

test('a value that has not been converted is never shown as what it is not', async () => {
  const { NewBoat, create, registry } = sea()
  await create('a', 'Cork')
  const { clusterReader } = await import('../cluster-reader.ts')
  assert.throws(() => clusterReader(registry.store).get(NewBoat, 'sea', 'a'), /before it was converted/)
})
