/** From an embedded store to a real etcd and back, with everything as it was. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startEtcd } from '../../../test/support/etcd.ts'
import { etcdctl } from '../../../test/support/etcdctl.ts'
import { describeEachEtcd } from '../../../test/support/etcds.ts'
import { LmdbStore } from '../../store/lmdb.ts'
import { StoreExistsError } from '../../store/lmdb-import.ts'
import { MemoryStore } from '../../store/memory.ts'
import { CompactedError, type Op, type Store } from '../../store/store.ts'
import { realClock, realRandom } from '../../world/real.ts'
import { seededRandom } from '../../world/virtual.ts'
import { EtcdClient } from '../client.ts'
import { methods } from '../messages.ts'
import { UnusableSnapshotError } from '../snapshot.ts'
import { loadSnapshot } from '../snapshot-file.ts'
import { hashOfKeys, stateOf } from './history.ts'
import { exportSnapshot, importFromEtcd, importSnapshot } from './migrate.ts'

const world = { clock: realClock, random: realRandom }
let directory: string
let number = 0
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coracle-migrate-'))
})
after(() => rm(directory, { recursive: true }))
const newPath = (name: string) => join(directory, `${name}-${++number}`)

const put = (key: string, value: string | Uint8Array, lease = 0n): Op => ({
  ...{ type: 'put', key, lease },
  value: Buffer.from(value as string),
})

/** Some life: several changes in one revision, deletions, a lease, a compaction, all kinds of keys and values. */
async function live(store: Store, seed: number): Promise<void> {
  const random = seededRandom(seed)
  await store.leaseGrant(600, 77n)
  await store.leaseGrant(60, -5n)
  for (let i = 0; i < 300; i++) {
    const key = () => `/registry/${'abc'[random.int(3)]}/${random.int(20)}\xff`
    const dice = random.next()
    if (dice < 0.2) await store.txn({ then: [{ type: 'delete', from: key() }] })
    else if (dice < 0.4) await store.txn({ then: [put(`${key()}1`, 'x'), put(`${key()}2`, ''), put(key(), 'y', 77n)] })
    else await store.txn({ then: [put(key(), random.bytes(random.next() < 0.05 ? 9_000 : 30))] })
    if (i === 150) await store.compact(store.revision - 20)
  }
}

/** The same history, whoever keeps it. Where the true number within a revision is not known any more, another will do. */
async function assertSame(actual: Store, expected: Store): Promise<void> {
  assert.deepEqual(await stateOf(actual), await stateOf(expected))
  assert.equal(hashOfKeys(actual), hashOfKeys(expected))
}

for (const seed of [1, 2, 3]) {
  test(`out and in again: nothing has changed (seed ${seed})`, async () => {
    await using store = new MemoryStore(world)
    await live(store, seed)
    const file = newPath('snapshot')
    const moved = await exportSnapshot(store, file)
    assert.deepEqual(
      [moved.revision, moved.compacted, moved.keys, moved.leases],
      [store.revision, store.compacted, (await store.status()).keys, 2],
    )
    assert.equal(moved.sizeBytes, (await readFile(file)).length)
    const target = newPath('store')
    assert.deepEqual(await importSnapshot(file, target), { ...moved, sizeBytes: 0 })
    {
      await using imported = await LmdbStore.open(target, world)
      await assertSame(imported, store)
      await imported.txn({ then: [put('after', 'wards')] })
      assert.equal(imported.revision, store.revision + 1)
    }
    await using again = await LmdbStore.open(target, world)
    assert.equal(again.revision, store.revision + 1, 'and it goes on from there')
    assert.equal((await again.range({ from: '\0', to: '\0', revision: store.compacted })).count > 0, true)
  })
}

test('an empty store moves, too', async () => {
  await using store = new MemoryStore(world)
  const [file, target] = [newPath('snapshot'), newPath('store')]
  await exportSnapshot(store, file)
  await importSnapshot(file, target)
  await using imported = await LmdbStore.open(target, world)
  assert.deepEqual([imported.revision, imported.compacted], [1, 0])
})

test('with its revision raised, nobody who watched the old one is fooled', async () => {
  await using store = new MemoryStore(world)
  await live(store, 4)
  const [file, target] = [newPath('snapshot'), newPath('store')]
  await exportSnapshot(store, file)
  await importSnapshot(file, target, { bumpRevision: 1_000_000 })
  await using imported = await LmdbStore.open(target, world)
  assert.deepEqual([imported.revision, imported.compacted], [store.revision + 1_000_000, store.revision + 1_000_000])
  const now = (of: Store) => of.range({ from: '\0', to: '\0' }).then(({ kvs }) => kvs.map(({ memo: _, ...kv }) => kv))
  assert.deepEqual(await now(imported), await now(store))
  await assert.rejects(imported.range({ from: 'a', revision: store.revision }), CompactedError)
  const told = new Promise((resolve) => {
    const signal = new AbortController().signal
    imported.watch({ from: 'a', fromRevision: store.revision, signal }, { onEvents: () => {}, onError: resolve })
  })
  assert.ok((await told) instanceof CompactedError)
})

