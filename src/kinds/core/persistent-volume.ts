import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, explicit, type Infer, object, oneOf, optional, string, time } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
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
  status: {},
})
