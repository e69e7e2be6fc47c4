import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, explicit, type Infer, list, object, required, string } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { MatchResources, ParamRef } from './shared.ts'

export const ValidatingAdmissionPolicyBindingSpec = object(
  'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec',
  '',
  {
    policyName: required(1, string, ''),
    paramRef: explicit(2, ParamRef, ''),
    matchResources: explicit(3, MatchResources, ''),
    validationActions: required(4, list(string, { list: 'set' }), ''),
  },
)
export interface ValidatingAdmissionPolicyBindingSpec extends Infer<typeof ValidatingAdmissionPolicyBindingSpec> {}

export const validatingAdmissionPolicyBindingSchema = object(
  'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding',
  '',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, ''),
    spec: required(2, ValidatingAdmissionPolicyBindingSpec, ''),
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
