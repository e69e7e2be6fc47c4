import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { VirtualWorld } from '../world/virtual.ts'
import { clusterOf, clusterState, node, pod } from './fixtures.ts'
import { changedAspects, definePlugin } from './plugin.ts'
import { SchedulingQueue } from './queue.ts'

const roomy = definePlugin({ name: 'Roomy', listens: ['room'], wakes: (event) => event.type === 'room' })
const taints = definePlugin({
  name: 'Taints',
  listens: ['node'],
  wakes: (event) => event.type === 'node' && event.changed.has('taints'),
})

function newQueue() {
  const world = new VirtualWorld()
  const queue = new SchedulingQueue(world.clock, clusterOf(clusterState()), () => {})
  const taken = () => {
    const names: string[] = []
    for (let next = queue.take(); next; next = queue.take()) names.push(next.metadata.name!)
    return names.join(' ')
  }
  const room = { type: 'room', pod: pod('gone'), node: 'n' } as const
  return { world, queue, taken, room }
}

describe('turns', () => {
  test('go by priority, then by arrival', () => {
    const { queue, taken } = newQueue()
    queue.put(pod('a'))
    queue.put(pod('b', { priority: 5 }))
    queue.put(pod('c'))
    queue.put(pod('d', { priority: 5 }))
    assert.equal(taken(), 'b d a c')
  })

  test('end with removal, and are given once', () => {
    const { queue, taken } = newQueue()
    queue.put(pod('a'))
    queue.put(pod('b'))
    queue.put(pod('a', {}, { metadata: { labels: { new: 'label' } } }))
    queue.remove('b')
    assert.equal(taken(), 'a')
    assert.equal(taken(), '')
  })
})

describe('a pod that was refused', () => {
  test('comes back when something happens that its refuser cares about, not before its back-off has passed', async () => {
    const { world, queue, taken, room } = newQueue()
    queue.put(pod('a'))
    taken()
    queue.refused('a', new Set([roomy]))
    const old = node('n')
    queue.happened({ type: 'node', node: old, isNew: false, changed: new Set(['taints']) })
    await world.advance(60_000)
    assert.equal(taken(), '', 'a taint is nothing to it')

    queue.happened(room)
    assert.equal(taken(), 'a', 'its back-off has passed long ago')

    queue.refused('a', new Set([roomy]))
    queue.happened(room)
    assert.equal(taken(), '')
    await world.advance(1_999)
    assert.equal(taken(), '')
    await world.advance(1)
    assert.equal(taken(), 'a', 'the second failure costs two seconds')
  })

  test('waits ten seconds at most', async () => {
    const { world, queue, taken, room } = newQueue()
    queue.put(pod('a'))
    for (const seconds of [1, 2, 4, 8, 10, 10]) {
      assert.equal(taken(), 'a')
      queue.refused('a', new Set([roomy]))
      queue.happened(room)
      await world.advance(seconds * 1000 - 1)
      assert.equal(taken(), '')
      await world.advance(1)
    }
    assert.equal(taken(), 'a')
  })

  test('is looked at again after five minutes whatever happens', async () => {
    const { world, queue, taken } = newQueue()
    queue.put(pod('a'))
    taken()
    queue.refused('a', new Set([taints]))
    await world.advance(299_999)
    assert.equal(taken(), '')
    await world.advance(1)
    assert.equal(taken(), 'a')
  })

  test('comes back when it asks for something else, not for a new status or equal labels', async () => {
    const { world, queue, taken } = newQueue()
    const labels = () => ({ metadata: { labels: { app: 'web' } } })
    queue.put(pod('a', {}, labels()))
    taken()
    queue.refused('a', new Set([taints]))
    await world.advance(1000)
    queue.put(pod('a', {}, { ...labels(), status: { phase: 'Pending' } }))
    assert.equal(taken(), '')
    queue.put(pod('a', { tolerations: [{ operator: 'Exists' }] }, labels()))
    assert.equal(taken(), 'a')
  })

  test('that is gone never comes back', async () => {
    const { world, queue, taken, room } = newQueue()
    queue.put(pod('a'))
    taken()
    queue.refused('a', new Set([roomy]))
    queue.remove('a')
    queue.happened(room)
    await world.advance(600_000)
    assert.equal(taken(), '')
  })
})

test('a binding that failed is tried again after its back-off', async () => {
  const { world, queue, taken } = newQueue()
  queue.put(pod('a'))
  taken()
  queue.failed('a')
  assert.equal(taken(), '')
  await world.advance(1000)
  assert.equal(taken(), 'a')
})

test('the counts say where the pods are', async () => {
  const { world, queue, room } = newQueue()
  for (const name of ['a', 'b', 'c', 'd']) queue.put(pod(name))
  for (let at = 0; at < 3; at++) queue.take()
  queue.refused('a', new Set([roomy]))
  queue.refused('b', new Set([taints]))
  queue.happened(room)
  assert.deepEqual({ ...queue.counts }, { active: 1, taken: 1, backoff: 1, unschedulable: 1 })
  await world.advance(1000)
  queue.remove('c')
  assert.deepEqual({ ...queue.counts }, { active: 2, taken: 0, backoff: 0, unschedulable: 1 })
  queue.close()
  assert.deepEqual({ ...queue.counts }, { active: 0, taken: 0, backoff: 0, unschedulable: 0 })
  assert.equal(world.clock.next, undefined, 'no timer is left')
})

test('a heartbeat changes nothing about a node', () => {
  const beat = (time: string) =>
    node('n', { status: { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: time }] } as never })
  assert.equal(changedAspects(beat('2026-01-01T00:00:00Z'), beat('2026-01-01T00:05:00Z')).size, 0)
  assert.equal(changedAspects(beat('2026-01-01T00:00:00Z'), undefined).size, 4)
})
