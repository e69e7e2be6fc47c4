import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client } from '../client/client.ts'
import type { Node } from '../kinds/core/node.ts'
import { ApiError } from '../schema/status.ts'
import { VirtualHost } from '../world/virtual-host.ts'
import { isOfAnotherMachine, NodeTakenError, requireOwnNode, thisMachine } from './node-owner.ts'

const own = { machineID: 'a1', systemUUID: 'board-1' }
const elsewhere = '10.9.9.9'

/** A host, and the Node of its name as the API has it. */
async function hostWith(nodeInfo: object, address: string, ready = 'True') {
  const world = new VirtualHost(7)
  await world.disk.write('/etc/machine-id', 'a1\n')
  await world.disk.write('/sys/class/dmi/id/product_uuid', 'board-1\n')
  const node = {
    metadata: { name: 'web1' },
    status: {
      nodeInfo,
      addresses: [{ type: 'InternalIP', address }],
      conditions: [{ type: 'Ready', status: ready, lastHeartbeatTime: time(world, 0) }],
    },
  } as unknown as Node
  return { world, node }
}

const time = ({ clock }: VirtualHost, ageMs: number) => new Date(clock.now() - ageMs).toISOString()

const leaseOf = (renewTime: string | undefined) =>
  ({
    async get() {
      if (renewTime === undefined) throw new ApiError('NotFound', 'no lease')
      return { spec: { renewTime, leaseDurationSeconds: 40 } }
    },
  }) as unknown as Client

test('a Node is told from that of another machine by the numbers of both, unless it has its address', async () => {
  const { world } = await hostWith(own, elsewhere)
  const machine = await thisMachine(world)
  for (const [nodeInfo, address, isOther] of [
    [own, elsewhere, false],
    [{ ...own, machineID: 'b2' }, elsewhere, true],
    // Copies of one image have one number, and boards of their own.
    [{ ...own, systemUUID: 'board-2' }, elsewhere, true],
    [{ machineID: 'b2', systemUUID: 'board-2' }, machine.addresses[0]!, false],
    // Made by hand.
    [{ machineID: '', systemUUID: '' }, elsewhere, false],
  ] as const) {
    const { node } = await hostWith(nodeInfo, address)
    assert.equal(isOfAnotherMachine(node, machine), isOther, JSON.stringify([nodeInfo, address]))
  }
})

test('another machine keeps its Node as long as it lives', async () => {
  const other = { machineID: 'b2', systemUUID: 'board-2' }
  for (const [nodeInfo, ready, heartbeatMs, isTaken] of [
    [other, 'True', 5_000, true],
    [other, 'True', undefined, true],
    [other, 'True', 41_000, false],
    [other, 'Unknown', 5_000, false],
    [own, 'True', 5_000, false],
  ] as const) {
    const { world, node } = await hostWith(nodeInfo, elsewhere, ready)
    const client = leaseOf(heartbeatMs === undefined ? undefined : time(world, heartbeatMs))
    const asked = requireOwnNode(client, node, world)
    if (!isTaken) await asked
    else
      await assert.rejects(asked, (error) => {
        assert.ok(error instanceof NodeTakenError)
        assert.equal(error.message, 'the Node "web1" is that of another machine, which is alive (10.9.9.9)')
        return true
      })
  }
})
