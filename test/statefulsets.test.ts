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
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'c', image: 'i', volumeMounts: [{ name: 'data', mountPath: '/data' }] }] },
      },
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

describe('the template of a stateful set', () => {
  const claimOf = (name: string, accessModes = ['ReadWriteOnce']) => ({
    metadata: { name },
    spec: { accessModes, resources: { requests: { storage: '1Gi' } } },
  })

  /** Mounts `data`, which it does not have itself. */
  const setWith = (volumeClaimTemplates: readonly object[], volumes: readonly object[] = []) =>
    ({
      metadata: ref,
      spec: {
        serviceName: 'db',
        selector: { matchLabels: { app: 'db' } },
        template: {
          metadata: { labels: { app: 'db' } },
          spec: {
            containers: [{ name: 'c', image: 'i', volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
            volumes,
          },
        },
        volumeClaimTemplates,
      },
    }) as Draft<StatefulSet>

  test('mounts claims by their names, which stand for volumes of the same name', async () => {
    await using virtual = await virtualCluster({ nodes: 0 })
    const { client } = virtual.cluster
    await client.create(StatefulSet, setWith([claimOf('data')], [{ name: 'data', emptyDir: {} }]))
    await virtual.cluster.advance(1000)
    const [pod] = (await client.list(Pod, { namespace })).items
    assert.deepEqual(
      pod!.spec.volumes?.filter(({ name }) => name === 'data'),
      [{ name: 'data', persistentVolumeClaim: { claimName: 'data-db-0' } }],
    )
  })

  test('is refused with a mount of something else, and with a claim that could not be made', async () => {
    await using virtual = await virtualCluster({ nodes: 0 })
    const { client } = virtual.cluster
    await assert.rejects(client.create(StatefulSet, setWith([claimOf('other')])), {
      message:
        'StatefulSet.apps "db" is invalid: spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"',
    })
    await assert.rejects(client.create(StatefulSet, setWith([claimOf('data', [])])), {
      message:
        'StatefulSet.apps "db" is invalid: spec.volumeClaimTemplates[0].spec.accessModes: Required value: at least 1 access mode is required',
    })
  })
})
