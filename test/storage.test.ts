import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Cluster, startCluster } from '../src/cluster/cluster.ts'
import { StatefulSet } from '../src/kinds/apps/stateful-set.ts'
import { ConfigMap } from '../src/kinds/core/config-map.ts'
import { Endpoints } from '../src/kinds/core/endpoints.ts'
import { Event } from '../src/kinds/core/event.ts'
import { Node } from '../src/kinds/core/node.ts'
import { PersistentVolume } from '../src/kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../src/kinds/core/persistent-volume-claim.ts'
import { Pod } from '../src/kinds/core/pod.ts'
import { Service } from '../src/kinds/core/service.ts'
import { EndpointSlice } from '../src/kinds/discovery/endpoint-slice.ts'
import { IPAddress } from '../src/kinds/networking/ip-address.ts'
import { ServiceCIDR } from '../src/kinds/networking/service-cidr.ts'
import { CSIDriver } from '../src/kinds/storage/csi-driver.ts'
import { StorageClass } from '../src/kinds/storage/storage-class.ts'
import { VolumeAttachment } from '../src/kinds/storage/volume-attachment.ts'
import type { ApiObject, Kind } from '../src/schema/kind.ts'
import type { Draft } from '../src/schema/types.ts'
import { VirtualWorld } from '../src/world/virtual.ts'

const namespace = 'default'
const csi = 'csi.example.com'

const claim = (name: string, spec: object = {}): Draft<PersistentVolumeClaim> => ({
  metadata: { name, namespace },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
})

const volume = (name: string, spec: object = {}): Draft<PersistentVolume> =>
  ({
    metadata: { name },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'manual',
      hostPath: { path: '/srv/data' },
      ...spec,
    },
  }) as Draft<PersistentVolume>

const podWith = (name: string, volumes: readonly object[], spec: object = {}): Draft<Pod> =>
  ({
    metadata: { name, namespace },
    spec: { containers: [{ name: 'main', image: 'web:1' }], volumes, ...spec },
  }) as Draft<Pod>

const using = (claimName: string) => [{ name: 'data', persistentVolumeClaim: { claimName } }]

const localClass = (rest: object = {}): Draft<StorageClass> => ({
  metadata: { name: 'local' },
  provisioner: 'coracle.dev/local-path',
  volumeBindingMode: 'WaitForFirstConsumer',
  ...rest,
})

interface Scene {
  readonly cluster: Cluster
  create<T extends ApiObject>(kind: Kind<T>, draft: Draft<T>): Promise<T>
  get<T extends ApiObject>(kind: Kind<T>, name: string): Promise<T>
  list<T extends ApiObject>(kind: Kind<T>): Promise<readonly T[]>
  remove(kind: Kind, name: string): Promise<void>
  /** Reasons of the events about an object, in order. */
  events(name: string): Promise<string[]>
}

/** A cluster in virtual time; every step settles before the next. */
async function inCluster(story: (scene: Scene) => Promise<void>): Promise<void> {
  await using cluster = await startCluster({ world: new VirtualWorld(), nodes: 3 })
  const { client } = cluster
  const refTo = (kind: Kind, name: string) => ({ name, ...(kind.namespaced && { namespace }) })
  await cluster.settle()
  await story({
    cluster,
    async create(kind, draft) {
      const made = await client.create(kind, draft)
      await cluster.settle()
      return made
    },
    get: (kind, name) => client.get(kind, refTo(kind, name)),
    list: async (kind) => (await client.list(kind, kind.namespaced ? { namespace } : {})).items,
    async remove(kind, name) {
      await client.delete(kind, refTo(kind, name))
      await cluster.settle()
    },
    async events(name) {
      const { items } = await client.list(Event, { namespace })
      return items
        .filter(({ involvedObject }) => involvedObject.name === name)
        .sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
        .map(({ reason }) => reason!)
    },
  })
}

const phaseOf = async ({ get }: Scene, kind: Kind, name: string) =>
  ((await get(kind, name)) as { status?: { phase?: string } }).status?.phase

const nodeOf = (volume: PersistentVolume) =>
  volume.spec.nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.[0]?.values?.[0]

