import { defineKind, type Kind } from '../../schema/kind.ts'
import { bool, bytes, embedded, explicit, type Infer, map, object, optional, string } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const configMapSchema = object('io.k8s.api.core.v1.ConfigMap', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  immutable: explicit(4, bool, ''),
  data: optional(2, map(string), ''),
  binaryData: optional(3, map(bytes), ''),
})
export interface ConfigMap extends Infer<typeof configMapSchema> {}

export const ConfigMap: Kind<ConfigMap> = defineKind<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  shortNames: ['cm'],
  namespaced: true,
  storageVersionHash: 'qFsyl6wFWjQ=',
  schema: configMapSchema,
})
