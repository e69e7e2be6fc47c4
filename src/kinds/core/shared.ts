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

export const EventSource = object('io.k8s.api.core.v1.EventSource', 'The component that reports an event.', {
  component: optional(1, string, 'Name of the component.'),
  host: optional(2, string, 'Node on which it runs.'),
})
export interface EventSource extends Infer<typeof EventSource> {}

export const PersistentVolumeSpec = object(
  'io.k8s.api.core.v1.PersistentVolumeSpec',
  'What a persistent volume is, and who may use it.',
  {
    capacity: optional(1, map(quantity), 'Size of the volume.'),
    ...inline(2, PersistentVolumeSource),
    accessModes: optional(
      3,
      list(string, { list: 'atomic' }),
      'Ways in which the volume can be mounted, such as ReadWriteOnce.',
    ),
    claimRef: explicit(4, ObjectReference, 'The claim to which the volume is bound, or is to be.', { granular: true }),
    persistentVolumeReclaimPolicy: optional(
      5,
      oneOf('Delete', 'Recycle', 'Retain'),
      'What happens when the claim has gone: Retain, Delete or Recycle; Retain when absent.',
    ),
    storageClassName: optional(6, string, 'Storage class of the volume; empty means none.'),
    mountOptions: optional(
      7,
      list(string, { list: 'atomic' }),
      'Mount options, such as ro; not validated, so a wrong one makes mounting fail.',
    ),
    volumeMode: explicit(8, oneOf('Block', 'Filesystem'), 'Filesystem or Block; Filesystem when absent.'),
    nodeAffinity: explicit(9, VolumeNodeAffinity, 'Nodes from which the volume can be reached; absent means all.'),
    volumeAttributesClassName: explicit(
      10,
      string,
      'Attributes class of the volume; must be that of the claim. Set for CSI volumes only.',
    ),
  },
)
export interface PersistentVolumeSpec extends Infer<typeof PersistentVolumeSpec> {}
