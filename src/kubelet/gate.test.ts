import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualWorld } from '../world/virtual.ts'
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

test('with a pace so many begin in one go, though more may be under way', async () => {
  const world = new VirtualWorld(1)
  const gate = new Gate(5, { clock: world.clock, inOneGo: 2 })
  const begun: number[] = []
  const all = Array.from({ length: 7 }, async (_, at) => {
    await gate.enter()
    begun.push(at)
  })
  await Promise.all(all.slice(0, 2))
  assert.deepEqual(begun, [0, 1])
  await world.advance(0)
  assert.deepEqual(begun, [0, 1, 2, 3, 4], 'as many as may be under way')
  gate.leave()
  gate.leave()
  await Promise.all(all)
  assert.equal(begun.length, 7)
  assert.notEqual(gate.enter(), undefined)
})
