import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Cluster, startCluster } from '../../cluster/cluster.ts'
import { Event } from '../../kinds/core/event.ts'
import { Namespace } from '../../kinds/core/namespace.ts'
import { Node } from '../../kinds/core/node.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { DeviceClass } from '../../kinds/resource/device-class.ts'
import { ResourceClaim } from '../../kinds/resource/resource-claim.ts'
import { ResourceClaimTemplate } from '../../kinds/resource/resource-claim-template.ts'
import { type Device, ResourceSlice } from '../../kinds/resource/resource-slice.ts'
import type { DeviceConstraint, DeviceRequest } from '../../kinds/resource/shared.ts'
import type { Draft } from '../../schema/types.ts'
import { VirtualWorld } from '../../world/virtual.ts'

const driver = 'gpu.example.com'
const namespace = 'default'

type Attributes = Record<string, string | number | boolean>

/** `gpu(a, {model: 'x'}, {memory: '8Gi'})` */
function gpu(name: string, attributes: Attributes = {}, rest: Draft<Device> = {}): Draft<Device> {
  const toAttribute = (value: string | number | boolean) => {
    if (typeof value === 'number') return { int: value }
    if (typeof value === 'boolean') return { bool: value }
    return /^\d+\.\d+\.\d+$/.test(value) ? { version: value } : { string: value }
  }
  return {
    name,
    attributes: Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, toAttribute(value)])),
    ...rest,
  }
}

async function clusterWith(devices: Readonly<Record<string, readonly Draft<Device>[]>>): Promise<Cluster> {
  const cluster = await startCluster({
    world: new VirtualWorld(3),
    nodes: Object.keys(devices).map((name) => ({ name })),
  })
  const { client } = cluster
  await client.create(DeviceClass, {
    metadata: { name: 'gpu' },
    spec: { selectors: [{ cel: { expression: `device.driver == "${driver}"` } }] },
  })
  for (const [node, list] of Object.entries(devices)) await addSlice(cluster, node, list)
  await cluster.settle()
  return cluster
}

const addSlice = ({ client }: Cluster, nodeName: string, devices: readonly Draft<Device>[], count = 1) =>
  client.create<ResourceSlice>(ResourceSlice, {
    metadata: { name: `slice-${nodeName}` },
    spec: { driver, nodeName, pool: { name: nodeName, generation: 1, resourceSliceCount: count }, devices },
  } as Draft<ResourceSlice>)

const exactly = (name: string, more: Draft<NonNullable<DeviceRequest['exactly']>> = {}): Draft<DeviceRequest> => ({
  name,
  exactly: { deviceClassName: 'gpu', ...more },
})
const that = (expression: string) => [{ cel: { expression } }]
const attribute = (name: string) => `device.attributes["${driver}"].${name}`

async function claim(
  { client }: Cluster,
  name: string,
  requests: readonly Draft<DeviceRequest>[],
  constraints: readonly Draft<DeviceConstraint>[] = [],
): Promise<void> {
  await client.create<ResourceClaim>(ResourceClaim, {
    metadata: { name, namespace },
    spec: { devices: { requests, constraints } },
  } as Draft<ResourceClaim>)
}

async function pod({ client }: Cluster, name: string, ...claims: readonly string[]): Promise<void> {
  await client.create<Pod>(Pod, {
    metadata: { name, namespace },
    spec: {
      containers: [{ name: 'main', image: 'i' }],
      resourceClaims: claims.map((claim) => ({ name: claim, resourceClaimName: claim })),
    },
  } as Draft<Pod>)
}

const podOf = ({ client }: Cluster, name: string) => client.get(Pod, { namespace, name })
const claimOf = ({ client }: Cluster, name: string) => client.get(ResourceClaim, { namespace, name })

/** `main=a other=b`: what each request got. */
async function given(cluster: Cluster, name: string): Promise<string> {
  const { status } = await claimOf(cluster, name)
  const results = status.allocation?.devices?.results ?? []
  return results.map(({ request, device }) => `${request}=${device}`).join(' ')
}

async function whyWaits(cluster: Cluster, name: string): Promise<string | undefined> {
  const { spec, status } = await podOf(cluster, name)
  assert.equal(spec.nodeName, undefined, `${name} has a node`)
  return status.conditions?.find(({ type }) => type === 'PodScheduled')?.message
}

const nobodyHelps = (count: number, relief = 'still not schedulable') =>
  `${relief}, preemption: 0/${count} nodes are available: ${count} Preemption is not helpful for scheduling.`

