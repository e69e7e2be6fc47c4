import { defineKind, type Kind } from '../../schema/kind.ts'
import { bool, bytes, embedded, explicit, type Infer, map, object, optional, string } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const secretSchema = object('io.k8s.api.core.v1.Secret', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  immutable: explicit(5, bool, ''),
  data: optional(2, map(bytes), ''),
  stringData: optional(4, map(string), ''),
  type: optional(3, string, ''),
})
export interface Secret extends Infer<typeof secretSchema> {}

export const Secret: Kind<Secret> = defineKind<Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
  storageVersionHash: 'S6u1pOWzb84=',
  schema: secretSchema,
})
