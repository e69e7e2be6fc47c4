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

export const VolumeResourceRequirements = object('io.k8s.api.core.v1.VolumeResourceRequirements', '', {
  limits: optional(1, map(quantity), ''),
  requests: optional(2, map(quantity), ''),
})
export interface VolumeResourceRequirements extends Infer<typeof VolumeResourceRequirements> {}

export const PersistentVolumeClaimSpec = object('io.k8s.api.core.v1.PersistentVolumeClaimSpec', '', {
  accessModes: optional(1, list(string, { list: 'atomic' }), ''),
  selector: explicit(4, LabelSelector, ''),
  resources: embedded(2, VolumeResourceRequirements, ''),
  volumeName: optional(3, string, ''),
  storageClassName: explicit(5, string, ''),
  volumeMode: explicit(6, oneOf('Block', 'Filesystem'), ''),
  dataSource: explicit(7, TypedLocalObjectReference, ''),
  dataSourceRef: explicit(8, TypedObjectReference, ''),
  volumeAttributesClassName: explicit(9, string, ''),
})
export interface PersistentVolumeClaimSpec extends Infer<typeof PersistentVolumeClaimSpec> {}
