import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, type Infer, object, required } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { ResourceClaimSpec } from './shared.ts'

export const ResourceClaimTemplateSpec = object('io.k8s.api.resource.v1.ResourceClaimTemplateSpec', '', {
  metadata: embedded(1, ObjectMeta, ''),
  spec: required(2, ResourceClaimSpec, ''),
})
export interface ResourceClaimTemplateSpec extends Infer<typeof ResourceClaimTemplateSpec> {}

export const resourceClaimTemplateSchema = object('io.k8s.api.resource.v1.ResourceClaimTemplate', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: required(2, ResourceClaimTemplateSpec, ''),
})
export interface ResourceClaimTemplate extends Infer<typeof resourceClaimTemplateSchema> {}

export const ResourceClaimTemplate: Kind<ResourceClaimTemplate> = defineKind<ResourceClaimTemplate>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaimTemplate',
  plural: 'resourceclaimtemplates',
  namespaced: true,
  storageVersionHash: 'TuzjC49aUfM=',
  schema: resourceClaimTemplateSchema,
})
