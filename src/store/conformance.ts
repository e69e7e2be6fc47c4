/**
 * What every store must do, as tests. Each implementation runs all of it (`memory.test.ts`, `lmdb.test.ts`,
 * `etcd.test.ts`); what one cannot do it names in `deviations`, with the reason, and the test is skipped with it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CompactedError,
  type Compare,
  FutureRevisionError,
  InvalidRequestError,
  KeyNotFoundError,
  type KeyValue,
  LeaseExistsError,
  LeaseNotFoundError,
  type Op,
  prefixEnd,
  type Store,
  type StoreEvent,
  type WatchQuery,
} from './store.ts'

export interface ConformanceOptions {
  /** Lets so much time pass for the store's leases; absent: real time passes by itself. */
  readonly passTime?: (ms: number) => Promise<void>
  /** The first words of a test's name → why this store does not pass it. */
  readonly deviations?: Readonly<Record<string, string>>
}

/** Registers the suite. `open` makes an empty store; each test disposes of its own. */
export function storeConformance(name: string, open: () => Promise<Store>, options: ConformanceOptions = {}): void {
  const conforms = (title: string, check: (store: Store) => Promise<void>) => {
    const deviation = Object.entries(options.deviations ?? {}).find(([words]) => title.startsWith(words))?.[1]
    test(`${name}: ${title}`, { skip: deviation }, async () => {
      await using store = await open()
      await check(store)
    })
  }

  conforms('an empty store is at revision 1 and holds nothing', async (store) => {
    assert.equal(store.revision, 1)
    assert.equal(await store.currentRevision(), 1)
    assert.deepEqual(await store.range({ from: '\0', to: '\0' }), { kvs: [], count: 0, more: false, revision: 1 })
  })

  conforms('puts count versions and keep the revision of creation', async (store) => {
    const memo = { decoded: true }
    const first = await store.txn({ then: [put('a', 'one', { memo })] })
    assert.equal(first.revision, 2)
    const second = await store.txn({ then: [put('a', 'two', { previous: true }), put('b', 'x')] })
    assert.equal(second.revision, 3)
    const [result] = second.results
    assert.ok(result?.type === 'put')
    assert.deepEqual(plain(result.previous), ['a', 'one', 2, 2, 1])
    assert.deepEqual(plain(result.kv), ['a', 'two', 2, 3, 2])
    assert.deepEqual(await read(store, 'a'), ['a', 'two', 2, 3, 2])
    await store.txn({ then: [{ type: 'delete', from: 'a' }] })
    await store.txn({ then: [put('a', 'three')] })
    assert.deepEqual(await read(store, 'a'), ['a', 'three', 5, 5, 1])
  })

  conforms('the memo of a put is on the key-value that readers get', async (store) => {
    const memo = { decoded: true }
    const { results } = await store.txn({ then: [put('a', 'one', { memo })] })
    assert.ok(results[0]?.type === 'put')
    assert.equal(results[0].kv.memo, memo)
    assert.equal(store.rangeNow({ from: 'a' }).kvs[0]?.memo, memo)
  })

  conforms('a deletion tells how many and what', async (store) => {
    await fill(store, ['a/1', 'a/2', 'b/1'])
    const { results, revision } = await store.txn({
      then: [{ type: 'delete', from: 'a/', to: prefixEnd('a/'), previous: true }],
    })
    assert.ok(results[0]?.type === 'delete')
    assert.equal(results[0].deleted, 2)
    assert.deepEqual(results[0].previous.map(keyOf), ['a/1', 'a/2'])
    assert.equal(revision, 5)
    const nothing = await store.txn({ then: [{ type: 'delete', from: 'a/', to: prefixEnd('a/') }] })
    assert.deepEqual(
      [nothing.revision, nothing.results[0]],
      [5, { type: 'delete', deleted: 0, previous: [] }],
      'deleting nothing leaves the revision',
    )
  })

  conforms('ranges are in byte order, limited, counted, and open at the end', async (store) => {
    await fill(store, ['b', 'a', 'a\xff', 'a/x', 'c\0'])
    const keys = async (query: Parameters<Store['range']>[0]) => (await store.range(query)).kvs.map(keyOf)
    assert.deepEqual(await keys({ from: '\0', to: '\0' }), ['a', 'a/x', 'a\xff', 'b', 'c\0'])
    assert.deepEqual(await keys({ from: 'a', to: 'b' }), ['a', 'a/x', 'a\xff'])
    assert.deepEqual(await keys({ from: 'a', to: prefixEnd('a') }), ['a', 'a/x', 'a\xff'])
    assert.deepEqual(await keys({ from: 'b', to: '\0' }), ['b', 'c\0'])
    assert.deepEqual(await keys({ from: 'b', to: 'a' }), [])
    const limited = await store.range({ from: 'a', to: 'c', limit: 2 })
    assert.deepEqual([limited.kvs.map(keyOf), limited.count, limited.more], [['a', 'a/x'], 4, true])
    const exact = await store.range({ from: 'a', to: 'c', limit: 4 })
    assert.deepEqual([exact.kvs.length, exact.count, exact.more], [4, 4, false])
    assert.deepEqual(await store.range({ from: 'a', to: 'c', countOnly: true }), {
      kvs: [],
      count: 4,
      more: false,
      revision: 6,
    })
  })

  conforms('an older revision can be read until it is compacted', async (store) => {
    await fill(store, ['a', 'b'])
    await store.txn({ then: [put('a', 'new')] })
    await store.txn({ then: [{ type: 'delete', from: 'b' }] })
    const at = async (revision: number) => (await store.range({ from: 'a', to: 'z', revision })).kvs.map(plain)
    assert.deepEqual(await at(2), [['a', 'a', 2, 2, 1]])
    assert.deepEqual(await at(3), [
      ['a', 'a', 2, 2, 1],
      ['b', 'b', 3, 3, 1],
    ])
    assert.deepEqual(await at(4), [
      ['a', 'new', 2, 4, 2],
      ['b', 'b', 3, 3, 1],
    ])
    assert.equal((await store.range({ from: 'a', revision: 2 })).revision, 5)
    await assert.rejects(store.range({ from: 'a', revision: 6 }), FutureRevisionError)

    await store.compact(4)
    assert.equal(store.compacted, 4)
    await assert.rejects(store.range({ from: 'a', revision: 3 }), CompactedError)
    assert.equal((await at(4)).length, 2)
    await assert.rejects(store.compact(4), CompactedError)
    await assert.rejects(store.compact(6), FutureRevisionError)
  })

  conforms('transactions compare, then do one branch', async (store) => {
    const create = () =>
      store.txn({
        compare: [{ key: 'a', target: 'mod', result: '=', value: 0 }],
        then: [put('a', 'mine')],
        else: [{ type: 'range', from: 'a' }],
      })
    const won = await create()
    assert.deepEqual([won.succeeded, won.revision], [true, 2])
    const lost = await create()
    assert.deepEqual([lost.succeeded, lost.revision], [false, 2])
    assert.ok(lost.results[0]?.type === 'range')
    assert.deepEqual(lost.results[0].kvs.map(plain), [['a', 'mine', 2, 2, 1]])
    const both = await Promise.all(
      ['x', 'y'].map((value) => store.txn({ compare: [isAt('a', 2)], then: [put('a', value)] })),
    )
    assert.equal(both.filter(({ succeeded }) => succeeded).length, 1, 'of two writers one wins')
  })

  conforms('every target and relation of a comparison', async (store) => {
    await store.txn({ then: [put('a', 'm')] })
    await store.txn({ then: [put('a', 'm')] })
    const holds = async (compare: Compare) => (await store.txn({ compare: [compare] })).succeeded
    const actual = { version: 2, create: 2, mod: 3, lease: 0n, value: bytes('m') } as const
    const less = { version: 1, create: 1, mod: 2, lease: -1n, value: bytes('l') } as const
    const more = { version: 3, create: 3, mod: 4, lease: 1n, value: bytes('ma') } as const
    for (const target of ['version', 'create', 'mod', 'lease', 'value'] as const) {
      for (const [value, expected] of [
        [less[target], { '=': false, '!=': true, '<': false, '>': true }],
        [actual[target], { '=': true, '!=': false, '<': false, '>': false }],
        [more[target], { '=': false, '!=': true, '<': true, '>': false }],
      ] as const) {
        for (const result of ['=', '!=', '<', '>'] as const) {
          assert.equal(
            await holds({ key: 'a', target, result, value }),
            expected[result],
            `${target} ${result} ${value}`,
          )
        }
      }
    }
    assert.equal(await holds({ key: 'none', target: 'version', result: '=', value: 0 }), true)
    assert.equal(await holds({ key: 'none', target: 'mod', result: '<', value: 1 }), true)
    for (const result of ['=', '!=', '<', '>'] as const) {
      assert.equal(
        await holds({ key: 'none', target: 'value', result, value: bytes('') }),
        false,
        `absent value ${result}`,
      )
    }
  })

  conforms('a comparison over a range asks every key in it', async (store) => {
    await fill(store, ['a/1', 'a/2'])
    const older = (revision: number): Compare => ({
      key: 'a/',
      to: prefixEnd('a/'),
      target: 'mod',
      result: '<',
      value: revision,
    })
    assert.equal((await store.txn({ compare: [older(4)] })).succeeded, true)
    assert.equal((await store.txn({ compare: [older(3)] })).succeeded, false)
  })

  conforms(
    'operations of a transaction see those before them; nested comparisons see the state before it',
    async (store) => {
      const { results, revision } = await store.txn({
        then: [
          put('a', '1'),
          { type: 'range', from: 'a' },
          {
            type: 'txn',
            txn: {
              compare: [{ key: 'a', target: 'version', result: '=', value: 0 }],
              then: [put('b', 'a was not there'), { type: 'range', from: 'a', to: 'c', countOnly: true }],
              else: [put('b', 'a was there')],
            },
          },
        ],
      })
      assert.equal(revision, 2)
      assert.ok(results[1]?.type === 'range' && results[2]?.type === 'txn')
      assert.equal(results[1].kvs.length, 1)
      assert.equal(results[1].revision, 2)
      assert.equal(results[2].result.succeeded, true)
      assert.ok(results[2].result.results[1]?.type === 'range')
      assert.equal(results[2].result.results[1].count, 2)
      assert.deepEqual(await read(store, 'b'), ['b', 'a was not there', 2, 2, 1])
    },
  )

  conforms('a transaction that would change a key twice, or cannot be done, does nothing', async (store) => {
    await fill(store, ['a'])
    const duplicate = { message: InvalidRequestError.duplicateKey }
    const refuses = (then: Op[], error: object) => assert.rejects(store.txn({ then }), error)
    await refuses([put('x', '1'), put('x', '2')], duplicate)
    await refuses([put('x', '1'), { type: 'delete', from: 'a', to: 'z' }], duplicate)
    await refuses([put('x', '1'), { type: 'txn', txn: { else: [put('x', '2')] } }], duplicate)
    const twice = { then: [put('x', '1'), put('x', '2')] }
    await refuses([{ type: 'txn', txn: { else: [{ type: 'txn', txn: twice }] } }], duplicate)
    await refuses([put('', '1')], { message: InvalidRequestError.emptyKey })
    await refuses([put('x', '1'), put('y', '1', { lease: 77n })], LeaseNotFoundError)
    await refuses([put('x', '1'), { type: 'range', from: 'a', revision: 99 }], FutureRevisionError)
    assert.equal(await store.currentRevision(), 2)
    const branches = { then: [put('x', '1')], else: [put('x', '2')] }
    assert.equal((await store.txn({ then: [{ type: 'txn', txn: branches }] })).revision, 3)
  })

  conforms('a put may keep the value or the lease that is there', async (store) => {
    const lease = await store.leaseGrant(60, 5n)
    await store.txn({ then: [put('a', 'one', { lease: lease.id })] })
    await store.txn({ then: [put('a', 'not this', { keepValue: true })] })
    assert.deepEqual(await read(store, 'a'), ['a', 'one', 2, 3, 2])
    assert.equal((await store.range({ from: 'a' })).kvs[0]?.lease, 0n)
    await store.txn({ then: [put('a', 'one', { lease: lease.id })] })
    await store.txn({ then: [put('a', 'two', { keepLease: true, lease: 99n })] })
    await store.txn({ then: [put('a', 'three', { keepValue: true, keepLease: true })] })
    const [kv] = (await store.range({ from: 'a' })).kvs
    assert.deepEqual([plain(kv!), kv!.lease], [['a', 'two', 2, 6, 5], 5n])
    for (const kept of [{ keepValue: true }, { keepLease: true }]) {
      await assert.rejects(store.txn({ then: [put('b', '1'), put('x', '1', kept)] }), KeyNotFoundError)
    }
    assert.equal(await store.currentRevision(), 6)
  })

  conforms('a watch gets every change in its range once, in order', async (store) => {
    const pods = record(store, { from: '/pods/', to: prefixEnd('/pods/') })
    const one = record(store, { from: '/pods/a/x' })
    const folder = record(store, { from: '/pods/a/', to: prefixEnd('/pods/a/') })
    const all = record(store, { from: '\0', to: '\0' })
    assert.deepEqual(await pods.progress, 1)
    await Promise.all([one.progress, folder.progress, all.progress])
    await store.txn({ then: [put('/pods/a/x', '1')] })
    await store.txn({ then: [put('/pods/b/x', '1'), put('/nodes/n', '1'), put('/pods/a/y', '1')] })
    await store.txn({ then: [{ type: 'delete', from: '/pods/', to: prefixEnd('/pods/') }] })
    await store.txn({ then: [put('/pods/a/x', '2')] })
    assert.deepEqual(await all.lines(8), [
      '2 put /pods/a/x=1',
      '3 put /pods/b/x=1',
      '3 put /nodes/n=1',
      '3 put /pods/a/y=1',
      '4 delete /pods/a/x was 1',
      '4 delete /pods/a/y was 1',
      '4 delete /pods/b/x was 1',
      '5 put /pods/a/x=2',
    ])
    assert.deepEqual(
      await pods.lines(7),
      (await all.lines(8)).filter((line) => line.includes('/pods/')),
    )
    assert.deepEqual(
      await folder.lines(5),
      (await all.lines(8)).filter((line) => line.includes('/pods/a/')),
    )
    assert.deepEqual(await one.lines(3), ['2 put /pods/a/x=1', '4 delete /pods/a/x was 1', '5 put /pods/a/x=2'])
  })

  conforms('a watch begins at any revision that is kept, or in the future', async (store) => {
    await fill(store, ['a', 'b'])
    await store.txn({ then: [put('a', 'new')] })
    const past = record(store, { from: 'a', to: 'z', fromRevision: 2 })
    const future = record(store, { from: 'a', to: 'z', fromRevision: 6 })
    assert.equal(await past.progress, 1)
    assert.equal(await future.progress, 4)
    assert.deepEqual(await past.lines(3), ['2 put a=a', '3 put b=b', '4 put a=new was a'])
    await fill(store, ['c', 'd'])
    assert.deepEqual(await future.lines(1), ['6 put d=d'])
    assert.deepEqual((await past.lines(5)).slice(3), ['5 put c=c', '6 put d=d'])
  })

  conforms('a watch from a compacted revision is told so', async (store) => {
    await fill(store, ['a', 'b', 'c'])
    await store.compact(4)
    const { error } = record(store, { from: 'a', fromRevision: 3 })
    assert.deepEqual(await error, new CompactedError(4))
    const fine = record(store, { from: 'a', to: 'z', fromRevision: 4 })
    assert.deepEqual(await fine.lines(1), ['4 put c=c'])
  })

  conforms('a watch of a range that can hold nothing is refused', async (store) => {
    const { error } = record(store, { from: 'b', to: 'a' })
    assert.equal((await error).message, InvalidRequestError.emptyWatchRange)
  })

  conforms('an aborted watch is quiet', async (store) => {
    const abort = new AbortController()
    const ended = record(store, { from: 'a', to: 'z', signal: abort.signal })
    const other = record(store, { from: 'a', to: 'z' })
    await Promise.all([ended.progress, other.progress])
    await fill(store, ['a'])
    await ended.lines(1)
    abort.abort()
    await fill(store, ['b'])
    await other.lines(2)
    assert.deepEqual(ended.seen.length, 1)
  })

  conforms('whoever was answered reads its own write, and a watcher may write', async (store) => {
    await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const key = `k${i}`
        const { revision } = await store.txn({ then: [put(key, `${i}`)] })
        assert.ok(store.revision >= revision)
        assert.equal(store.rangeNow({ from: key }).kvs[0]?.modRevision, revision)
      }),
    )
    const answered: Promise<unknown>[] = []
    const abort = new AbortController()
    store.watch(
      { from: 'k0', signal: abort.signal },
      {
        onEvents: () => {
          answered.push(store.txn({ then: [put('answer', 'yes')] }))
        },
        onError: assert.ifError,
      },
    )
    const late = record(store, { from: '\0', to: '\0' })
    await late.progress
    await store.txn({ then: [put('k0', 'again')] })
    assert.deepEqual(await late.lines(2), ['52 put k0=again was 0', '53 put answer=yes'])
    await Promise.all(answered)
    abort.abort()
  })

  conforms('a revoked lease takes its keys along, in one revision', async (store) => {
    const lease = await store.leaseGrant(60, 1234n)
    assert.deepEqual(lease, { id: 1234n, ttlSeconds: 60 })
    await assert.rejects(store.leaseGrant(60, 1234n), LeaseExistsError)
    const chosen = await store.leaseGrant(60)
    assert.ok(chosen.id > 0n)
    await store.txn({ then: [put('b', '1', { lease: lease.id })] })
    await store.txn({ then: [put('a', '1', { lease: lease.id })] })
    await store.txn({ then: [put('moved', '1', { lease: lease.id })] })
    await store.txn({ then: [put('moved', '2', { lease: chosen.id })] })
    await store.txn({ then: [put('freed', '1', { lease: lease.id })] })
    await store.txn({ then: [put('freed', '2')] })
    assert.equal((await store.range({ from: 'b' })).kvs[0]?.lease, 1234n)
    const { keys, remainingSeconds, ttlSeconds } = await store.leaseTimeToLive(lease.id)
    assert.deepEqual([[...keys].sort(), ttlSeconds], [['a', 'b'], 60])
    assert.ok(remainingSeconds > 50 && remainingSeconds <= 60)
    assert.deepEqual([...(await store.leases())].sort(), [lease.id, chosen.id].sort())

    const watch = record(store, { from: '\0', to: '\0' })
    await watch.progress
    await store.leaseRevoke(lease.id)
    assert.deepEqual(await watch.lines(2), ['8 delete a was 1', '8 delete b was 1'])
    for (const ask of [
      () => store.leaseRevoke(lease.id),
      () => store.leaseKeepAlive(lease.id),
      () => store.leaseTimeToLive(lease.id),
      () => store.txn({ then: [put('x', '1', { lease: lease.id })] }),
    ]) {
      await assert.rejects(ask, LeaseNotFoundError)
    }
    assert.equal((await store.range({ from: '\0', to: '\0' })).count, 2)
  })

  conforms('a lease that is not kept alive ends', async (store) => {
    const short = await store.leaseGrant(2)
    const kept = await store.leaseGrant(60)
    await store.txn({ then: [put('short', '1', { lease: short.id }), put('kept', '1', { lease: kept.id })] })
    const watch = record(store, { from: '\0', to: '\0' })
    await watch.progress
    await options.passTime?.(1_500)
    assert.deepEqual(await store.leaseKeepAlive(short.id), short)
    await options.passTime?.(1_500)
    assert.equal((await store.range({ from: 'short' })).count, 1)
    await options.passTime?.(1_000)
    assert.deepEqual(await watch.lines(1), ['3 delete short was 1'])
    await assert.rejects(store.leaseKeepAlive(short.id), LeaseNotFoundError)
    assert.deepEqual(await store.leaseKeepAlive(kept.id), kept)
  })

  conforms('a snapshot is one revision, whole and in order', async (store) => {
    const keys = Array.from({ length: 2_500 }, (_, i) => `k${String(i).padStart(4, '0')}`)
    for (let i = 0; i < keys.length; i += 100)
      await store.txn({ then: keys.slice(i, i + 100).map((key) => put(key, key)) })
    const before = store.revision
    const seen: string[] = []
    for await (const kv of store.snapshot()) {
      if (seen.length === 10) await store.txn({ then: [{ type: 'delete', from: '\0', to: '\0' }] })
      seen.push(kv.key)
    }
    assert.deepEqual(seen, keys)
    assert.deepEqual((await all(store.snapshot(before))).length, 2_500)
    assert.deepEqual(await all(store.snapshot()), [])
  })

  conforms('a fork goes its own way', async (store) => {
    await fill(store, ['a', 'b'])
    await using newest = await store.fork()
    await using older = await store.fork(2)
    assert.deepEqual([newest.revision, older.revision], [3, 2])
    await newest.txn({ then: [put('a', 'fork')] })
    await older.txn({ then: [put('z', 'other')] })
    await store.txn({ then: [{ type: 'delete', from: 'a' }] })
    assert.deepEqual(await read(newest, 'a'), ['a', 'fork', 2, 4, 2])
    assert.deepEqual(older.rangeNow({ from: '\0', to: '\0' }).kvs.map(keyOf), ['a', 'z'])
    assert.deepEqual((await store.range({ from: '\0', to: '\0' })).kvs.map(keyOf), ['b'])
  })

  conforms('status counts', async (store) => {
    await fill(store, ['a', 'b'])
    await store.txn({ then: [{ type: 'delete', from: 'a' }] })
    const status = await store.status()
    assert.deepEqual([status.revision, status.compacted, status.keys], [4, 0, 1])
    assert.ok(status.sizeBytes >= 2)
  })
}

