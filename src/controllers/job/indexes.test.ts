import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Indexes } from './indexes.ts'

test('indexes are written as runs', () => {
  const table: readonly (readonly [indexes: readonly number[], text: string])[] = [
    [[], ''],
    [[3], '3'],
    [[3, 4], '3,4'],
    [[5, 4, 3, 3], '3-5'],
    [[0, 2, 3, 4, 6, 8, 9], '0,2-4,6,8,9'],
  ]
  for (const [indexes, text] of table) assert.equal(Indexes.of(indexes).toString(), text)
})

test('what a status says is read as far as it lies below the end', () => {
  assert.equal(Indexes.parse('0-2,4,7-9', 9).toString(), '0-2,4,7,8')
  assert.equal(Indexes.parse('0-2,4,7-9', 4).toString(), '0-2')
  assert.equal(Indexes.parse('1,2,3', 9).toString(), '1-3')
  assert.equal(Indexes.parse('x,1-y,3', 9).toString(), '3')
  assert.equal(Indexes.parse(undefined, 9).count, 0)
})

test('sets are joined, compared and searched', () => {
  const left = Indexes.parse('0-2,6', 10)
  const right = Indexes.parse('2-4,8', 10)
  assert.equal(left.and(right).toString(), '0-4,6,8')
  assert.equal(left.count, 4)
  assert.equal(left.shared(right), 1)
  assert.deepEqual([left.has(2), left.has(3), left.has(6)], [true, false, true])
  assert.deepEqual(left.missing(3, 10), [3, 4, 5])
  assert.deepEqual(left.missing(9, 8), [3, 4, 5, 7])
  assert.deepEqual(Indexes.none.missing(2, 10), [0, 1])
  assert.deepEqual(Indexes.parse('0-9', 10).missing(5, 10), [])
})
