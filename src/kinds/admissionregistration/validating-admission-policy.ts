import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
import {
  embedded,
  explicit,
  type Infer,
  int64,
  list,
  object,
  oneOf,
  optional,
  required,
  string,
} from '../../schema/types.ts'
import { ageColumn, integerColumn, nameColumn, textColumn } from '../columns.ts'
import { Condition } from '../meta/condition.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, startGeneration } from '../rules.ts'
import { fillMatchResources } from './matching.ts'
import { validateValidatingPolicy } from './policy-validation.ts'
import { MatchCondition, MatchResources, ParamKind, Variable } from './shared.ts'

export const Validation = object(
  'io.k8s.api.admissionregistration.v1.Validation',
  'A rule that an object must fulfil.',
  {
    expression: required(
      1,
      string,
      'CEL expression of type bool over object, oldObject, request, params and more; false is a failure.',
    ),
    message: optional(
      2,
      string,
      'What the client is told on failure; one line, needed when the expression has several.',
    ),
    reason: explicit(3, string, 'Reason in the answer on failure; Invalid when absent.'),
    messageExpression: optional(
      4,
      string,
      'CEL expression that gives the message; message holds when it fails or is empty.',
    ),
  },
)
export interface Validation extends Infer<typeof Validation> {}

export const AuditAnnotation = object(
  'io.k8s.api.admissionregistration.v1.AuditAnnotation',
  'An annotation that is added to the audit event.',
  {
    key: required(1, string, 'Last part of the key; the name of the policy stands before it. Unique in the policy.'),
    valueExpression: required(
      2,
      string,
      'CEL expression that gives the value, a string; null leaves the annotation out.',
    ),
  },
)
export interface AuditAnnotation extends Infer<typeof AuditAnnotation> {}

export const ValidatingAdmissionPolicySpec = object(
  'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicySpec',
  'What is wished of a validating policy.',
  {
    paramKind: explicit(1, ParamKind, 'Kind of the parameters; absent means that there are none, and params is null.'),
    matchConstraints: explicit(2, MatchResources, 'Requests to which the policy applies; needed.'),
    validations: optional(
      3,
      list(Validation, { list: 'atomic' }),
      'Rules that must hold; this or auditAnnotations must be given.',
    ),
    failurePolicy: explicit(
      4,
      oneOf('Fail', 'Ignore'),
      'Fail or Ignore: what happens when the policy is wrong or an expression fails; Fail when absent.',
    ),
    auditAnnotations: optional(
      5,
      list(AuditAnnotation, { list: 'atomic' }),
      'Annotations that are added to the audit event; at most 20.',
    ),
    matchConditions: optional(
      6,
      list(MatchCondition, { list: ['name'], merge: 'name' }),
      'CEL conditions that must all be true for the policy to apply; at most 64.',
    ),
    variables: optional(
      7,
      list(Variable, { list: ['name'], merge: 'name' }),
      'Named expressions that other expressions may use.',
    ),
  },
)
export interface ValidatingAdmissionPolicySpec extends Infer<typeof ValidatingAdmissionPolicySpec> {}

export const ExpressionWarning = object(
  'io.k8s.api.admissionregistration.v1.ExpressionWarning',
  'A problem that the type check has found in an expression.',
  {
    fieldRef: required(2, string, 'Path of the expression, such as spec.validations[0].expression.'),
    warning: required(3, string, 'The problem in words for people, with the type for which it arises.'),
  },
)
export interface ExpressionWarning extends Infer<typeof ExpressionWarning> {}

export const TypeChecking = object(
  'io.k8s.api.admissionregistration.v1.TypeChecking',
  'Outcome of the type check of the expressions.',
  {
    expressionWarnings: optional(1, list(ExpressionWarning, { list: 'atomic' }), 'The problems that were found.'),
  },
)
export interface TypeChecking extends Infer<typeof TypeChecking> {}

export const ValidatingAdmissionPolicyStatus = object(
  'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyStatus',
  'What is known about a validating policy.',
  {
    observedGeneration: optional(1, int64, 'Generation on which this status is based.'),
    typeChecking: explicit(2, TypeChecking, 'Outcome of the type check; present once it is complete.'),
    conditions: optional(3, list(Condition, { list: ['type'] }), 'Aspects of the state.'),
  },
)
export interface ValidatingAdmissionPolicyStatus extends Infer<typeof ValidatingAdmissionPolicyStatus> {}

export const validatingAdmissionPolicySchema = object(
  'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy',
  'Refuses requests by CEL expressions; bindings put it to use.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, ValidatingAdmissionPolicySpec, 'What is wished of the policy.'),
    status: embedded(
      3,
      ValidatingAdmissionPolicyStatus,
      'What is known about the policy, such as warnings of the type check.',
    ),
  },
)
export interface ValidatingAdmissionPolicy extends Infer<typeof validatingAdmissionPolicySchema> {}

export const ValidatingAdmissionPolicy: Kind<ValidatingAdmissionPolicy> = defineKind<ValidatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  categories: ['api-extensions'],
  namespaced: false,
  storageVersionHash: '6OxvlMmQ6is=',
  schema: validatingAdmissionPolicySchema,
  nameRule: subdomainNameRule,
  defaults({ spec }) {
    spec.failurePolicy ??= 'Fail'
    fillMatchResources(spec.matchConstraints)
  },
  prepareCreate(policy) {
    startGeneration(policy)
    policy.status = {}
  },
  prepareUpdate(policy, old) {
    policy.status = structuredClone(old.status) as Mutable<ValidatingAdmissionPolicyStatus>
    countChange(policy, old, ({ spec }) => spec)
  },
  validate: validateValidatingPolicy,
  validateUpdate: (policy, _old, errors) => validateValidatingPolicy(policy, errors),
  status: {},
  unconditionalUpdate: false,

  columns: [
    nameColumn,
    integerColumn('Validations', 'How many validations it has.', ({ spec }) => spec.validations?.length ?? 0),
    textColumn('ParamKind', 'The kind of its parameters.', ({ spec: { paramKind } }) =>
      paramKind === undefined ? '<unset>' : `${paramKind.apiVersion ?? ''}/${paramKind.kind ?? ''}`,
    ),
    ageColumn,
  ],
})
