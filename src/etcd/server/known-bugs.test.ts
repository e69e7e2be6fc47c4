/**
 * The bugs that etcd had in what it promises: those of its robustness tests' record, those fixed since, and what Jepsen
 * found in 3.4.3. For each that can be asked of one member there is a test here, or the one that is named in
 * `docs/etcd-protocol.md`, which would find it in ours.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Infer } from '../../schema/types.ts'
import { LmdbStore } from '../../store/lmdb.ts'
import { MemoryStore } from '../../store/memory.ts'
import type { Store } from '../../store/store.ts'
import { realClock, realRandom } from '../../world/real.ts'
import { bytesSource } from '../bbolt/read.ts'
import { type Call, EtcdClient, type EtcdError } from '../client.ts'
import { type Event, methods, type WatchCreateRequest, type WatchResponse } from '../messages.ts'
import { readSnapshot } from '../snapshot.ts'
import { type EtcdServer, startEtcdServer } from './server.ts'

const world = { clock: realClock, random: realRandom }
let directory: string
let folders = 0
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coracle-known-bugs-'))
})
after(() => rm(directory, { recursive: true }))

interface Served extends AsyncDisposable {
  readonly store: Store
  readonly client: EtcdClient
  readonly server: EtcdServer
  /** Where it lies on disk. */
  readonly folder: string
  put(key: string, value: string | Buffer): Promise<number>
  remove(key: string, rangeEnd?: string): Promise<number>
}

async function serve(kind: 'memory' | 'lmdb' = 'memory'): Promise<Served> {
  const folder = join(directory, `store-${++folders}`)
  const store = kind === 'memory' ? new MemoryStore(world) : await LmdbStore.open(folder, world)
  const server = await startEtcdServer({
    ...{ store, clock: realClock, listenUrl: 'http://127.0.0.1:0', progressIntervalMs: 20 },
  })
  const client = new EtcdClient({ endpoints: [server.url], clock: realClock })
  const revisionOf = ({ header }: { header?: { revision: number } | undefined }) => header!.revision
  return {
    ...{ store, client, server, folder },
    put: (key, value) => client.write(methods.put, { key, value: Buffer.from(value as string) }).then(revisionOf),
    remove: (key, rangeEnd) => client.write(methods.deleteRange, { key, rangeEnd }).then(revisionOf),
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]()
      await server[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

/** A stream of watches, and what came on it. */
class Watches {
  readonly answers: Infer<typeof WatchResponse>[] = []
  readonly call: Call<Infer<(typeof methods.watch)['request']>>
  #heard = () => {}

  constructor({ client }: Served) {
    const onMessage = (answer: Infer<typeof WatchResponse>) => {
      this.answers.push(answer)
      this.#heard()
    }
    this.call = client.open(methods.watch, { onMessage, onEnd: () => {} })
  }

  async create(request: Partial<Infer<typeof WatchCreateRequest>>): Promise<number> {
    const before = this.answers.filter(({ created }) => created).length
    this.call.send({ createRequest: { key: '\0', rangeEnd: '\0', ...request } })
    await this.until(() => this.answers.filter(({ created }) => created).length > before)
    return this.answers.findLast(({ created }) => created)!.watchId
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((done) => {
        this.#heard = done
      })
    }
  }

  events(id?: number): Infer<typeof Event>[] {
    return this.answers.flatMap(({ watchId, events = [] }) => (id === undefined || watchId === id ? events : []))
  }

  lines(id?: number): string[] {
    return this.events(id).map(({ type, kv }) => `${kv!.modRevision} ${type === 0 ? 'put' : 'delete'} ${kv!.key}`)
  }
}

const noted = ({ answers }: Watches) => answers.find(({ watchId }) => watchId === -1)

test('#14685 defragmenting while others write changes nothing', async () => {
  await using served = await serve('lmdb')
  const { client, put } = served
  const writes = Array.from({ length: 200 }, (_, i) => put(`k${i % 20}`, `${i}`))
  const defragmented = Array.from({ length: 10 }, () => client.write(methods.defragment, {}))
  await Promise.all([...writes, ...defragmented])
  const { hash, header } = await client.read(methods.hashKv, {})
  await served[Symbol.asyncDispose]()
  await using again = await LmdbStore.open(served.folder, world)
  assert.deepEqual([again.revision, header!.revision], [201, 201])
  await using server = await startEtcdServer({ store: again, clock: realClock, listenUrl: 'http://127.0.0.1:0' })
  using other = new EtcdClient({ endpoints: [server.url], clock: realClock })
  assert.equal((await other.read(methods.hashKv, {})).hash, hash)
})

test('#15220 progress is told behind the changes that it covers', async () => {
  await using served = await serve()
  const watches = new Watches(served)
  await watches.create({})
  watches.call.pause()
  const value = Buffer.alloc(300_000, 'x')
  for (let i = 0; i < 60; i++) await served.put(`k${i}`, value)
  watches.call.send({ progressRequest: {} })
  await served.put('last', '')
  watches.call.resume()
  await watches.until(() => noted(watches) !== undefined)
  const at = watches.answers.indexOf(noted(watches)!)
  const covered = watches.answers[at]!.header!.revision
  const before = watches.answers.slice(0, at).flatMap(({ events = [] }) => events.map(({ kv }) => kv!.modRevision))
  assert.deepEqual(
    before,
    [...before].sort((a, b) => a - b),
  )
  assert.deepEqual(
    [...new Set(before)],
    Array.from({ length: covered - 1 }, (_, i) => i + 2),
  )
})

test('#15271 a watch that is cut off goes on behind what it saw, and never back', async () => {
  const store = new MemoryStore(world)
  const serveAt = (listenUrl: string) => startEtcdServer({ store, clock: realClock, listenUrl })
  let server = await serveAt('http://127.0.0.1:0')
  using client = new EtcdClient({ endpoints: [server.url], clock: realClock })
  const seen: number[] = []
  const stop = new AbortController()
  let heard = () => {}
  const onEvents = (events: readonly Infer<typeof Event>[]) => {
    seen.push(...events.map(({ kv }) => kv!.modRevision))
    heard()
  }
  const seesUntil = async (count: number) => {
    while (seen.length < count) {
      await new Promise<void>((done) => {
        heard = done
      })
    }
  }
  client.watch({ key: '\0', rangeEnd: '\0', startRevision: 2 }, { onEvents, onError: assert.ifError }, stop.signal)
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 50; i++) await store.txn({ then: [{ type: 'put', key: `k${i}`, value: Buffer.from('v') }] })
    // In the middle of its work, not before it has begun.
    await seesUntil(round * 100 + 50)
    await server[Symbol.asyncDispose]()
    for (let i = 0; i < 50; i++) await store.txn({ then: [{ type: 'put', key: `k${i}`, value: Buffer.from('w') }] })
    server = await serveAt(server.url)
  }
  await seesUntil(400)
  stop.abort()
  await server[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
  assert.deepEqual(
    seen,
    Array.from({ length: 400 }, (_, i) => i + 2),
  )
})

