import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cidrContains, parseCidr, parseIp } from '../base/cidr.ts'
import { Service } from '../kinds/core/service.ts'
import { decode } from '../schema/decode.ts'
import { clone } from '../schema/freeze.ts'
import { ApiError } from '../schema/status.ts'
import type { Draft, Mutable } from '../schema/types.ts'
import { seededRandom } from '../world/virtual.ts'
import { ServiceAllocator, type ServiceAllocatorOptions } from './service-allocation.ts'

type Spec = Draft<Service['spec']>

const port = { name: 'a', port: 80 }

function serviceOf(spec: Spec, name = 'a'): Mutable<Service> {
  const draft = { metadata: { name, namespace: 'default' }, spec: { ports: [port], ...spec } }
  const { object } = decode(Service.schema, draft) as unknown as { object: Mutable<Service> }
  Service.defaults(object)
  return object
}

function allocatorWith(options: Partial<ServiceAllocatorOptions> = {}): ServiceAllocator {
  return new ServiceAllocator({ random: seededRandom(1), ...options })
}

/** What a create through the server does; gives the stored object. */
function create(allocator: ServiceAllocator, spec: Spec, name = 'a'): Service {
  const service = serviceOf(spec, name)
  allocator.create(service).commit()
  Service.prepareCreate(service)
  return service as unknown as Service
}

/** What a PUT through the server does. */
function update(allocator: ServiceAllocator, old: Service, spec: Spec): Service {
  const service = serviceOf(spec, old.metadata.name)
  allocator.update(service, old).commit()
  Service.prepareUpdate(service, old)
  return service as unknown as Service
}

/** The first cause of the refusal: `field: message`. */
function refusal(attempt: () => unknown): string {
  try {
    attempt()
  } catch (error) {
    assert.ok(error instanceof ApiError)
    const [cause] = error.details?.causes ?? []
    return cause?.field ? `${cause.field}: ${cause.message}` : error.message
  }
  return 'not refused'
}

describe('a service gets', () => {
  test('an address out of the range, its family and the policy', () => {
    const { spec } = create(allocatorWith(), {})
    assert.ok(cidrContains(parseCidr('10.96.0.0/12')!, parseIp(spec.clusterIP!)!))
    assert.deepEqual(spec.clusterIPs, [spec.clusterIP])
    assert.deepEqual([spec.ipFamilies, spec.ipFamilyPolicy], [['IPv4'], 'SingleStack'])
  })

  test('the address that it asks for, once', () => {
    const allocator = allocatorWith()
    assert.equal(create(allocator, { clusterIP: '10.96.200.201' }).spec.clusterIP, '10.96.200.201')
    assert.equal(
      refusal(() => create(allocator, { clusterIP: '10.96.200.201' }, 'b')),
      'spec.clusterIPs: Invalid value: ["10.96.200.201"]: failed to allocate IP 10.96.200.201: provided IP is already allocated',
    )
  })

  test('one node port for the same port of two protocols', () => {
    const ports = [
      { name: 'tcp', port: 53 },
      { name: 'udp', port: 53, protocol: 'UDP' as const },
    ]
    const [tcp, udp] = create(allocatorWith(), { type: 'NodePort', ports }).spec.ports!
    assert.ok(tcp!.nodePort! >= 30_000 && tcp!.nodePort! <= 32_767)
    assert.equal(udp!.nodePort, tcp!.nodePort)
  })

  test('the node port that it asks for, once and only in the range', () => {
    const allocator = allocatorWith()
    const wish = (nodePort: number): Spec => ({ type: 'NodePort', ports: [{ port: 1, nodePort }] })
    create(allocator, wish(32_111))
    assert.equal(
      refusal(() => create(allocator, wish(32_111), 'b')),
      'spec.ports[0].nodePort: Invalid value: 32111: provided port is already allocated',
    )
    assert.equal(
      refusal(() => create(allocator, wish(80), 'b')),
      'spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
    )
  })

  test('both families without a selector and without an address', () => {
    const { spec } = create(allocatorWith(), { clusterIP: 'None' })
    assert.deepEqual(
      [spec.clusterIPs, spec.ipFamilies, spec.ipFamilyPolicy],
      [['None'], ['IPv4', 'IPv6'], 'RequireDualStack'],
    )
  })

  test('nothing when it is an external name', () => {
    const { spec } = create(allocatorWith(), { type: 'ExternalName', externalName: 'x.example.com' })
    assert.deepEqual([spec.clusterIP, spec.ipFamilies, spec.ipFamilyPolicy], [undefined, undefined, undefined])
  })

  test('an address of each family on a cluster that has both', () => {
    const allocator = allocatorWith({ serviceCidrs: ['10.96.0.0/12', 'fd00:1::/108'] })
    const { spec } = create(allocator, { ipFamilyPolicy: 'RequireDualStack' })
    assert.deepEqual(spec.ipFamilies, ['IPv4', 'IPv6'])
    assert.equal(spec.clusterIPs?.length, 2)
    assert.ok(spec.clusterIPs![1]!.startsWith('fd00:1::'))
    assert.equal(
      refusal(() => create(allocatorWith(), { ipFamilyPolicy: 'RequireDualStack' })),
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    )
  })
})

