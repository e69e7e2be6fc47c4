import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, explicit, type Infer, object, optional, string } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { MatchResources, ParamRef } from './shared.ts'

export const MutatingAdmissionPolicyBindingSpec = object(
  'io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBindingSpec',
  '',
  {
    policyName: optional(1, string, ''),
    paramRef: explicit(2, ParamRef, ''),
    matchResources: explicit(3, MatchResources, ''),
  },
)
export interface MutatingAdmissionPolicyBindingSpec extends Infer<typeof MutatingAdmissionPolicyBindingSpec> {}

export const mutatingAdmissionPolicyBindingSchema = object(
  'io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBinding',
  '',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, ''),
    spec: embedded(2, MutatingAdmissionPolicyBindingSpec, ''),
  },
)
export interface MutatingAdmissionPolicyBinding extends Infer<typeof mutatingAdmissionPolicyBindingSchema> {}

export const MutatingAdmissionPolicyBinding: Kind<MutatingAdmissionPolicyBinding> =
  defineKind<MutatingAdmissionPolicyBinding>({
    group: 'admissionregistration.k8s.io',
    version: 'v1',
    kind: 'MutatingAdmissionPolicyBinding',
    plural: 'mutatingadmissionpolicybindings',
    categories: ['api-extensions'],
    namespaced: false,
    storageVersionHash: '90V5FRZZ3Zg=',
    schema: mutatingAdmissionPolicyBindingSchema,
  })
