import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
import { embedded, explicit, type Infer, object, oneOf, optional, string, time } from '../../schema/types.ts'
import { ageColumn, nameColumn, textColumn, wideColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { accessModesText } from './access-modes.ts'
import { validatePersistentVolume, validatePersistentVolumeUpdate } from './persistent-volume-validation.ts'
import { PersistentVolumeSpec } from './shared.ts'

export const PersistentVolumeStatus = object(
  'io.k8s.api.core.v1.PersistentVolumeStatus',
  'What is known about a persistent volume.',
  {
    phase: optional(
      1,
      oneOf('Available', 'Bound', 'Failed', 'Pending', 'Released'),
      'Pending, Available, Bound, Released (the claim has gone) or Failed (reclaiming failed).',
    ),
    message: optional(2, string, 'Why the volume is in this phase, in words for people.'),
    reason: optional(3, string, 'Why the volume is in this phase, as one CamelCase word.'),
    lastPhaseTransitionTime: explicit(4, time, 'When the phase last changed.'),
  },
)
export interface PersistentVolumeStatus extends Infer<typeof PersistentVolumeStatus> {}

export const persistentVolumeSchema = object(
  'io.k8s.api.core.v1.PersistentVolume',
  'A piece of storage in the cluster; it outlives the pods that use it.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, PersistentVolumeSpec, 'What the storage is, and who may use it.'),
    status: embedded(3, PersistentVolumeStatus, 'What is known about the volume.'),
  },
)
export interface PersistentVolume extends Infer<typeof persistentVolumeSchema> {}

export const PersistentVolume: Kind<PersistentVolume> = defineKind<PersistentVolume>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  shortNames: ['pv'],
  namespaced: false,
  storageVersionHash: 'HN/zwEC+JgM=',
  schema: persistentVolumeSchema,
  nameRule: subdomainNameRule,
  defaults({ spec, status }) {
    status.phase ||= 'Pending'
    spec.persistentVolumeReclaimPolicy ||= 'Retain'
    spec.volumeMode ??= 'Filesystem'
    if (spec.hostPath) spec.hostPath.type ??= ''
    if (spec.iscsi) spec.iscsi.iscsiInterface ||= 'default'
    if (spec.rbd) {
      spec.rbd.pool ||= 'rbd'
      spec.rbd.user ||= 'admin'
      spec.rbd.keyring ||= '/etc/ceph/keyring'
    }
  },
  prepareCreate(volume) {
    volume.status = { phase: 'Pending', lastPhaseTransitionTime: volume.metadata.creationTimestamp }
  },
  prepareUpdate(volume, old) {
    volume.status = structuredClone(old.status) as Mutable<PersistentVolumeStatus>
  },
  validate: validatePersistentVolume,
  validateUpdate: validatePersistentVolumeUpdate,
  status: {
    prepareUpdate(volume, old) {
      volume.status.lastPhaseTransitionTime ??= old.status.lastPhaseTransitionTime
    },
  },
  columns: [
    nameColumn,
    textColumn('Capacity', 'Its size.', ({ spec }) => spec.capacity?.storage ?? '0'),
    textColumn('Access Modes', 'How it can be mounted.', ({ spec }) => accessModesText(spec.accessModes)),
    textColumn(
      'Reclaim Policy',
      'What becomes of it when its claim is gone.',
      ({ spec }) => spec.persistentVolumeReclaimPolicy ?? '',
    ),
    textColumn('Status', 'Whether it is free, bound or released.', ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined ? (status.phase ?? '') : 'Terminating',
    ),
    textColumn('Claim', 'The claim that has it.', ({ spec: { claimRef } }) =>
      claimRef === undefined ? '' : `${claimRef.namespace ?? ''}/${claimRef.name ?? ''}`,
    ),
    textColumn(
      'StorageClass',
      'The class of the storage.',
      ({ metadata, spec }) => metadata.annotations?.[classAnnotation] ?? spec.storageClassName ?? '',
    ),
    textColumn(
      'VolumeAttributesClass',
      'The class of changeable attributes.',
      ({ spec }) => spec.volumeAttributesClassName || '<unset>',
    ),
    textColumn('Reason', 'Why it is in its state.', ({ status }) => status.reason ?? ''),
    ageColumn,
    wideColumn('VolumeMode', 'A file system, or a bare device.', ({ spec }) => spec.volumeMode ?? '<unset>'),
  ],
})

/** How the class was said before `storageClassName`. */
const classAnnotation = 'volume.beta.kubernetes.io/storage-class'
