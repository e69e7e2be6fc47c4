import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../kinds/core/persistent-volume-claim.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { CSIDriver } from '../../kinds/storage/csi-driver.ts'
import { CSINode } from '../../kinds/storage/csi-node.ts'
import { CSIStorageCapacity } from '../../kinds/storage/csi-storage-capacity.ts'
import { StorageClass } from '../../kinds/storage/storage-class.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import type { Draft } from '../../schema/types.ts'
import { clusterOf, clusterState, node, type Occupied, pod } from '../fixtures.ts'
import type { Plugin } from '../plugin.ts'
import { podState } from '../pod-state.ts'
import { nodeVolumeLimits } from './node-volume-limits.ts'
import { scores, verdicts } from './placing.ts'
import { makeVolumeBinding } from './volume-binding.ts'
import { volumeRestrictions } from './volume-restrictions.ts'
import { volumeZone } from './volume-zone.ts'

type Objects = readonly (readonly [Kind, ...ApiObject[]])[]
const object = (name: string, rest: object) =>
  ({ ...rest, metadata: { name, ...(rest as ApiObject).metadata } }) as ApiObject
const claim = (name: string, spec: object = {}, rest: { metadata?: object; status?: object } = {}) =>
  object(name, {
    ...rest,
    metadata: { namespace: 'default', uid: name, ...rest.metadata },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
  })
const bound = (name: string, volumeName: string, spec: object = {}) =>
  claim(name, { volumeName, ...spec }, { metadata: { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } } })
const volume = (name: string, spec: object = {}, labels: object = {}) =>
  object(name, {
    metadata: { labels },
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], ...spec },
    status: { phase: 'Available' },
  })
const onNode = (...values: string[]) => ({
  nodeAffinity: {
    required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'host', operator: 'In', values }] }] },
  },
})
const at = (name: string, labels: Record<string, string> = {}) =>
  node(name, { metadata: { labels: { host: name, ...labels } } })
const using = (...claims: string[]): Draft<Pod['spec']> => ({
  volumes: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
})
const waiting = object('local', {
  provisioner: 'kubernetes.io/no-provisioner',
  volumeBindingMode: 'WaitForFirstConsumer',
})
const made = object('made', { provisioner: 'example.com/disks', volumeBindingMode: 'WaitForFirstConsumer' })

interface Case {
  readonly spec?: Draft<Pod['spec']>
  readonly nodes?: readonly Occupied[]
  readonly objects: Objects
  readonly says: string
}
const twoNodes: readonly Occupied[] = [[at('a')], [at('b')]]

function table(plugin: Plugin, cases: Readonly<Record<string, Case>>): void {
  describe(plugin.name, () => {
    for (const [title, { spec = using('data'), nodes = twoNodes, objects, says }] of Object.entries(cases))
      test(title, () => assert.equal(verdicts(plugin, pod('p', spec), clusterState(...nodes), objects), says))
  })
}

