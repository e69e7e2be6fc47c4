import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, explicit, type Infer, object, oneOf, optional, string, time } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { PersistentVolumeSpec } from './shared.ts'

export const PersistentVolumeStatus = object('io.k8s.api.core.v1.PersistentVolumeStatus', '', {
  phase: optional(1, oneOf('Available', 'Bound', 'Failed', 'Pending', 'Released'), ''),
  message: optional(2, string, ''),
  reason: optional(3, string, ''),
  lastPhaseTransitionTime: explicit(4, time, ''),
})
export interface PersistentVolumeStatus extends Infer<typeof PersistentVolumeStatus> {}

export const persistentVolumeSchema = object('io.k8s.api.core.v1.PersistentVolume', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, PersistentVolumeSpec, ''),
  status: embedded(3, PersistentVolumeStatus, ''),
})
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
  status: {},
})
