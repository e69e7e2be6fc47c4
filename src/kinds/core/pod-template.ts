import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, type Infer, object } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { PodTemplateSpec } from './pod-spec.ts'

export const podTemplateSchema = object('io.k8s.api.core.v1.PodTemplate', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  template: embedded(2, PodTemplateSpec, ''),
})
export interface PodTemplate extends Infer<typeof podTemplateSchema> {}

export const PodTemplate: Kind<PodTemplate> = defineKind<PodTemplate>({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  plural: 'podtemplates',
  namespaced: true,
  storageVersionHash: 'LIXB2x4IFpk=',
  schema: podTemplateSchema,
})
