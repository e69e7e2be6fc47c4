import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, type Infer, map, object, optional, required, string } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const volumeAttributesClassSchema = object('io.k8s.api.storage.v1.VolumeAttributesClass', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  driverName: required(2, string, ''),
  parameters: optional(3, map(string), ''),
})
export interface VolumeAttributesClass extends Infer<typeof volumeAttributesClassSchema> {}

export const VolumeAttributesClass: Kind<VolumeAttributesClass> = defineKind<VolumeAttributesClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttributesClass',
  plural: 'volumeattributesclasses',
  shortNames: ['vac'],
  namespaced: false,
  storageVersionHash: 'tIjydgKBC5w=',
  schema: volumeAttributesClassSchema,
})
