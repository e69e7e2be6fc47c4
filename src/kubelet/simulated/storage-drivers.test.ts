import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Cluster, startCluster } from '../../cluster/cluster.ts'
import { Node } from '../../kinds/core/node.ts'
import { PersistentVolumeClaim } from '../../kinds/core/persistent-volume-claim.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { CSIDriver } from '../../kinds/storage/csi-driver.ts'
import { CSINode } from '../../kinds/storage/csi-node.ts'
import { StorageClass } from '../../kinds/storage/storage-class.ts'
import type { Draft } from '../../schema/types.ts'
import { VirtualWorld } from '../../world/virtual.ts'

const driver = 'disks.example.com'
const namespace = 'default'
const newCluster = async (): Promise<Cluster> => {
  const cluster = await startCluster({ world: new VirtualWorld(4), nodes: [{ name: 'n1' }, { name: 'n2' }] })
  await cluster.settle()
  return cluster
}
const driversOf = async ({ client }: Cluster, name: string) => (await client.get(CSINode, { name })).spec.drivers ?? []
const limited = (limit: string) => ({ annotations: { 'simulation.coracle.dev/volume-limit': limit } })

test('each simulated node says which storage drivers it has', async () => {
  await using cluster = await newCluster()
  const { client } = cluster
  assert.deepEqual(await driversOf(cluster, 'n1'), [])
  const topology = { 'simulation.coracle.dev/topology-keys': 'topology.kubernetes.io/zone' }
  await client.create<CSIDriver>(CSIDriver, {
    metadata: { name: driver, annotations: { ...limited('25').annotations, ...topology } },
    spec: {},
  } as Draft<CSIDriver>)
  await cluster.settle()
  const said = { name: driver, topologyKeys: ['topology.kubernetes.io/zone'], allocatable: { count: 25 } }
  assert.deepEqual(await driversOf(cluster, 'n1'), [{ ...said, nodeID: 'n1' }])
  await client.patch(Node, { name: 'n2' }, { type: 'merge', body: { metadata: limited('3') } })
  await cluster.nodes!.add([{ name: 'n3' }])
  await cluster.settle()
  const counts = async (name: string) => (await driversOf(cluster, name)).map(({ allocatable }) => allocatable?.count)
  assert.deepEqual([await counts('n2'), await counts('n3')], [[3], [25]])
  await client.delete(CSIDriver, { name: driver })
  await cluster.settle()
  await client.delete(Node, { name: 'n3' })
  await cluster.settle()
  assert.deepEqual(await driversOf(cluster, 'n1'), [])
  const names = (await client.list(CSINode)).items.map(({ metadata }) => metadata.name)
  assert.deepEqual(names, ['n1', 'n2'], 'it goes with its node')
})

test('a pod does not come to a node that can have no more volumes of its driver', async () => {
  await using cluster = await newCluster()
  const { client } = cluster
  await client.create<CSIDriver>(CSIDriver, {
    metadata: { name: driver, ...limited('1') },
    spec: {},
  } as Draft<CSIDriver>)
  await client.create<StorageClass>(StorageClass, {
    metadata: { name: 'disks' },
    provisioner: driver,
    volumeBindingMode: 'WaitForFirstConsumer',
  } as Draft<StorageClass>)
  await cluster.settle()
  for (const name of ['a', 'b', 'c']) {
    await client.create<PersistentVolumeClaim>(PersistentVolumeClaim, {
      metadata: { name, namespace },
      spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'disks', resources: { requests: { storage: '1Gi' } } },
    } as Draft<PersistentVolumeClaim>)
    await client.create<Pod>(Pod, {
      metadata: { name, namespace },
      spec: {
        containers: [{ name: 'main', image: 'i' }],
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: name } }],
      },
    } as Draft<Pod>)
    await cluster.settle()
  }
  const pods = (await client.list(Pod, { namespace })).items
  assert.deepEqual(pods.flatMap(({ spec }) => spec.nodeName ?? []).sort(), ['n1', 'n2'])
  const late = pods.find(({ metadata }) => metadata.name === 'c')
  assert.match(
    late?.status.conditions?.find(({ type }) => type === 'PodScheduled')?.message ?? '',
    /^0\/2 nodes are available: 2 node\(s\) exceed max volume count\./,
  )
  await client.patch(Node, { name: 'n2' }, { type: 'merge', body: { metadata: limited('2') } })
  await cluster.advance(30_000)
  assert.equal((await client.get(Pod, { namespace, name: 'c' })).spec.nodeName, 'n2')
})
