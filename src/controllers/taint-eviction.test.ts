import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Node } from '../kinds/core/node.ts'
import type { Pod } from '../kinds/core/pod.ts'
import { reconcileOnce, wakes } from '../reconciler/fixture.ts'
import type { Draft } from '../schema/types.ts'
import { lines, node, now, nowText, pod } from './fixtures.ts'
import { taintEvictionController } from './taint-eviction.ts'

const free = node('n')
const closed = node('n', { spec: { taints: [{ key: 'a', effect: 'NoExecute', timeAdded: nowText }] } } as Draft<Node>)
const tolerant = (tolerationSeconds?: number) =>
  pod('p', {
    node: 'n',
    rest: { spec: { tolerations: [{ key: 'a', operator: 'Exists', tolerationSeconds }] } } as Draft<Pod>,
  })

test('a pod is looked at when it comes to a node that drives pods away, and when it tolerates something else there', () => {
  const controller = taintEvictionController()
  const isWoken = (object: Pod, old: Pod | undefined, present = closed) =>
    wakes(controller, { object, old }, [[Node, present]], now)
  assert.equal(isWoken(pod('p', { node: 'n' }), undefined), true)
  assert.equal(isWoken(pod('p', { node: 'n' }), pod('p')), true)
  assert.equal(isWoken(tolerant(), tolerant(5)), true)
  assert.equal(isWoken(tolerant(), tolerant()), false)
  assert.equal(isWoken(pod('p'), undefined), false)
  assert.equal(isWoken(pod('p', { node: 'n' }), undefined, free), false)
})

test('all pods of a node are looked at when it begins or ceases to drive some away', () => {
  const [ofNodes] = taintEvictionController().watches
  const context = { now, list: () => [], get: () => undefined, by: () => [pod('p', { node: 'n' })] }
  const woken = (object: Node | undefined, old: Node | undefined) =>
    [...ofNodes!.wakes({ object, old } as never, context as never)].map(({ name }) => name)
  assert.deepEqual(woken(closed, undefined), ['p'])
  assert.deepEqual(woken(closed, free), ['p'])
  assert.deepEqual(woken(free, closed), ['p'])
  assert.deepEqual(woken(free, undefined), [])
  assert.deepEqual(woken(closed, closed), [])
})

test('a pod that tolerates nothing goes at once, one that does when its time is over, and no longer if it has more', () => {
  const controller = taintEvictionController()
  const look = (subject: Pod, at = now) =>
    lines(reconcileOnce(controller, subject, [[Node, closed]], { now: at }).changes)
  assert.deepEqual(look(tolerant(30)), ['again after 30000 ms'])
  assert.deepEqual(look(tolerant()), ['Normal TaintManagerEviction: Cancelling deletion of Pod default/p'])
  assert.deepEqual(look(tolerant(30), now + 30_000), ['again after 30000 ms'])
  assert.deepEqual(look(tolerant(30), now + 60_000).slice(0, 1), [
    'Normal TaintManagerEviction: Marking for deletion Pod default/p',
  ])
  assert.deepEqual(look(pod('p', { node: 'n' })).slice(0, 1), [
    'Normal TaintManagerEviction: Marking for deletion Pod default/p',
  ])
})

test('the time of a pod runs from the first look, not anew with each, nor from when the taint came', () => {
  const ofHand = node('n', { spec: { taints: [{ key: 'a', effect: 'NoExecute' }] } } as Draft<Node>)
  for (const tainted of [ofHand, closed]) {
    const controller = taintEvictionController()
    const look = (subject: Pod, seconds: number) =>
      lines(reconcileOnce(controller, subject, [[Node, tainted]], { now: now + seconds * 1000 }).changes)[0]
    assert.equal(look(tolerant(30), 10), 'again after 30000 ms')
    assert.equal(look(tolerant(30), 25), 'again after 15000 ms')
    assert.equal(look(tolerant(60), 30), 'again after 10000 ms')
    assert.equal(look(tolerant(30), 40), 'Normal TaintManagerEviction: Marking for deletion Pod default/p')
  }
})
