import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realRandom } from './real.ts'

test('random bytes are of the length that was asked for, and nobody else has them', () => {
  const lengths = [0, 1, 3, 16, 32, 4095, 4096, 4097, 10_000]
  for (const length of lengths) assert.equal(realRandom.bytes(length).length, length)
  const taken = Array.from({ length: 2_000 }, () => realRandom.bytes(16))
  const texts = taken.map((bytes) => Buffer.from(bytes).toString('hex'))
  for (let at = 0; at < 2_000; at++) realRandom.bytes(16)
  assert.equal(new Set(texts).size, texts.length)
  assert.deepEqual(
    taken.map((bytes) => Buffer.from(bytes).toString('hex')),
    texts,
    'what has been given stays as it is',
  )
})

test('whole numbers are below what was asked for, each about as often', () => {
  const counts = new Array<number>(10).fill(0)
  for (let at = 0; at < 10_000; at++) counts[realRandom.int(10)]!++
  // Ten thousand draws stray by more than 300 from 1,000 less than once in 10^22 times.
  for (const count of counts) assert.ok(count > 700 && count < 1300, `${counts}`)
  for (const below of [0, 1]) assert.equal(realRandom.int(below), 0)
  assert.ok(realRandom.int(2 ** 40) < 2 ** 40)
})
