import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Endpoint, EndpointSlice } from '../../kinds/discovery/endpoint-slice.ts'
import { backendsOf } from './backends.ts'

const port = { port: 80, targetPort: 8080, protocol: 'TCP' } as const
const here = { node: 'node1', zone: 'a' }

/** An endpoint of so many, with hints. */
const endpoint = (at: number, more: Partial<Endpoint> = {}): Endpoint => ({
  addresses: [`10.0.0.${at}`, '10.9.9.9'],
  conditions: {},
  ...more,
})
const forZone = (at: number, ...zones: string[]) =>
  endpoint(at, { hints: { forZones: zones.map((name) => ({ name })) } })
const forNode = (at: number, name: string) =>
  endpoint(at, { hints: { forNodes: [{ name }], forZones: [{ name: 'b' }] } })
const slice = (endpoints: Endpoint[], more: Partial<EndpointSlice> = {}) =>
  ({ addressType: 'IPv4', ports: [{ name: '', protocol: 'TCP', port: 8080 }], endpoints, ...more }) as EndpointSlice
const clusterOf = (slices: EndpointSlice[], at: Parameters<typeof backendsOf>[3] = here) =>
  backendsOf(port, slices, 4, at).cluster.map(({ address }) => Number(address.split('.')[3]))

test('each endpoint counts once, by its first address, in whatever slices and order', () => {
  const slices = [slice([endpoint(3), endpoint(1)]), slice([endpoint(1), endpoint(2)])]
  assert.deepEqual(clusterOf(slices), [1, 2, 3])
  assert.deepEqual(clusterOf(slices.toReversed()), [1, 2, 3])
})

test('what is for another port, family or protocol does not count', () => {
  const other = (more: Partial<EndpointSlice>) => slice([endpoint(9)], more)
  const slices = [
    slice([endpoint(1)]),
    other({ ports: [{ name: 'other', protocol: 'TCP', port: 8080 }] }),
    other({ ports: [{ name: '', protocol: 'UDP', port: 8080 }] }),
    other({ ports: [{ name: '', protocol: 'TCP' }] }),
    other({ addressType: 'FQDN' }),
    other({ addressType: 'IPv6' }),
    // As whoever writes them may leave them.
    slice(null as never, { ports: null as never }),
  ]
  assert.deepEqual(clusterOf(slices), [1])
})

test('hints count where all endpoints have them, and somebody is meant for here', () => {
  const zones = [forZone(1, 'a'), forZone(2, 'b'), forZone(3, 'a', 'b')]
  assert.deepEqual(clusterOf([slice(zones)]), [1, 3])
  assert.deepEqual(clusterOf([slice(zones)], { ...here, zone: 'c' }), [1, 2, 3])
  assert.deepEqual(clusterOf([slice(zones)], { ...here, zone: undefined }), [1, 2, 3])
  assert.deepEqual(clusterOf([slice([...zones, endpoint(4)])]), [1, 2, 3, 4])
  const nodes = [forNode(1, 'node1'), forNode(2, 'node2')]
  assert.deepEqual(clusterOf([slice(nodes)]), [1])
  assert.deepEqual(clusterOf([slice(nodes)], { node: 'node3', zone: 'b' }), [1, 2])
})

test('those that are not ready count only as long as they serve while they end, and nobody else is there', () => {
  const ending = { ready: false, serving: true, terminating: true }
  const gone = { ready: false, serving: false, terminating: true }
  const local = { nodeName: 'node1' }
  const slices = [
    slice([endpoint(1), endpoint(2, { conditions: ending, ...local }), endpoint(3, { conditions: gone })]),
  ]
  assert.deepEqual(clusterOf(slices), [1])
  // On this node alone there is no other.
  assert.deepEqual(backendsOf(port, slices, 4, here).local, [{ address: '10.0.0.2', port: 8080 }])
  assert.deepEqual(clusterOf([slice([endpoint(2, { conditions: ending })])]), [2])
})
