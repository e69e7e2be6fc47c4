import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { open } from 'lmdb'
import { VirtualWorld } from '../world/virtual.ts'
import { storeConformance } from './conformance.ts'
import { LmdbStore, NewerFormatError } from './lmdb.ts'
import { StoreInUseError } from './lmdb-lock.ts'
import { formatKey } from './lmdb-records.ts'
import { CompactedError, NoSpaceError, type Op, type Store, type StoreEvent } from './store.ts'

const world = new VirtualWorld()
const directories: string[] = []

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'coracle-lmdb-'))
  directories.push(directory)
  return directory
}

after(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true }))))

storeConformance('lmdb', async () => LmdbStore.open(await newDirectory(), world), {
  passTime: (ms) => world.advance(ms),
})

const put = (key: string, value: string, lease?: bigint): Op => ({ type: 'put', key, value: Buffer.from(value), lease })

/** Everything that a reader can find out: each readable revision, and every change. */
async function allOf(store: Store) {
  const states: unknown[] = []
  for (let revision = Math.max(1, store.compacted); revision <= store.revision; revision++) {
    const { kvs } = store.rangeNow({ from: '\0', to: '\0', revision })
    states.push(kvs.map(({ memo, value, ...kv }) => ({ ...kv, value: Buffer.from(value).toString() })))
  }
  const changes: StoreEvent[] = []
  const query = {
    from: '\0',
    to: '\0',
    fromRevision: Math.max(1, store.compacted),
    signal: AbortSignal.timeout(60_000),
  }
  store.watch(query, { onEvents: (events) => changes.push(...events), onError: () => {} })
  const seen = changes.map(({ type, key, revision, kv, previous }) => [
    type,
    key,
    revision,
    kv?.modRevision,
    previous?.modRevision,
  ])
  return { states, seen, compacted: store.compacted, leases: await store.leases() }
}

async function busyWork(store: Store) {
  const lease = await store.leaseGrant(600, 7n)
  for (let i = 0; i < 60; i++) {
    await store.txn({ then: [put(`a${i % 7}`, `${i}`), put(`b${i % 5}`, `${i}`, i % 3 ? 0n : lease.id)] })
    if (i % 9 === 0) await store.txn({ then: [{ type: 'delete', from: 'a', to: 'a3' }, put(`c${i}`, 'x')] })
  }
}

test('a store that is opened again is as it was, history and leases included', async () => {
  const directory = await newDirectory()
  let before: unknown
  {
    await using store = await LmdbStore.open(directory, world)
    await busyWork(store)
    before = await allOf(store)
  }
  await using store = await LmdbStore.open(directory, world)
  assert.deepEqual(await allOf(store), before)
  await store.leaseRevoke(7n)
  assert.equal(
    store.rangeNow({ from: 'b', to: 'c' }).kvs.every((kv) => kv.lease === 0n),
    true,
  )
})

test('compaction removes from disk what is void, and nothing else', async () => {
  const directory = await newDirectory()
  let before: unknown
  let alive = 0
  {
    await using store = await LmdbStore.open(directory, world)
    await busyWork(store)
    await store.compact(20)
    await busyWork2(store)
    await store.compact(store.revision - 1)
    before = await allOf(store)
    alive = store.rangeNow({ from: '\0', to: '\0', revision: store.revision - 1 }).count
  }
  const database = open({ path: directory, noSubdir: false, keyEncoding: 'binary', encoding: 'binary' })
  const records = [...database.getKeys({})].filter((key) => (key as Buffer)[0] === 0x72).length
  await database.close()
  assert.equal(records, alive + 1, 'what was alive at the compacted revision, and the one change since')
  await using store = await LmdbStore.open(directory, world)
  assert.deepEqual(await allOf(store), before)
  assert.throws(() => store.rangeNow({ from: 'a', revision: store.compacted - 1 }), CompactedError)
})

async function busyWork2(store: Store) {
  for (let i = 0; i < 10; i++) await store.txn({ then: [put(`a${i}`, 'later')] })
  await store.txn({ then: [{ type: 'delete', from: 'b', to: 'b2' }] })
  await store.txn({ then: [put('last', '1')] })
  await store.txn({ then: [put('last', '2')] })
}

test('the revision survives when its only trace was a deletion', async () => {
  const directory = await newDirectory()
  {
    await using store = await LmdbStore.open(directory, world)
    await store.txn({ then: [put('a', '1')] })
    await store.txn({ then: [{ type: 'delete', from: 'a' }] })
    await store.compact(3)
  }
  await using store = await LmdbStore.open(directory, world)
  assert.deepEqual([store.revision, store.compacted], [3, 3])
  assert.equal((await store.txn({ then: [put('a', '2')] })).revision, 4)
})

