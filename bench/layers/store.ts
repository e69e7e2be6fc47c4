/**
 * How fast the stores are. Run: `node bench/layers/store.ts [memory] [lmdb] [etcd=http://127.0.0.1:2379]` (default: memory, lmdb).
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EtcdStore } from '../../src/store/etcd.ts'
import { LmdbStore } from '../../src/store/lmdb.ts'
import { MemoryStore } from '../../src/store/memory.ts'
import { prefixEnd, type Store } from '../../src/store/store.ts'
import { realClock, realRandom } from '../../src/world/real.ts'

const value = Buffer.alloc(1_024, 'x')
const keys = Array.from({ length: 10_000 }, (_, i) => `/registry/pods/namespace-${i % 100}/pod-${i}`)

const put = (store: Store, key: string) => store.txn({ then: [{ type: 'put', key, value }] })

/** Runs `work` a few times and prints the best. */
async function measure(name: string, unit: string, amount: number, work: () => Promise<void> | void): Promise<void> {
  let best = Infinity
  for (let round = 0; round < 5; round++) {
    const start = performance.now()
    await work()
    best = Math.min(best, performance.now() - start)
  }
  const perSecond = Math.round((amount / best) * 1_000).toLocaleString('en')
  console.log(`${name.padEnd(58)} ${best.toFixed(2).padStart(9)} ms ${perSecond.padStart(12)} ${unit}/s`)
}

async function measureStore(name: string, store: Store): Promise<void> {
  const say = (what: string) => `${name}: ${what}`
  await measure(say('100,000 puts, 1,000 in flight'), 'puts', 100_000, async () => {
    for (let i = 0; i < 100_000; i += 1_000) {
      await Promise.all(Array.from({ length: 1_000 }, (_, j) => put(store, keys[(i * 7 + j) % keys.length]!)))
    }
  })
  await measure(say('100,000 puts in transactions of 100'), 'puts', 100_000, async () => {
    for (let i = 0; i < 100_000; i += 100) {
      const puts = Array.from(
        { length: 100 },
        (_, j) => ({ type: 'put', key: keys[(i * 7 + j) % keys.length]!, value }) as const,
      )
      await store.txn({ then: puts })
    }
  })
  await measure(say('20,000 puts, 64 writers'), 'puts', 20_000, async () => {
    let left = 20_000
    const writer = async () => {
      while (left-- > 0) await put(store, keys[left % keys.length]!)
    }
    await Promise.all(Array.from({ length: 64 }, writer))
  })
  await measure(say('2,000 puts, 1 writer'), 'puts', 2_000, async () => {
    for (let i = 0; i < 2_000; i++) await put(store, keys[i]!)
  })
  const all = { from: '/registry/pods/', to: prefixEnd('/registry/pods/') }
  await measure(say('range of 10,000 keys'), 'keys', 10_000, () => {
    if (store.rangeNow(all).kvs.length !== 10_000) throw new Error('keys are missing')
  })
  await measure(say('100,000 reads of one key'), 'reads', 100_000, () => {
    for (let i = 0; i < 100_000; i++) store.rangeNow({ from: keys[i % keys.length]! })
  })
  await measure(say('100,000 counts of a namespace'), 'counts', 100_000, () => {
    const namespace = { from: '/registry/pods/namespace-7/', to: '/registry/pods/namespace-70', countOnly: true }
    for (let i = 0; i < 100_000; i++) store.rangeNow(namespace)
  })
  await measureWatches(say('20,000 puts with 100 watchers, one concerned by each'), store, 1)
  await measureWatches(say('20,000 puts with 100 watchers, all concerned'), store, 100)
}

async function measureWatches(name: string, store: Store, concerned: number): Promise<void> {
  const abort = new AbortController()
  let events = 0
  for (let i = 0; i < 100; i++) {
    const from = concerned === 1 ? `/registry/pods/namespace-${i}/` : '/registry/pods/'
    store.watch(
      { from, to: prefixEnd(from), signal: abort.signal },
      {
        onEvents: (batch) => {
          events += batch.length
        },
        onError: (error) => {
          throw error
        },
      },
    )
  }
  await measure(name, 'events', 20_000 * concerned, async () => {
    events = 0
    for (let i = 0; i < 20_000; i += 1_000) {
      await Promise.all(Array.from({ length: 1_000 }, (_, j) => put(store, keys[(i + j) % keys.length]!)))
    }
    if (events !== 20_000 * concerned) throw new Error(`${events} events`)
  })
  abort.abort()
}

const world = { clock: realClock, random: realRandom }
const chosen = process.argv.length > 2 ? process.argv.slice(2) : ['memory', 'lmdb']

if (chosen.includes('memory')) {
  await using store = new MemoryStore(world)
  await measureStore('memory', store)
  await measure('memory: 1,000 forks', 'forks', 1_000, async () => {
    for (let i = 0; i < 1_000; i++) await (await store.fork())[Symbol.asyncDispose]()
  })
}

if (chosen.includes('lmdb')) {
  const directory = await mkdtemp(join(tmpdir(), 'coracle-bench-'))
  {
    await using store = await LmdbStore.open(directory, world)
    await measureStore('lmdb', store)
  }
  await measure('lmdb: opening it again', 'stores', 1, async () => {
    await (await LmdbStore.open(directory, world))[Symbol.asyncDispose]()
  })
  await rm(directory, { recursive: true })
}

for (const choice of chosen) {
  if (!choice.startsWith('etcd=')) continue
  await using store = await EtcdStore.connect({ endpoints: [choice.slice('etcd='.length)], ...world })
  await measureStore('etcd', store)
}
