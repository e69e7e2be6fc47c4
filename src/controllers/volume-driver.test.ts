import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Node } from '../kinds/core/node.ts'
import { PersistentVolume } from '../kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../kinds/core/persistent-volume-claim.ts'
import { Pod } from '../kinds/core/pod.ts'
import { CSIDriver } from '../kinds/storage/csi-driver.ts'
import { CSINode } from '../kinds/storage/csi-node.ts'
import { StorageClass } from '../kinds/storage/storage-class.ts'
import { VolumeAttachment } from '../kinds/storage/volume-attachment.ts'
import { VolumeAttributesClass } from '../kinds/storage/volume-attributes-class.ts'
import { reconcileOnce, type State } from '../reconciler/fixture.ts'
import type { Draft } from '../schema/types.ts'
import { lines, node, now, object, pod, written } from './fixtures.ts'
import { volumeDriverControllers } from './volume-driver.ts'

const [provisionLocal, resizeLocal, eraseLocal, provisionCsi, resizeCsi, eraseCsi, attachCsi, modifyCsi] =
  volumeDriverControllers
const local = 'coracle.dev/local-path'
const csi = 'csi.example.com'
const claimUid = 'uid-persistentvolumeclaim-data'

const asked = (provisioner: string, annotations: object = {}) => ({
  annotations: { 'volume.kubernetes.io/storage-provisioner': provisioner, ...annotations },
})
const onNode = (name: string) => ({ 'volume.kubernetes.io/selected-node': name })

const claim = (metadata: object, spec: object = {}, status: object = {}) =>
  object<PersistentVolumeClaim>(PersistentVolumeClaim, 'data', {
    metadata,
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      storageClassName: 'standard',
      volumeMode: 'Filesystem',
      ...spec,
    },
    status: { phase: 'Pending', ...status },
  } as Draft<PersistentVolumeClaim>)

const volume = (provisioner: string, rest: { metadata?: object; spec?: object; status?: object } = {}) =>
  object<PersistentVolume>(PersistentVolume, 'v', {
    metadata: {
      annotations: { 'pv.kubernetes.io/provisioned-by': provisioner },
      finalizers: ['external-provisioner.volume.kubernetes.io/finalizer', 'kubernetes.io/pv-protection'],
      ...rest.metadata,
    },
    spec: {
      capacity: { storage: '1Gi' },
      persistentVolumeReclaimPolicy: 'Delete',
      claimRef: { namespace: 'default', name: 'data', uid: claimUid },
      ...rest.spec,
    },
    status: { phase: 'Bound', ...rest.status },
  } as Draft<PersistentVolume>)

const storageClass = (provisioner: string, rest: object = {}) =>
  object<StorageClass>(StorageClass, 'standard', {
    provisioner,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'Immediate',
    ...rest,
  } as Draft<StorageClass>)

const driver = object<CSIDriver>(CSIDriver, csi, { spec: {} } as Draft<CSIDriver>)

const look = (
  controller: (typeof volumeDriverControllers)[0] | undefined,
  subject: object,
  ...state: State[number][]
) => reconcileOnce(controller!, subject as PersistentVolume, [[CSIDriver, driver], ...state], { now }).changes