test('a pod goes where its claim gets a device, which is its own until the pod has ended', async () => {
  await using cluster = await clusterWith({ plain: [], fast: [gpu('a'), gpu('b')] })
  await claim(cluster, 'mine', [exactly('main')])
  await pod(cluster, 'web', 'mine')
  await cluster.settle()
  const web = await podOf(cluster, 'web')
  assert.equal(web.spec.nodeName, 'fast')
  const taken = await claimOf(cluster, 'mine')
  assert.deepEqual(taken.metadata.finalizers, ['resource.kubernetes.io/delete-protection'])
  assert.deepEqual(taken.status, {
    allocation: {
      devices: { results: [{ request: 'main', driver, pool: 'fast', device: 'a' }] },
      nodeSelector: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['fast'] }] }],
      },
    },
    reservedFor: [{ resource: 'pods', name: 'web', uid: web.metadata.uid }],
  })

  await claim(cluster, 'second', [exactly('main')])
  await claim(cluster, 'third', [exactly('main')])
  await pod(cluster, 'next', 'second')
  await cluster.settle()
  assert.equal(await given(cluster, 'second'), 'main=b')
  await pod(cluster, 'late', 'third')
  await cluster.settle()
  assert.equal(
    await whyWaits(cluster, 'late'),
    `0/2 nodes are available: 2 cannot allocate all claims. ${nobodyHelps(2)}`,
  )

  await cluster.client.delete(Pod, { namespace, name: 'web' })
  await cluster.advance(60_000)
  const { status, metadata } = await claimOf(cluster, 'mine')
  assert.deepEqual([status, metadata.finalizers], [{}, undefined], 'nobody uses it: the device is free')
  assert.equal((await podOf(cluster, 'late')).spec.nodeName, 'fast')
  assert.equal(await given(cluster, 'third'), 'main=a')
})

test('pods of one claim share its devices, and go where they are', async () => {
  await using cluster = await clusterWith({ n1: [gpu('a')], n2: [gpu('b')], n3: [] })
  await claim(cluster, 'shared', [exactly('main')])
  for (const name of ['p1', 'p2', 'p3']) await pod(cluster, name, 'shared')
  // Who comes while the claim is being written is tried again a moment later.
  await cluster.advance(5_000)
  const nodes = await Promise.all(['p1', 'p2', 'p3'].map(async (name) => (await podOf(cluster, name)).spec.nodeName))
  assert.equal(new Set(nodes).size, 1)
  assert.ok(nodes[0] === 'n1' || nodes[0] === 'n2', nodes[0])
  assert.equal((await claimOf(cluster, 'shared')).status.reservedFor?.length, 3)
})

test('a claim of a template is made for each pod, and goes with it', async () => {
  await using cluster = await clusterWith({ n1: [gpu('a'), gpu('b')] })
  await cluster.client.create<Pod>(Pod, {
    metadata: { name: 'web', namespace },
    spec: {
      containers: [{ name: 'main', image: 'i' }],
      resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'one' }],
    },
  } as Draft<Pod>)
  await cluster.settle()
  assert.equal(await whyWaits(cluster, 'web'), undefined, 'without its claim it is not even looked at')
  await cluster.client.create<ResourceClaimTemplate>(ResourceClaimTemplate, {
    metadata: { name: 'one', namespace },
    spec: { spec: { devices: { requests: [exactly('main', { count: 2 })] } } },
  } as Draft<ResourceClaimTemplate>)
  await cluster.settle()
  const web = await podOf(cluster, 'web')
  assert.equal(web.spec.nodeName, 'n1')
  assert.equal(await given(cluster, web.status.resourceClaimStatuses![0]!.resourceClaimName!), 'main=a main=b')
  await cluster.client.delete(Pod, { namespace, name: 'web' })
  await cluster.advance(60_000)
  assert.deepEqual((await cluster.client.list(ResourceClaim, { namespace })).items, [])
})

