import { defineKind, type Kind } from '../../schema/kind.ts'
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
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { PersistentVolumeClaimSpec } from './persistent-volume-claim-spec.ts'

export const PersistentVolumeClaimCondition = object('io.k8s.api.core.v1.PersistentVolumeClaimCondition', '', {
  type: required(1, string, ''),
  status: required(2, string, ''),
  lastProbeTime: embedded(3, time, ''),
  lastTransitionTime: embedded(4, time, ''),
  reason: optional(5, string, ''),
  message: optional(6, string, ''),
})
export interface PersistentVolumeClaimCondition extends Infer<typeof PersistentVolumeClaimCondition> {}

export const ModifyVolumeStatus = object('io.k8s.api.core.v1.ModifyVolumeStatus', '', {
  targetVolumeAttributesClassName: optional(1, string, ''),
  status: required(2, oneOf('InProgress', 'Infeasible', 'Pending'), ''),
})
export interface ModifyVolumeStatus extends Infer<typeof ModifyVolumeStatus> {}

export const PersistentVolumeClaimStatus = object('io.k8s.api.core.v1.PersistentVolumeClaimStatus', '', {
  phase: optional(1, oneOf('Bound', 'Lost', 'Pending'), ''),
  accessModes: optional(2, list(string, { list: 'atomic' }), ''),
  capacity: optional(3, map(quantity), ''),
  conditions: optional(4, list(PersistentVolumeClaimCondition, { list: ['type'], merge: 'type' }), ''),
  allocatedResources: optional(5, map(quantity), ''),
  allocatedResourceStatuses: optional(7, map(string), ''),
  currentVolumeAttributesClassName: explicit(8, string, ''),
  modifyVolumeStatus: explicit(9, ModifyVolumeStatus, ''),
})
export interface PersistentVolumeClaimStatus extends Infer<typeof PersistentVolumeClaimStatus> {}

export const persistentVolumeClaimSchema = object('io.k8s.api.core.v1.PersistentVolumeClaim', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, PersistentVolumeClaimSpec, ''),
  status: embedded(3, PersistentVolumeClaimStatus, ''),
})
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
  status: {},
})
