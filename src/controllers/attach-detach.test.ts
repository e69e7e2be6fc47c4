import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Node } from '../kinds/core/node.ts'
import { PersistentVolume } from '../kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../kinds/core/persistent-volume-claim.ts'
import { Pod } from '../kinds/core/pod.ts'
import { CSIDriver } from '../kinds/storage/csi-driver.ts'
import { VolumeAttachment } from '../kinds/storage/volume-attachment.ts'
import { reconcileGone, reconcileOnce } from '../reconciler/fixture.ts'
import type { Draft } from '../schema/types.ts'
import { attachDetachController } from './attach-detach.ts'
import { lines, node, now, object, pod, written } from './fixtures.ts'

const driver = 'csi.example.com'
const uniqueName = `kubernetes.io/csi/${driver}^handle-data`
/** Of handle, driver and node: what the reference's controller calls it. */
const attachmentName = 'csi-7771605ae514d5d5017dfe053d42213d575ad540a7fbcfb646546f6912f4e3ec'

const volume = object<PersistentVolume>(PersistentVolume, 'v', {
  spec: {
    accessModes: ['ReadWriteOnce'],
    csi: { driver, volumeHandle: 'handle-data' },
    claimRef: { namespace: 'default', name: 'data', uid: 'uid-persistentvolumeclaim-data' },
  },
} as Draft<PersistentVolume>)

const claim = object<PersistentVolumeClaim>(PersistentVolumeClaim, 'data', {
  spec: { volumeName: 'v' },
  status: { phase: 'Bound' },
} as Draft<PersistentVolumeClaim>)

const user = (name: string, onNode: string, phase = 'Running') =>
  pod(name, {
    node: onNode,
    phase,
    rest: { spec: { volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }] } } as Draft<Pod>,
  })

const nameOf = (digit: string) => `csi-${digit.repeat(64)}`

const attachment = (name: string, nodeName: string, attached = true) =>
  object<VolumeAttachment>(VolumeAttachment, name, {
    spec: { attacher: driver, nodeName, source: { persistentVolumeName: 'v' } },
    status: { attached },
  } as Draft<VolumeAttachment>)

const attachedTo = { status: { volumesAttached: [{ name: uniqueName, devicePath: '' }] } } as Draft<Node>

interface Scene {
  readonly pods?: readonly Pod[]
  readonly attachments?: readonly VolumeAttachment[]
  readonly drivers?: readonly CSIDriver[]
  readonly now?: number
}

const stateOf = (nodes: readonly Node[], { pods = [], attachments = [], drivers = [] }: Scene) =>
  [
    [Node, ...nodes],
    [Pod, ...pods],
    [PersistentVolume, volume],
    [PersistentVolumeClaim, claim],
    [VolumeAttachment, ...attachments],
    [CSIDriver, ...drivers],
  ] as const

const look = (subject: Node, scene: Scene, controller = attachDetachController()) =>
  reconcileOnce(controller, subject, stateOf([subject], scene), { now: scene.now ?? now })

describe('volumes of a node', () => {
  test('are attached when a pod needs them', () => {
    const { changes } = look(node('n1'), { pods: [user('p', 'n1'), user('q', 'n1')] })
    const [made] = lines(changes)
    assert.match(made!, /^create volumeattachment\/csi-[0-9a-f]{64}$/)
    assert.deepEqual(written(changes, VolumeAttachment).spec, {
      attacher: driver,
      nodeName: 'n1',
      source: { persistentVolumeName: 'v' },
    })
    assert.equal(changes.length, 1)
  })

  test('are told to the kubelet and to the pods once they are there', () => {
    const { changes } = look(node('n1'), { pods: [user('p', 'n1')], attachments: [attachment(nameOf('a'), 'n1')] })
    assert.deepEqual(lines(changes), [
      'patch node/n1 status',
      'Normal SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "v" ',
    ])
    const again = look(node('n1', attachedTo), {
      pods: [user('p', 'n1')],
      attachments: [attachment(nameOf('a'), 'n1')],
    })
    assert.deepEqual(lines(again.changes), [])
  })

  test('are told to nobody before they are there', () => {
    const { changes } = look(node('n1'), {
      pods: [user('p', 'n1')],
      attachments: [attachment(nameOf('a'), 'n1', false)],
    })
    assert.deepEqual(lines(changes), [])
  })

  test('need no attaching when their driver says so', () => {
    const easy = object<CSIDriver>(CSIDriver, driver, { spec: { attachRequired: false } } as Draft<CSIDriver>)
    assert.deepEqual(lines(look(node('n1'), { pods: [user('p', 'n1')], drivers: [easy] }).changes), [])
  })

  test('of one node at a time are waited for while another has them', () => {
    const { changes } = look(node('n2'), {
      pods: [user('p', 'n1'), user('q', 'n2')],
      attachments: [attachment(nameOf('a'), 'n1')],
    })
    assert.deepEqual(lines(changes), [
      'Warning FailedAttachVolume: Multi-Attach error for volume "v" Volume is already used by pod(s) p',
    ])
    const left = look(node('n2'), { pods: [user('q', 'n2')], attachments: [attachment(nameOf('a'), 'n1')] })
    assert.match(lines(left.changes)[0]!, /already exclusively attached to one node and can't be attached to another$/)
  })

  test('are detached when no pod needs them any more, one that is through included', () => {
    const { changes } = look(node('n1', attachedTo), {
      pods: [user('p', 'n1', 'Succeeded')],
      attachments: [attachment(nameOf('a'), 'n1')],
    })
    assert.deepEqual(lines(changes), [`remove volumeattachment/${nameOf('a')}`, 'patch node/n1 status'])
  })

  const conditions = [{ type: 'Ready', status: 'Unknown' }]
  const silent = { status: { conditions } } as Draft<Node>

  test('of a node that does not answer are detached by force after six minutes', () => {
    const controller = attachDetachController()
    const scene = { attachments: [attachment(nameOf('a'), 'n1')] }
    assert.deepEqual(lines(look(node('n1', silent), scene, controller).changes), ['again after 360000 ms'])
    const later = look(node('n1', silent), { ...scene, now: now + 360_000 }, controller)
    assert.deepEqual(lines(later.changes), [`remove volumeattachment/${nameOf('a')}`])
  })

  test('of a node that is off for sure are detached at once', () => {
    const taints = [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }]
    const off = node('n1', { ...silent, spec: { taints } } as Draft<Node>)
    assert.deepEqual(lines(look(off, { attachments: [attachment(nameOf('a'), 'n1')] }).changes), [
      `remove volumeattachment/${nameOf('a')}`,
    ])
  })

  test('of a node that is gone are detached', () => {
    const scene = { attachments: [attachment(nameOf('a'), 'n1'), attachment(nameOf('b'), 'n2')] }
    const { changes } = reconcileGone(attachDetachController(), { name: 'n1' }, stateOf([], scene), { now })
    assert.deepEqual(lines(changes), [`remove volumeattachment/${nameOf('a')}`])
  })

  test('that somebody else has attached are left to him', () => {
    assert.deepEqual(lines(look(node('n1'), { attachments: [attachment('by-hand', 'n1')] }).changes), [])
    const { changes } = reconcileGone(
      attachDetachController(),
      { name: 'n1' },
      stateOf([], { attachments: [attachment('by-hand', 'n1')] }),
    )
    assert.deepEqual(lines(changes), [])
  })

  test('have the name that the reference gives them', () => {
    const { changes } = look(node('n1'), { pods: [user('p', 'n1')] })
    assert.equal(written(changes, VolumeAttachment).metadata.name, attachmentName)
  })
})
