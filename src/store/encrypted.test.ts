import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { VirtualWorld } from '../world/virtual.ts'
import { storeConformance } from './conformance.ts'
import { EncryptedStore, type KeyRing, UnreadableValueError } from './encrypted.ts'
import { aesGcm } from './encryption/aes.ts'
import { KeyNotFetched, type PrefixedTransformer, prefixTransformers } from './encryption/transformer.ts'
import { LmdbStore } from './lmdb.ts'
import { MemoryStore } from './memory.ts'
import { type KeyValue, prefixEnd, type Store } from './store.ts'

const world = new VirtualWorld()
const directories: string[] = []
after(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true }))))

async function openLmdb(): Promise<Store> {
  const directory = await mkdtemp(join(tmpdir(), 'coracle-encrypted-'))
  directories.push(directory)
  return LmdbStore.open(directory, world)
}

const underKey = (name: string, fill: number): PrefixedTransformer => ({
  prefix: Buffer.from(`k8s:enc:aesgcm:v1:${name}:`),
  transformer: aesGcm(Buffer.alloc(32, fill), world.random),
})
const one = underKey('one', 1)
const two = underKey('two', 2)

/** Everything below the folder is sealed with the first of the keys. */
class Ring implements KeyRing {
  generation = 0
  #folder: string
  #transformer
  constructor(folder: string, ...keys: PrefixedTransformer[]) {
    this.#folder = folder
    this.#transformer = prefixTransformers(keys, 'no matching prefix found')
  }
  use(...keys: PrefixedTransformer[]) {
    this.#transformer = prefixTransformers(keys, 'no matching prefix found')
    this.generation++
  }
  transformerOf(key: string) {
    return key.startsWith(this.#folder) ? this.#transformer : undefined
  }
}

const passTime = { passTime: (ms: number) => world.advance(ms) }
storeConformance(
  'encrypted memory',
  async () => new EncryptedStore(new MemoryStore(world), new Ring('', one)),
  passTime,
)
storeConformance('encrypted lmdb', async () => new EncryptedStore(await openLmdb(), new Ring('', one)), passTime)
storeConformance(
  'partly encrypted memory',
  async () => new EncryptedStore(new MemoryStore(world), new Ring('a', one)),
  passTime,
)

const put = (key: string, value: string) => ({ then: [{ type: 'put', key, value: Buffer.from(value) } as const] })
const text = (kv: KeyValue | undefined) => kv && Buffer.from(kv.value).toString('latin1')
const stored = (store: Store, key: string) => text(store.rangeNow({ from: key }).kvs[0])!

test('only what the key ring names is sealed, and opened once', async () => {
  await using inner = new MemoryStore(world)
  const store = new EncryptedStore(inner, new Ring('/secrets/', one))
  await store.txn(put('/secrets/a', 'hidden'))
  await store.txn(put('/maps/a', 'shown'))
  assert.match(stored(inner, '/secrets/a'), /^k8s:enc:aesgcm:v1:one:/)
  assert.doesNotMatch(stored(inner, '/secrets/a'), /hidden/)
  assert.equal(stored(inner, '/maps/a'), 'shown')

  const reopened = new EncryptedStore(inner, new Ring('/secrets/', one))
  const [kv] = reopened.rangeNow({ from: '/secrets/a' }).kvs
  assert.equal(text(kv), 'hidden')
  assert.equal((await reopened.range({ from: '/', to: '0' })).kvs[1], kv)
})

test('a sealed value that is moved to another key cannot be read there', async () => {
  await using inner = new MemoryStore(world)
  const store = new EncryptedStore(inner, new Ring('/secrets/', one))
  await store.txn(put('/secrets/a', 'hidden'))
  const { value } = inner.rangeNow({ from: '/secrets/a' }).kvs[0]!
  await inner.txn({ then: [{ type: 'put', key: '/secrets/b', value }] })
  await assert.rejects(store.range({ from: '/secrets/b' }), { message: 'cipher: message authentication failed' })
})

test('keys are changed without a stop: old values are read and stale, new ones are under the new key', async () => {
  await using inner = new MemoryStore(world)
  const ring = new Ring('/secrets/', one)
  const store = new EncryptedStore(inner, ring)
  const kvs = () => store.rangeNow({ from: '/secrets/', to: prefixEnd('/secrets/') }).kvs
  await store.txn(put('/secrets/a', 'first'))
  const [before] = kvs()
  before!.memo = 'decoded'
  assert.deepEqual(
    kvs().map((kv) => store.isStale(kv)),
    [false],
  )

  ring.use(two, one)
  await store.txn(put('/secrets/b', 'second'))
  assert.deepEqual(
    kvs().map((kv) => [text(kv), kv.memo, store.isStale(kv)]),
    [
      ['first', 'decoded', true],
      ['second', undefined, false],
    ],
  )
  await store.txn(put('/secrets/a', 'first'))
  assert.deepEqual(
    kvs().map((kv) => store.isStale(kv)),
    [false, false],
  )
  ring.use(two)
  assert.deepEqual(kvs().map(text), ['first', 'second'])
})

test('what cannot be opened fails the reads and watches that meet it, and nothing else', async () => {
  await using inner = new MemoryStore(world)
  await new EncryptedStore(inner, new Ring('/secrets/', one)).txn(put('/secrets/a', 'lost'))
  const store = new EncryptedStore(inner, new Ring('/secrets/', two))
  await store.txn(put('/secrets/b', 'fine'))
  await assert.rejects(store.range({ from: '/secrets/a' }), { message: 'no matching prefix found' })
  const list = { from: '/secrets/', to: prefixEnd('/secrets/') }
  const message = 'unable to transform key "/secrets/a": no matching prefix found'
  await assert.rejects(store.range(list), { message })
  assert.throws(() => store.rangeNow(list), UnreadableValueError)
  assert.equal(text((await store.range({ from: '/secrets/b' })).kvs[0]), 'fine')
  assert.equal((await store.range({ ...list, countOnly: true })).count, 2)

  const errors: string[] = []
  const { signal } = new AbortController()
  const seen: string[] = []
  const watcher = {
    onEvents: (events: readonly { readonly key: string }[]) => seen.push(...events.map(({ key }) => key)),
    onError: (error: Error) => errors.push(error.message),
  }
  store.watch({ ...list, signal }, watcher)
  await store.txn(put('/secrets/b', 'again'))
  await store.txn(put('/secrets/a', 'over it'))
  await store.txn(put('/secrets/b', 'not told any more'))
  assert.deepEqual([seen, errors], [['/secrets/b'], [message]])
  assert.equal(text((await store.range({ from: '/secrets/a' })).kvs[0]), 'over it')
})

test('keys that come late hold up a watch, keep its order, and fail rangeNow for a moment', async () => {
  await using inner = new MemoryStore(world)
  let hasKey = false
  const arrival = Promise.withResolvers<void>()
  let asked = 0
  const late: PrefixedTransformer = {
    prefix: one.prefix,
    transformer: {
      ...one.transformer,
      fromStorage(value, key) {
        if (hasKey) return one.transformer.fromStorage(value, key)
        throw new KeyNotFetched(async () => {
          asked++
          await arrival.promise
          hasKey = true
        })
      },
    },
  }
  const store = new EncryptedStore(inner, new Ring('/secrets/', late))
  const seen: string[] = []
  const all = Promise.withResolvers<void>()
  const abort = new AbortController()
  store.watch(
    { from: '/', to: '0', signal: abort.signal },
    {
      onEvents: (events) => {
        for (const { kv } of events) seen.push(`${kv!.key} ${text(kv)}`)
        if (seen.length === 3) all.resolve()
      },
      onError: assert.ifError,
    },
  )
  const other = new EncryptedStore(inner, new Ring('/secrets/', one))
  await inner.txn(put('/maps/a', '1'))
  await other.txn(put('/secrets/a', '2'))
  await inner.txn(put('/maps/b', '3'))
  assert.deepEqual(seen, ['/maps/a 1'])
  assert.throws(() => store.rangeNow({ from: '/secrets/a' }), UnreadableValueError)
  const reading = store.range({ from: '/secrets/a' })
  arrival.resolve()
  assert.equal(text((await reading).kvs[0]), '2')
  await all.promise
  abort.abort()
  assert.deepEqual(seen, ['/maps/a 1', '/secrets/a 2', '/maps/b 3'])
  assert.ok(asked > 0)
  assert.equal(text(store.rangeNow({ from: '/secrets/a' }).kvs[0]), '2')
})

test('a fork reads what is sealed, and seals what it writes', async () => {
  await using store = new EncryptedStore(new MemoryStore(world), new Ring('/secrets/', one))
  await store.txn(put('/secrets/a', 'hidden'))
  await using fork = await store.fork()
  await fork.txn(put('/secrets/b', 'too'))
  assert.deepEqual(fork.rangeNow({ from: '/secrets/', to: '/t' }).kvs.map(text), ['hidden', 'too'])
  assert.deepEqual(store.rangeNow({ from: '/secrets/', to: '/t' }).kvs.map(text), ['hidden'])
})