describe('what a claim gets', () => {
  const numa = (at: number, model = 'big') => ({ numa: at, model })
  const devices = {
    n1: [
      gpu('a', numa(0), { capacity: { memory: { value: '8Gi' } } }),
      gpu('b', numa(1, 'small'), { capacity: { memory: { value: '4Gi' } } }),
      gpu('c', { ...numa(1), driverVersion: '2.1.0' }, { capacity: { memory: { value: '16Gi' } } }),
      gpu('d', numa(0, 'small')),
      gpu('t', { model: 'ill' }, { taints: [{ key: 'ill', effect: 'NoSchedule' }] }),
    ],
  }
  const cases: Readonly<
    Record<string, { requests: Draft<DeviceRequest>[]; constraints?: Draft<DeviceConstraint>[]; gets: string }>
  > = {
    'the first device': { requests: [exactly('main')], gets: 'main=a' },
    'several devices': { requests: [exactly('main', { count: 3 })], gets: 'main=a main=b main=c' },
    'no more than there are': { requests: [exactly('main', { count: 5 })], gets: '' },
    'what an attribute says': {
      requests: [exactly('main', { selectors: that(`${attribute('model')} == "small"`) })],
      gets: 'main=b',
    },
    'what a capacity says': {
      requests: [
        exactly('main', {
          selectors: that(
            `device.capacity["${driver}"].?memory.orValue(quantity("0")).compareTo(quantity("10Gi")) > 0`,
          ),
        }),
      ],
      gets: 'main=c',
    },
    'what a version says': {
      requests: [
        exactly('main', {
          selectors: that(
            `has(${attribute('driverVersion')}) && ${attribute('driverVersion')}.isGreaterThan(semver("2.0.0"))`,
          ),
        }),
      ],
      gets: 'main=c',
    },
    'nothing of a domain that the device knows nothing of': {
      requests: [exactly('main', { selectors: that('has(device.attributes["other.example.com"].x)') })],
      gets: '',
    },
    'enough of a capacity': {
      requests: [exactly('main', { capacity: { requests: { memory: '5Gi' } }, count: 2 })],
      gets: 'main=a main=c',
    },
    'all that fit': {
      requests: [exactly('main', { allocationMode: 'All', selectors: that(`${attribute('model')} == "small"`) })],
      gets: 'main=b main=d',
    },
    'not all when there are none': {
      requests: [exactly('main', { allocationMode: 'All', selectors: that(`${attribute('model')} == "none"`) })],
      gets: '',
    },
    'devices that have something in common, tried until it works': {
      requests: [exactly('x'), exactly('y', { selectors: that(`${attribute('model')} == "small"`) })],
      constraints: [{ matchAttribute: `${driver}/numa` }],
      gets: 'x=a y=d',
    },
    'devices that differ': {
      requests: [exactly('main', { count: 2 })],
      constraints: [{ distinctAttribute: `${driver}/numa`, requests: ['main'] }],
      gets: 'main=a main=b',
    },
    'nothing where no constraint can be met': {
      requests: [exactly('main', { count: 3 })],
      constraints: [{ matchAttribute: `${driver}/numa` }],
      gets: '',
    },
    'the first alternative that there is': {
      requests: [
        {
          name: 'main',
          firstAvailable: [
            { name: 'huge', deviceClassName: 'gpu', count: 9 },
            { name: 'two', deviceClassName: 'gpu', count: 2 },
            { name: 'one', deviceClassName: 'gpu' },
          ],
        },
      ],
      gets: 'main/two=a main/two=b',
    },
    'an alternative that leaves enough for the rest': {
      requests: [
        {
          name: 'main',
          firstAvailable: [
            { name: 'four', deviceClassName: 'gpu', count: 4 },
            { name: 'one', deviceClassName: 'gpu' },
          ],
        },
        exactly('rest', { count: 2 }),
      ],
      gets: 'main/one=a rest=b rest=c',
    },
    'what is tainted for those who put up with it': {
      requests: [
        exactly('main', {
          selectors: that(`${attribute('model')} == "ill"`),
          tolerations: [{ key: 'ill', operator: 'Exists' }],
        }),
      ],
      gets: 'main=t',
    },
  }
  for (const [title, { requests, constraints, gets }] of Object.entries(cases)) {
    test(title, async () => {
      await using cluster = await clusterWith(devices)
      await claim(cluster, 'mine', requests, constraints)
      await pod(cluster, 'web', 'mine')
      await cluster.settle()
      assert.equal(await given(cluster, 'mine'), gets)
      assert.equal((await podOf(cluster, 'web')).spec.nodeName, gets === '' ? undefined : 'n1')
    })
  }
})

test('who looks after devices has them beside those who use them', async () => {
  await using cluster = await clusterWith({ n1: [gpu('a')] })
  const labels = { 'resource.kubernetes.io/admin-access': 'true' }
  await cluster.client.patch(Namespace, { name: namespace }, { type: 'merge', body: { metadata: { labels } } })
  await claim(cluster, 'user', [exactly('main')])
  await claim(cluster, 'admin', [exactly('main', { adminAccess: true, allocationMode: 'All' })])
  await pod(cluster, 'p', 'user')
  await cluster.settle()
  await pod(cluster, 'q', 'admin')
  await cluster.settle()
  assert.equal(await given(cluster, 'user'), 'main=a')
  assert.equal(await given(cluster, 'admin'), 'main=a')
  assert.equal((await claimOf(cluster, 'admin')).status.allocation?.devices?.results?.[0]?.adminAccess, true)
})

