import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, explicit, type Infer, object, optional, string } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { MatchResources, ParamRef } from './shared.ts'

export const MutatingAdmissionPolicyBindingSpec = object(
  'io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBindingSpec',
  'What is wished of a binding.',
  {
    policyName: optional(1, string, 'Name of the policy that is put to use.'),
    paramRef: explicit(2, ParamRef, 'Where the parameters are; needs the policy to have a paramKind.'),
    matchResources: explicit(
      3,
      MatchResources,
      'Requests to which the binding is limited; absent means all that the policy matches.',
    ),
  },
)
export interface MutatingAdmissionPolicyBindingSpec extends Infer<typeof MutatingAdmissionPolicyBindingSpec> {}

export const mutatingAdmissionPolicyBindingSchema = object(
  'io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBinding',
  'Puts a mutating policy to use, with parameters.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, MutatingAdmissionPolicyBindingSpec, 'What is wished of the binding.'),
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