describe('a directory of a node', () => {
  test('is made for a claim of the class, with all that it says', () => {
    const subject = claim(asked(local))
    const changes = look(
      provisionLocal,
      subject,
      [StorageClass, storageClass(local, { mountOptions: ['noatime'], parameters: { path: '/data' } })],
      [Node, node('n1')],
    )
    assert.deepEqual(lines(changes), [
      'Normal Provisioning: External provisioner is provisioning volume for claim "default/data"',
      `create persistentvolume/pvc-${claimUid}`,
      `Normal ProvisioningSucceeded: Successfully provisioned volume pvc-${claimUid}`,
    ])
    const made = written(changes, PersistentVolume)
    assert.deepEqual(made.metadata, {
      name: `pvc-${claimUid}`,
      annotations: { 'pv.kubernetes.io/provisioned-by': local },
      finalizers: ['external-provisioner.volume.kubernetes.io/finalizer'],
    })
    assert.deepEqual(made.spec, {
      hostPath: { path: `/data/pvc-${claimUid}_default_data`, type: 'DirectoryOrCreate' },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['n1'] }] },
          ],
        },
      },
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      volumeMode: 'Filesystem',
      mountOptions: ['noatime'],
      persistentVolumeReclaimPolicy: 'Delete',
      storageClassName: 'standard',
      claimRef: {
        kind: 'PersistentVolumeClaim',
        apiVersion: 'v1',
        namespace: 'default',
        name: 'data',
        uid: claimUid,
        resourceVersion: '1',
      },
    })
  })

  test('that is retained after use is not guarded', () => {
    const kept = storageClass(local, { reclaimPolicy: 'Retain' })
    const made = written(
      look(provisionLocal, claim(asked(local)), [StorageClass, kept], [Node, node('n1')]),
      PersistentVolume,
    )
    assert.equal(made.metadata.finalizers, undefined)
    assert.equal(made.spec.persistentVolumeReclaimPolicy, 'Retain')
  })

  const hostOf = (changes: ReturnType<typeof look>) =>
    written(changes, PersistentVolume).spec.nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.[0]
      ?.values?.[0]

  test('is made where the scheduler has put the claim’s first pod', () => {
    const waiting = storageClass(local, { volumeBindingMode: 'WaitForFirstConsumer' })
    const state: State = [
      [StorageClass, waiting],
      [Node, node('n1'), node('n2')],
    ]
    assert.deepEqual(look(provisionLocal, claim(asked(local)), ...state), [])
    assert.equal(hostOf(look(provisionLocal, claim(asked(local, onNode('n2'))), ...state)), 'n2')
  })

  test('is made nowhere when the chosen node has gone: another is to be chosen', () => {
    const subject = claim(asked(local, onNode('gone')))
    const changes = look(provisionLocal, subject, [StorageClass, storageClass(local)], [Node, node('n1')])
    assert.deepEqual(lines(changes).slice(1), [
      'Warning ProvisioningFailed: failed to get target node: node "gone" not found',
      'update persistentvolumeclaim/data',
    ])
    assert.deepEqual(written(changes, PersistentVolumeClaim).metadata.annotations, asked(local).annotations)
  })

  test('is else made on the usable node that has fewest', () => {
    const on = (name: string) =>
      volume(local, {
        spec: {
          nodeAffinity: {
            required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'x', operator: 'In', values: [name] }] }] },
          },
        },
      })
    const changes = look(
      provisionLocal,
      claim(asked(local)),
      [StorageClass, storageClass(local)],
      [Node, node('n1'), node('n2', { spec: { unschedulable: true } } as Draft<Node>), node('n3')],
      [PersistentVolume, on('n1'), volume(csi)],
    )
    assert.equal(hostOf(changes), 'n3')
  })

  const refusals: readonly (readonly [string, object, readonly Node[], string])[] = [
    ['be shared', { accessModes: ['ReadWriteMany'] }, [node('n1')], 'a directory of a node cannot be ReadWriteMany'],
    ['be a device', { volumeMode: 'Block' }, [node('n1')], 'a directory is no block device'],
    ['be selected', { selector: { matchLabels: {} } }, [node('n1')], 'claim Selector is not supported'],
    ['be made without a node', {}, [], 'no node is ready'],
  ]
  for (const [name, spec, nodes, fault] of refusals)
    test(`cannot ${name}, and the claim is told`, () => {
      const changes = look(
        provisionLocal,
        claim(asked(local), spec),
        [StorageClass, storageClass(local)],
        [Node, ...nodes],
      )
      assert.deepEqual(lines(changes).slice(1), [
        `Warning ProvisioningFailed: failed to provision volume with StorageClass "standard": ${fault}`,
      ])
    })

  test('is not made for others’ claims, twice, or for a claim that has a volume', () => {
    const state: State = [
      [StorageClass, storageClass(local)],
      [Node, node('n1')],
    ]
    assert.deepEqual(look(provisionLocal, claim({}), ...state), [])
    assert.deepEqual(look(provisionLocal, claim(asked(csi)), ...state), [])
    assert.deepEqual(look(provisionLocal, claim(asked(local), { volumeName: 'v' }), ...state), [])
    const made = object<PersistentVolume>(PersistentVolume, `pvc-${claimUid}`, {} as Draft<PersistentVolume>)
    assert.deepEqual(look(provisionLocal, claim(asked(local)), ...state, [PersistentVolume, made]), [])
  })

  test('goes when its claim is gone, guard first', () => {
    const changes = look(eraseLocal, volume(local, { status: { phase: 'Released' } }))
    assert.deepEqual(lines(changes), ['update persistentvolume/v', 'remove persistentvolume/v'])
    assert.deepEqual(written(changes, PersistentVolume).metadata.finalizers, ['kubernetes.io/pv-protection'])
  })

  test('stays while it is bound, and where it is another driver’s', () => {
    const released = { status: { phase: 'Released' } }
    assert.deepEqual(look(eraseLocal, volume(local)), [])
    assert.deepEqual(look(eraseLocal, volume(csi, released)), [])
  })

  test('that somebody has decided to retain is let go', () => {
    const retained = { spec: { persistentVolumeReclaimPolicy: 'Retain' } }
    const changes = look(eraseLocal, volume(local, { ...retained, status: { phase: 'Released' } }))
    assert.deepEqual(lines(changes), ['update persistentvolume/v'])
    assert.deepEqual(look(eraseLocal, volume(local, { ...retained, metadata: { finalizers: [] } })), [])
  })

  test('grows at once', () => {
    const subject = claim(
      {},
      { volumeName: 'v', resources: { requests: { storage: '3Gi' } } },
      { phase: 'Bound', capacity: { storage: '1Gi' } },
    )
    const changes = look(resizeLocal, subject, [PersistentVolume, volume(local)])
    assert.deepEqual(lines(changes), [
      'Normal Resizing: External resizer is resizing volume v',
      'update persistentvolumeclaim/data status',
      'update persistentvolume/v',
      'update persistentvolumeclaim/data status',
      'Normal VolumeResizeSuccessful: Resize volume succeeded',
    ])
    assert.deepEqual(written(changes, PersistentVolume).spec.capacity, { storage: '3Gi' })
    const [, begun, , done] = changes
    assert.deepEqual(begun?.type === 'update' && (begun.object as PersistentVolumeClaim).status, {
      phase: 'Bound',
      capacity: { storage: '1Gi' },
      conditions: [{ type: 'Resizing', status: 'True', lastTransitionTime: '2026-01-01T12:00:00Z' }],
      allocatedResources: { storage: '3Gi' },
      allocatedResourceStatuses: { storage: 'ControllerResizeInProgress' },
    })
    assert.deepEqual(done?.type === 'update' && (done.object as PersistentVolumeClaim).status, {
      phase: 'Bound',
      capacity: { storage: '3Gi' },
      allocatedResources: { storage: '3Gi' },
    })
  })
})

