import {
  explicit,
  type Infer,
  inline,
  list,
  map,
  object,
  oneOf,
  optional,
  quantity,
  string,
} from '../../schema/types.ts'
import { ObjectReference } from './references.ts'
import { VolumeNodeAffinity } from './scheduling.ts'
import { PersistentVolumeSource } from './volumes.ts'

export const EventSource = object('io.k8s.api.core.v1.EventSource', '', {
  component: optional(1, string, ''),
  host: optional(2, string, ''),
})
export interface EventSource extends Infer<typeof EventSource> {}

export const PersistentVolumeSpec = object('io.k8s.api.core.v1.PersistentVolumeSpec', '', {
  capacity: optional(1, map(quantity), ''),
  ...inline(2, PersistentVolumeSource),
  accessModes: optional(3, list(string, { list: 'atomic' }), ''),
  claimRef: explicit(4, ObjectReference, ''),
  persistentVolumeReclaimPolicy: optional(5, oneOf('Delete', 'Recycle', 'Retain'), ''),
  storageClassName: optional(6, string, ''),
  mountOptions: optional(7, list(string, { list: 'atomic' }), ''),
  volumeMode: explicit(8, oneOf('Block', 'Filesystem'), ''),
  nodeAffinity: explicit(9, VolumeNodeAffinity, ''),
  volumeAttributesClassName: explicit(10, string, ''),
})
export interface PersistentVolumeSpec extends Infer<typeof PersistentVolumeSpec> {}
