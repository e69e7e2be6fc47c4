import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Endpoints } from '../kinds/core/endpoints.ts'
import { Service } from '../kinds/core/service.ts'
import { EndpointSlice } from '../kinds/discovery/endpoint-slice.ts'
import type { Change } from '../reconciler/changes.ts'
import { reconcileGone, reconcileOnce } from '../reconciler/fixture.ts'
import type { Draft } from '../schema/types.ts'
import { endpointSliceMirroringController as controller } from './endpointslice-mirroring.ts'
import { lines, now, object } from './fixtures.ts'

const ports = [{ name: 'http', port: 80, protocol: 'TCP' }]
const endpoints = (subsets: readonly object[], metadata: object = {}) =>
  object<Endpoints>(Endpoints, 'db', { metadata, subsets } as Draft<Endpoints>)
const service = (spec: object = {}) => object<Service>(Service, 'db', { spec } as Draft<Service>)
const ips = (count: number) => Array.from({ length: count }, (_, n) => ({ ip: `10.1.${n >> 8}.${n & 255}` }))

const look = (subject: Endpoints, services: readonly Service[] = [service()], slices: readonly EndpointSlice[] = []) =>
  reconcileOnce(
    controller,
    subject,
    [
      [Endpoints, subject],
      [Service, ...services],
      [EndpointSlice, ...slices],
    ],
    { now },
  ).changes

const made = (changes: readonly Change[]) =>
  changes.flatMap((change) => (change.type === 'create' ? [change.object as EndpointSlice] : []))

const mirrored = (name: string, rest: object) =>
  object<EndpointSlice>(EndpointSlice, name, {
    metadata: {
      labels: {
        'kubernetes.io/service-name': 'db',
        'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
      },
    },
    addressType: 'IPv4',
    ports,
    ...rest,
  } as Draft<EndpointSlice>)

test('Endpoints of a service without a selector become slices, one for each family', () => {
  const subject = endpoints(
    [
      {
        addresses: [{ ip: '10.1.2.3', hostname: 'a', nodeName: 'n1' }, { ip: 'fd00::1' }],
        notReadyAddresses: [{ ip: '10.1.2.4' }],
        ports,
      },
    ],
    { labels: { team: 'x' }, annotations: { note: 'y', 'kubectl.kubernetes.io/last-applied-configuration': '{}' } },
  )
  const slices = made(look(subject))
  assert.deepEqual(
    slices.map(({ addressType, endpoints }) => [addressType, endpoints]),
    [
      [
        'IPv4',
        [
          { addresses: ['10.1.2.3'], conditions: { ready: true }, hostname: 'a', nodeName: 'n1' },
          { addresses: ['10.1.2.4'], conditions: { ready: false } },
        ],
      ],
      ['IPv6', [{ addresses: ['fd00::1'], conditions: { ready: true } }]],
    ],
  )
  assert.deepEqual(slices[0]!.ports, ports)
  assert.deepEqual(slices[0]!.metadata, {
    generateName: 'db-',
    namespace: 'default',
    labels: {
      team: 'x',
      'kubernetes.io/service-name': 'db',
      'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
    },
    annotations: { note: 'y' },
    ownerReferences: [
      {
        apiVersion: 'v1',
        kind: 'Endpoints',
        name: 'db',
        uid: 'uid-endpoints-db',
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  })
})

test('subsets with the same ports share slices, others have their own', () => {
  const other = [{ name: 'https', port: 443, protocol: 'TCP' }]
  const slices = made(
    look(
      endpoints([
        { addresses: [{ ip: '10.0.0.1' }], ports },
        { addresses: [{ ip: '10.0.0.2' }], ports },
        { addresses: [{ ip: '10.0.0.1' }], ports: other },
      ]),
    ),
  )
  assert.deepEqual(
    slices.map(({ ports, endpoints }) => [ports?.[0]?.port, endpoints.length]),
    [
      [80, 2],
      [443, 1],
    ],
  )
})

test('1000 addresses of a subset are mirrored, 100 to a slice, and the rest is told', () => {
  const changes = look(endpoints([{ addresses: [{ ip: 'nonsense' }, ...ips(1003)], ports }]))
  assert.deepEqual(lines(changes).slice(0, 2), [
    'Warning InvalidIPAddress: Skipped 1 invalid IP addresses when mirroring to EndpointSlices',
    'Warning TooManyAddressesToMirror: A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 4 addresses were skipped',
  ])
  assert.deepEqual(
    made(changes).map(({ endpoints }) => endpoints.length),
    Array.from({ length: 10 }, () => 100),
  )
})

test('what is there already is not written again; what has changed is', () => {
  const present = mirrored('db-1', { endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true } }] })
  const same = endpoints([{ addresses: [{ ip: '10.0.0.1' }], ports }])
  assert.deepEqual(lines(look(same, [service()], [present])), [])
  const more = endpoints([{ addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }], ports }])
  assert.deepEqual(lines(look(more, [service()], [present])), ['update endpointslice/db-1'])
  const labelled = endpoints([{ addresses: [{ ip: '10.0.0.1' }], ports }], { labels: { team: 'x' } })
  assert.deepEqual(lines(look(labelled, [service()], [present])), ['update endpointslice/db-1'])
  assert.deepEqual(lines(look(endpoints([]), [service()], [present])), ['remove endpointslice/db-1'])
})

const unmirrored: readonly (readonly [string, Endpoints, readonly Service[]])[] = [
  ['of a service with a selector', endpoints([]), [service({ selector: { app: 'db' } })]],
  ['without a service', endpoints([]), []],
  ['that say so', endpoints([], { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }), [service()]],
  [
    'that are a leader’s lock',
    endpoints([], { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } }),
    [service()],
  ],
]
for (const [name, subject, services] of unmirrored)
  test(`Endpoints ${name} are not mirrored, and lose the slices they had`, () => {
    const present = mirrored('db-1', { endpoints: [] })
    assert.deepEqual(lines(look(subject, services, [present])), ['remove endpointslice/db-1'])
  })

test('slices go with their Endpoints', () => {
  const { changes } = reconcileGone(controller, { namespace: 'default', name: 'db' }, [
    [EndpointSlice, mirrored('db-1', { endpoints: [] })],
  ])
  assert.deepEqual(lines(changes), ['remove endpointslice/db-1'])
})
