import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, explicit, type Infer, list, object, oneOf, optional, required, string } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { MatchCondition, MatchResources, ParamKind, Variable } from './shared.ts'

export const ApplyConfiguration = object('io.k8s.api.admissionregistration.v1.ApplyConfiguration', '', {
  expression: optional(1, string, ''),
})
export interface ApplyConfiguration extends Infer<typeof ApplyConfiguration> {}

export const JSONPatch = object('io.k8s.api.admissionregistration.v1.JSONPatch', '', {
  expression: optional(1, string, ''),
})
export interface JSONPatch extends Infer<typeof JSONPatch> {}

export const Mutation = object('io.k8s.api.admissionregistration.v1.Mutation', '', {
  patchType: required(2, oneOf('ApplyConfiguration', 'JSONPatch'), ''),
  applyConfiguration: explicit(3, ApplyConfiguration, ''),
  jsonPatch: explicit(4, JSONPatch, ''),
})
export interface Mutation extends Infer<typeof Mutation> {}

export const MutatingAdmissionPolicySpec = object(
  'io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicySpec',
  '',
  {
    paramKind: explicit(1, ParamKind, ''),
    matchConstraints: explicit(2, MatchResources, ''),
    variables: optional(3, list(Variable, { list: 'atomic' }), ''),
    mutations: optional(4, list(Mutation, { list: 'atomic' }), ''),
    failurePolicy: explicit(5, oneOf('Fail', 'Ignore'), ''),
    matchConditions: optional(6, list(MatchCondition, { list: ['name'], merge: 'name' }), ''),
    reinvocationPolicy: optional(7, oneOf('IfNeeded', 'Never'), ''),
  },
)
export interface MutatingAdmissionPolicySpec extends Infer<typeof MutatingAdmissionPolicySpec> {}

export const mutatingAdmissionPolicySchema = object('io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicy', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, MutatingAdmissionPolicySpec, ''),
})
export interface MutatingAdmissionPolicy extends Infer<typeof mutatingAdmissionPolicySchema> {}

export const MutatingAdmissionPolicy: Kind<MutatingAdmissionPolicy> = defineKind<MutatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingAdmissionPolicy',
  plural: 'mutatingadmissionpolicies',
  categories: ['api-extensions'],
  namespaced: false,
  storageVersionHash: 'LYmCf+UMVdg=',
  schema: mutatingAdmissionPolicySchema,
})
