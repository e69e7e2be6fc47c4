import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BackOff } from './back-off.ts'

test('a back-off doubles from ten seconds to five minutes', () => {
  const backOff = new BackOff()
  let now = 0
  const seconds = Array.from({ length: 8 }, () => {
    const waitMs = backOff.next(now)
    now += waitMs + 1000
    return waitMs / 1000
  })
  assert.deepEqual(seconds, [10, 20, 40, 80, 160, 300, 300, 300])
})

test('the first failure may be free, and ten good minutes make it so again', () => {
  const backOff = new BackOff(1)
  assert.equal(backOff.next(0), 0)
  assert.equal(backOff.next(1000), 10_000)
  assert.equal(backOff.next(11_000 + 600_000), 20_000, 'ten minutes exactly are not enough')
  const startedAt = 11_000 + 600_000 + 20_000
  assert.equal(backOff.next(startedAt + 600_001), 0)
})