describe('a simulated driver', () => {
  test('makes volumes where there is a CSIDriver of its name', () => {
    const waiting = storageClass(csi, {
      volumeBindingMode: 'WaitForFirstConsumer',
      parameters: { 'csi.storage.k8s.io/fstype': 'ext4' },
    })
    const labels = { 'topology.example.com/zone': 'z1' }
    const csiNode = object<CSINode>(CSINode, 'n1', {
      spec: { drivers: [{ name: csi, nodeID: 'n1', topologyKeys: ['topology.example.com/zone'] }] },
    } as unknown as Draft<CSINode>)
    const state: State = [
      [StorageClass, waiting],
      [Node, node('n1', { metadata: { labels } } as Draft<Node>)],
      [CSINode, csiNode],
    ]
    const made = written(look(provisionCsi, claim(asked(csi, onNode('n1'))), ...state), PersistentVolume)
    assert.deepEqual(made.spec.csi, { driver: csi, volumeHandle: `pvc-${claimUid}`, fsType: 'ext4' })
    assert.deepEqual(made.spec.nodeAffinity?.required?.nodeSelectorTerms, [
      { matchExpressions: [{ key: 'topology.example.com/zone', operator: 'In', values: ['z1'] }] },
    ])
    const unknown = [[StorageClass, storageClass('other.example.com')]] satisfies State
    assert.deepEqual(look(provisionCsi, claim(asked('other.example.com')), ...unknown), [])
  })

  const attachment = (status: object) =>
    object<VolumeAttachment>(VolumeAttachment, 'a', {
      spec: { attacher: csi, nodeName: 'n1', source: { persistentVolumeName: 'v' } },
      status,
    } as Draft<VolumeAttachment>)

  test('attaches what is asked for', () => {
    const changes = look(attachCsi, attachment({ attached: false }))
    assert.deepEqual(written(changes, VolumeAttachment, 'status').status, { attached: true })
    assert.deepEqual(look(attachCsi, attachment({ attached: true })), [])
  })

  test('deletes a volume when no node has it any more', () => {
    const subject = volume(csi, { status: { phase: 'Released' } })
    assert.deepEqual(look(eraseCsi, subject, [VolumeAttachment, attachment({ attached: true })]), [])
    assert.deepEqual(lines(look(eraseCsi, subject)).at(-1), 'remove persistentvolume/v')
  })

  test('changes the attributes of a volume when its claim asks for another class', () => {
    const gold = object<VolumeAttributesClass>(VolumeAttributesClass, 'gold', {
      driverName: csi,
    } as Draft<VolumeAttributesClass>)
    const subject = claim({}, { volumeName: 'v', volumeAttributesClassName: 'gold' }, { phase: 'Bound' })
    const waiting = look(modifyCsi, subject, [PersistentVolume, volume(csi)])
    assert.deepEqual(lines(waiting), [
      'update persistentvolumeclaim/data status',
      'Warning VolumeModifyFailed: VolumeAttributesClass "gold" not found',
    ])
    const changes = look(modifyCsi, subject, [PersistentVolume, volume(csi)], [VolumeAttributesClass, gold])
    assert.deepEqual(lines(changes), [
      'Normal VolumeModify: external resizer is modifying volume v with vac gold',
      'update persistentvolume/v',
      'update persistentvolumeclaim/data status',
      'Normal VolumeModifySuccessful: external resizer modified volume v with vac gold successfully',
    ])
    assert.equal(written(changes, PersistentVolume).spec.volumeAttributesClassName, 'gold')
    const { status } = written(changes, PersistentVolumeClaim, 'status')
    assert.equal(status.currentVolumeAttributesClassName, 'gold')
    const done = claim({}, { volumeName: 'v', volumeAttributesClassName: 'gold' }, status)
    assert.deepEqual(look(modifyCsi, done, [PersistentVolume, volume(csi)], [VolumeAttributesClass, gold]), [])
  })

  const grown = claim(
    {},
    { volumeName: 'v', resources: { requests: { storage: '3Gi' } } },
    { phase: 'Bound', capacity: { storage: '1Gi' } },
  )

  test('lets a file system grow when a pod mounts it, and says what it waits for', () => {
    const changes = look(resizeCsi, grown, [PersistentVolume, volume(csi)])
    assert.deepEqual(
      lines(changes).at(-1),
      'Normal FileSystemResizeRequired: Require file system resize of volume on node',
    )
    const waiting = (changes.at(-2) as unknown as { object: PersistentVolumeClaim }).object
    assert.deepEqual(
      waiting.status.conditions?.map(({ type, status, message }) => [type, status, message]),
      [
        [
          'FileSystemResizePending',
          'True',
          'Waiting for user to (re-)start a pod to finish file system resize of volume on node.',
        ],
      ],
    )
    assert.deepEqual(waiting.status.allocatedResourceStatuses, { storage: 'NodeResizePending' })
    assert.deepEqual(waiting.status.capacity, { storage: '1Gi' })

    const enlarged = volume(csi, { spec: { capacity: { storage: '3Gi' } } })
    const user = pod('p', {
      node: 'n1',
      rest: { spec: { volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }] } } as Draft<Pod>,
    })
    const finished = look(resizeCsi, waiting, [PersistentVolume, enlarged], [Pod, user])
    assert.deepEqual(lines(finished), [
      'update persistentvolumeclaim/data status',
      'Normal FileSystemResizeSuccessful: MountVolume.NodeExpandVolume succeeded for volume "v" n1',
      'Normal FileSystemResizeSuccessful: MountVolume.NodeExpandVolume succeeded for volume "v" n1',
    ])
    assert.deepEqual(written(finished, PersistentVolumeClaim, 'status').status, {
      phase: 'Bound',
      capacity: { storage: '3Gi' },
      allocatedResources: { storage: '3Gi' },
    })
  })
})