// The vocabulary.

const bytes = (text: string): Uint8Array => Buffer.from(text)

function put(
  key: string,
  value: string,
  more: Partial<Extract<Op, { type: 'put' }>> = {},
): Extract<Op, { type: 'put' }> {
  return { type: 'put', key, value: bytes(value), ...more }
}

const isAt = (key: string, revision: number): Compare => ({ key, target: 'mod', result: '=', value: revision })

const keyOf = ({ key }: KeyValue) => key

/** Key, value, create, mod, version. */
function plain(kv: KeyValue | undefined) {
  return kv && [kv.key, Buffer.from(kv.value).toString(), kv.createRevision, kv.modRevision, kv.version]
}

async function read(store: Store, key: string) {
  return plain((await store.range({ from: key })).kvs[0])
}

/** Puts each key in a transaction of its own, with its name as value. */
async function fill(store: Store, keys: readonly string[]): Promise<void> {
  for (const key of keys) await store.txn({ then: [put(key, key)] })
}

async function all(kvs: AsyncIterable<KeyValue>): Promise<KeyValue[]> {
  const list: KeyValue[] = []
  for await (const kv of kvs) list.push(kv)
  return list
}

interface Recording {
  readonly seen: readonly StoreEvent[]
  readonly progress: Promise<number>
  readonly error: Promise<Error>
  /** The first so many events as lines, once they are there. */
  lines(count: number): Promise<string[]>
}

function record(store: Store, query: Omit<WatchQuery, 'signal'> & { signal?: AbortSignal }): Recording {
  const seen: StoreEvent[] = []
  const progress = Promise.withResolvers<number>()
  const error = Promise.withResolvers<Error>()
  let changed = Promise.withResolvers<void>()
  store.watch(
    { signal: new AbortController().signal, ...query },
    {
      onProgress: progress.resolve,
      onError: error.resolve,
      onEvents(events) {
        seen.push(...events)
        changed.resolve()
        changed = Promise.withResolvers()
      },
    },
  )
  const lines = async (count: number) => {
    while (seen.length < count) await changed.promise
    return seen.slice(0, count).map(line)
  }
  return { seen, progress: progress.promise, error: error.promise, lines }
}

function line({ type, key, revision, kv, previous }: StoreEvent): string {
  const text = (of: KeyValue) => Buffer.from(of.value).toString()
  return `${revision} ${type} ${key}${kv ? `=${text(kv)}` : ''}${previous ? ` was ${text(previous)}` : ''}`
}