const elsewhere = "node(s) didn't match PersistentVolume's node affinity"
const none = "node(s) didn't find available persistent volumes to bind"
const volumeBinding = makeVolumeBinding()
table(volumeBinding, {
  'has nothing to say of pods without claims': { spec: {}, objects: [], says: 'a:yes b:yes' },
  'sends a pod where its volume is': {
    objects: [
      [PersistentVolumeClaim, bound('data', 'v')],
      [PersistentVolume, volume('v', onNode('a'))],
    ],
    says: `a:yes b:${elsewhere}`,
  },
  'knows of volumes that are gone': {
    objects: [[PersistentVolumeClaim, bound('data', 'v')]],
    says: 'a:node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s) b:node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)',
  },
  'waits for claims that are not there': {
    objects: [],
    says: 'nowhere: persistentvolumeclaim "data" not found',
  },
  'waits for claims that are bound at once': {
    objects: [[PersistentVolumeClaim, claim('data')]],
    says: 'nowhere: pod has unbound immediate PersistentVolumeClaims',
  },
  'refuses claims that have lost their volume': {
    objects: [[PersistentVolumeClaim, claim('data', { volumeName: 'v' }, { status: { phase: 'Lost' } })]],
    says: 'nowhere: persistentvolumeclaim "data" bound to non-existent persistentvolume "v"',
  },
  'refuses claims that are about to go': {
    objects: [[PersistentVolumeClaim, claim('data', {}, { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })]],
    says: 'nowhere: persistentvolumeclaim "data" is being deleted',
  },
  'waits for claims of the pod alone': {
    spec: { volumes: [{ name: 'own', ephemeral: { volumeClaimTemplate: { spec: {} } } }] } as Draft<Pod['spec']>,
    objects: [],
    says: 'nowhere: waiting for ephemeral volume controller to create the persistentvolumeclaim "p-own"',
  },
  'finds a free volume where the pod could go': {
    objects: [
      [PersistentVolumeClaim, claim('data', { storageClassName: 'local' })],
      [StorageClass, waiting],
      [PersistentVolume, volume('v', { storageClassName: 'local', ...onNode('b') })],
    ],
    says: `a:${none} b:yes`,
  },
  'gives no volume to two claims': {
    spec: using('data', 'more'),
    objects: [
      [
        PersistentVolumeClaim,
        claim('data', { storageClassName: 'local' }),
        claim('more', { storageClassName: 'local' }),
      ],
      [StorageClass, waiting],
      [PersistentVolume, volume('v', { storageClassName: 'local' })],
    ],
    says: `a:${none} b:${none}`,
  },
  'has volumes made anywhere': {
    objects: [
      [PersistentVolumeClaim, claim('data', { storageClassName: 'made' })],
      [StorageClass, made],
    ],
    says: 'a:yes b:yes',
  },
  'has them made where the class allows it': {
    objects: [
      [PersistentVolumeClaim, claim('data', { storageClassName: 'made' })],
      [
        StorageClass,
        { ...made, allowedTopologies: [{ matchLabelExpressions: [{ key: 'host', values: ['b'] }] }] } as ApiObject,
      ],
    ],
    says: `a:${none} b:yes`,
  },
  'has them made where the driver has space': {
    objects: [
      [PersistentVolumeClaim, claim('data', { storageClassName: 'made' })],
      [StorageClass, made],
      [CSIDriver, object('example.com/disks', { spec: { storageCapacity: true } })],
      [
        CSIStorageCapacity,
        object('c', { storageClassName: 'made', capacity: '2Gi', nodeTopology: { matchLabels: { host: 'a' } } }),
        object('d', { storageClassName: 'made', capacity: '1Mi', nodeTopology: { matchLabels: { host: 'b' } } }),
      ],
    ],
    says: 'a:yes b:node(s) did not have enough free storage',
  },
  'stays with the node that was chosen for the claim': {
    objects: [
      [
        PersistentVolumeClaim,
        claim(
          'data',
          { storageClassName: 'made' },
          { metadata: { annotations: { 'volume.kubernetes.io/selected-node': 'b' } } },
        ),
      ],
      [StorageClass, made],
    ],
    says: `a:${none} b:yes`,
  },
})

test('VolumeBinding keeps a volume for the pod that was promised it', () => {
  const state = clusterState(...twoNodes)
  const objects: Objects = [
    [PersistentVolumeClaim, claim('data', { storageClassName: 'local' }), claim('more', { storageClassName: 'local' })],
    [StorageClass, waiting],
    [PersistentVolume, volume('v', { storageClassName: 'local', ...onNode('b') })],
  ]
  const cluster = clusterOf(state, objects)
  const first = pod('first', using('data'))
  const says = () => verdicts(volumeBinding, pod('second', using('more')), state, objects)
  assert.equal(says(), `a:${none} b:yes`)
  const prepared = volumeBinding.prepare!(first, cluster)
  const reservation = volumeBinding.reserve!(podState(first), state.node('b')!, prepared, cluster)!
  assert.equal(says(), `a:${none} b:${none}`)
  reservation.release()
  assert.equal(says(), `a:${none} b:yes`)
})

const inUse =
  'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod'
const noDisk = 'node(s) had no available disk'
const disk = (pdName: string, readOnly = false): Draft<Pod['spec']> => ({
  volumes: [{ name: 'd', gcePersistentDisk: { pdName, readOnly } }],
})
table(volumeRestrictions, {
  'lets one pod alone use a claim that says so': {
    nodes: [[at('a'), pod('other', using('data'))], [at('b')]],
    objects: [[PersistentVolumeClaim, claim('data', { accessModes: ['ReadWriteOncePod'] })]],
    says: `a:${inUse} b:${inUse}`,
  },
  'lets many use others': {
    nodes: [[at('a'), pod('other', using('data'))], [at('b')]],
    objects: [[PersistentVolumeClaim, claim('data')]],
    says: 'a:yes b:yes',
  },
  'mounts no disk twice on a node': {
    spec: disk('d'),
    nodes: [
      [at('a'), pod('other', disk('d'))],
      [at('b'), pod('third', disk('e'))],
    ],
    objects: [],
    says: `a:${noDisk} b:yes`,
  },
  'lets a disk be read twice': {
    spec: disk('d', true),
    nodes: [
      [at('a'), pod('other', disk('d', true))],
      [at('b'), pod('third', disk('d'))],
    ],
    objects: [],
    says: `a:yes b:${noDisk}`,
  },
})

