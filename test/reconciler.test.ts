import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Registry } from '../src/apiserver/registry.ts'
import { CacheSet } from '../src/client/cache.ts'
import type { Client } from '../src/client/client.ts'
import { LocalClient } from '../src/client/local.ts'
import { Lease } from '../src/kinds/coordination/lease.ts'
import { ConfigMap } from '../src/kinds/core/config-map.ts'
import { Event } from '../src/kinds/core/event.ts'
import { Namespace } from '../src/kinds/core/namespace.ts'
import { toCaches } from '../src/reconciler/caches.ts'
import { again, attempt, create, event, remove } from '../src/reconciler/changes.ts'
import { type Controller, defineController } from '../src/reconciler/controller.ts'
import { EventRecorder } from '../src/reconciler/events.ts'
import { leadWhileElected } from '../src/reconciler/leader.ts'
import { startController } from '../src/reconciler/runtime.ts'
import { ApiError } from '../src/schema/status.ts'
import { MemoryStore } from '../src/store/memory.ts'
import { VirtualWorld } from '../src/world/virtual.ts'
import type { LogLevel } from '../src/world/world.ts'

const namespace = 'n'

/** `lagMs`: how long it takes until a cache hears of a change. */
async function newApi(lagMs = 0) {
  const faults: string[] = []
  const log = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => {
    if (level !== 'debug') faults.push(`${message}: ${fields?.error}`)
  }
  const world = new VirtualWorld(1, { log })
  const store = new MemoryStore(world)
  const kinds = [ConfigMap, Namespace, Event, Lease]
  const client = new LocalClient(new Registry({ store, kinds, world, admission: [] }))
  await client.create(Namespace, { metadata: { name: namespace } })
  const stop = new AbortController()
  const reader = lagMs > 0 ? delayed(client, world, lagMs) : client
  const caches = toCaches(new CacheSet({ client: reader, ...world, signal: stop.signal }))
  return {
    world,
    client,
    faults,
    start: (controller: Controller) => startController(controller, { client, caches, world }),
    names: async () => (await client.list(ConfigMap, { namespace })).items.map(({ metadata }) => metadata.name),
    async [Symbol.asyncDispose]() {
      stop.abort()
      await store[Symbol.asyncDispose]()
    },
  }
}

/** A client whose watches are late. */
function delayed(client: Client, { clock }: VirtualWorld, lagMs: number): Client {
  const late = Object.create(client) as Client
  late.list = (kind, options) => client.list(kind, options)
  late.watch = async function* (kind, options) {
    for await (const change of client.watch(kind, options)) {
      await clock.after(lagMs)
      yield change
    }
  }
  return late
}

const configMap = (name: string, data: Record<string, string> = {}) => ({ metadata: { name, namespace }, data })