test('#17247 a transaction of any shape is seen once by each watch', async () => {
  await using served = await serve()
  const watches = new Watches(served)
  const [all, one] = [await watches.create({}), await watches.create({ key: 'b', rangeEnd: '' })]
  const put = (key: string) => ({ requestPut: { key, value: Buffer.from('1') } })
  const nested = { requestTxn: { success: [put('b'), { requestRange: { key: 'a' } }, put('c')] } }
  for (let i = 0; i < 3; i++)
    await served.client.write(methods.txn, {
      success: [put('a'), nested, { requestDeleteRange: { key: 'd' } }],
    } as never)
  await watches.until(() => watches.events(all).length >= 9 && watches.events(one).length >= 3)
  assert.deepEqual(
    watches.lines(all),
    [2, 3, 4].flatMap((at) => ['a', 'b', 'c'].map((key) => `${at} put ${key}`)),
  )
  assert.deepEqual(watches.lines(one), ['2 put b', '3 put b', '4 put b'])
})

test('#17529 many watches of a client that is slow miss nothing and get nothing twice', async () => {
  await using served = await serve()
  const watches = new Watches(served)
  const ids: number[] = []
  for (let i = 0; i < 4; i++) ids.push(await watches.create({ key: 'k', rangeEnd: 'l', prevKv: i % 2 === 0 }))
  watches.call.pause()
  const value = Buffer.alloc(100_000, 'x')
  for (let i = 0; i < 60; i++) await served.put(`k${i % 7}`, value)
  watches.call.resume()
  await watches.until(() => ids.every((id) => watches.events(id).length >= 60))
  const expected = Array.from({ length: 60 }, (_, i) => `${i + 2} put k${i % 7}`)
  for (const id of ids) assert.deepEqual(watches.lines(id), expected)
})

