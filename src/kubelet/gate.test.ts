import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Gate } from './gate.ts'

test('so many go at once; the others follow in order, each when one has left', async () => {
  const gate = new Gate(2)
  const inside: number[] = []
  const all = Array.from({ length: 6 }, async (_, at) => {
    await gate.enter()
    inside.push(at)
  })
  await Promise.all(all.slice(0, 2))
  assert.deepEqual(inside, [0, 1])
  gate.leave()
  await all[2]
  assert.deepEqual(inside, [0, 1, 2])
  for (let left = 0; left < 5; left++) gate.leave()
  await Promise.all(all)
  assert.deepEqual(inside, [0, 1, 2, 3, 4, 5])
  assert.equal(gate.enter(), undefined, 'nobody waits any more')
})