describe('storage', () => {
  test('of a class that waits is made where the first pod goes, and goes with its claim', () =>
    inCluster(async (scene) => {
      const { create, get, list, remove, events } = scene
      await create(StorageClass, localClass())
      await create(PersistentVolumeClaim, claim('data', { storageClassName: 'local' }))
      assert.equal(await phaseOf(scene, PersistentVolumeClaim, 'data'), 'Pending')
      assert.deepEqual(await events('data'), ['WaitForFirstConsumer'])

      await create(Pod, podWith('web', using('data')))
      assert.equal(await phaseOf(scene, Pod, 'web'), 'Running')
      const [made] = await list(PersistentVolume)
      assert.equal(made!.status.phase, 'Bound')
      assert.equal(nodeOf(made!), (await get(Pod, 'web')).spec.nodeName)
      const told = await events('data')
      for (const reason of ['ExternalProvisioning', 'Provisioning', 'ProvisioningSucceeded'])
        assert.ok(told.includes(reason))

      await remove(PersistentVolumeClaim, 'data')
      assert.notEqual((await get(PersistentVolumeClaim, 'data')).metadata.deletionTimestamp, undefined)
      await remove(Pod, 'web')
      assert.deepEqual(await list(PersistentVolumeClaim), [])
      assert.deepEqual(await list(PersistentVolume), [])
    }))

  test('of the default class comes to a claim that is older than the class', () =>
    inCluster(async (scene) => {
      const { create, get } = scene
      await create(PersistentVolumeClaim, claim('early'))
      await create(PersistentVolumeClaim, claim('none', { storageClassName: '' }))
      const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' }
      await create(
        StorageClass,
        localClass({ metadata: { name: 'usual', annotations }, volumeBindingMode: 'Immediate' }),
      )
      const early = await get(PersistentVolumeClaim, 'early')
      assert.deepEqual([early.spec.storageClassName, early.status.phase], ['usual', 'Bound'])
      assert.equal(await phaseOf(scene, PersistentVolumeClaim, 'none'), 'Pending')
    }))

  test('made by hand is bound, released, and bound again once it is free', () =>
    inCluster(async (scene) => {
      const { create, get, remove, cluster } = scene
      await create(PersistentVolume, volume('v'))
      await create(PersistentVolumeClaim, claim('first', { storageClassName: 'manual' }))
      await create(PersistentVolumeClaim, claim('second', { storageClassName: 'manual' }))
      assert.equal(await phaseOf(scene, PersistentVolumeClaim, 'first'), 'Bound')
      assert.equal(await phaseOf(scene, PersistentVolumeClaim, 'second'), 'Pending')
      await remove(PersistentVolumeClaim, 'first')
      assert.equal(await phaseOf(scene, PersistentVolume, 'v'), 'Released')
      assert.equal(await phaseOf(scene, PersistentVolumeClaim, 'second'), 'Pending')
      const body = { spec: { claimRef: null } }
      await cluster.client.patch(PersistentVolume, { name: 'v' }, { type: 'merge', body })
      await cluster.settle()
      assert.equal((await get(PersistentVolumeClaim, 'second')).spec.volumeName, 'v')
      await remove(PersistentVolume, 'v')
      assert.equal(await phaseOf(scene, PersistentVolume, 'v'), 'Bound')
    }))

  test('that many claims want at once goes to as many as there are volumes', () =>
    inCluster(async ({ cluster, list }) => {
      const { client } = cluster
      const numbers = Array.from({ length: 20 }, (_, n) => n)
      const manual = { storageClassName: 'manual' }
      await Promise.all(numbers.map((n) => client.create(PersistentVolumeClaim, claim(`c${n}`, manual))))
      await Promise.all(numbers.slice(5).map((n) => client.create(PersistentVolume, volume(`v${n}`))))
      await cluster.settle()
      const claims = await list(PersistentVolumeClaim)
      const bound = claims.filter(({ status }) => status.phase === 'Bound')
      assert.equal(bound.length, 15)
      assert.equal(new Set(bound.map(({ spec }) => spec.volumeName)).size, 15)
      assert.ok((await list(PersistentVolume)).every(({ status }) => status.phase === 'Bound'))
    }))

  test('that is recycled is emptied by a pod and free again', () =>
    inCluster(async (scene) => {
      const { create, get, remove, events, cluster } = scene
      await create(PersistentVolume, volume('v', { persistentVolumeReclaimPolicy: 'Recycle' }))
      await create(PersistentVolumeClaim, claim('data', { storageClassName: 'manual' }))
      await remove(PersistentVolumeClaim, 'data')
      await cluster.advance(5_000)
      const free = await get(PersistentVolume, 'v')
      assert.deepEqual([free.status.phase, free.spec.claimRef], ['Available', undefined])
      assert.ok((await events('v')).includes('VolumeRecycled'))
    }))

  test('that is lost is said to be', () =>
    inCluster(async (scene) => {
      const { create, remove, events, cluster } = scene
      await create(PersistentVolume, volume('v'))
      await create(PersistentVolumeClaim, claim('data', { storageClassName: 'manual' }))
      await remove(PersistentVolume, 'v')
      const body = { metadata: { finalizers: null } }
      await cluster.client.patch(PersistentVolume, { name: 'v' }, { type: 'merge', body })
      await cluster.settle()
      assert.equal(await phaseOf(scene, PersistentVolumeClaim, 'data'), 'Lost')
      assert.ok((await events('data')).includes('ClaimLost'))
    }))

  test('of a StatefulSet stays with its number', () =>
    inCluster(async ({ cluster, create, list, get, remove }) => {
      await create(StorageClass, localClass())
      await create(StatefulSet, {
        metadata: { name: 'db', namespace },
        spec: {
          replicas: 3,
          serviceName: 'db',
          selector: { matchLabels: { app: 'db' } },
          template: { metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'main', image: 'db:1' }] } },
          volumeClaimTemplates: [{ ...claim('data', { storageClassName: 'local' }), metadata: { name: 'data' } }],
        },
      } as Draft<StatefulSet>)
      const volumes = async () =>
        new Map((await list(PersistentVolumeClaim)).map(({ metadata, spec }) => [metadata.name, spec.volumeName]))
      const before = await volumes()
      assert.deepEqual([...before.keys()].sort(), ['data-db-0', 'data-db-1', 'data-db-2'])
      assert.equal(new Set(before.values()).size, 3)
      const home = (await get(Pod, 'db-1')).spec.nodeName
      await remove(Pod, 'db-1')
      const back = await get(Pod, 'db-1')
      assert.deepEqual([back.status.phase, back.spec.nodeName], ['Running', home])
      assert.deepEqual(await volumes(), before)
      assert.equal((await cluster.client.list(PersistentVolume)).items.length, 3)
    }))

  test('for a pod’s life is made and goes with it', () =>
    inCluster(async (scene) => {
      const { create, list, remove, get, cluster } = scene
      await create(StorageClass, localClass())
      const { spec } = claim('x', { storageClassName: 'local' })
      const scratch = [{ name: 'scratch', ephemeral: { volumeClaimTemplate: { spec } } }]
      const pod = await create(Pod, podWith('web', scratch))
      // The scheduler may have looked before the claim was there; it looks again a second later.
      await cluster.advance(2_000)
      assert.equal(await phaseOf(scene, Pod, 'web'), 'Running')
      const [owner] = (await get(PersistentVolumeClaim, 'web-scratch')).metadata.ownerReferences!
      assert.equal(owner!.uid, pod.metadata.uid)
      await remove(Pod, 'web')
      assert.deepEqual(await list(PersistentVolumeClaim), [])
      assert.deepEqual(await list(PersistentVolume), [])
    }))

  test('of a driver is attached where it is used, grows while it is used, and is detached', () =>
    inCluster(async (scene) => {
      const { create, get, list, remove, events, cluster } = scene
      await create(CSIDriver, { metadata: { name: csi }, spec: {} })
      await create(StorageClass, { metadata: { name: 'fast' }, provisioner: csi, allowVolumeExpansion: true })
      await create(PersistentVolumeClaim, claim('data', { storageClassName: 'fast' }))
      assert.equal(await phaseOf(scene, PersistentVolumeClaim, 'data'), 'Bound')
      await create(Pod, podWith('web', using('data')))
      assert.equal(await phaseOf(scene, Pod, 'web'), 'Running')
      const { nodeName = '' } = (await get(Pod, 'web')).spec
      const [attachment] = await list(VolumeAttachment)
      assert.deepEqual([attachment!.spec.nodeName, attachment!.status.attached], [nodeName, true])
      const [made] = await list(PersistentVolume)
      const name = `kubernetes.io/csi/${csi}^${made!.spec.csi!.volumeHandle}`
      assert.deepEqual((await get(Node, nodeName)).status.volumesAttached, [{ name, devicePath: '' }])
      assert.ok((await events('web')).includes('SuccessfulAttachVolume'))

      const body = { spec: { resources: { requests: { storage: '2Gi' } } } }
      await cluster.client.patch(PersistentVolumeClaim, { namespace, name: 'data' }, { type: 'merge', body })
      await cluster.settle()
      const { status } = await get(PersistentVolumeClaim, 'data')
      assert.deepEqual([status.capacity, status.conditions], [{ storage: '2Gi' }, undefined])

      await remove(Pod, 'web')
      assert.deepEqual(await list(VolumeAttachment), [])
      assert.equal((await get(Node, nodeName)).status.volumesAttached, undefined)
      await remove(PersistentVolumeClaim, 'data')
      assert.deepEqual(await list(PersistentVolume), [])
    }))

  test('of one node at a time follows its pod when the node falls silent', () =>
    inCluster(async (scene) => {
      const { create, get, list, remove, cluster, events } = scene
      await create(CSIDriver, { metadata: { name: csi }, spec: {} })
      await create(StorageClass, { metadata: { name: 'fast' }, provisioner: csi })
      await create(PersistentVolumeClaim, claim('data', { storageClassName: 'fast' }))
      await create(Pod, podWith('web', using('data')))
      const { nodeName = '' } = (await get(Pod, 'web')).spec
      cluster.nodes!.crash(nodeName)
      await cluster.advance(60_000)
      await cluster.client.delete(Pod, { namespace, name: 'web' }, { gracePeriodSeconds: 0 })
      await create(Pod, podWith('next', using('data')))
      assert.notEqual((await get(Pod, 'next')).spec.nodeName, nodeName)
      assert.equal(await phaseOf(scene, Pod, 'next'), 'Pending')
      assert.ok((await events('next')).includes('FailedAttachVolume'))
      await cluster.advance(360_000)
      assert.equal(await phaseOf(scene, Pod, 'next'), 'Running')
      assert.equal((await list(VolumeAttachment)).length, 1)
      await remove(Pod, 'next')
    }))
})

