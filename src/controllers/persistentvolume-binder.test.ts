import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PersistentVolume } from '../kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../kinds/core/persistent-volume-claim.ts'
import { Pod } from '../kinds/core/pod.ts'
import { StorageClass } from '../kinds/storage/storage-class.ts'
import { reconcileOnce, type TrialOptions } from '../reconciler/fixture.ts'
import { ApiError } from '../schema/status.ts'
import type { Draft } from '../schema/types.ts'
import { lines, now, object, pod, written } from './fixtures.ts'
import { persistentVolumeBinder } from './persistentvolume-binder.ts'

const [claims, volumes] = persistentVolumeBinder as [
  (typeof persistentVolumeBinder)[0],
  (typeof persistentVolumeBinder)[0],
]

type Parts<T> = { readonly metadata?: object; readonly spec?: object; readonly status?: object } & Partial<Draft<T>>

const volume = (name: string, { metadata, spec, status }: Parts<PersistentVolume> = {}) =>
  object<PersistentVolume>(PersistentVolume, name, {
    metadata,
    spec: {
      capacity: { storage: '2Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: 'manual',
      hostPath: { path: '/x' },
      ...spec,
    },
    status: { phase: 'Available', ...status },
  } as Draft<PersistentVolume>)

const claim = (name: string, { metadata, spec, status }: Parts<PersistentVolumeClaim> = {}) =>
  object<PersistentVolumeClaim>(PersistentVolumeClaim, name, {
    metadata,
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      storageClassName: 'manual',
      ...spec,
    },
    status: { phase: 'Pending', ...status },
  } as Draft<PersistentVolumeClaim>)

const storageClass = (name: string, rest: object = {}) =>
  object<StorageClass>(StorageClass, name, {
    provisioner: 'csi.example.com',
    volumeBindingMode: 'Immediate',
    ...rest,
  } as Draft<StorageClass>)

const boundTo = (name: string, uid?: string) => ({ claimRef: { namespace: 'default', name, ...(uid && { uid }) } })
const isBound = { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } }

interface Scene {
  readonly claims?: readonly PersistentVolumeClaim[]
  readonly volumes?: readonly PersistentVolume[]
  readonly classes?: readonly StorageClass[]
  readonly pods?: readonly Pod[]
}

const stateOf = (scene: Scene) =>
  [
    [PersistentVolumeClaim, ...(scene.claims ?? [])],
    [PersistentVolume, ...(scene.volumes ?? [])],
    [StorageClass, ...(scene.classes ?? [])],
    [Pod, ...(scene.pods ?? [])],
  ] as const

const look = (subject: PersistentVolumeClaim, scene: Scene = {}) =>
  reconcileOnce(claims, subject, stateOf({ claims: [subject], ...scene }), { now })

const lookAt = (subject: PersistentVolume, scene: Scene = {}, options: TrialOptions = {}) =>
  reconcileOnce(volumes, subject, stateOf({ volumes: [subject], ...scene }), { now, ...options })

