import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { StatefulSet } from '../src/kinds/apps/stateful-set.ts'
import { PersistentVolumeClaim } from '../src/kinds/core/persistent-volume-claim.ts'
import { Pod } from '../src/kinds/core/pod.ts'
import type { Draft } from '../src/schema/types.ts'
import { type VirtualCluster, virtualCluster } from './support/virtual-cluster.ts'

const namespace = 'default'
const ref = { namespace, name: 'db' }

type Policy = Draft<StatefulSet['spec']['persistentVolumeClaimRetentionPolicy']>

/** Three members with a claim each. Nothing runs: what becomes of the claims does not depend on it. */
async function begin(policy: Policy): Promise<VirtualCluster> {
  const virtual = await virtualCluster({ nodes: 0 })
  const labels = { app: 'db' }
  const resources = { requests: { storage: '1Gi' } }
  const data = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources } }
  await virtual.cluster.client.create(StatefulSet, {
    metadata: ref,
    spec: {
      replicas: 3,
      serviceName: 'db',
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      volumeClaimTemplates: [data],
      persistentVolumeClaimRetentionPolicy: policy,
    },
  } as Draft<StatefulSet>)
  await virtual.cluster.advance(1000)
  return virtual
}

async function scale({ cluster }: VirtualCluster, replicas: number) {
  await cluster.client.patch(StatefulSet, ref, { type: 'merge', body: { spec: { replicas } } })
  await cluster.advance(10_000)
}

/** Each claim with the kind of the one that it belongs to. */
async function claims({ cluster }: VirtualCluster): Promise<string[]> {
  const { items } = await cluster.client.list(PersistentVolumeClaim, { namespace })
  return items.map(({ metadata }) => `${metadata.name} ${metadata.ownerReferences?.[0]?.kind ?? 'of nobody'}`)
}

describe('claims of a stateful set', () => {
  test('stay by default, and are used again', async () => {
    await using virtual = await begin({})
    assert.deepEqual(await claims(virtual), ['data-db-0 of nobody', 'data-db-1 of nobody', 'data-db-2 of nobody'])
    await scale(virtual, 1)
    assert.equal((await claims(virtual)).length, 3)
    await virtual.cluster.client.delete(StatefulSet, ref)
    await virtual.cluster.advance(10_000)
    assert.equal((await claims(virtual)).length, 3)
  })

  test('go with the number if they are to, and come anew with it', async () => {
    await using virtual = await begin({ whenScaled: 'Delete' })
    await scale(virtual, 1)
    assert.deepEqual(await claims(virtual), ['data-db-0 of nobody'])
    await scale(virtual, 2)
    assert.deepEqual(await claims(virtual), ['data-db-0 of nobody', 'data-db-1 of nobody'])
    assert.equal((await virtual.cluster.client.list(Pod, { namespace })).items.length, 2)
    await virtual.cluster.client.delete(StatefulSet, ref)
    await virtual.cluster.advance(10_000)
    assert.equal((await claims(virtual)).length, 2)
  })

  test('go with the set if they are to', async () => {
    await using virtual = await begin({ whenDeleted: 'Delete' })
    assert.deepEqual(await claims(virtual), ['data-db-0 StatefulSet', 'data-db-1 StatefulSet', 'data-db-2 StatefulSet'])
    await scale(virtual, 2)
    assert.equal((await claims(virtual)).length, 3)
    await virtual.cluster.client.delete(StatefulSet, ref)
    await virtual.cluster.advance(10_000)
    assert.deepEqual(await claims(virtual), [])
  })

  test('change hands when the policy does', async () => {
    await using virtual = await begin({ whenDeleted: 'Delete', whenScaled: 'Delete' })
    const { client } = virtual.cluster
    const policy = { whenDeleted: 'Retain', whenScaled: 'Retain' }
    const body = { spec: { persistentVolumeClaimRetentionPolicy: policy } }
    await client.patch(StatefulSet, ref, { type: 'merge', body })
    await virtual.cluster.advance(1000)
    assert.deepEqual(await claims(virtual), ['data-db-0 of nobody', 'data-db-1 of nobody', 'data-db-2 of nobody'])
    assert.deepEqual(virtual.faults, [])
  })
})