test('a client that was too slow for what is kept is told so, and not just sent less', async () => {
  await using served = await serve()
  const watches = new Watches(served)
  const id = await watches.create({ key: 'k', rangeEnd: 'l' })
  watches.call.pause()
  const value = Buffer.alloc(500_000, 'x')
  for (let i = 0; i < 45; i++) await served.put(`k${i % 3}`, value)
  await served.client.write(methods.compact, { revision: 46 })
  watches.call.resume()
  await watches.until(() => watches.answers.some(({ canceled }) => canceled))
  const end = watches.answers.find(({ canceled }) => canceled)!
  assert.deepEqual([end.watchId, end.compactRevision], [id, 46])
  const seen = watches.events(id).map(({ kv }) => kv!.modRevision)
  assert.deepEqual(
    seen,
    Array.from(seen, (_, i) => i + 2),
    'and up to there it has all',
  )
})

test('#17780 a store whose newest changes are deletions that were compacted keeps its revision', async () => {
  await using served = await serve('lmdb')
  const { client, put, remove } = served
  for (let i = 0; i < 10; i++) await put(`k${i}`, 'v')
  const revision = await remove('k', 'l')
  await client.write(methods.compact, { revision, physical: true })
  await served[Symbol.asyncDispose]()
  await using again = await LmdbStore.open(served.folder, world)
  assert.deepEqual([again.revision, again.compacted, (await again.status()).keys], [revision, revision, 0])
})

for (const kind of ['memory', 'lmdb'] as const) {
  test(`#18089 #19179 a deletion at the compacted revision is seen by a watch that begins there (${kind})`, async () => {
    const served = await serve(kind)
    const { client, put, remove, folder } = served
    await put('a', '1')
    const deleted = await remove('a')
    await put('b', '1')
    const open = new Watches(served)
    const early = await open.create({ startRevision: deleted })
    await client.write(methods.compact, { revision: deleted, physical: true })
    const late = await open.create({ startRevision: deleted })
    const expected = [`${deleted} delete a`, `${deleted + 1} put b`]
    await open.until(() => open.events(late).length >= 2 && open.events(early).length >= 2)
    assert.deepEqual([open.lines(early), open.lines(late)], [expected, expected])
    await served[Symbol.asyncDispose]()
    if (kind === 'memory') return
    await using again = await LmdbStore.open(folder, world)
    const types: string[] = []
    again.watch(
      { from: '\0', to: '\0', fromRevision: deleted, signal: new AbortController().signal },
      { onEvents: (events) => types.push(...events.map(({ type, key }) => `${type} ${key}`)), onError: () => {} },
    )
    assert.deepEqual(types, ['delete a', 'put b'], 'also after a restart')
  })
}

test('#18667 a transaction that reads what is compacted does nothing at all', async () => {
  await using served = await serve('lmdb')
  const { client, put, store } = served
  for (let i = 0; i < 5; i++) await put('a', `${i}`)
  await client.write(methods.compact, { revision: 4 })
  const before = await client.read(methods.hashKv, {})
  for (const revision of [2, 99]) {
    const success = [
      { requestPut: { key: 'a', value: Buffer.from('x') } },
      { requestDeleteRange: { key: 'b' } },
      { requestRange: { key: 'a', revision } },
    ]
    await assert.rejects(client.write(methods.txn, { success } as never), ({ code, message }: EtcdError) => {
      assert.equal(code, 11)
      assert.match(message, revision === 2 ? /has been compacted/ : /is a future revision/)
      return true
    })
  }
  assert.deepEqual(await client.read(methods.hashKv, {}), before)
  assert.equal(store.revision, 6)
})

test('#20221 a watch that begins in the future is sent nothing older, no progress either', async () => {
  await using served = await serve()
  const watches = new Watches(served)
  const id = await watches.create({ startRevision: 8, progressNotify: true })
  watches.call.send({ progressRequest: {} })
  for (let i = 0; i < 5; i++) await served.put('a', `${i}`)
  await realClock.after(60)
  assert.deepEqual(
    watches.answers.filter(({ created }) => !created),
    [],
    'at revision 6 there is nothing to tell',
  )
  for (let i = 5; i < 8; i++) await served.put('a', `${i}`)
  await watches.until(() => watches.events(id).length >= 2)
  assert.deepEqual(watches.lines(id), ['8 put a', '9 put a'])
  await watches.until(() => watches.answers.some(({ events, created }) => !created && events === undefined))
  for (const { header, created } of watches.answers) assert.ok(created || header!.revision >= 8)
})

