import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualWorld } from '../world/virtual.ts'
import { storeConformance } from './conformance.ts'
import { MemoryStore } from './memory.ts'
import { CompactedError } from './store.ts'

const world = new VirtualWorld()

storeConformance('memory', async () => new MemoryStore(world), { passTime: (ms) => world.advance(ms) })

const put = (key: string, value: string) => ({ then: [{ type: 'put', key, value: Buffer.from(value) } as const] })

test('revisions beyond the window are compacted by themselves', async () => {
  await using store = new MemoryStore({ ...world, historyRevisions: 100 })
  for (let i = 0; i < 1_000; i++) await store.txn(put(`k${i % 7}`, `${i}`))
  assert.ok(store.compacted >= 1_001 - 125 && store.compacted <= 901, `compacted at ${store.compacted}`)
  assert.equal(store.rangeNow({ from: 'k', to: 'l', revision: store.compacted }).count, 7)
  assert.throws(() => store.rangeNow({ from: 'k', revision: store.compacted - 1 }), CompactedError)
})

test('a fork has the history up to its revision, and the leases of then', async () => {
  await using store = new MemoryStore(world)
  const lease = await store.leaseGrant(60)
  await store.txn({ then: [{ type: 'put', key: 'leased', value: Buffer.from('1'), lease: lease.id }] })
  await store.txn(put('a', '1'))
  await store.leaseRevoke(lease.id)

  await using fork = await store.fork(3)
  assert.equal(fork.rangeNow({ from: 'a', revision: 2 }).count, 0)
  assert.equal(fork.rangeNow({ from: 'leased' }).count, 1)
  await world.advance(61_000)
  assert.equal(fork.rangeNow({ from: 'leased' }).count, 0, 'the lease runs on in the fork')
})

test('a watcher that throws is told and dropped; the writer and the others do not notice', async () => {
  await using store = new MemoryStore(world)
  const abort = new AbortController()
  const { signal } = abort
  const errors: string[] = []
  const seen: number[] = []
  store.watch(
    { from: 'a', signal },
    {
      onEvents: () => {
        throw new Error('mistake')
      },
      onError: (error) => errors.push(error.message),
    },
  )
  store.watch({ from: 'a', signal }, { onEvents: (_, revision) => seen.push(revision), onError: () => {} })
  await store.txn(put('a', '1'))
  await store.txn(put('a', '2'))
  abort.abort()
  assert.deepEqual([errors, seen], [['mistake'], [2, 3]])
})
