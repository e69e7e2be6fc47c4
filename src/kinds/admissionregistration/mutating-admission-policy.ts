import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import { embedded, explicit, type Infer, list, object, oneOf, optional, required, string } from '../../schema/types.ts'
import { ageColumn, integerColumn, nameColumn, textColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, startGeneration } from '../rules.ts'
import { fillMatchResources } from './matching.ts'
import { validateMutatingPolicy } from './policy-validation.ts'
import { MatchCondition, MatchResources, ParamKind, Variable } from './shared.ts'

export const ApplyConfiguration = object(
  'io.k8s.api.admissionregistration.v1.ApplyConfiguration',
  'A change in the form of a server-side apply.',
  {
    expression: optional(1, string, 'CEL expression that gives an apply configuration of the object.'),
  },
)
export interface ApplyConfiguration extends Infer<typeof ApplyConfiguration> {}

export const JSONPatch = object(
  'io.k8s.api.admissionregistration.v1.JSONPatch',
  'A change in the form of a JSON patch.',
  {
    expression: optional(1, string, 'CEL expression that gives a list of JSONPatch operations.'),
  },
)
export interface JSONPatch extends Infer<typeof JSONPatch> {}

export const Mutation = object(
  'io.k8s.api.admissionregistration.v1.Mutation',
  'One change of the object; the member that patchType names is set.',
  {
    patchType: required(2, oneOf('ApplyConfiguration', 'JSONPatch'), 'ApplyConfiguration or JSONPatch.'),
    applyConfiguration: explicit(3, ApplyConfiguration, 'Change in the form of a server-side apply.'),
    jsonPatch: explicit(4, JSONPatch, 'Change in the form of a JSON patch.'),
  },
)
export interface Mutation extends Infer<typeof Mutation> {}

export const MutatingAdmissionPolicySpec = object(
  'io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicySpec',
  'What is wished of a mutating policy.',
  {
    paramKind: explicit(1, ParamKind, 'Kind of the parameters; absent means that there are none, and params is null.'),
    matchConstraints: explicit(2, MatchResources, 'Requests to which the policy applies; needed.'),
    variables: optional(3, list(Variable, { list: 'atomic' }), 'Named expressions that other expressions may use.'),
    mutations: optional(4, list(Mutation, { list: 'atomic' }), 'The changes, made in order; at least one.'),
    failurePolicy: explicit(
      5,
      oneOf('Fail', 'Ignore'),
      'Fail or Ignore: what happens when the policy is wrong or an expression fails; Fail when absent.',
    ),
    matchConditions: optional(
      6,
      list(MatchCondition, { list: ['name'], merge: 'name' }),
      'CEL conditions that must all be true for the policy to apply; at most 64.',
    ),
    reinvocationPolicy: optional(
      7,
      oneOf('IfNeeded', 'Never'),
      'IfNeeded runs the policy again when later mutations change the object, Never does not.',
    ),
  },
)
export interface MutatingAdmissionPolicySpec extends Infer<typeof MutatingAdmissionPolicySpec> {}

export const mutatingAdmissionPolicySchema = object(
  'io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicy',
  'Changes objects before they are stored, by CEL expressions; bindings put it to use.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, MutatingAdmissionPolicySpec, 'What is wished of the policy.'),
  },
)
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
  nameRule: subdomainNameRule,
  defaults({ spec }) {
    spec.failurePolicy ??= 'Fail'
    fillMatchResources(spec.matchConstraints)
  },
  prepareCreate: startGeneration,
  prepareUpdate: (policy, old) => countChange(policy, old, ({ spec }) => spec),
  validate: validateMutatingPolicy,
  validateUpdate: (policy, _old, errors) => validateMutatingPolicy(policy, errors),
  unconditionalUpdate: false,

  columns: [
    nameColumn,
    integerColumn('Mutations', 'How many mutations it has.', ({ spec }) => spec.mutations?.length ?? 0),
    textColumn('ParamKind', 'The kind of its parameters.', ({ spec: { paramKind } }) =>
      paramKind === undefined ? '<unset>' : `${paramKind.apiVersion ?? ''}/${paramKind.kind ?? ''}`,
    ),
    ageColumn,
  ],
})