describe('a controller', () => {
  test('that counts what it made never makes too much, though its caches are behind', async () => {
    await using api = await newApi(50)
    let runs = 0
    const copies = defineController<ConfigMap>({
      name: 'copies',
      reconciles: ConfigMap,
      *reconcile(map, { list }) {
        if (map.metadata.name !== 'wish') return
        runs++
        for (let n = list(ConfigMap, namespace).length - 1; n < 5; n++)
          yield create(ConfigMap, { metadata: { generateName: 'copy-', namespace } })
        if (runs < 4) yield again(1)
      },
    })
    const running = api.start(copies)
    await api.client.create(ConfigMap, configMap('wish'))
    await api.world.advance(10_000)
    assert.equal(runs, 4)
    assert.equal((await api.names()).length, 6)
    await running.stop()
    assert.deepEqual(api.faults, [])
  })

  test('that deletes waits until its caches show it', async () => {
    await using api = await newApi(50)
    let runs = 0
    const sweeps: string[] = []
    const running = api.start(
      defineController<ConfigMap>({
        name: 'sweeper',
        reconciles: ConfigMap,
        *reconcile({ metadata }, { list }) {
          if (metadata.name !== 'wish') return
          runs++
          const [first] = list(ConfigMap, namespace).filter((each) => each.metadata.name !== 'wish')
          if (first === undefined) return
          sweeps.push(first.metadata.name!)
          yield remove(ConfigMap, first)
          yield again(1)
        },
      }),
    )
    for (const name of ['a', 'b', 'c', 'wish']) await api.client.create(ConfigMap, configMap(name))
    await api.world.advance(10_000)
    await running.stop()
    assert.deepEqual(sweeps.sort(), ['a', 'b', 'c'])
    assert.equal(runs, 4)
  })

  test('may write only what it has declared', async () => {
    await using api = await newApi()
    const running = api.start(
      defineController<ConfigMap>({
        name: 'thief',
        reconciles: ConfigMap,
        *reconcile() {
          yield create(Namespace, { metadata: { name: 'mine' } })
        },
      }),
    )
    await api.client.create(ConfigMap, configMap('a'))
    await running.idle()
    await running.stop()
    assert.equal(api.faults[0], 'reconcile failed: controller thief writes namespaces without having declared it')
  })

  test('may read only what it has declared', async () => {
    await using api = await newApi()
    const running = api.start(
      defineController<ConfigMap>({
        name: 'spy',
        reconciles: ConfigMap,
        // biome-ignore lint/correctness/useYield: it fails before it has anything to do
        *reconcile(_, { list }) {
          list(Namespace)
        },
      }),
    )
    await api.client.create(ConfigMap, configMap('a'))
    await running.idle()
    await running.stop()
    assert.equal(api.faults[0], 'reconcile failed: controller spy reads namespaces without having declared it')
  })

  test('tries again what failed, later each time', async () => {
    await using api = await newApi()
    const times: number[] = []
    const running = api.start(
      defineController<ConfigMap>({
        name: 'unlucky',
        reconciles: ConfigMap,
        // biome-ignore lint/correctness/useYield: it fails before it has anything to do
        *reconcile(_, { now }) {
          times.push(now)
          if (times.length < 4) throw new Error('not yet')
        },
      }),
    )
    await api.client.create(ConfigMap, configMap('a'))
    await api.world.advance(1_000)
    await running.stop()
    const [first = 0] = times
    assert.deepEqual(
      times.map((time) => time - first),
      [0, 5, 15, 35],
    )
  })

  test('says nothing about a conflict and sees the newer object next time', async () => {
    await using api = await newApi()
    let rivals = 1
    const running = api.start(
      defineController<ConfigMap>({
        name: 'late',
        reconciles: ConfigMap,
        async reconcile(map, { client }) {
          if (map.data?.mine) return undefined
          if (rivals-- > 0) await client.update(ConfigMap, { ...map, data: { theirs: 'yes' } })
          await client.update(ConfigMap, { ...map, data: { ...map.data, mine: 'yes' } })
          return undefined
        },
      }),
    )
    await api.client.create(ConfigMap, configMap('a'))
    await api.world.advance(100)
    await running.stop()
    const { data } = await api.client.get(ConfigMap, { namespace, name: 'a' })
    assert.deepEqual(data, { mine: 'yes', theirs: 'yes' })
    assert.deepEqual(api.faults, [])
  })

  test('stops a batch at the first group that fails', async () => {
    await using api = await newApi()
    let result: { done: number; failed: number; skipped: number } | undefined
    const running = api.start(
      defineController<ConfigMap>({
        name: 'batches',
        reconciles: ConfigMap,
        *reconcile({ metadata }) {
          if (metadata.name !== 'wish' || result) return
          // Groups of 1, 2, 4 …: the fourth is in the third group.
          const names = ['a', 'b', 'c', 'wish', 'd', 'e', 'f', 'g', 'h']
          const { done, failed, skipped } = yield* attempt(names.map((name) => create(ConfigMap, configMap(name))))
          result = { done: done.length, failed: failed.length, skipped }
        },
      }),
    )
    await api.client.create(ConfigMap, configMap('wish'))
    await running.idle()
    await running.stop()
    assert.deepEqual(result, { done: 6, failed: 1, skipped: 2 })
  })

  test('deletes the object that it saw, not its successor of the same name', async () => {
    await using api = await newApi()
    const first = await api.client.create(ConfigMap, configMap('a'))
    await api.client.delete(ConfigMap, { namespace, name: 'a' })
    await api.client.create(ConfigMap, configMap('a'))
    const running = api.start(
      defineController<ConfigMap>({
        name: 'sweeper',
        reconciles: ConfigMap,
        *reconcile() {
          yield remove(ConfigMap, first)
        },
      }),
    )
    await running.idle()
    await running.stop()
    assert.deepEqual(await api.names(), ['a'])
  })

  test('has its events written as its own', async () => {
    await using api = await newApi()
    const running = api.start(
      defineController<ConfigMap>({
        name: 'teller-controller',
        eventSource: 'teller',
        reconciles: ConfigMap,
        *reconcile() {
          yield event('Seen', 'I saw it')
        },
      }),
    )
    const made = await api.client.create(ConfigMap, configMap('a'))
    await running.idle()
    await running.stop()
    const [told] = (await api.client.list(Event, { namespace })).items
    assert.match(told?.metadata.name ?? '', /^a\.[0-9a-f]{16}$/)
    assert.deepEqual(told?.involvedObject, {
      kind: 'ConfigMap',
      namespace,
      name: 'a',
      uid: made.metadata.uid,
      apiVersion: 'v1',
      resourceVersion: made.metadata.resourceVersion,
    })
    assert.deepEqual(
      [told?.type, told?.reason, told?.message, told?.count, told?.source, told?.reportingComponent],
      ['Normal', 'Seen', 'I saw it', 1, { component: 'teller' }, 'teller'],
    )
  })
})