const full = 'node(s) exceed max volume count'
const csi = (volumeHandle: string) => ({ csi: { driver: 'example.com/disks', volumeHandle } })
const limit = (count: number) =>
  object('a', { spec: { drivers: [{ name: 'example.com/disks', nodeID: 'a', allocatable: { count } }] } })
table(nodeVolumeLimits, {
  'counts what the driver can attach': {
    nodes: [[at('a'), pod('other', using('theirs'))], [at('b')]],
    objects: [
      [PersistentVolumeClaim, bound('data', 'v'), bound('theirs', 'w')],
      [PersistentVolume, volume('v', csi('1')), volume('w', csi('2'))],
      [CSINode, limit(1)],
    ],
    says: `a:${full} b:yes`,
  },
  'counts what is attached already once': {
    nodes: [[at('a'), pod('other', using('data'))], [at('b')]],
    objects: [
      [PersistentVolumeClaim, bound('data', 'v')],
      [PersistentVolume, volume('v', csi('1'))],
      [CSINode, limit(1)],
    ],
    says: 'a:yes b:yes',
  },
  'counts volumes that are yet to be made': {
    nodes: [[at('a'), pod('other', using('theirs'))], [at('b')]],
    objects: [
      [
        PersistentVolumeClaim,
        claim('data', { storageClassName: 'made' }),
        claim('theirs', { storageClassName: 'made' }),
      ],
      [StorageClass, made],
      [CSINode, limit(1)],
    ],
    says: `a:${full} b:yes`,
  },
})

const zone = 'topology.kubernetes.io/zone'
table(volumeZone, {
  'sends a pod to the zone of its volume': {
    nodes: [[at('a', { [zone]: 'x' })], [at('b', { [zone]: 'y' })], [at('c')]],
    objects: [
      [PersistentVolumeClaim, bound('data', 'v')],
      [PersistentVolume, volume('v', {}, { [zone]: 'x__z' })],
    ],
    says: 'a:yes b:node(s) had no available volume zone c:yes',
  },
  'knows the older name of the label': {
    nodes: [[at('a', { 'failure-domain.beta.kubernetes.io/zone': 'x' })], [at('b', { [zone]: 'y' })]],
    objects: [
      [PersistentVolumeClaim, bound('data', 'v')],
      [PersistentVolume, volume('v', {}, { [zone]: 'x' })],
    ],
    says: 'a:yes b:node(s) had no available volume zone',
  },
})

describe('VolumeBinding with a shape', () => {
  const volumes = [
    volume('small', { storageClassName: 'local', ...onNode('a') }),
    volume('large', { storageClassName: 'local', capacity: { storage: '10Gi' }, ...onNode('b') }),
  ]
  const objects: Objects = [
    [StorageClass, waiting],
    [PersistentVolumeClaim, claim('data', { storageClassName: 'local' })],
    [PersistentVolume, ...volumes],
  ]
  const at0 = (score: number) => [
    { utilization: 0, score },
    { utilization: 100, score: 10 - score },
  ]
  const state = clusterState(...twoNodes)
  test('full volumes are better', () =>
    assert.deepEqual(scores(makeVolumeBinding(600, at0(0)), pod('p', using('data')), state, objects), {
      a: 100,
      b: 10,
    }))
  test('empty volumes are better', () =>
    assert.deepEqual(scores(makeVolumeBinding(600, at0(10)), pod('p', using('data')), state, objects), { a: 0, b: 90 }))
  test('what a driver has left counts for volumes that are made', () => {
    const capacity = (name: string, amount: string, host: string) =>
      object(name, { storageClassName: 'made', capacity: amount, nodeTopology: { matchLabels: { host } } })
    const driven: Objects = [
      [StorageClass, made],
      [PersistentVolumeClaim, claim('data', { storageClassName: 'made' })],
      [CSIDriver, object('example.com/disks', { spec: { storageCapacity: true } })],
      [CSIStorageCapacity, capacity('c', '4Gi', 'a'), capacity('d', '2Gi', 'b')],
    ]
    assert.deepEqual(scores(makeVolumeBinding(600, at0(10)), pod('p', using('data')), state, driven), { a: 75, b: 50 })
  })
  test('without one all nodes are alike', () =>
    assert.equal(scores(makeVolumeBinding(), pod('p', using('data')), state, objects), undefined))
})
