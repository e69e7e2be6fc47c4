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
  string,
} from '../../schema/types.ts'
import { LabelSelector } from '../meta/label-selector.ts'
import { TypedLocalObjectReference, TypedObjectReference } from './references.ts'

export const VolumeResourceRequirements = object(
  'io.k8s.api.core.v1.VolumeResourceRequirements',
  'How much storage a claim asks for.',
  {
    limits: optional(1, map(quantity), 'Most storage that the volume may have.'),
    requests: optional(2, map(quantity), 'Least storage that the volume must have.'),
  },
)
export interface VolumeResourceRequirements extends Infer<typeof VolumeResourceRequirements> {}

export const PersistentVolumeClaimSpec = object(
  'io.k8s.api.core.v1.PersistentVolumeClaimSpec',
  'What a claim asks of a volume.',
  {
    accessModes: optional(
      1,
      list(string, { list: 'atomic' }),
      'Ways in which the volume must be mountable, such as ReadWriteOnce.',
    ),
    selector: explicit(
      4,
      LabelSelector,
      'Labels that the volume must have; such a claim is not provisioned dynamically.',
    ),
    resources: embedded(
      2,
      VolumeResourceRequirements,
      'How much storage is asked for; may be raised when the class allows expansion.',
    ),
    volumeName: optional(3, string, 'The volume to which the claim is bound.'),
    storageClassName: explicit(
      5,
      string,
      'Class of the storage; empty means no class, absent takes the default class.',
    ),
    volumeMode: explicit(6, oneOf('Block', 'Filesystem'), 'Filesystem or Block; Filesystem when absent.'),
    dataSource: explicit(
      7,
      TypedLocalObjectReference,
      'Snapshot or claim that fills the new volume; follows dataSourceRef where both are possible.',
    ),
    dataSourceRef: explicit(
      8,
      TypedObjectReference,
      'Any object that fills the new volume; may lie in another namespace where that is enabled.',
    ),
    volumeAttributesClassName: explicit(
      9,
      string,
      'Class of changeable attributes of the volume; may be changed later, unlike storageClassName.',
    ),
  },
)
export interface PersistentVolumeClaimSpec extends Infer<typeof PersistentVolumeClaimSpec> {}
