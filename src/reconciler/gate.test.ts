import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualWorld } from '../world/virtual.ts'
import type { Clock } from '../world/world.ts'
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

test('while the event loop has much to do, fewer begin in each round', async () => {
  let now = 0
  let next = () => {}
  const clock = {
    ...new VirtualWorld(1).clock,
    monotonic: () => now,
    after: () =>
      new Promise<void>((resolve) => {
        next = resolve
      }),
  } as unknown as Clock
  const gate = new Gate(100, { clock, inOneGo: 8 })
  let begun = 0
  for (let at = 0; at < 50; at++) void Promise.resolve(gate.enter()).then(() => begun++)
  /** How many begin after a round that took so long. */
  const after = async (ms: number) => {
    const before = begun
    now += ms
    next()
    await new Promise(setImmediate)
    return begun - before
  }
  await new Promise(setImmediate)
  assert.equal(begun, 8)
  assert.deepEqual([await after(20), await after(20), await after(1), await after(1)], [2, 2, 8, 8])
})

test('while clients stand in line, one begins every ten milliseconds, and more where too many wait', async () => {
  const world = new VirtualWorld(1)
  let clients = 8
  const gate = new Gate(100_000, { clock: world.clock, inOneGo: 3, crowd: () => clients })
  let begun = 0
  const wait = (count: number) => {
    for (let at = 0; at < count; at++) void Promise.resolve(gate.enter()).then(() => begun++)
  }
  /** How many begin in so much time. */
  const within = async (ms: number) => {
    const before = begun
    await world.advance(ms)
    return begun - before
  }
  wait(10)
  await world.advance(0)
  assert.equal(begun, 3, 'who comes first knows of no line')
  assert.deepEqual([await within(9), await within(1), await within(20)], [0, 1, 2])
  wait(10_000)
  assert.deepEqual([await within(10), await within(10)], [1, 3])
  clients = 7
  await world.advance(10)
  assert.equal(begun, 10_010)
})

test('once it is open nobody waits, and no timer is left', async () => {
  const { clock } = new VirtualWorld(1)
  const gate = new Gate(2, { clock, inOneGo: 1 })
  assert.equal(gate.enter(), undefined)
  const waiting = [gate.enter(), gate.enter()]
  assert.ok(waiting.every(Boolean))
  gate.open()
  await Promise.all(waiting)
  assert.equal(gate.enter(), undefined)
  await new Promise(setImmediate)
  assert.equal(clock.next, undefined)
})
