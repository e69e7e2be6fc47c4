import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, explicit, type Infer, object, quantity, required, string } from '../../schema/types.ts'
import { LabelSelector } from '../meta/label-selector.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const csiStorageCapacitySchema = object('io.k8s.api.storage.v1.CSIStorageCapacity', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  nodeTopology: explicit(2, LabelSelector, ''),
  storageClassName: required(3, string, ''),
  capacity: explicit(4, quantity, ''),
  maximumVolumeSize: explicit(5, quantity, ''),
})
export interface CSIStorageCapacity extends Infer<typeof csiStorageCapacitySchema> {}

export const CSIStorageCapacity: Kind<CSIStorageCapacity> = defineKind<CSIStorageCapacity>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIStorageCapacity',
  plural: 'csistoragecapacities',
  namespaced: true,
  storageVersionHash: 'xeVl+2Ly1kE=',
  schema: csiStorageCapacitySchema,
})
