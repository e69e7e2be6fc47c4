import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import { embedded, explicit, type Infer, object, optional, string } from '../../schema/types.ts'
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, startGeneration } from '../rules.ts'
import { fillMatchResources, paramRefText } from './matching.ts'
import { validateBinding } from './policy-validation.ts'
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
    nameRule: subdomainNameRule,
    defaults: ({ spec }) => fillMatchResources(spec.matchResources),
    prepareCreate: startGeneration,
    prepareUpdate: (binding, old) => countChange(binding, old, ({ spec }) => spec),
    validate: ({ spec }, errors) => validateBinding(spec, undefined, errors),
    validateUpdate: ({ spec }, _old, errors) => validateBinding(spec, undefined, errors),
    unconditionalUpdate: false,

    columns: [
      nameColumn,
      textColumn('PolicyName', 'The policy that it puts to use.', ({ spec }) => spec.policyName ?? ''),
      textColumn('ParamRef', 'The parameters.', ({ spec }) => paramRefText(spec.paramRef)),
      ageColumn,
    ],
  })
