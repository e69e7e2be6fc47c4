import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node } from '../kinds/core/node.ts'
import { VirtualWorld } from '../world/virtual.ts'
import { Budget } from './budget.ts'
import { nodeEvents } from './node-events.ts'

function begin() {
  const said: string[] = []
  const { clock } = new VirtualWorld()
  const recorder = {
    record: ({ object, reason, message }: { object: object; reason: string; message: string }) =>
      said.push(`${(object as Node).metadata.uid} ${reason}: ${message}`),
  }
  return { said, clock, events: nodeEvents(recorder, new Budget(clock), 'n') }
}

const nodeThatIs = (status: 'True' | 'Unknown', unschedulable = false): Node =>
  ({
    metadata: { name: 'n', uid: 'u' },
    spec: { unschedulable },
    status: { conditions: [{ type: 'Ready', status, lastHeartbeatTime: 'then', lastTransitionTime: 'then' }] },
  }) as unknown as Node

test('a kubelet tells that its node is ready, whether it is to get pods, and nothing of what stays', () => {
  const { said, events } = begin()
  events.registered(nodeThatIs('True'))
  events.changed(nodeThatIs('True'), nodeThatIs('True'))
  events.changed(nodeThatIs('Unknown'), nodeThatIs('True'))
  events.changed(nodeThatIs('True'), nodeThatIs('Unknown'))
  events.changed(nodeThatIs('True', true), nodeThatIs('True'))
  events.changed(nodeThatIs('True'), nodeThatIs('True', true))
  const line = (reason: string) => `n ${reason}: Node n status is now: ${reason}`
  assert.deepEqual(said, ['NodeReady', 'NodeReady', 'NodeNotSchedulable', 'NodeSchedulable'].map(line))
})

test('of thousands of nodes that come at once, most is left out', () => {
  const { said, events } = begin()
  for (let n = 0; n < 5000; n++) events.registered(nodeThatIs('True'))
  assert.equal(said.length, 300)
})