test('parts of one device share what it has', async () => {
  await using cluster = await clusterWith({})
  await cluster.nodes!.add([{ name: 'n1' }])
  const takes = (value: string) => ({
    consumesCounters: [{ counterSet: 'card', counters: { memory: { value } } }],
  })
  const slice = (name: string, more: object) =>
    cluster.client.create<ResourceSlice>(ResourceSlice, {
      metadata: { name },
      spec: { driver, nodeName: 'n1', pool: { name: 'n1', generation: 1, resourceSliceCount: 2 }, ...more },
    } as Draft<ResourceSlice>)
  await slice('counters', { sharedCounters: [{ name: 'card', counters: { memory: { value: '10Gi' } } }] })
  await claim(cluster, 'two', [exactly('main', { count: 2 })])
  await pod(cluster, 'p', 'two')
  await cluster.settle()
  assert.match((await whyWaits(cluster, 'p'))!, /1 cannot allocate all claims/, 'half of the pool is not there yet')
  await slice('devices', {
    devices: [gpu('whole', {}, takes('10Gi')), gpu('half', {}, takes('5Gi')), gpu('rest', {}, takes('5Gi'))],
  })
  await cluster.advance(60_000)
  assert.equal(await given(cluster, 'two'), 'main=half main=rest')
})

describe('a pod waits', () => {
  test('for a class', async () => {
    await using cluster = await clusterWith({ n1: [gpu('a')] })
    await claim(cluster, 'mine', [exactly('main', { deviceClassName: 'tpu' })])
    await pod(cluster, 'web', 'mine')
    await cluster.settle()
    assert.equal(
      await whyWaits(cluster, 'web'),
      `0/1 nodes are available: request main: device class tpu does not exist. ${nobodyHelps(1, 'no new claims to deallocate')}`,
    )
    const { items } = await cluster.client.list(Event, { namespace })
    assert.ok(items.some(({ reason, message }) => reason === 'FailedScheduling' && message?.includes('class tpu')))
    await cluster.client.create(DeviceClass, { metadata: { name: 'tpu' }, spec: {} })
    await cluster.advance(10_000)
    assert.equal(await given(cluster, 'mine'), 'main=a')
  })

  test('for devices of a node that comes', async () => {
    await using cluster = await clusterWith({ n1: [] })
    await claim(cluster, 'mine', [exactly('main')])
    await pod(cluster, 'web', 'mine')
    await cluster.settle()
    assert.match((await whyWaits(cluster, 'web'))!, /1 cannot allocate all claims/)
    await cluster.nodes!.add([{ name: 'n2' }])
    await addSlice(cluster, 'n2', [gpu('a')])
    await cluster.advance(10_000)
    assert.equal((await podOf(cluster, 'web')).spec.nodeName, 'n2')
  })

  test('for a selector that gives an answer', async () => {
    await using cluster = await clusterWith({ n1: [gpu('a')] })
    await claim(cluster, 'mine', [exactly('main', { selectors: that(`${attribute('nothing')} == "x"`) })])
    await pod(cluster, 'web', 'mine')
    await cluster.settle()
    assert.match(
      (await whyWaits(cluster, 'web'))!,
      /claim default\/mine: selector #0: CEL runtime error: .*no such key: nothing/,
    )
  })

  test('and gets devices elsewhere when nobody else uses its claim and the node of its devices is closed', async () => {
    await using cluster = await clusterWith({ n1: [gpu('a')], n2: [gpu('b')] })
    await claim(cluster, 'mine', [exactly('main')])
    await pod(cluster, 'first', 'mine')
    await cluster.settle()
    const there = (await podOf(cluster, 'first')).spec.nodeName!
    const held = await claimOf(cluster, 'mine')
    // As after a control plane that was stopped in between: the devices are there, and nobody has reserved them.
    await cluster.client.delete(Pod, { namespace, name: 'first' })
    await cluster.client.patch(Node, { name: there }, { type: 'merge', body: { spec: { unschedulable: true } } })
    await cluster.advance(60_000)
    await claim(cluster, 'left', [exactly('main')])
    const left = await claimOf(cluster, 'left')
    await cluster.client.updateStatus(ResourceClaim, { ...left, status: { allocation: held.status.allocation! } })
    await pod(cluster, 'second', 'left')
    await cluster.advance(60_000)
    const elsewhere = there === 'n1' ? 'n2' : 'n1'
    assert.equal((await podOf(cluster, 'second')).spec.nodeName, elsewhere)
    const { items } = await cluster.client.list(Event, { namespace })
    assert.ok(items.some(({ message }) => message?.includes('deallocation of ResourceClaim completed, preemption: ')))
  })
})
