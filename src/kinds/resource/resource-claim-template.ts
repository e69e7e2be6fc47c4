import { equalJson } from '../../schema/freeze.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import { embedded, type Infer, object, required } from '../../schema/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { goValue } from '../go-value.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { immutable } from '../rules.ts'
import { ResourceClaimSpec } from './shared.ts'
import { fillRequests, validateClaimTemplate } from './validation.ts'

export const ResourceClaimTemplateSpec = object(
  'io.k8s.api.resource.v1.ResourceClaimTemplateSpec',
  'Describes the claims that are made from a template.',
  {
    metadata: embedded(1, ObjectMeta, 'Labels and annotations of the claims.'),
    spec: required(2, ResourceClaimSpec, 'What is wished of the claims.'),
  },
)
export interface ResourceClaimTemplateSpec extends Infer<typeof ResourceClaimTemplateSpec> {}

export const resourceClaimTemplateSchema = object(
  'io.k8s.api.resource.v1.ResourceClaimTemplate',
  'A template from which each pod that names it gets a claim of its own.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: required(2, ResourceClaimTemplateSpec, 'The claims that are made; cannot be changed.'),
  },
)
export interface ResourceClaimTemplate extends Infer<typeof resourceClaimTemplateSchema> {}

export const ResourceClaimTemplate: Kind<ResourceClaimTemplate> = defineKind<ResourceClaimTemplate>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaimTemplate',
  plural: 'resourceclaimtemplates',
  namespaced: true,
  storageVersionHash: 'TuzjC49aUfM=',
  schema: resourceClaimTemplateSchema,
  nameRule: subdomainNameRule,
  defaults: ({ spec }) => fillRequests(spec.spec.devices),
  validate: validateClaimTemplate,
  validateUpdate({ spec }, old, errors) {
    if (equalJson(spec, old.spec)) return
    errors.invalid('spec', { Spec: goValue(ResourceClaimSpec, spec.spec) }, immutable)
  },
  columns: [nameColumn, ageColumn],
})