test('a store that is there is not written over, and a bad file leaves nothing behind', async () => {
  await using store = new MemoryStore(world)
  await live(store, 5)
  const [file, target] = [newPath('snapshot'), newPath('store')]
  await exportSnapshot(store, file)
  await importSnapshot(file, target)
  await assert.rejects(importSnapshot(file, target), StoreExistsError)

  const bytes = await readFile(file)
  const bad: readonly (readonly [string, Buffer, RegExp])[] = [
    ['a bit', changed(bytes, 20_000), /cannot be used: it is damaged: its hash should be [0-9a-f]{64} and is/],
    ['the end', bytes.subarray(0, bytes.length - 100), /has no hash behind it: it is cut off/],
    ['no hash', bytes.subarray(0, bytes.length - 32), /or have the check skipped/],
    ['something else', Buffer.from('#!/bin/sh\n'.repeat(100)), /has no hash behind it/],
  ]
  for (const [what, content, message] of bad) {
    const [damaged, nowhere] = [newPath('damaged'), newPath('store')]
    await writeFile(damaged, content)
    await assert.rejects(importSnapshot(damaged, nowhere), { constructor: UnusableSnapshotError, message }, what)
    assert.equal(existsSync(nowhere) || existsSync(`${nowhere}.importing`), false)
  }
  await assert.rejects(importSnapshot(newPath('none'), newPath('store')), /snapshot .* cannot be read: ENOENT/)
  const copied = newPath('copied')
  await writeFile(copied, bytes.subarray(0, bytes.length - 32))
  assert.equal(loadSnapshot(copied, { skipHashCheck: true }).revision, store.revision)
})

function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at]! ^= 1
  return copy
}

describeEachEtcd('with a real etcd', () => {
  test('it takes what we export, and we take what it holds: keys, revisions, history, leases', async () => {
    await using store = new MemoryStore(world)
    await live(store, 6)
    const file = newPath('snapshot')
    await exportSnapshot(store, file)
    await using etcd = await startEtcd(undefined, (data) =>
      etcdctl('', ['snapshot', 'restore', file, '--data-dir', data]),
    )
    using client = new EtcdClient({ endpoints: [etcd.endpoint], clock: realClock })
    const { hash, compactRevision } = await client.read(methods.hashKv, {})
    assert.deepEqual([hash, compactRevision], [hashOfKeys(store), store.compacted])

    const target = newPath('store')
    await importFromEtcd(client, target)
    assert.equal(existsSync(`${target}.snapshot`), false)
    await using back = await LmdbStore.open(target, world)
    assert.equal(hashOfKeys(back), hash)
    assert.deepEqual(await stateOf(back), await stateOf(store))
  })

  test('what etcd itself wrote is read: after compactions, with branches of pages', async () => {
    await using etcd = await startEtcd()
    using client = new EtcdClient({ endpoints: [etcd.endpoint], clock: realClock })
    for (let i = 0; i < 400; i++) {
      const value = Buffer.alloc(i % 50 === 0 ? 20_000 : 100, `${i}`)
      await client.write(methods.put, { key: `key ${i % 150}`, value })
      if (i % 7 === 0) await client.write(methods.deleteRange, { key: `key ${(i * 3) % 150}` })
      if (i === 250) await client.write(methods.compact, { revision: 200, physical: true })
    }
    const target = newPath('store')
    await importFromEtcd(client, target)
    await using imported = await LmdbStore.open(target, world)
    const { hash, header, compactRevision } = await client.read(methods.hashKv, {})
    assert.deepEqual([imported.revision, imported.compacted], [header!.revision, compactRevision])
    assert.equal(hashOfKeys(imported), hash)
    for (const revision of [200, 300, 400]) {
      const { kvs = [] } = await client.read(methods.range, { key: '\0', rangeEnd: '\0', revision })
      const own = await imported.range({ from: '\0', to: '\0', revision })
      assert.deepEqual(
        own.kvs.map(({ key, version, createRevision, modRevision }) => [key, version, createRevision, modRevision]),
        kvs.map(({ key, version, createRevision, modRevision }) => [key, version, createRevision, modRevision]),
      )
    }
  })
})