describe('a claim', () => {
  test('is bound to the smallest volume that fits, in four writes', () => {
    const { changes } = look(claim('data'), {
      volumes: [volume('large', { spec: { capacity: { storage: '9Gi' } } }), volume('small')],
    })
    assert.deepEqual(lines(changes), [
      'update persistentvolume/small',
      'update persistentvolume/small status',
      'update persistentvolumeclaim/data',
      'update persistentvolumeclaim/data status',
    ])
    const kept = written(changes, PersistentVolume)
    assert.deepEqual(kept.metadata.annotations, { 'pv.kubernetes.io/bound-by-controller': 'yes' })
    assert.deepEqual(kept.spec.claimRef, {
      kind: 'PersistentVolumeClaim',
      namespace: 'default',
      name: 'data',
      uid: 'uid-persistentvolumeclaim-data',
      apiVersion: 'v1',
      resourceVersion: '1',
    })
    const named = written(changes, PersistentVolumeClaim)
    assert.equal(named.spec.volumeName, 'small')
    assert.deepEqual(named.metadata.annotations, {
      'pv.kubernetes.io/bind-completed': 'yes',
      'pv.kubernetes.io/bound-by-controller': 'yes',
    })
    assert.deepEqual(written(changes, PersistentVolumeClaim, 'status').status, {
      phase: 'Bound',
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '2Gi' },
    })
  })

  test('takes the volume that somebody kept for it, and leaves the wish as it was', () => {
    const { changes } = look(claim('data'), { volumes: [volume('small'), volume('kept', { spec: boundTo('data') })] })
    assert.equal(lines(changes)[0], 'update persistentvolume/kept')
    assert.equal(written(changes, PersistentVolume).metadata.annotations, undefined)
  })

  test('that names a volume gets it without our mark', () => {
    const { changes } = look(claim('data', { spec: { volumeName: 'mine' } }), { volumes: [volume('mine')] })
    assert.deepEqual(written(changes, PersistentVolumeClaim).metadata.annotations, {
      'pv.kubernetes.io/bind-completed': 'yes',
    })
  })

  const waits: readonly (readonly [string, PersistentVolumeClaim, Scene, readonly string[]])[] = [
    [
      'without a class says that there is nothing',
      claim('data', { spec: { storageClassName: '' } }),
      {},
      ['Normal FailedBinding: no persistent volumes available for this claim and no storage class is set'],
    ],
    [
      'of a class that is not there says so',
      claim('data'),
      {},
      ['Warning ProvisioningFailed: storageclass.storage.k8s.io "manual" not found'],
    ],
    [
      'of a class without a provisioner says so',
      claim('data'),
      { classes: [storageClass('manual', { provisioner: 'kubernetes.io/no-provisioner' })] },
      ['Warning ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner'],
    ],
    [
      'of a class that waits, waits for a pod',
      claim('data'),
      { classes: [storageClass('manual', { volumeBindingMode: 'WaitForFirstConsumer' })], volumes: [volume('free')] },
      ['Normal WaitForFirstConsumer: waiting for first consumer to be created before binding'],
    ],
    [
      'of a class that waits, waits for its pods to be scheduled',
      claim('data'),
      {
        classes: [storageClass('manual', { volumeBindingMode: 'WaitForFirstConsumer' })],
        pods: ['a', 'b'].map((name) =>
          pod(name, {
            rest: { spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] } } as Draft<Pod>,
          }),
        ),
      },
      ['Normal WaitForPodScheduled: waiting for pods a,b to be scheduled'],
    ],
    [
      'that asks for a volume that another has says so',
      claim('data', { spec: { volumeName: 'taken' } }),
      { volumes: [volume('taken', { spec: boundTo('other', 'uid-other') })] },
      ['Warning FailedBinding: volume "taken" already bound to a different claim.'],
    ],
    [
      'that asks for a volume that does not fit says why',
      claim('data', { spec: { volumeName: 'small', resources: { requests: { storage: '5Gi' } } } }),
      { volumes: [volume('small')] },
      ['Warning VolumeMismatch: Cannot bind to requested volume "small": requested PV is too small'],
    ],
    ['that asks for a volume that is not there waits', claim('data', { spec: { volumeName: 'later' } }), {}, []],
    [
      'being deleted gets nothing',
      claim('data', { metadata: { deletionTimestamp: 'now' } }),
      { volumes: [volume('a')] },
      [],
    ],
  ]
  for (const [name, subject, scene, expected] of waits)
    test(name, () => assert.deepEqual(lines(look(subject, scene).changes), expected))

  test('is given to the provisioner of its class, by both names of the annotation', () => {
    const { changes } = look(claim('data'), { classes: [storageClass('manual')] })
    assert.deepEqual(written(changes, PersistentVolumeClaim).metadata.annotations, {
      'volume.beta.kubernetes.io/storage-provisioner': 'csi.example.com',
      'volume.kubernetes.io/storage-provisioner': 'csi.example.com',
    })
    assert.match(
      lines(changes)[1]!,
      /^Normal ExternalProvisioning: Waiting .* external provisioner 'csi\.example\.com' or/,
    )
  })

  test('of a provisioner that was a part of Kubernetes goes to its successor', () => {
    const { changes } = look(claim('data'), {
      classes: [storageClass('manual', { provisioner: 'kubernetes.io/aws-ebs' })],
    })
    const { annotations } = written(changes, PersistentVolumeClaim).metadata
    assert.equal(annotations?.['volume.kubernetes.io/storage-provisioner'], 'ebs.csi.aws.com')
  })

  test('of a class that waits is given away once a node is chosen', () => {
    const waiting = [storageClass('manual', { volumeBindingMode: 'WaitForFirstConsumer' })]
    const chosen = claim('data', { metadata: { annotations: { 'volume.kubernetes.io/selected-node': 'n1' } } })
    assert.match(lines(look(chosen, { classes: waiting }).changes)[1]!, /ExternalProvisioning/)
  })

  test('without a class gets the default one, the newest of several, though it was there before', () => {
    const mark = { 'storageclass.kubernetes.io/is-default-class': 'true' }
    const classes = [
      storageClass('old', { metadata: { annotations: mark, creationTimestamp: '2025-01-01T00:00:00Z' } }),
      storageClass('new', { metadata: { annotations: mark, creationTimestamp: '2025-06-01T00:00:00Z' } }),
      storageClass('other'),
    ]
    const { changes } = look(claim('data', { spec: { storageClassName: undefined } }), { classes })
    assert.equal(written(changes, PersistentVolumeClaim).spec.storageClassName, 'new')
    const without = look(claim('data', { spec: { storageClassName: '' } }), { classes })
    assert.match(lines(without.changes)[0]!, /no storage class is set/)
  })

  const losses: readonly (readonly [string, PersistentVolumeClaim, readonly PersistentVolume[], string])[] = [
    [
      'its volume is gone',
      claim('data', { metadata: isBound, spec: { volumeName: 'gone' }, status: { phase: 'Bound' } }),
      [],
      'Warning ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!',
    ],
    [
      'it no longer says which',
      claim('data', { metadata: isBound, status: { phase: 'Bound' } }),
      [],
      'Warning ClaimLost: Bound claim has lost reference to PersistentVolume. Data on the volume is lost!',
    ],
    [
      'the volume is another’s',
      claim('data', { metadata: isBound, spec: { volumeName: 'v' }, status: { phase: 'Bound' } }),
      [volume('v', { spec: boundTo('other', 'uid-other') })],
      'Warning ClaimMisbound: Two claims are bound to the same volume, this one is bound incorrectly',
    ],
  ]
  for (const [name, subject, present, expected] of losses)
    test(`is lost when ${name}`, () => {
      const { changes } = look(subject, { volumes: present })
      assert.deepEqual(lines(changes), ['update persistentvolumeclaim/data status', expected])
      assert.equal(written(changes, PersistentVolumeClaim, 'status').status.phase, 'Lost')
    })

  test('that is bound is left alone, however its capacity has grown', () => {
    const bound = claim('data', {
      metadata: { annotations: { ...isBound.annotations } },
      spec: { volumeName: 'v' },
      status: { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' } },
    })
    const its = volume('v', { spec: boundTo('data', 'uid-persistentvolumeclaim-data'), status: { phase: 'Bound' } })
    assert.deepEqual(lines(look(bound, { volumes: [its] }).changes), [])
  })
})

