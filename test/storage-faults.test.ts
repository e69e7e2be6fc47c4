import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client } from '../src/client/client.ts'
import { startCluster } from '../src/cluster/cluster.ts'
import { StatefulSet } from '../src/kinds/apps/stateful-set.ts'
import { Endpoints } from '../src/kinds/core/endpoints.ts'
import { Node } from '../src/kinds/core/node.ts'
import { PersistentVolume } from '../src/kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../src/kinds/core/persistent-volume-claim.ts'
import { Pod } from '../src/kinds/core/pod.ts'
import { Service } from '../src/kinds/core/service.ts'
import { EndpointSlice } from '../src/kinds/discovery/endpoint-slice.ts'
import { CSIDriver } from '../src/kinds/storage/csi-driver.ts'
import { StorageClass } from '../src/kinds/storage/storage-class.ts'
import { VolumeAttachment } from '../src/kinds/storage/volume-attachment.ts'
import type { ApiObject, Kind } from '../src/schema/kind.ts'
import { ApiError } from '../src/schema/status.ts'
import type { Draft } from '../src/schema/types.ts'
import { seededRandom, VirtualWorld } from '../src/world/virtual.ts'
import type { Random } from '../src/world/world.ts'

/**
 * Whoever looks after volumes writes several objects in turn, and may be broken off between any two: here a fifth of all
 * writes fail, half of them after they were done. When that ends, everything must be as if it had never been.
 */

const namespace = 'default'
const writes: readonly string[] = ['create', 'update', 'patch', 'delete']

class Faults {
  isOn = false
  readonly #random: Random

  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  /** What the parts of the cluster use. */
  readonly over = (client: Client): Client =>
    new Proxy(client, {
      get: (target, name) => {
        if (name === 'as') return (...user: Parameters<Client['as']>) => this.over(target.as(...user))
        const value = target[name as keyof Client] as (...args: unknown[]) => unknown
        if (!writes.includes(String(name))) return value.bind(target)
        return (...args: unknown[]) => this.#attempt(() => value.apply(target, args))
      },
    })

  async #attempt(write: () => unknown): Promise<unknown> {
    const fate = this.isOn ? this.#random.next() : 0.5
    if (fate < 0.1) throw new ApiError('InternalError', 'the request was lost')
    const answer = await write()
    if (fate > 0.9) throw new ApiError('InternalError', 'the answer was lost')
    return answer
  }
}

const request = (storage: string, storageClassName: string) => ({
  accessModes: ['ReadWriteOnce'],
  storageClassName,
  resources: { requests: { storage } },
})

const volume = (name: string, persistentVolumeReclaimPolicy: string) =>
  ({
    metadata: { name },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: name,
      hostPath: { path: '/srv' },
      persistentVolumeReclaimPolicy,
    },
  }) as Draft<PersistentVolume>

/** Three pods, each with storage of its own and storage for its life. */
const setOf = (name: string) =>
  ({
    metadata: { name, namespace },
    spec: {
      replicas: 3,
      serviceName: name,
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          containers: [{ name: 'main', image: 'web:1' }],
          volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate: { spec: request('1Gi', name) } } }],
        },
      },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: request('1Gi', name) }],
    },
  }) as Draft<StatefulSet>

async function build(client: Client): Promise<void> {
  await client.create(CSIDriver, { metadata: { name: 'csi.example.com' }, spec: {} })
  for (const [name, provisioner] of [
    ['csi', 'csi.example.com'],
    ['local', 'coracle.dev/local-path'],
  ] as const) {
    const rest = { volumeBindingMode: 'WaitForFirstConsumer', allowVolumeExpansion: true } as const
    await client.create(StorageClass, { metadata: { name }, provisioner, ...rest })
    await client.create(StatefulSet, setOf(name))
  }
  for (const [name, policy] of [
    ['kept', 'Retain'],
    ['emptied', 'Recycle'],
    ['used', 'Retain'],
  ] as const) {
    await client.create(PersistentVolumeClaim, { metadata: { name, namespace }, spec: request('1Gi', name) })
    await client.create(PersistentVolume, volume(name, policy))
  }
  for (const name of ['guest-1', 'guest-2', 'guest-3']) await client.create(Node, { metadata: { name } })
  await client.create(Service, { metadata: { name: 'db', namespace }, spec: { ports: [{ port: 80 }] } })
  const subsets = [{ addresses: [{ ip: '192.168.0.7' }], ports: [{ port: 80 }] }]
  await client.create(Endpoints, { metadata: { name: 'db', namespace }, subsets })
}

async function disturb(client: Client): Promise<void> {
  for (const name of ['kept', 'emptied']) await client.delete(PersistentVolumeClaim, { namespace, name })
  for (const name of ['csi-0', 'csi-1', 'local-0', 'local-2']) await client.delete(Pod, { namespace, name })
  const body = { spec: { resources: { requests: { storage: '2Gi' } } } }
  await client.patch(PersistentVolumeClaim, { namespace, name: 'data-csi-0' }, { type: 'merge', body })
}

/** What there is in the end, in words. */
async function outcome(client: Client) {
  const all = async <T extends ApiObject>(kind: Kind<T>, within = {}) => (await client.list(kind, within)).items
  const claims = await all(PersistentVolumeClaim)
  const volumes = await all(PersistentVolume)
  const pods = await all(Pod, { namespace })
  const nodes = await all(Node)
  const attachments = await all(VolumeAttachment)
  const slices = await all(EndpointSlice, { namespace })
  const isAgreed = ({ metadata, spec }: PersistentVolumeClaim) =>
    volumes.find((each) => each.metadata.name === spec.volumeName)?.spec.claimRef?.uid === metadata.uid
  return {
    claims: claims
      .map(({ metadata, status }) => `${metadata.name} ${status.phase} ${status.capacity?.['storage']}`)
      .sort(),
    agreed: claims.filter(isAgreed).length,
    volumes: volumes.map(({ status }) => status.phase!).sort(),
    pods: pods.map(({ metadata, status }) => `${metadata.name} ${status.phase}`).sort(),
    attached: nodes.reduce((sum, { status }) => sum + (status.volumesAttached?.length ?? 0), 0),
    attachments: attachments.filter(({ status }) => status.attached).length,
    ranges: new Set(nodes.map(({ spec }) => spec.podCIDR ?? '')).size,
    slices: slices.filter(({ metadata }) => metadata.generateName === 'db-').length,
  }
}

const sets = ['csi', 'local'].flatMap((name) => [0, 1, 2].map((n) => `${name}-${n}`))

for (const seed of [1, 17, 36])
  test(`volumes are right in the end, whatever was lost on the way (seed ${seed})`, async () => {
    const faults = new Faults(seed)
    await using cluster = await startCluster({ world: new VirtualWorld(seed), nodes: 3, connect: faults.over })
    faults.isOn = true
    await build(cluster.client)
    await cluster.advance(30_000)
    await disturb(cluster.client)
    await cluster.advance(60_000)
    faults.isOn = false
    await cluster.advance(900_000)
    assert.deepEqual(await outcome(cluster.client), {
      claims: [
        ...sets.map((pod) => `${pod}-scratch Bound 1Gi`),
        ...sets.map((pod) => `data-${pod} Bound ${pod === 'csi-0' ? '2Gi' : '1Gi'}`),
        'used Bound 1Gi',
      ].sort(),
      agreed: 13,
      volumes: ['Available', ...Array.from({ length: 13 }, () => 'Bound'), 'Released'],
      pods: sets.map((pod) => `${pod} Running`),
      attached: 6,
      attachments: 6,
      ranges: 6,
      slices: 1,
    })
  })
