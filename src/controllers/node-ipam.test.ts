import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node } from '../kinds/core/node.ts'
import { reconcileOnce, wakes } from '../reconciler/fixture.ts'
import { ApiError } from '../schema/status.ts'
import type { Draft } from '../schema/types.ts'
import { lines, node, now } from './fixtures.ts'
import { CidrSet } from './node-ipam/cidr-set.ts'
import { type NodeIpamOptions, nodeIpamController } from './node-ipam.ts'

const withRanges = (name: string, ...podCIDRs: string[]) =>
  node(name, { spec: { podCIDR: podCIDRs[0], podCIDRs } } as Draft<Node>)

/** Shows the controller nodes one after the other, and tells what each is given. */
function assigned(options: NodeIpamOptions, nodes: readonly Node[]) {
  const controller = nodeIpamController(options)
  for (const each of nodes) wakes(controller, { object: each, old: undefined })
  return nodes
    .flatMap((each) => reconcileOnce(controller, each, [], { now }).changes)
    .map((change) => (change.type === 'patch' ? (change.patch.body as { spec: object }).spec : lines([change])[0]))
}

test('each node gets a range of its own, around those that others have', () => {
  const nodes = [node('a'), withRanges('b', '10.244.1.0/24'), node('c')]
  assert.deepEqual(assigned({}, nodes), [
    { podCIDR: '10.244.0.0/24', podCIDRs: ['10.244.0.0/24'] },
    { podCIDR: '10.244.2.0/24', podCIDRs: ['10.244.2.0/24'] },
  ])
})

test('in a cluster of two families each node gets a range of each', () => {
  const clusterCidrs = ['10.244.0.0/16', 'fd00:10:244::/56']
  assert.deepEqual(assigned({ clusterCidrs, nodeMasks: { ipv4: 25, ipv6: 64 } }, [node('a'), node('b')]), [
    { podCIDR: '10.244.0.0/25', podCIDRs: ['10.244.0.0/25', 'fd00:10:244::/64'] },
    { podCIDR: '10.244.0.128/25', podCIDRs: ['10.244.0.128/25', 'fd00:10:244:1::/64'] },
  ])
})

test('when none is left the node is told so', () => {
  assert.deepEqual(assigned({ clusterCidrs: ['10.0.0.0/24'] }, [node('a'), node('b')]), [
    { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'] },
    'Normal CIDRNotAvailable: Node b status is now: CIDRNotAvailable',
  ])
})

test('the range of a node that is gone is given to another', () => {
  const controller = nodeIpamController({ clusterCidrs: ['10.0.0.0/24'] })
  const old = withRanges('a', '10.0.0.0/24')
  wakes(controller, { object: old, old: undefined })
  assert.deepEqual(lines(reconcileOnce(controller, node('b'), [], { now }).changes), [
    'Normal CIDRNotAvailable: Node b status is now: CIDRNotAvailable',
  ])
  wakes(controller, { object: undefined, old })
  assert.deepEqual(lines(reconcileOnce(controller, node('b'), [], { now }).changes), ['patch node/b'])
})

test('a range that could not be written is free again', () => {
  const controller = nodeIpamController({ clusterCidrs: ['10.0.0.0/24'] })
  const answer = () => new ApiError('Conflict', 'no')
  assert.ok(reconcileOnce(controller, node('a'), [], { now, answer }).error)
  assert.deepEqual(lines(reconcileOnce(controller, node('a'), [], { now }).changes), ['patch node/a'])
})

test('a range of which nobody knows whether it was written is given to nobody else', () => {
  const controller = nodeIpamController({ clusterCidrs: ['10.0.0.0/23'] })
  const answer = () => new ApiError('InternalError', 'the connection was lost')
  assert.ok(reconcileOnce(controller, node('a'), [], { now, answer }).error)
  const [next] = reconcileOnce(controller, node('b'), [], { now }).changes
  assert.deepEqual(next?.type === 'patch' && (next.patch.body as { spec: object }).spec, {
    podCIDR: '10.0.1.0/24',
    podCIDRs: ['10.0.1.0/24'],
  })
})

test('without ranges nodes are left alone', () => assert.deepEqual(assigned({ clusterCidrs: [] }, [node('a')]), []))

test('a set of ranges knows those of other sizes, and gives back ones last', () => {
  const set = new CidrSet('10.0.0.0/22', 24)
  set.occupy('10.0.0.0/23')
  set.occupy('192.168.0.0/24')
  set.occupy('10.0.2.128/25')
  assert.deepEqual([set.take(), set.take()], ['10.0.3.0/24', undefined])
  set.release('10.0.0.0/23')
  assert.deepEqual([set.take(), set.take(), set.take()], ['10.0.0.0/24', '10.0.1.0/24', undefined])
  assert.throws(() => new CidrSet('10.0.0.0/25', 24), /10\.0\.0\.0\/25 cannot be cut into ranges of \/24/)
})
