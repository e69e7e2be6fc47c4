import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualWorld } from '../world/virtual.ts'
import { WorkQueue } from './queue.ts'

const newQueue = () => {
  const world = new VirtualWorld()
  return { world, queue: new WorkQueue(world.clock, () => {}) }
}

test('a key waits once, in the order of its first arrival', () => {
  const { queue } = newQueue()
  for (const key of ['a', 'b', 'a', 'c']) queue.add(key)
  assert.deepEqual([queue.take(), queue.take(), queue.take(), queue.take()], ['a', 'b', 'c', undefined])
})

test('keys come in their order also when some are taken in between, and when there was none left', () => {
  const { queue } = newQueue()
  queue.add('a')
  queue.add('b')
  assert.deepEqual([queue.take(), queue.take(), queue.take()], ['a', 'b', undefined])
  queue.done('a')
  for (const key of ['c', 'a']) queue.add(key)
  assert.equal(queue.take(), 'c')
  queue.done('c')
  for (const key of ['d', 'c']) queue.add(key)
  assert.deepEqual([queue.take(), queue.take(), queue.take(), queue.take()], ['a', 'd', 'c', undefined])
})

test('a key that arrives while it is worked on comes again when that is done', () => {
  const { queue } = newQueue()
  queue.add('a')
  assert.equal(queue.take(), 'a')
  queue.add('a')
  queue.add('a')
  assert.equal(queue.take(), undefined)
  queue.done('a')
  assert.equal(queue.take(), 'a')
  queue.done('a')
  assert.equal(queue.take(), undefined)
  assert.equal(queue.idle, true)
})

test('of several times the earliest counts', async () => {
  const { queue, world } = newQueue()
  queue.addAfter('a', 100)
  queue.addAfter('a', 10)
  queue.addAfter('a', 50)
  await world.advance(9)
  assert.equal(queue.take(), undefined)
  await world.advance(1)
  assert.equal(queue.take(), 'a')
  queue.done('a')
  await world.advance(200)
  assert.equal(queue.take(), undefined)
})

test('what is soon is taken once for all, and counts as waiting until then', async () => {
  const { queue, world } = newQueue()
  queue.addSoon('a', 100)
  await world.advance(60)
  queue.addSoon('a', 100)
  assert.deepEqual([queue.take(), queue.idle], [undefined, false])
  await world.advance(40)
  assert.equal(queue.take(), 'a')
  queue.done('a')
  queue.addSoon('a', 100)
  queue.add('a')
  assert.equal(queue.take(), 'a')
  queue.done('a')
  assert.equal(queue.idle, true, 'the one that came at once has seen what the other would')
  await world.advance(100)
  assert.equal(queue.take(), undefined)
})

test('failures wait twice as long each time, up to a limit, until one success', () => {
  const { queue } = newQueue()
  assert.deepEqual(
    Array.from({ length: 4 }, () => queue.retry('a')),
    [5, 10, 20, 40],
  )
  for (let n = 0; n < 30; n++) queue.retry('a')
  assert.equal(queue.retry('a'), 1_000_000)
  queue.succeeded('a')
  assert.equal(queue.retry('a'), 5)
})

test('tells what is tried again only because others were faster, until that is so time after time', async () => {
  const { queue, world } = newQueue()
  queue.add('a')
  let tries = 0
  do {
    const key = queue.take()!
    assert.equal(queue.catchesUp, false)
    queue.retryOutdated(key)
    queue.done(key)
    assert.equal(queue.idle, true)
    await world.advance(5 * 2 ** tries++)
  } while (queue.catchesUp)
  assert.equal(tries, 9)
})
