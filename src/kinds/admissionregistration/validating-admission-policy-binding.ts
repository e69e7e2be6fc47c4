import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, explicit, type Infer, list, object, required, string } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { MatchResources, ParamRef } from './shared.ts'

export const ValidatingAdmissionPolicyBindingSpec = object(
  'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec',
  'What is wished of a binding.',
  {
    policyName: required(
      1,
      string,
      'Name of the policy that is put to use; without such a policy the binding does nothing.',
    ),
    paramRef: explicit(2, ParamRef, 'Where the parameters are; needs the policy to have a paramKind.'),
    matchResources: explicit(
      3,
      MatchResources,
      'Requests to which the binding is limited; absent means all that the policy matches.',
    ),
    validationActions: required(
      4,
      list(string, { list: 'set' }),
      'What a failed validation does: Deny, Warn and Audit; Deny and Warn exclude each other.',
    ),
  },
)
export interface ValidatingAdmissionPolicyBindingSpec extends Infer<typeof ValidatingAdmissionPolicyBindingSpec> {}

export const validatingAdmissionPolicyBindingSchema = object(
  'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding',
  'Puts a validating policy to use, with parameters.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: required(2, ValidatingAdmissionPolicyBindingSpec, 'What is wished of the binding.'),
  },
)
export interface ValidatingAdmissionPolicyBinding extends Infer<typeof validatingAdmissionPolicyBindingSchema> {}

export const ValidatingAdmissionPolicyBinding: Kind<ValidatingAdmissionPolicyBinding> =
  defineKind<ValidatingAdmissionPolicyBinding>({
    group: 'admissionregistration.k8s.io',
    version: 'v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    plural: 'validatingadmissionpolicybindings',
    categories: ['api-extensions'],
    namespaced: false,
    storageVersionHash: 'v9715VZqakg=',
    schema: validatingAdmissionPolicyBindingSchema,
  })