describe('a pod on its node', () => {
  const waits: readonly (readonly [string, readonly object[], RegExp, (scene: Scene) => Promise<unknown>])[] = [
    [
      'a claim',
      using('late'),
      /error processing PVC default\/late: failed to fetch PVC from API server: persistentvolumeclaims "late" not found$/,
      async ({ create }) => {
        await create(PersistentVolumeClaim, claim('late', { storageClassName: 'manual' }))
        await create(PersistentVolume, volume('v'))
      },
    ],
    [
      'a ConfigMap',
      [{ name: 'config', configMap: { name: 'late' } }],
      /^MountVolume\.SetUp failed for volume "config" : configmap "late" not found$/,
      ({ create }) => create(ConfigMap, { metadata: { name: 'late', namespace }, data: {} }),
    ],
  ]
  for (const [what, volumes, message, help] of waits)
    test(`waits for ${what}, says so, and starts when it is there`, () =>
      inCluster(async (scene) => {
        const { create, get, cluster } = scene
        await create(Pod, podWith('web', volumes, { nodeName: 'node-1' }))
        const { status } = await get(Pod, 'web')
        assert.equal(status.phase, 'Pending')
        assert.equal(status.containerStatuses?.[0]?.state?.waiting?.reason, 'ContainerCreating')
        const { items } = await cluster.client.list(Event, { namespace })
        const [failed] = items.filter(({ reason }) => reason === 'FailedMount')
        assert.match(failed!.message!, message)
        await help(scene)
        assert.equal(await phaseOf(scene, Pod, 'web'), 'Running')
      }))

  test('that waits for a volume can be deleted', () =>
    inCluster(async ({ create, remove, list }) => {
      await create(Pod, podWith('web', using('never'), { nodeName: 'node-1' }))
      await remove(Pod, 'web')
      assert.deepEqual(await list(Pod), [])
    }))
})

