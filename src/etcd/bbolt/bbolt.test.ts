import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../world/virtual.ts'
import { fnv1a64 } from './format.ts'
import { bytesSource, DamagedDatabaseError, readDatabase } from './read.ts'
import { type Bucket, type Entry, writeDatabase } from './write.ts'

type Chance = ReturnType<typeof seededRandom>

const entry = (key: Uint8Array, value: Uint8Array): Entry => ({ key, valueLength: value.length, value: () => value })

function bytesOf(buckets: readonly Bucket[], pageSize?: number): Buffer {
  const file = writeDatabase(buckets, pageSize === undefined ? {} : { pageSize })
  const bytes = Buffer.concat([...file.pieces()])
  assert.equal(bytes.length, file.size)
  return bytes
}

function contentOf(bytes: Buffer): Map<string, [string, string][]> {
  const database = readDatabase(bytesSource(bytes))
  return new Map(
    database.buckets.map((name) => [
      name,
      [...database.entries(name)].map(({ key, value }) => [key.toString('latin1'), value.toString('latin1')]),
    ]),
  )
}

/** Some buckets, with keys and values of all sizes: none, small ones, larger than a page. */
function randomBuckets(random: Chance): Map<string, [string, string][]> {
  const text = (most: number) => Buffer.from(random.bytes(random.int(most))).toString('latin1')
  const buckets = new Map<string, [string, string][]>()
  for (let i = 0; i <= random.int(6); i++) {
    const count = [0, 1, 3, 40, 2_000][random.int(5)]!
    const entries = new Map<string, string>()
    for (let j = 0; j < count; j++)
      entries.set(text(random.next() < 0.02 ? 5_000 : 40), text(random.next() < 0.02 ? 20_000 : 60))
    buckets.set(
      `bucket ${i}`,
      [...entries].sort(([a], [b]) => (a < b ? -1 : 1)),
    )
  }
  return buckets
}

function toBuckets(content: ReadonlyMap<string, readonly (readonly [string, string])[]>): Bucket[] {
  const latin1 = (text: string) => Buffer.from(text, 'latin1')
  return [...content].map(([name, entries]) => ({
    name,
    entries: entries.map(([key, value]) => entry(latin1(key), latin1(value))),
  }))
}

test('what is written is read again, whatever it is', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seededRandom(seed)
    const content = randomBuckets(random)
    const pageSize = [512, 4096, 16_384][random.int(3)]!
    assert.deepEqual(contentOf(bytesOf(toBuckets(content), pageSize)), content, `seed ${seed}`)
  }
})

test('the pages are those that bbolt would look for', () => {
  const bytes = bytesOf([{ name: 'key', entries: [entry(Buffer.from('a'), Buffer.from('1'))] }])
  assert.equal(bytes.length, 5 * 4096, 'two meta pages, the free list, a leaf of the bucket and that of the root')
  const meta = bytes.subarray(16, 80)
  assert.deepEqual(
    [meta.readUInt32LE(0), meta.readUInt32LE(4), meta.readUInt32LE(8), meta.readBigUInt64LE(40)],
    [0xed0cdaed, 2, 4096, 5n],
  )
  assert.equal(fnv1a64(Buffer.from('foobar')), 0x85944171f73967e8n)
  // The free list is a page of its kind and empty.
  assert.deepEqual([bytes.readUInt16LE(2 * 4096 + 8), bytes.readUInt16LE(2 * 4096 + 10)], [0x10, 0])
})

test('one damaged meta page does no harm, since there are two', () => {
  const content = new Map([['key', [['a', '1']] as [string, string][]]])
  for (const page of [0, 1]) {
    const bytes = bytesOf(toBuckets(content))
    bytes.fill(0xaa, page * 4096, page * 4096 + 80)
    assert.deepEqual(contentOf(bytes), content)
  }
})

const damages: readonly (readonly [string, (bytes: Buffer) => Buffer | undefined, RegExp])[] = [
  ['nothing', () => Buffer.alloc(0), /has only 0 bytes/],
  ['something else', () => Buffer.alloc(8192, 'text '), /no bbolt meta page at byte 0/],
  ['cut off', (bytes) => bytes.subarray(0, bytes.length - 4096), /should have \d+ bytes and has \d+/],
  ['both meta pages', (bytes) => void bytes.fill(0, 0, 8192), /no bbolt meta page/],
  [
    'checksums',
    (bytes) => void [0, 4096].map((at) => bytes.writeUInt32LE(7, at + 16 + 16)),
    /checksum of the meta page/,
  ],
  ['a page under another number', (bytes) => void bytes.writeUInt32LE(9, 3 * 4096), /page 3 says that it is page 9/],
  ['a page of another kind', (bytes) => void bytes.writeUInt16LE(0x10, 3 * 4096 + 8), /page 3 is of kind 16/],
  ['too many elements', (bytes) => void bytes.writeUInt16LE(60_000, 3 * 4096 + 10), /no room for its 60000 elements/],
  ['a page too long', (bytes) => void bytes.writeUInt32LE(99, 3 * 4096 + 12), /page 3 goes beyond the end/],
  [
    'an element too long',
    (bytes) => void bytes.writeUInt32LE(1e9, 3 * 4096 + 16 + 12),
    /element 0 of page 3 goes beyond/,
  ],
]
for (const [what, damage, message] of damages) {
  test(`damaged: ${what}`, () => {
    const bytes = bytesOf([{ name: 'key', entries: [entry(Buffer.from('a'), Buffer.from('1'))] }])
    const damaged = damage(bytes) ?? bytes
    assert.throws(() => contentOf(damaged), { constructor: DamagedDatabaseError, message })
  })
}

test('bytes changed by chance are read, or refused as damaged, and never anything else', () => {
  let refused = 0
  for (let seed = 1; seed <= 400; seed++) {
    const random = seededRandom(seed)
    const content = new Map([['key', Array.from({ length: 300 }, (_, i) => [`key ${1000 + i}`, 'v'.repeat(i)])]])
    const bytes = bytesOf(toBuckets(content as never), 512)
    for (let i = 0; i <= random.int(8); i++) bytes[random.int(bytes.length)] = random.int(256)
    try {
      contentOf(random.next() < 0.2 ? bytes.subarray(0, random.int(bytes.length)) : bytes)
    } catch (error) {
      assert.ok(error instanceof DamagedDatabaseError, `seed ${seed}: ${error}`)
      refused++
    }
  }
  assert.ok(refused > 50, `${refused} of 400 refused`)
})
