import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Service } from '../kinds/core/service.ts'
import { IPAddress } from '../kinds/networking/ip-address.ts'
import type { Controller } from '../reconciler/controller.ts'
import { reconcileOnce, type TrialOptions } from '../reconciler/fixture.ts'
import { ApiError } from '../schema/status.ts'
import type { Draft } from '../schema/types.ts'
import { lines, now, object, written } from './fixtures.ts'
import { serviceAddressRepair } from './service-address-repair.ts'

const [missing, leaked] = serviceAddressRepair as [Controller, Controller]

const service = (spec: object) => object<Service>(Service, 'web', { spec } as Draft<Service>)
const address = (name: string, metadata: object = {}, parentRef: object = {}) =>
  object<IPAddress>(IPAddress, name, {
    metadata: { labels: { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' }, ...metadata },
    spec: { parentRef: { resource: 'services', namespace: 'default', name: 'web', ...parentRef } },
  } as Draft<IPAddress>)

const look = (
  controller: Controller,
  subject: Service | IPAddress,
  present: readonly (Service | IPAddress)[],
  more: TrialOptions = {},
) =>
  reconcileOnce(
    controller,
    subject,
    [
      [Service, ...present.filter(({ kind }) => kind === 'Service')],
      [IPAddress, ...present.filter(({ kind }) => kind === 'IPAddress')],
    ],
    { now, ...more },
  ).changes

test('an address whose object is gone gets a new one', () => {
  const changes = look(missing, service({ clusterIPs: ['10.96.0.7', 'fd00::7'] }), [address('fd00::7')])
  assert.deepEqual(lines(changes), [
    'confirm service/web',
    'create ipaddress/10.96.0.7',
    'Warning ClusterIPNotAllocated: Cluster IP [IPv4]: 10.96.0.7 is not allocated; repairing',
  ])
  const made = written(changes, IPAddress)
  assert.deepEqual(made.metadata.labels, {
    'ipaddress.kubernetes.io/ip-family': 'IPv4',
    'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
  })
  assert.deepEqual(made.spec.parentRef, { resource: 'services', namespace: 'default', name: 'web' })
})

test('one that is only missing in the cache is not spoken of', () => {
  const answer: TrialOptions['answer'] = ({ type }) =>
    type === 'create' ? new ApiError('AlreadyExists', 'no') : undefined
  const changes = look(missing, service({ clusterIPs: ['10.96.0.7'] }), [], { answer })
  assert.deepEqual(lines(changes), ['confirm service/web', 'create ipaddress/10.96.0.7'])
})

test('services without addresses need none', () => {
  assert.deepEqual(look(missing, service({ clusterIPs: ['None'] }), []), [])
  assert.deepEqual(look(missing, service({ type: 'ExternalName', clusterIPs: ['10.96.0.7'] }), []), [])
})

const leaks: readonly (readonly [string, readonly Service[], string])[] = [
  [
    'without its service',
    [],
    'Warning IPAddressNotAllocated: IPAddress: 10.96.0.7 for Service default/web appears to have leaked: cleaning up',
  ],
  [
    'that its service does not have',
    [service({ clusterIPs: ['10.96.0.8'] })],
    'Warning IPAddressWrongReference: IPAddress: 10.96.0.7 for Service default/web has a wrong reference; cleaning up',
  ],
]
for (const [name, services, message] of leaks)
  test(`an address object ${name} goes, after a minute`, () => {
    assert.deepEqual(lines(look(leaked, address('10.96.0.7'), services)), [message, 'remove ipaddress/10.96.0.7'])
    const young = address('10.96.0.7', {
      creationTimestamp: '2026-01-01T11:59:30Z',
      labels: address('').metadata.labels,
    })
    assert.deepEqual(lines(look(leaked, young, services)), ['again after 30000 ms'])
  })

test('address objects that are in use, or were made by others, stay', () => {
  const user = service({ clusterIPs: ['10.96.0.7'] })
  assert.deepEqual(look(leaked, address('10.96.0.7'), [user]), [])
  assert.deepEqual(look(leaked, address('10.96.0.7', { labels: {} }), []), [])
  assert.deepEqual(look(leaked, address('10.96.0.7', {}, { group: 'example.com', resource: 'gateways' }), []), [])
})
