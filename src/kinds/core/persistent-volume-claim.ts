import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
import {
  embedded,
  explicit,
  type Infer,
  list,
  map,
  object,
  oneOf,
  optional,
  quantity,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { ageColumn, nameColumn, textColumn, wideColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { accessModesText } from './access-modes.ts'
import { settleDataSources } from './claim-data-source.ts'
import { validateClaim, validateClaimStatus, validateClaimUpdate } from './claim-validation.ts'
import { PersistentVolumeClaimSpec } from './persistent-volume-claim-spec.ts'
import { defaultClaimSpec } from './volume-defaults.ts'

export const PersistentVolumeClaimCondition = object(
  'io.k8s.api.core.v1.PersistentVolumeClaimCondition',
  'One aspect of the state of a claim.',
  {
    type: required(1, string, 'Name of the condition, such as Resizing or FileSystemResizePending.'),
    status: required(2, string, 'Whether the condition holds: True, False or Unknown.'),
    lastProbeTime: embedded(3, time, 'When the condition was last checked.'),
    lastTransitionTime: embedded(4, time, 'When the status last changed from one value to another.'),
    reason: optional(5, string, 'One CamelCase word that says why the condition last changed, for programs.'),
    message: optional(6, string, 'What happened, in words for people.'),
  },
)
export interface PersistentVolumeClaimCondition extends Infer<typeof PersistentVolumeClaimCondition> {}

export const ModifyVolumeStatus = object(
  'io.k8s.api.core.v1.ModifyVolumeStatus',
  'A change of the volume attributes class that is going on.',
  {
    targetVolumeAttributesClassName: optional(1, string, 'The class that the volume is to get.'),
    status: required(
      2,
      oneOf('InProgress', 'Infeasible', 'Pending'),
      'Pending, InProgress, or Infeasible when the driver refused the values.',
    ),
  },
)
export interface ModifyVolumeStatus extends Infer<typeof ModifyVolumeStatus> {}

export const PersistentVolumeClaimStatus = object(
  'io.k8s.api.core.v1.PersistentVolumeClaimStatus',
  'What is known about a claim.',
  {
    phase: optional(1, oneOf('Bound', 'Lost', 'Pending'), 'Pending, Bound, or Lost when the volume has disappeared.'),
    accessModes: optional(2, list(string, { list: 'atomic' }), 'Access modes of the volume.'),
    capacity: optional(3, map(quantity), 'Size of the volume.'),
    conditions: optional(
      4,
      list(PersistentVolumeClaimCondition, { list: ['type'], merge: 'type' }),
      'Aspects of the state, such as a resize that is going on.',
    ),
    allocatedResources: optional(
      5,
      map(quantity),
      'Size that is being set up, including a resize that is going on; counts against the quota.',
    ),
    allocatedResourceStatuses: optional(7, map(string), 'How the resize of each resource is getting on.'),
    currentVolumeAttributesClassName: explicit(
      8,
      string,
      'The attributes class that the volume has; absent means none.',
    ),
    modifyVolumeStatus: explicit(
      9,
      ModifyVolumeStatus,
      'The change of the attributes class that is going on; absent means none.',
    ),
  },
)
export interface PersistentVolumeClaimStatus extends Infer<typeof PersistentVolumeClaimStatus> {}

export const persistentVolumeClaimSchema = object(
  'io.k8s.api.core.v1.PersistentVolumeClaim',
  'A wish for storage, which is bound to a persistent volume.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, PersistentVolumeClaimSpec, 'What is wished of the storage.'),
    status: embedded(3, PersistentVolumeClaimStatus, 'What is known about the claim and its volume.'),
  },
)
export interface PersistentVolumeClaim extends Infer<typeof persistentVolumeClaimSchema> {}

export const PersistentVolumeClaim: Kind<PersistentVolumeClaim> = defineKind<PersistentVolumeClaim>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  shortNames: ['pvc'],
  namespaced: true,
  storageVersionHash: 'QWTyNDq0dC4=',
  schema: persistentVolumeClaimSchema,
  nameRule: subdomainNameRule,
  defaults(claim) {
    claim.status.phase ||= 'Pending'
    defaultClaimSpec(claim.spec)
  },
  prepareCreate(claim) {
    claim.status = { phase: 'Pending' }
    settleDataSources(claim)
  },
  prepareUpdate(claim, old) {
    claim.status = structuredClone(old.status) as Mutable<PersistentVolumeClaimStatus>
    settleDataSources(claim, old)
  },
  validate: validateClaim,
  validateUpdate(claim, old, errors) {
    validateClaim(claim, errors)
    validateClaimUpdate(claim, old, errors)
  },
  status: { validateUpdate: (claim, _old, errors) => validateClaimStatus(claim, errors) },
  warnings: ({ metadata }) =>
    metadata.annotations?.[classAnnotation] === undefined
      ? []
      : [`metadata.annotations[${classAnnotation}]: deprecated since v1.8; use "storageClassName" attribute instead`],
  columns: [
    nameColumn,
    textColumn('Status', 'Whether the claim has a volume.', ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined ? (status.phase ?? '') : 'Terminating',
    ),
    textColumn('Volume', 'The volume that the claim has.', ({ spec }) => spec.volumeName ?? ''),
    textColumn('Capacity', 'The size of the volume.', ({ spec, status }) =>
      spec.volumeName ? (status.capacity?.storage ?? '0') : '',
    ),
    textColumn('Access Modes', 'How the volume can be mounted.', ({ spec, status }) =>
      spec.volumeName ? accessModesText(status.accessModes) : '',
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
    ageColumn,
    wideColumn('VolumeMode', 'A file system, or a bare device.', ({ spec }) => spec.volumeMode ?? '<unset>'),
  ],
})

/** How the class was said before `storageClassName`. */
const classAnnotation = 'volume.beta.kubernetes.io/storage-class'