test('a directory of a newer format is refused with what to do', async () => {
  const directory = await newDirectory()
  await (await LmdbStore.open(directory, world))[Symbol.asyncDispose]()
  const database = open({ path: directory, noSubdir: false, keyEncoding: 'binary', encoding: 'binary' })
  await database.put(formatKey, Buffer.from('2'))
  await database.close()
  await assert.rejects(LmdbStore.open(directory, world), (error: Error) => {
    assert.ok(error instanceof NewerFormatError)
    assert.match(error.message, /has format 2, .* reads formats up to 1: start the version that wrote it/)
    return true
  })
})

test('a store that is open is not opened again, neither here nor in another process', async () => {
  const directory = await newDirectory()
  {
    await using _store = await LmdbStore.open(directory, world)
    await assert.rejects(LmdbStore.open(directory, world), StoreInUseError)
    const script = `
      import { LmdbStore } from ${JSON.stringify(new URL('./lmdb.ts', import.meta.url).href)}
      import { realWorld } from ${JSON.stringify(new URL('../world/real.ts', import.meta.url).href)}
      await LmdbStore.open(${JSON.stringify(directory)}, realWorld()).catch((error) => console.log(error.message))`
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', script], {
      encoding: 'utf8',
    })
    assert.match(stdout, new RegExp(`is open in process ${process.pid}: stop that process`), stderr)
  }
  await using _again = await LmdbStore.open(directory, world)
})

test('no second process gets the store of one that is paused', async () => {
  const directory = await newDirectory()
  const script = `
    import { LmdbStore } from ${JSON.stringify(new URL('./lmdb.ts', import.meta.url).href)}
    import { realWorld } from ${JSON.stringify(new URL('../world/real.ts', import.meta.url).href)}
    const store = await LmdbStore.open(${JSON.stringify(directory)}, realWorld())
    console.log('open')
    setInterval(() => store.revision, 1000)`
  const owner = spawn(process.execPath, ['--input-type=module-typescript', '-e', script])
  try {
    await once(owner.stdout, 'data')
    owner.kill('SIGSTOP')
    await assert.rejects(LmdbStore.open(directory, world), StoreInUseError)
  } finally {
    owner.kill('SIGKILL')
    await once(owner, 'exit')
  }
  await using _again = await LmdbStore.open(directory, world)
})

test('on a full disk a write is refused, nothing is lost, reads go on, and freed space is used', {
  skip: process.getuid?.() === 0 ? undefined : 'needs root to mount a small file system',
}, async () => {
  const directory = await newDirectory()
  const mount = (...words: string[]) => spawnSync(words[0]!, words.slice(1)).status
  if (mount('mount', '-t', 'tmpfs', '-o', 'size=4m', 'coracle-test', directory) !== 0) return
  try {
    const ballast = join(directory, 'ballast')
    await writeFile(ballast, Buffer.alloc(1 << 20))
    const answered: number[] = []
    {
      await using store = await LmdbStore.open(directory, world)
      const watched: number[] = []
      store.watch(
        { from: 'k', to: 'l', signal: AbortSignal.timeout(60_000) },
        { onEvents: (events) => watched.push(...events.map(({ revision }) => revision)), onError: () => {} },
      )
      const fill = async () => {
        for (;;) {
          const big = Array.from({ length: 4 }, (_, i) => put(`k${answered.length}/${i}`, 'x'.repeat(5_000)))
          answered.push((await store.txn({ then: big })).revision)
        }
      }
      await assert.rejects(fill(), NoSpaceError)
      const last = answered.at(-1)!
      assert.ok(answered.length > 10)
      assert.deepEqual([store.revision, store.rangeNow({ from: 'k', to: 'l' }).count], [last, answered.length * 4])
      const refused = await Promise.allSettled(
        [1, 2, 3].map((i) => store.txn({ then: [put(`new${i}`, 'x'.repeat(90_000))] })),
      )
      assert.deepEqual(
        refused.map((result) => result.status === 'rejected' && result.reason instanceof NoSpaceError),
        [true, true, true],
      )
      await rm(ballast)
      assert.equal((await store.txn({ then: [put('after', 'x'.repeat(90_000))] })).revision, last + 1)
      assert.deepEqual([...new Set(watched)], answered)
    }
    await using store = await LmdbStore.open(directory, world)
    assert.equal(store.revision, answered.at(-1)! + 1)
    assert.equal(store.rangeNow({ from: 'k', to: 'l' }).count, answered.length * 4)
    assert.equal(store.rangeNow({ from: 'new', to: 'o' }).count, 0)
  } finally {
    mount('umount', directory)
  }
})
