import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forgetOldest } from './forget-oldest.ts'

test('what was put last is kept, and not much more', () => {
  const memory = new Map<string, number>()
  const put = (at: number) => {
    memory.set(`k${at}`, at)
    forgetOldest(memory, 100)
  }
  for (let at = 0; at < 1000; at++) put(at)
  assert.ok(memory.size >= 100 && memory.size <= 125, `${memory.size}`)
  assert.deepEqual(
    [...memory.values()].slice(-100),
    Array.from({ length: 100 }, (_, at) => 900 + at),
  )
  // What is put again counts as new.
  const [oldest] = memory.keys()
  const again = memory.get(oldest!)!
  memory.delete(oldest!)
  for (let at = 1000; at < 1080; at++) {
    if (at === 1010) put(again)
    put(at)
  }
  assert.ok(memory.has(oldest!))
})
