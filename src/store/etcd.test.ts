import assert from 'node:assert/strict'
import { after } from 'node:test'
import { type Etcd, startEtcd } from '../../test/support/etcd.ts'
import { describeEachEtcd, testEachEtcd } from '../../test/support/etcds.ts'
import { EtcdClient } from '../etcd/client.ts'
import { methods } from '../etcd/messages.ts'
import { realClock, realRandom } from '../world/real.ts'
import { storeConformance } from './conformance.ts'
import { EtcdStore } from './etcd.ts'
import { CompactedError, type Op, type StoreEvent } from './store.ts'

const running: Etcd[] = []
const world = { clock: realClock, random: realRandom }

async function newEtcd(): Promise<Etcd> {
  const etcd = await startEtcd()
  running.push(etcd)
  return etcd
}

after(() => Promise.all(running.map((etcd) => etcd[Symbol.asyncDispose]())))

const put = (key: string, value: string): { then: Op[] } => ({
  then: [{ type: 'put', key, value: Buffer.from(value) }],
})

describeEachEtcd('the contract', () => {
  storeConformance('etcd', async () => EtcdStore.connect({ endpoints: [(await newEtcd()).endpoint], ...world }), {})
})

testEachEtcd('the mirror goes on after etcd was gone, and misses nothing', async () => {
  const etcd = await newEtcd()
  // The first endpoint is dead: each call has to find its way to the second.
  await using store = await EtcdStore.connect({ endpoints: ['http://127.0.0.1:1', etcd.endpoint], ...world })
  const seen: StoreEvent[] = []
  const query = { from: 'k', to: 'l', signal: AbortSignal.timeout(60_000) }
  store.watch(query, { onEvents: (events) => seen.push(...events), onError: () => {} })
  await store.txn(put('k1', 'before'))
  await etcd.restart()
  using other = new EtcdClient({ endpoints: [etcd.endpoint], clock: realClock })
  await other.write(methods.put, { key: 'k2', value: Buffer.from('meanwhile') })
  await store.txn(put('k3', 'after'))
  assert.deepEqual(
    seen.map(({ key, revision }) => [key, revision]),
    [
      ['k1', 2],
      ['k2', 3],
      ['k3', 4],
    ],
  )
})

testEachEtcd('who asks for the newest revision finds it in the mirror', async () => {
  const etcd = await newEtcd()
  await using store = await EtcdStore.connect({ endpoints: [etcd.endpoint], ...world })
  using other = new EtcdClient({ endpoints: [etcd.endpoint], clock: realClock })
  const write = (value: number) => other.write(methods.put, { key: 'k', value: Buffer.from(String(value)) })
  const writes = Array.from({ length: 500 }, (_, at) => write(at))
  let isOver = false
  const written = Promise.all(writes).then(() => {
    isOver = true
  })
  // etcd often answers a question before it tells a watch of what the answer has seen.
  while (!isOver) {
    const revision = await store.currentRevision()
    assert.ok(store.revision >= revision, `${store.revision} of ${revision}`)
  }
  await written
})

testEachEtcd(
  'a store sees what is there already, keeps its prefix only, and asks etcd for what is older than itself',
  async () => {
    const etcd = await newEtcd()
    using client = new EtcdClient({ endpoints: [etcd.endpoint], clock: realClock })
    const write = (key: string, value: string) => client.write(methods.put, { key, value: Buffer.from(value) })
    await write('/registry/a', '1')
    await write('/other/a', '1')
    await write('/registry/a', '2')
    await using store = await EtcdStore.connect({ endpoints: [etcd.endpoint], prefix: '/registry/', ...world })
    assert.equal(store.rangeNow({ from: '/registry/a' }).kvs[0]?.version, 2)
    assert.equal((await store.range({ from: '/registry/a', revision: 2 })).kvs[0]?.version, 1)
    await write('/other/b', '1')
    await write('/other/c', '1')
    assert.equal((await store.range({ from: '\0', to: '\0' })).revision, 6, 'revisions of other keys count')
    assert.equal((await store.range({ from: '\0', to: '\0', revision: 5 })).count, 1)
    await assert.rejects(store.txn(put('/other/d', '1')), /outside \/registry\//)
    const past: string[] = []
    await new Promise<void>((done, failed) => {
      const query = { from: '/registry/', to: '/registry0', fromRevision: 2, signal: AbortSignal.timeout(60_000) }
      store.watch(query, {
        onEvents(events) {
          past.push(...events.map(({ revision, previous }) => `${revision} ${previous?.modRevision ?? 'new'}`))
          if (past.length === 2) done()
        },
        onError: failed,
      })
    })
    assert.deepEqual(past, ['2 new', '4 2'])
  },
)

testEachEtcd(
  'when etcd has compacted what the mirror missed, watchers are told and the mirror begins anew',
  async () => {
    const etcd = await newEtcd()
    using client = new EtcdClient({ endpoints: [etcd.endpoint], clock: realClock })
    await using store = await EtcdStore.connect({
      endpoints: [etcd.endpoint],
      clock: slowToReconnect(),
      random: realRandom,
    })
    await store.txn(put('k', '1'))
    const version = () => store.rangeNow({ from: 'k' }).kvs[0]?.version
    let isTold = false
    const told = new Promise<readonly [Error, number | undefined]>((resolve) => {
      const onError = (error: Error) => {
        isTold = true
        resolve([error, version()])
      }
      store.watch({ from: 'k', signal: AbortSignal.timeout(60_000) }, { onEvents: () => {}, onError })
    })
    await etcd.restart()
    for (const value of ['2', '3', '4']) await client.write(methods.put, { key: 'k', value: Buffer.from(value) })
    await client.write(methods.compact, { revision: 5, physical: true })
    while (version() === 1) await new Promise(setImmediate)
    assert.ok(isTold, 'before anybody can read what is new, who follows the store knows that it has missed something')
    const [error, shown] = await told
    assert.ok(error instanceof CompactedError)
    assert.equal(shown, 4)
    assert.equal((await store.range({ from: 'k' })).kvs[0]?.version, 4)
  },
)

/** Waits long enough before it reconnects a watch that etcd can be restarted, written to and compacted meanwhile. */
function slowToReconnect() {
  return { ...realClock, after: (_ms: number, signal?: AbortSignal) => realClock.after(2_500, signal) }
}
