import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import { embedded, explicit, type Infer, list, object, required, string } from '../../schema/types.ts'
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, startGeneration } from '../rules.ts'
import { fillMatchResources, paramRefText } from './matching.ts'
import { validateBinding } from './policy-validation.ts'
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
    nameRule: subdomainNameRule,
    defaults: ({ spec }) => fillMatchResources(spec.matchResources),
    prepareCreate: startGeneration,
    prepareUpdate: (binding, old) => countChange(binding, old, ({ spec }) => spec),
    validate: ({ spec }, errors) => validateBinding(spec, spec.validationActions ?? [], errors),
    validateUpdate: ({ spec }, _old, errors) => validateBinding(spec, spec.validationActions ?? [], errors),
    unconditionalUpdate: false,

    columns: [
      nameColumn,
      textColumn('PolicyName', 'The policy that it puts to use.', ({ spec }) => spec.policyName),
      textColumn('ParamRef', 'The parameters.', ({ spec }) => paramRefText(spec.paramRef)),
      ageColumn,
    ],
  })
