import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Deferred, deferred } from '../base/deferred.ts'
import { VirtualWorld } from '../world/virtual.ts'
import { type Change, Engine, type Journal } from './engine.ts'
import { LeaseNotFoundError, NoSpaceError, type Op, type StoreEvent } from './store.ts'

/** A disk whose every sync ends when, and as, the test says. */
class HeldJournal implements Journal {
  readonly batches: { changes: readonly Change[]; sync: Deferred<void> }[] = []
  async write(changes: readonly Change[]) {
    const sync = deferred()
    this.batches.push({ changes, sync })
    await sync.promise
  }
  async close() {}
}

const put = (key: string, value = '1', lease?: bigint): { then: Op[] } => ({
  then: [{ type: 'put', key, value: Buffer.from(value), lease }],
})
const createOnly = (key: string) => ({
  compare: [{ key, target: 'version', result: '=', value: 0 } as const],
  ...put(key),
})
const settle = () => new Promise<void>((done) => setImmediate(done))

function setUp() {
  const journal = new HeldJournal()
  const store = new Engine('lmdb', new VirtualWorld(), undefined, journal)
  const log: string[] = []
  const note = (name: string) => (result: { succeeded: boolean; revision: number } | Error) => {
    log.push(result instanceof Error ? `${name} refused` : `${name} ${result.succeeded} ${result.revision}`)
  }
  const seen: StoreEvent[] = []
  store.watch(
    { from: '\0', to: '\0', signal: AbortSignal.timeout(60_000) },
    {
      onEvents: (events) => {
        seen.push(...events)
        log.push(`watch ${events.map(({ key }) => key)}`)
      },
      onError: () => {},
    },
  )
  const ask = (name: string, txn: Parameters<Engine['txn']>[0]) => void store.txn(txn).then(note(name), note(name))
  const count = () => store.rangeNow({ from: '\0', to: '\0' }).count
  return { journal, store, log, seen, ask, count }
}

test('what is not durable is decided upon but not seen; batches are answered in order, watchers first', async () => {
  const { journal, store, log, ask, count } = setUp()
  ask('first', createOnly('a'))
  ask('second', createOnly('b'))
  await settle()
  ask('rival', createOnly('a'))
  ask('third', put('c'))
  await settle()
  assert.deepEqual([journal.batches.length, journal.batches[0]!.changes.length], [1, 2])
  assert.deepEqual([store.revision, count(), log], [1, 0, []], 'nobody sees or hears of it yet')

  journal.batches[0]!.sync.resolve()
  await settle()
  assert.deepEqual(log, ['watch a,b', 'first true 2', 'second true 3'])
  assert.deepEqual([store.revision, count()], [3, 2])
  assert.equal(journal.batches[1]!.changes.length, 1, 'the rival changes nothing, and waits for what beat it')

  journal.batches[1]!.sync.resolve()
  await settle()
  assert.deepEqual(log.slice(3), ['watch c', 'rival false 3', 'third true 4'])
})

test('a failed sync takes back everything since the last durable batch, leases too', async () => {
  const { journal, store, log, ask, count } = setUp()
  const granted = store.leaseGrant(60, 5n)
  await settle()
  journal.batches[0]!.sync.resolve()
  await granted
  ask('kept', put('kept', '1', 5n))
  await settle()
  journal.batches[1]!.sync.resolve()
  await settle()

  const refused = [store.leaseRevoke(5n), store.leaseGrant(60, 6n)].map((asked) => assert.rejects(asked, NoSpaceError))
  ask('lost', put('lost'))
  await settle()
  ask('upon it', put('lost', '2'))
  journal.batches[2]!.sync.reject(new NoSpaceError())
  await Promise.all(refused)
  await settle()
  assert.deepEqual(log, ['watch kept', 'kept true 2', 'lost refused', 'upon it refused'])
  assert.deepEqual([store.revision, count(), await store.leases()], [2, 1, [5n]])
  await assert.rejects(store.leaseKeepAlive(6n), LeaseNotFoundError)
  assert.deepEqual((await store.leaseTimeToLive(5n)).keys, ['kept'])

  ask('again', createOnly('lost'))
  await settle()
  journal.batches[3]!.sync.resolve()
  await settle()
  assert.deepEqual(log.slice(4), ['watch lost', 'again true 3'])
})

test('closing waits for what was asked before', async () => {
  const { journal, store, log, ask } = setUp()
  ask('last', put('a'))
  await settle()
  const closed = store[Symbol.asyncDispose]()
  ask('too late', put('b'))
  await settle()
  journal.batches[0]!.sync.resolve()
  await closed
  await settle()
  assert.deepEqual(log, ['too late refused', 'watch a', 'last true 2'])
})

test('history is bounded by its bytes, and never becomes too short for whoever asks again at once', async () => {
  const kilobyte = 'x'.repeat(1000)
  const remember = async (historyBytes: number, puts: number) => {
    const store = new Engine('memory', { ...new VirtualWorld(), historyRevisions: 1000, historyBytes })
    for (let n = 0; n < puts; n++) await store.txn(put('a', kilobyte))
    return { store, kept: store.revision - store.compacted }
  }
  const { store, kept } = await remember(100_000, 300)
  assert.ok(kept >= 75 && kept <= 101, `${kept} revisions of 100 that fit are kept`)
  const oldest = (await store.range({ from: 'a', revision: store.compacted })).kvs[0]
  assert.equal(oldest?.modRevision, store.compacted)
  assert.equal((await remember(10_000, 300)).kept, 20, 'a fiftieth of the revisions')
  assert.equal((await remember(100_000, 90)).store.compacted, 0)
})
