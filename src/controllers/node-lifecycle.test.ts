import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node } from '../kinds/core/node.ts'
import { reconcileGone, reconcileOnce } from '../reconciler/fixture.ts'
import type { Draft } from '../schema/types.ts'
import { lines, node, now } from './fixtures.ts'
import { nodeLifecycleController } from './node-lifecycle.ts'

test('it is told of each node once that it came, and that it went, also when another has taken its name', () => {
  const controller = nodeLifecycleController()
  const told = (object: Node) =>
    lines(reconcileOnce(controller, object, [], { now }).changes).filter((line) => /Node\b.* event/.test(line))
  const gone = (name: string) => lines(reconcileGone(controller, { name }, [], { now }).changes)
  const came = 'Normal RegisteredNode: Node n event: Registered Node n in Controller'
  const went = 'Normal RemovingNode: Node n event: Removing Node n from Controller'
  const second = node('n', { metadata: { uid: 'second' } } as Draft<Node>)
  assert.deepEqual(told(node('n')), [came])
  assert.deepEqual(told(node('n')), [])
  assert.deepEqual(told(second), [went, came])
  assert.deepEqual(gone('n'), [went])
  assert.deepEqual(gone('n'), [])
  assert.deepEqual(told(second), [came])
})
