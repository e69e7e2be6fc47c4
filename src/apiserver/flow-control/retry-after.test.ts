import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RetryAfter } from './retry-after.ts'

test('who is turned away is told to wait longer while many are, and less when few are', () => {
  const retryAfter = new RetryAfter()
  const start = Date.UTC(2026, 0, 1) / 1000
  const seen: number[] = []
  const refuse = (second: number, times: number) => {
    for (let n = 0; n < times; n++) retryAfter.count((start + second) * 1000 + n)
    seen.push(retryAfter.seconds)
  }
  refuse(0, 100)
  for (let second = 1; second <= 40; second++) refuse(second, 200)
  assert.deepEqual(seen.slice(0, 8), [1, 2, 2, 4, 4, 4, 4, 8])
  assert.equal(Math.max(...seen), 32)
  seen.length = 0
  for (let second = 100; second < 300; second += 50) refuse(second, 1)
  assert.deepEqual(seen, [31, 30, 29, 28])
})
