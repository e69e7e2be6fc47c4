import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startCluster } from '../cluster/cluster.ts'
import { Node } from '../kinds/core/node.ts'
import type { Draft } from '../schema/types.ts'
import { VirtualWorld } from '../world/virtual.ts'

test('every node is told how long it may trust what it has read, the longer the more nodes there are', async () => {
  await using cluster = await startCluster({
    world: new VirtualWorld(),
    nodes: 0,
    controllers: ['ttl-controller'],
  })
  const { client } = cluster
  const told = async () => {
    await cluster.settle()
    const { items } = await client.list(Node)
    return [...new Set(items.map(({ metadata }) => metadata.annotations?.['node.alpha.kubernetes.io/ttl']))].join()
  }
  let made = 0
  const growTo = async (count: number) => {
    while (made < count) await client.create<Node>(Node, { metadata: { name: `n${made++}` } } as Draft<Node>)
  }
  const shrinkTo = async (count: number) => {
    while (made > count) await client.delete(Node, { name: `n${--made}` })
  }
  await growTo(1)
  assert.equal(await told(), '0')
  await growTo(100)
  assert.equal(await told(), '0')
  await growTo(101)
  assert.equal(await told(), '15')
  await shrinkTo(90)
  assert.equal(await told(), '15', 'a few nodes less change nothing')
  await shrinkTo(89)
  assert.equal(await told(), '0')
  await growTo(501)
  assert.equal(await told(), '30')
  await client.patch(
    Node,
    { name: 'n7' },
    { type: 'merge', body: { metadata: { annotations: { 'node.alpha.kubernetes.io/ttl': '7' } } } },
  )
  assert.equal(await told(), '30', 'what somebody else writes is set right')
})
