import { defineKind, type Kind } from '../../schema/kind.ts'
import {
  bool,
  embedded,
  explicit,
  type Infer,
  list,
  map,
  object,
  oneOf,
  optional,
  required,
  string,
} from '../../schema/types.ts'
import { TopologySelectorTerm } from '../core/scheduling.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const storageClassSchema = object('io.k8s.api.storage.v1.StorageClass', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  provisioner: required(2, string, ''),
  parameters: optional(3, map(string), ''),
  reclaimPolicy: explicit(4, oneOf('Delete', 'Recycle', 'Retain'), ''),
  mountOptions: optional(5, list(string, { list: 'atomic' }), ''),
  allowVolumeExpansion: explicit(6, bool, ''),
  volumeBindingMode: explicit(7, oneOf('Immediate', 'WaitForFirstConsumer'), ''),
  allowedTopologies: optional(8, list(TopologySelectorTerm, { list: 'atomic' }), ''),
})
export interface StorageClass extends Infer<typeof storageClassSchema> {}

export const StorageClass: Kind<StorageClass> = defineKind<StorageClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  shortNames: ['sc'],
  namespaced: false,
  storageVersionHash: 'K+m6uJwbjGY=',
  schema: storageClassSchema,
})