describe('events', () => {
  const record = async (messages: readonly string[]) => {
    const api = await newApi()
    const { world, client } = api
    const recorder = new EventRecorder('test', { client, ...world })
    const object = await client.create(ConfigMap, configMap('a'))
    for (const message of messages) recorder.record({ kind: ConfigMap, object, reason: 'R', message, type: 'Normal' })
    await recorder.idle
    const { items } = await client.list(Event, { namespace })
    await api[Symbol.asyncDispose]()
    return items.map(({ message, count }) => [message, count])
  }

  test('that repeat raise a count', async () => {
    assert.deepEqual(await record(['same', 'same', 'other', 'same']), [
      ['same', 3],
      ['other', 1],
    ])
  })

  test('that are many and similar are combined from the tenth on', async () => {
    const messages = Array.from({ length: 12 }, (_, n) => `message ${n}`)
    const written = await record(messages)
    assert.equal(written.length, 10)
    assert.deepEqual(written.at(-1), ['(combined from similar events): message 11', 3])
  })

  test('beyond 25 of one object are lost', async () => {
    assert.deepEqual(await record(Array.from({ length: 40 }, () => 'same')), [['same', 25]])
  })

  test('that are gone meanwhile come back with what was counted', async () => {
    const api = await newApi()
    const { world, client } = api
    const recorder = new EventRecorder('test', { client, ...world })
    const object = await client.create(ConfigMap, configMap('a'))
    const say = async () => {
      recorder.record({ kind: ConfigMap, object, reason: 'R', message: 'same', type: 'Normal' })
      await recorder.idle
      return (await client.list(Event, { namespace })).items
    }
    const [first] = await say()
    await client.delete(Event, { namespace, name: first?.metadata.name ?? '' })
    await world.advance(60_000)
    const [second] = await say()
    assert.deepEqual(
      [second?.metadata.name, second?.count, second?.firstTimestamp],
      [first?.metadata.name, 2, first?.firstTimestamp],
    )
    assert.notEqual(second?.lastTimestamp, first?.lastTimestamp)
    await api[Symbol.asyncDispose]()
  })
})

describe('a leader', () => {
  async function newElection() {
    const api = await newApi()
    const reigns: string[] = []
    const stand = (identity: string) => {
      const stop = new AbortController()
      const lead = (signal: AbortSignal) =>
        new Promise<void>((resolve) => {
          reigns.push(`${identity} leads`)
          signal.addEventListener('abort', () => {
            reigns.push(`${identity} ends`)
            resolve()
          })
        })
      const { client, world } = api
      const done = leadWhileElected({ client, world, namespace, name: 'boss', identity }, lead, stop.signal)
      return { stop: () => stop.abort(), done }
    }
    const spec = async () => (await api.client.get(Lease, { namespace, name: 'boss' })).spec
    return { api, reigns, stand, spec }
  }

  test('is one at a time; the next follows when the first steps down', async () => {
    const { api, reigns, stand, spec } = await newElection()
    const first = stand('a')
    await api.world.advance(100)
    const second = stand('b')
    await api.world.advance(60_000)
    assert.deepEqual(reigns, ['a leads'])
    const { holderIdentity, leaseDurationSeconds, leaseTransitions, acquireTime } = await spec()
    assert.deepEqual([holderIdentity, leaseDurationSeconds, leaseTransitions], ['a', 15, 0])
    assert.match(acquireTime ?? '', /\.\d{6}Z$/)
    first.stop()
    await api.world.advance(6_000)
    assert.deepEqual(reigns, ['a leads', 'a ends', 'b leads'])
    assert.deepEqual([(await spec()).holderIdentity, (await spec()).leaseTransitions], ['b', 1])
    second.stop()
    await api.world.advance(0)
    await Promise.all([first.done, second.done])
    assert.equal((await spec()).holderIdentity, '')
    await api[Symbol.asyncDispose]()
  })

  for (const [why, fault] of [
    ['is refused', () => Promise.reject(new ApiError('ServiceUnavailable', 'no'))],
    ['cannot reach anybody', () => Promise.reject(new Error('connection refused'))],
    ['gets no answer', () => new Promise<never>(() => {})],
  ] as const)
    test(`that ${why} when it renews gives up before another may follow`, async () => {
      const { api, reigns, stand } = await newElection()
      const candidate = stand('a')
      await api.world.advance(1_000)
      const original = api.client.update.bind(api.client)
      api.client.update = fault
      await api.world.advance(13_000)
      assert.deepEqual(reigns, ['a leads', 'a ends'])
      api.client.update = original
      await api.world.advance(10_000)
      await candidate.done
      await api[Symbol.asyncDispose]()
    })
})