describe('addresses', () => {
  test('written by hand for a service are shown as slices', () =>
    inCluster(async ({ create, list, remove }) => {
      await create(Service, { metadata: { name: 'db', namespace }, spec: { ports: [{ port: 5432 }] } })
      await create(Endpoints, {
        metadata: { name: 'db', namespace },
        subsets: [{ addresses: [{ ip: '192.168.0.7' }], ports: [{ port: 5432 }] }],
      })
      const ofDb = async () => (await list(EndpointSlice)).filter(({ metadata }) => metadata.generateName === 'db-')
      const [slice] = await ofDb()
      assert.deepEqual(slice!.endpoints, [{ addresses: ['192.168.0.7'], conditions: { ready: true } }])
      assert.equal(slice!.metadata.labels?.['kubernetes.io/service-name'], 'db')
      await remove(Endpoints, 'db')
      assert.deepEqual(await ofDb(), [])
    }))

  test('of services come from every range that there is, and from no other', () =>
    inCluster(async ({ create, get, list, remove, cluster }) => {
      const service = (name: string, clusterIP: string) => ({
        metadata: { name, namespace },
        spec: { ports: [{ port: 80 }], clusterIP },
      })
      await assert.rejects(create(Service, service('far', '10.200.0.5')), /range of valid IPs is 10\.96\.0\.0\/12$/)
      await create(ServiceCIDR, { metadata: { name: 'more' }, spec: { cidrs: ['10.200.0.0/24'] } })
      const [ready] = (await get(ServiceCIDR, 'more')).status.conditions!
      assert.deepEqual([ready!.type, ready!.status], ['Ready', 'True'])
      await create(Service, service('far', '10.200.0.5'))
      await assert.rejects(create(Service, service('farther', '10.200.0.5')), /provided IP is already allocated/)

      await create(IPAddress, {
        metadata: { name: '10.200.0.9' },
        spec: { parentRef: { group: 'example.com', resource: 'gateways', name: 'g' } },
      })
      await assert.rejects(create(Service, service('gate', '10.200.0.9')), /provided IP is already allocated/)
      await remove(IPAddress, '10.200.0.9')

      await remove(ServiceCIDR, 'more')
      assert.equal((await get(ServiceCIDR, 'more')).status.conditions![0]!.reason, 'Terminating')
      await assert.rejects(create(Service, service('late', '10.200.0.6')), /not in the valid range/)
      await remove(Service, 'far')
      await cluster.advance(15_000)
      assert.deepEqual(
        (await list(ServiceCIDR)).map(({ metadata }) => metadata.name),
        ['kubernetes'],
      )
    }))

  test('of services are marked again when somebody takes the mark away', () =>
    inCluster(async ({ create, get, remove, events }) => {
      await create(Service, { metadata: { name: 'web', namespace }, spec: { ports: [{ port: 80 }] } })
      const address = (await get(Service, 'web')).spec.clusterIP!
      const { uid } = (await get(IPAddress, address)).metadata
      await remove(IPAddress, address)
      const restored = await get(IPAddress, address)
      assert.notEqual(restored.metadata.uid, uid)
      assert.equal(restored.spec.parentRef.name, 'web')
      assert.deepEqual(await events('web'), ['ClusterIPNotAllocated'])
      await remove(Service, 'web')
      await assert.rejects(get(IPAddress, address), /not found/)
    }))

  test('are of both families in a cluster of both', async () => {
    await using cluster = await startCluster({
      world: new VirtualWorld(),
      nodes: 2,
      podCidrs: ['10.20.0.0/16', 'fd00:20::/48'],
      serviceCidrs: ['10.30.0.0/16', 'fd00:30::/112'],
    })
    const { client } = cluster
    await client.create(Node, { metadata: { name: 'guest' } })
    await client.create(Pod, { ...podWith('web', []), metadata: { name: 'web', namespace, labels: { app: 'web' } } })
    const ports = [{ port: 80 }]
    const spec = { ports, selector: { app: 'web' }, ipFamilyPolicy: 'PreferDualStack' }
    await client.create(Service, { metadata: { name: 'web', namespace }, spec } as Draft<Service>)
    await cluster.settle()

    const nodes = (await client.list(Node)).items
    assert.deepEqual(nodes.map(({ spec }) => spec.podCIDRs).sort(), [
      ['10.20.0.0/24', 'fd00:20::/64'],
      ['10.20.1.0/24', 'fd00:20:0:1::/64'],
      ['10.20.2.0/24', 'fd00:20:0:2::/64'],
    ])
    const pod = await client.get(Pod, { namespace, name: 'web' })
    const addresses = pod.status.podIPs!.map(({ ip }) => ip)
    assert.match(addresses.join(' '), /^10\.20\.\d\.2 fd00:20:(0:\d)?:+2$/)
    const { clusterIPs } = (await client.get(Service, { namespace, name: 'web' })).spec
    assert.match(clusterIPs!.join(' '), /^10\.30\.\d+\.\d+ fd00:30::[0-9a-f]+$/)
    assert.equal((await client.get(Service, { namespace, name: 'kubernetes' })).spec.clusterIP, '10.30.0.1')
    const slices = (await client.list(EndpointSlice, { namespace })).items
    assert.deepEqual(slices.map(({ addressType, endpoints }) => [addressType, endpoints[0]?.addresses[0]]).sort(), [
      ['IPv4', addresses[0]],
      ['IPv6', addresses[1]],
    ])
    await using fork = await cluster.fork()
    await fork.settle()
    assert.equal((await fork.client.get(Pod, { namespace, name: 'web' })).status.phase, 'Running')
  })

  test('of pods are divided among all nodes, also those that somebody else brings', () =>
    inCluster(async ({ create, list, get }) => {
      await create(Node, { metadata: { name: 'guest' } })
      const ranges = (await list(Node)).map(({ spec }) => spec.podCIDR)
      assert.equal(new Set(ranges).size, 4)
      assert.match((await get(Node, 'guest')).spec.podCIDR!, /^10\.244\.\d+\.0\/24$/)
    }))
})