test('#20615 a lease that was revoked is not said to live on', async () => {
  await using served = await serve('lmdb')
  const { client, put } = served
  for (let round = 0; round < 30; round++) {
    const { id } = await client.write(methods.leaseGrant, { ttl: 60 })
    await client.write(methods.put, { key: `k${round}`, value: Buffer.from('1'), lease: id })
    const revoked = client.write(methods.leaseRevoke, { id })
    const renewals = [0, 1, 2].map(() => renew(client, id))
    await revoked
    assert.equal(await renew(client, id), 0)
    // Who is told that it lives was so before it ended: no answer comes in between.
    const answers = await Promise.all(renewals)
    assert.deepEqual(
      answers,
      [...answers].sort((a, b) => b - a),
    )
  }
  await put('end', '')
})

async function renew(client: EtcdClient, id: bigint): Promise<number> {
  for await (const { ttl } of client.stream(methods.leaseKeepAlive, { id })) return ttl
  return -1
}

test('#20650 a snapshot taken while others write, compact and defragment shows one moment', async () => {
  await using served = await serve('lmdb')
  const { client } = served
  let isOver = false
  const work = (async () => {
    for (let i = 0; !isOver; i++) {
      const value = Buffer.from(`${i}`.padEnd(2_000))
      const success = ['left', 'right'].map((key) => ({ requestPut: { key, value } }))
      const { header } = await client.write(methods.txn, { success } as never)
      if (i % 10 === 9) await client.write(methods.compact, { revision: header!.revision - 3 })
      if (i % 7 === 6) await client.write(methods.defragment, {})
    }
  })()
  for (let i = 0; i < 10; i++) {
    const pieces: Uint8Array[] = []
    for await (const { blob } of client.stream(methods.snapshot, {})) pieces.push(Buffer.from(blob))
    const { records, revision } = readSnapshot(bytesSource(Buffer.concat(pieces)))
    const newest = new Map(records.map(({ key, kv }) => [key, kv]))
    assert.equal(String(newest.get('left')?.value), String(newest.get('right')?.value))
    if (newest.size > 0) assert.equal(newest.get('left')?.modRevision, revision)
  }
  isOver = true
  await work
})

test('#21385 #21423 who was answered finds what was written, whoever asks and however', async () => {
  await using served = await serve('lmdb')
  using other = new EtcdClient({ endpoints: [served.server.url], clock: realClock })
  await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      const revision = await served.put(`k${i}`, `${i}`)
      for (const serializable of [false, true]) {
        const { kvs, header } = await other.read(methods.range, { key: `k${i}`, serializable })
        assert.equal(kvs?.[0]?.modRevision, revision)
        assert.ok(header!.revision >= revision)
      }
    }),
  )
})

test('Jepsen: a lock is lost together with the lease it hangs on, and the next holder has a newer key', async () => {
  await using served = await serve()
  const { client } = served
  const claim = async (holder: string) => {
    const { id } = await client.write(methods.leaseGrant, { ttl: 60 })
    const requestPut = { key: 'lock', value: Buffer.from(holder), lease: id }
    const compare = [{ key: 'lock', target: 1, result: 0, createRevision: 0 }]
    const { succeeded, header } = await client.write(methods.txn, { compare, success: [{ requestPut }] } as never)
    return { id, succeeded, revision: header!.revision }
  }
  const first = await claim('first')
  assert.deepEqual([first.succeeded, (await claim('second')).succeeded], [true, false])
  await client.write(methods.leaseRevoke, { id: first.id })
  const second = await claim('second')
  assert.ok(second.succeeded && second.revision > first.revision)
  // What the first does under its lock it can guard with the lock's own revision, and is refused.
  const compare = [{ key: 'lock', target: 1, result: 0, createRevision: first.revision }]
  const success = [{ requestPut: { key: 'guarded', value: Buffer.from('first') } }]
  assert.equal((await client.write(methods.txn, { compare, success } as never)).succeeded, false)
})

test('Jepsen: a watch from revision 0 begins now', async () => {
  await using served = await serve()
  await served.put('a', 'before')
  const watches = new Watches(served)
  const id = await watches.create({ startRevision: 0 })
  await served.put('a', 'after')
  await watches.until(() => watches.events(id).length > 0)
  assert.deepEqual(watches.lines(id), ['3 put a'])
})
