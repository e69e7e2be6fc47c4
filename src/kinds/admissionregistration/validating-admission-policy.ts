import { defineKind, type Kind } from '../../schema/kind.ts'
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
import { Condition } from '../meta/condition.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { MatchCondition, MatchResources, ParamKind, Variable } from './shared.ts'

export const Validation = object('io.k8s.api.admissionregistration.v1.Validation', '', {
  expression: required(1, string, ''),
  message: optional(2, string, ''),
  reason: explicit(3, string, ''),
  messageExpression: optional(4, string, ''),
})
export interface Validation extends Infer<typeof Validation> {}

export const AuditAnnotation = object('io.k8s.api.admissionregistration.v1.AuditAnnotation', '', {
  key: required(1, string, ''),
  valueExpression: required(2, string, ''),
})
export interface AuditAnnotation extends Infer<typeof AuditAnnotation> {}

export const ValidatingAdmissionPolicySpec = object(
  'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicySpec',
  '',
  {
    paramKind: explicit(1, ParamKind, ''),
    matchConstraints: explicit(2, MatchResources, ''),
    validations: optional(3, list(Validation, { list: 'atomic' }), ''),
    failurePolicy: explicit(4, oneOf('Fail', 'Ignore'), ''),
    auditAnnotations: optional(5, list(AuditAnnotation, { list: 'atomic' }), ''),
    matchConditions: optional(6, list(MatchCondition, { list: ['name'], merge: 'name' }), ''),
    variables: optional(7, list(Variable, { list: ['name'], merge: 'name' }), ''),
  },
)
export interface ValidatingAdmissionPolicySpec extends Infer<typeof ValidatingAdmissionPolicySpec> {}

export const ExpressionWarning = object('io.k8s.api.admissionregistration.v1.ExpressionWarning', '', {
  fieldRef: required(2, string, ''),
  warning: required(3, string, ''),
})
export interface ExpressionWarning extends Infer<typeof ExpressionWarning> {}

export const TypeChecking = object('io.k8s.api.admissionregistration.v1.TypeChecking', '', {
  expressionWarnings: optional(1, list(ExpressionWarning, { list: 'atomic' }), ''),
})
export interface TypeChecking extends Infer<typeof TypeChecking> {}

export const ValidatingAdmissionPolicyStatus = object(
  'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyStatus',
  '',
  {
    observedGeneration: optional(1, int64, ''),
    typeChecking: explicit(2, TypeChecking, ''),
    conditions: optional(3, list(Condition, { list: ['type'] }), ''),
  },
)
export interface ValidatingAdmissionPolicyStatus extends Infer<typeof ValidatingAdmissionPolicyStatus> {}

export const validatingAdmissionPolicySchema = object(
  'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy',
  '',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, ''),
    spec: embedded(2, ValidatingAdmissionPolicySpec, ''),
    status: embedded(3, ValidatingAdmissionPolicyStatus, ''),
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
  status: {},
})
