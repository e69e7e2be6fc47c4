import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IPAddress } from '../kinds/networking/ip-address.ts'
import { ServiceCIDR } from '../kinds/networking/service-cidr.ts'
import { reconcileOnce } from '../reconciler/fixture.ts'
import type { Draft } from '../schema/types.ts'
import { lines, now, object, written } from './fixtures.ts'
import { serviceCidrController } from './service-cidr.ts'

const finalizer = 'networking.k8s.io/service-cidr-finalizer'
const range = (name: string, cidr: string, metadata: object = {}, status: object = {}) =>
  object<ServiceCIDR>(ServiceCIDR, name, { metadata, spec: { cidrs: [cidr] }, status } as Draft<ServiceCIDR>)
const address = (name: string) => object<IPAddress>(IPAddress, name, {} as Draft<IPAddress>)
const going = (at = '2026-01-01T11:59:30Z') => ({ deletionTimestamp: at, finalizers: [finalizer] })

const look = (subject: ServiceCIDR, others: readonly ServiceCIDR[], addresses: readonly IPAddress[]) =>
  reconcileOnce(
    serviceCidrController,
    subject,
    [
      [ServiceCIDR, subject, ...others],
      [IPAddress, ...addresses],
    ],
    { now },
  ).changes

test('a range is guarded, and ready', () => {
  const changes = look(range('more', '10.112.0.0/24'), [], [])
  assert.deepEqual(lines(changes), ['update servicecidr/more', 'update servicecidr/more status'])
  assert.deepEqual(written(changes, ServiceCIDR).metadata.finalizers, [finalizer])
  assert.deepEqual(written(changes, ServiceCIDR, 'status').status.conditions, [
    {
      type: 'Ready',
      status: 'True',
      reason: '',
      message: 'Kubernetes Service CIDR is ready',
      lastTransitionTime: '2026-01-01T12:00:00Z',
    },
  ])
})

test('a range that is in use stays, and says why', () => {
  const changes = look(range('more', '10.112.0.0/24', going()), [], [address('10.112.0.7')])
  assert.deepEqual(lines(changes), ['update servicecidr/more status'])
  const [ready] = written(changes, ServiceCIDR, 'status').status.conditions!
  assert.deepEqual(
    [ready!.status, ready!.reason, ready!.message],
    [
      'False',
      'Terminating',
      'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
    ],
  )
})

const free: readonly (readonly [string, readonly ServiceCIDR[], readonly IPAddress[]])[] = [
  ['when its addresses are gone', [], [address('10.96.0.1')]],
  ['when another range has its addresses', [range('all', '10.0.0.0/8')], [address('10.112.0.7')]],
]
for (const [name, others, addresses] of free)
  test(`a range goes ${name}, ten seconds after it was deleted`, () => {
    const old = look(range('more', '10.112.0.0/24', going()), others, addresses)
    assert.deepEqual(lines(old), ['update servicecidr/more'])
    assert.deepEqual(written(old, ServiceCIDR).metadata.finalizers, [])
    const young = look(range('more', '10.112.0.0/24', going('2026-01-01T11:59:57Z')), others, addresses)
    assert.deepEqual(lines(young), ['again after 7000 ms'])
  })

test('a range that is going takes no addresses over', () => {
  const other = range('all', '10.0.0.0/8', going())
  const changes = look(range('more', '10.112.0.0/24', going()), [other], [address('10.112.0.7')])
  assert.deepEqual(lines(changes), ['update servicecidr/more status'])
})