describe('an update', () => {
  test('without the values that the server gave keeps them', () => {
    const allocator = allocatorWith()
    const service = create(allocator, { type: 'NodePort' })
    const next = update(allocator, service, { type: 'NodePort' })
    assert.equal(next.spec.clusterIP, service.spec.clusterIP)
    assert.deepEqual(next.spec.ports, service.spec.ports)
  })

  test('through all the types gives and takes what each needs', () => {
    const allocator = allocatorWith()
    const plain = create(allocator, {})
    const onNodes = update(allocator, plain, { type: 'NodePort' })
    const nodePort = onNodes.spec.ports![0]!.nodePort!
    assert.ok(nodePort)
    const balanced = update(allocator, onNodes, { type: 'LoadBalancer', externalTrafficPolicy: 'Local' })
    assert.equal(balanced.spec.ports![0]!.nodePort, nodePort)
    assert.ok(balanced.spec.healthCheckNodePort)
    const external = update(allocator, balanced, { type: 'ExternalName', externalName: 'x.example.com' })
    assert.deepEqual([external.spec.clusterIP, external.spec.healthCheckNodePort], [undefined, undefined])
    const wish: Spec = { type: 'NodePort', clusterIP: plain.spec.clusterIP, ports: [{ port: 1, nodePort }] }
    assert.equal(create(allocator, wish, 'b').spec.clusterIP, plain.spec.clusterIP)
  })

  test('that changes the address alone changes the list of addresses too, for validation to refuse', () => {
    const allocator = allocatorWith()
    const service = create(allocator, {})
    assert.deepEqual(update(allocator, service, { clusterIP: '10.96.7.7' }).spec.clusterIPs, ['10.96.7.7'])
    assert.deepEqual(update(allocator, service, { clusterIP: 'None' }).spec.clusterIPs, ['None'])
  })
})

describe('what was reserved', () => {
  const wish: Spec = { type: 'NodePort', clusterIP: '10.96.9.9', ports: [{ port: 1, nodePort: 31_000 }] }

  test('is free again when the write fails', () => {
    const allocator = allocatorWith()
    allocator.create(serviceOf(wish)).revert()
    create(allocator, wish, 'b')
  })

  test('is never taken by a dry run', () => {
    const allocator = allocatorWith()
    allocator.create(serviceOf(wish), { dryRun: true }).commit()
    create(allocator, wish, 'b')
  })

  test('is free again when the service is gone, but not when somebody else has it by then', () => {
    const allocator = allocatorWith()
    const first = create(allocator, wish)
    assert.deepEqual(allocator.remove(first), ['10.96.9.9'])
    create(allocator, wish, 'b')
    allocator.forget(first)
    assert.match(
      refusal(() => create(allocator, wish, 'c')),
      /already allocated/,
    )
  })

  test('is known of services that were there before', () => {
    const allocator = allocatorWith()
    allocator.adopt(clone(create(allocatorWith(), wish)) as unknown as Service)
    assert.match(
      refusal(() => create(allocator, wish, 'b')),
      /already allocated/,
    )
  })

  test('names the IPAddress objects to make and to delete', () => {
    const allocator = allocatorWith()
    const service = serviceOf(wish)
    const allocation = allocator.create(service)
    assert.deepEqual(allocation.addresses, { add: ['10.96.9.9'], remove: [] })
    const external = serviceOf({ type: 'ExternalName', externalName: 'x.example.com' })
    const change = allocator.update(external, service as unknown as Service)
    assert.deepEqual(change.addresses, { add: [], remove: ['10.96.9.9'] })
  })
})

test('a range that is used up says so', () => {
  const allocator = allocatorWith({ serviceCidrs: ['10.0.0.0/30'] })
  create(allocator, {}, 'a')
  create(allocator, {}, 'b')
  assert.equal(
    refusal(() => create(allocator, {}, 'c')),
    'Internal error occurred: failed to allocate a serviceIP: range is full',
  )
})
