import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deal, hashOfFlow } from './dealer.ts'

const rows: readonly [hash: bigint, deck: number, hand: number, cards: readonly number[]][] = [
  [0n, 5, 3, [0, 1, 2]],
  [1n, 5, 1, [1]],
  // 2 of five, then 3 of the four that are left (0 1 3 4), then 0 of what is left (0 1 3).
  [2n + 5n * 3n, 5, 3, [2, 4, 0]],
  [4n + 5n * (3n + 4n * 2n), 5, 3, [4, 3, 2]],
]

for (const [hash, deck, hand, cards] of rows) {
  test(`the hand of ${hand} cards of ${deck} for ${hash}`, () => {
    assert.deepEqual(deal(hash, deck, hand), cards)
  })
}

test('every order of cards is dealt for one number', () => {
  const hands = Array.from({ length: 5 * 4 * 3 }, (_, hash) => deal(BigInt(hash), 5, 3).join())
  assert.equal(new Set(hands).size, 60)
})

test('flows are spread over the queues, and no two of a thousand share a whole hand', () => {
  const counts = new Array<number>(128).fill(0)
  const hands = new Set<string>()
  for (let flow = 0; flow < 1000; flow++) {
    const hand = deal(hashOfFlow('service-accounts', `user-${flow}`), 128, 6)
    assert.equal(new Set(hand).size, 6)
    for (const queue of hand) counts[queue]!++
    hands.add([...hand].sort().join())
  }
  assert.equal(hands.size, 1000)
  // 47 in the mean; what is seen here follows from the hash alone.
  assert.ok(Math.min(...counts) > 20 && Math.max(...counts) < 80, String(counts))
})

test('a flow is its schema and who it is of', () => {
  assert.equal(hashOfFlow('a', 'b'), hashOfFlow('a', 'b'))
  assert.notEqual(hashOfFlow('a', 'bc'), hashOfFlow('ab', 'c'))
})