describe('a volume', () => {
  const of = (policy: 'Delete' | 'Recycle' | 'Retain', more: Parts<PersistentVolume> = {}) =>
    volume('v', {
      ...more,
      spec: { ...boundTo('data', 'uid-old'), persistentVolumeReclaimPolicy: policy, ...more.spec },
      status: { phase: 'Bound', ...more.status },
    })
  const notFound = { answer: () => new ApiError('NotFound', 'no') }
  const gone: TrialOptions = { answer: (change) => (change.type === 'confirm' ? notFound.answer() : undefined) }

  test('that nobody has is available', () => {
    const { changes } = lookAt(volume('v', { status: { phase: 'Pending' } }))
    assert.deepEqual(written(changes, PersistentVolume, 'status').status, {
      phase: 'Available',
      lastPhaseTransitionTime: '2026-01-01T12:00:00Z',
    })
  })

  test('that is kept for a claim to come is available too', () => {
    const kept = volume('v', { spec: boundTo('data'), status: { phase: 'Pending' } })
    assert.equal(written(lookAt(kept).changes, PersistentVolume, 'status').status.phase, 'Available')
  })

  test('whose claim is gone is released, after the server has said so too', () => {
    assert.deepEqual(lines(lookAt(of('Retain'), {}, gone).changes), [
      'confirm persistentvolumeclaim/data',
      'update persistentvolume/v status',
    ])
  })

  test('whose claim is only missing in the cache stays as it is', () => {
    assert.deepEqual(lines(lookAt(of('Delete')).changes), ['confirm persistentvolumeclaim/data'])
  })

  test('whose claim was replaced by a namesake is released', () => {
    const { changes } = lookAt(of('Retain'), { claims: [claim('data')] })
    assert.equal(written(changes, PersistentVolume, 'status').status.phase, 'Released')
  })

  const reclaims: readonly (readonly [string, PersistentVolume, readonly string[]])[] = [
    ['below /tmp is deleted', of('Delete', { spec: { hostPath: { path: '/tmp/x' } } }), ['remove persistentvolume/v']],
    [
      'elsewhere on a host cannot be deleted',
      of('Delete'),
      [
        'update persistentvolume/v status',
        'Warning VolumeFailedDelete: host_path deleter only supports /tmp/.+ but received provided /x',
      ],
    ],
    [
      'of a kind that is deleted by hand fails',
      of('Delete', { spec: { hostPath: undefined, nfs: { server: 's', path: '/' } } }),
      [
        'update persistentvolume/v status',
        'Warning VolumeFailedDelete: error getting deleter volume plugin for volume "v": no deletable volume plugin matched',
      ],
    ],
    [
      'that a driver made is left to the driver',
      of('Delete', { metadata: { annotations: { 'pv.kubernetes.io/provisioned-by': 'csi.example.com' } } }),
      [],
    ],
    ['to be recycled gets a pod that empties it', of('Recycle'), ['create pod/recycler-for-v']],
    [
      'that no pod can empty cannot be recycled',
      of('Recycle', { spec: { hostPath: undefined, csi: { driver: 'd', volumeHandle: 'h' } } }),
      ['update persistentvolume/v status', 'Warning VolumeFailedRecycle: No recycler plugin found for the volume!'],
    ],
  ]
  for (const [name, subject, expected] of reclaims)
    test(`${name} when its claim is gone`, () => {
      const { changes } = lookAt(subject, {}, gone)
      assert.deepEqual(lines(changes).slice(2), expected)
    })

  test('that has been emptied is free again', () => {
    const released = of('Recycle', {
      metadata: { annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } },
      status: { phase: 'Released' },
    })
    const { changes } = lookAt(released, { pods: [pod('recycler-for-v', { phase: 'Succeeded' })] })
    assert.deepEqual(lines(changes), [
      'remove pod/recycler-for-v',
      'Normal VolumeRecycled: Volume recycled',
      'update persistentvolume/v',
      'update persistentvolume/v status',
    ])
    assert.equal(written(changes, PersistentVolume).spec.claimRef, undefined)
  })

  test('that was kept by hand stays kept when its claim has another', () => {
    const subject = of('Retain', { spec: boundTo('data', 'uid-persistentvolumeclaim-data') })
    const { changes } = lookAt(subject, { claims: [claim('data', { spec: { volumeName: 'other' } })] })
    assert.deepEqual(written(changes, PersistentVolume).spec.claimRef, { namespace: 'default', name: 'data', uid: '' })
  })

  test('of the other mode than its claim says so to both', () => {
    const subject = of('Retain', {
      spec: { ...boundTo('data', 'uid-persistentvolumeclaim-data'), volumeMode: 'Block' },
    })
    assert.deepEqual(lines(lookAt(subject, { claims: [claim('data')] }).changes), [
      'Warning VolumeMismatch: Cannot bind PersistentVolume to requested PersistentVolumeClaim "data" due to incompatible volumeMode.',
      'Warning VolumeMismatch: Cannot bind PersistentVolume "v" to requested PersistentVolumeClaim due to incompatible volumeMode.',
    ])
  })
})
