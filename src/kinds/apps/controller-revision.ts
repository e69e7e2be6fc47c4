import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, type Infer, int64, object, optional, rawObject, required } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const controllerRevisionSchema = object('io.k8s.api.apps.v1.ControllerRevision', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  data: optional(2, rawObject, ''),
  revision: required(3, int64, ''),
})
export interface ControllerRevision extends Infer<typeof controllerRevisionSchema> {}

export const ControllerRevision: Kind<ControllerRevision> = defineKind<ControllerRevision>({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  namespaced: true,
  storageVersionHash: '85nkx63pcBU=',
  schema: controllerRevisionSchema,
})
