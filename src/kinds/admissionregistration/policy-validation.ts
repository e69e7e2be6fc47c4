/** Rules for admission policies and their bindings. */

import { type CelType, celTypes } from '../../cel/index.ts'
import type { FieldErrors } from '../../schema/field-errors.ts'
import { validateLabelSelector } from '../../schema/meta-validation.ts'
import { dnsSubdomainFaults, qualifiedNameFaults } from '../../schema/names.ts'
import { invalidAll, validateWord } from '../rules.ts'
import {
  annotationResult,
  anyResult,
  applyResult,
  boolResult,
  compileExpression,
  ExpressionFault,
  type ExpressionScope,
  patchResult,
  type Result,
  stringResult,
} from './expressions.ts'
import { validateMatchResources } from './matching.ts'
import type { MutatingAdmissionPolicy, Mutation } from './mutating-admission-policy.ts'
import type { MatchCondition, MatchResources, ParamKind, ParamRef, Variable } from './shared.ts'
import type { AuditAnnotation, ValidatingAdmissionPolicy, Validation } from './validating-admission-policy.ts'

interface PolicySpec {
  readonly paramKind?: ParamKind
  readonly matchConstraints?: MatchResources
  readonly variables?: readonly Variable[]
  readonly matchConditions?: readonly MatchCondition[]
  readonly failurePolicy?: string
}

const failurePolicies = ['Fail', 'Ignore']

export function validateValidatingPolicy({ metadata, spec }: ValidatingAdmissionPolicy, errors: FieldErrors): void {
  const { validations = [], auditAnnotations = [] } = spec
  const scope = validateCommon(spec, errors)
  if (validations.length === 0 && auditAnnotations.length === 0) {
    const detail = 'validations or auditAnnotations must contain at least one item'
    errors.required('spec.validations', detail)
    errors.required('spec.auditAnnotations', detail)
    return
  }
  for (const [index, validation] of validations.entries()) {
    validateValidation(`spec.validations[${index}]`, validation, scope, errors)
  }
  validateAnnotations(metadata.name ?? '', auditAnnotations, scope, errors)
}

const maxAuditAnnotations = 20
const maxValueExpressionBytes = 5 * 1024

function validateAnnotations(
  policy: string,
  annotations: readonly AuditAnnotation[],
  scope: ExpressionScope,
  errors: FieldErrors,
): void {
  if (annotations.length > maxAuditAnnotations) {
    const detail = `must not have more than ${maxAuditAnnotations} auditAnnotations`
    errors.invalid('spec.auditAnnotations', annotations, detail)
  }
  const keys = new Set<string>()
  for (const [index, { key, valueExpression }] of annotations.entries()) {
    const path = `spec.auditAnnotations[${index}]`
    const name = `${policy}/${key}`
    if (policy === '') errors.invalid(`${path}.key`, key, 'requires metadata.name be non-empty')
    else invalidAll(`${path}.key`, name, qualifiedNameFaults(name), errors)
    const expression = valueExpression.trim()
    if (expression === '') errors.required(`${path}.valueExpression`, 'valueExpression is not specified')
    else if (Buffer.byteLength(expression) > maxValueExpressionBytes) {
      errors.required(`${path}.valueExpression`, `must not exceed ${maxValueExpressionBytes} bytes in length`)
    } else validateExpression(`${path}.valueExpression`, valueExpression, scope, annotationResult, errors)
    if (keys.has(key)) errors.duplicate(`${path}.key`, key)
    keys.add(key)
  }
}

/** Gives the compiled expression's type; that of a faulty one can be anything. */
function validateExpression(
  path: string,
  expression: string,
  scope: ExpressionScope,
  result: Result,
  errors: FieldErrors,
): CelType {
  try {
    return compileExpression(expression, scope, result).resultType
  } catch (error) {
    if (!(error instanceof ExpressionFault)) throw error
    errors.invalid(path, expression, error.message)
    return celTypes.dyn
  }
}

function validateValidation(path: string, validation: Validation, scope: ExpressionScope, errors: FieldErrors): void {
  const { expression, message = '', messageExpression = '', reason } = validation
  if (!expression.trim()) errors.required(`${path}.expression`, 'expression is not specified')
  else validateExpression(`${path}.expression`, expression, scope, boolResult, errors)
  const withoutAuthorizer = { ...scope, authorizer: false }
  if (messageExpression !== '' && messageExpression.trim() === '') {
    errors.invalid(`${path}.messageExpression`, messageExpression, 'must be non-empty if specified')
  } else if (messageExpression !== '') {
    validateExpression(`${path}.messageExpression`, messageExpression, withoutAuthorizer, stringResult, errors)
  }
  if (message !== '' && message.trim() === '') {
    errors.invalid(`${path}.message`, message, 'message must be non-empty if specified')
  } else if (/[\n\r]/.test(message.trim())) {
    errors.invalid(`${path}.message`, message, 'message must not contain line breaks')
  }
  const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized']
  if (reason !== undefined && !reasons.includes(reason)) {
    errors.notSupported(`${path}.reason`, reason, ['Forbidden', 'Invalid', 'RequestEntityTooLarge'])
  }
}

export function validateMutatingPolicy({ spec }: MutatingAdmissionPolicy, errors: FieldErrors): void {
  const scope = { ...validateCommon(spec, errors), patches: true }
  const mutations = spec.mutations ?? []
  if (mutations.length === 0) errors.required('spec.mutations', 'mutations must contain at least one item')
  for (const [index, mutation] of mutations.entries()) {
    validateMutation(`spec.mutations[${index}]`, mutation, scope, errors)
  }
  if (!spec.reinvocationPolicy) errors.required('spec.reinvocationPolicy')
  else validateWord('spec.reinvocationPolicy', spec.reinvocationPolicy, ['IfNeeded', 'Never'], errors)
}

function validateMutation(path: string, mutation: Mutation, scope: ExpressionScope, errors: FieldErrors): void {
  const { applyConfiguration, jsonPatch } = mutation
  const patchType = mutation.patchType as string
  const clash = (field: string) =>
    errors.invalid(`${path}.${field}`, `{${field}}`, `must not be specified when patchType is ${patchType}`)
  if (patchType === 'ApplyConfiguration') {
    if (applyConfiguration === undefined) {
      errors.required(`${path}.applyConfiguration`, 'must be specified when patchType is ApplyConfiguration')
    } else {
      validatePatch(`${path}.applyConfiguration.expression`, applyConfiguration.expression, scope, applyResult, errors)
    }
    if (jsonPatch !== undefined) clash('jsonPatch')
  } else if (patchType === 'JSONPatch') {
    if (jsonPatch === undefined) errors.required(`${path}.jsonPatch`, 'must be specified when patchType is JSONPatch')
    else validatePatch(`${path}.jsonPatch.expression`, jsonPatch.expression, scope, patchResult, errors)
    if (applyConfiguration !== undefined) clash('applyConfiguration')
  } else if (!patchType) {
    errors.required(`${path}.patchType`)
  } else {
    errors.notSupported(`${path}.patchType`, patchType, ['ApplyConfiguration', 'JSONPatch'])
  }
}

function validatePatch(
  path: string,
  expression: string | undefined,
  scope: ExpressionScope,
  result: Result,
  errors: FieldErrors,
): void {
  const trimmed = (expression ?? '').trim()
  if (trimmed === '') errors.required(path, 'expression is not specified')
  else validateExpression(path, trimmed, scope, result, errors)
}

/** Gives what the policy's further expressions may read. */
function validateCommon(spec: PolicySpec, errors: FieldErrors): ExpressionScope {
  const { failurePolicy, paramKind, matchConstraints, variables = [], matchConditions = [] } = spec
  if (failurePolicy === undefined) errors.required('spec.failurePolicy')
  else validateWord('spec.failurePolicy', failurePolicy, failurePolicies, errors)
  if (paramKind !== undefined) validateParamKind('spec.paramKind', paramKind, errors)
  if (matchConstraints === undefined) errors.required('spec.matchConstraints')
  else {
    validateMatchResources('spec.matchConstraints', matchConstraints, errors)
    if (!matchConstraints.resourceRules?.length) errors.required('spec.matchConstraints.resourceRules')
  }
  const scope = { params: paramKind !== undefined, authorizer: true }
  validateMatchConditions('spec.matchConditions', matchConditions, scope, errors)
  return { ...scope, variables: validateVariables(variables, scope, errors) }
}

/** Words that CEL has other uses for. */
const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
)

/** Gives the types of the variables; each may use those before it. */
function validateVariables(variables: readonly Variable[], scope: ExpressionScope, errors: FieldErrors) {
  const types: Record<string, CelType> = {}
  for (const [index, { name, expression }] of variables.entries()) {
    const path = `spec.variables[${index}]`
    if (!name) errors.required(`${path}.name`, 'name is not specified')
    else if (!/^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) || reserved.has(name)) {
      errors.invalid(`${path}.name`, name, 'must be a valid CEL identifier')
    }
    if (!expression.trim()) errors.required(`${path}.expression`, 'expression is not specified')
    else {
      const soFar = { ...scope, variables: { ...types } }
      const value = validateExpression(`${path}.expression`, expression, soFar, anyResult, errors)
      Object.defineProperty(types, name, { value, enumerable: true, configurable: true })
    }
  }
  return types
}

function validateParamKind(path: string, { apiVersion = '', kind = '' }: ParamKind, errors: FieldErrors): void {
  if (!apiVersion) errors.required(`${path}.apiVersion`)
  else if (apiVersion.split('/').length > 2) {
    errors.invalid(`${path}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)
  }
  if (!kind) errors.required(`${path}.kind`)
}

const maxMatchConditions = 64

export function validateMatchConditions(
  path: string,
  conditions: readonly MatchCondition[],
  scope: ExpressionScope,
  errors: FieldErrors,
): void {
  if (conditions.length > maxMatchConditions) errors.tooMany(path, conditions.length, maxMatchConditions)
  const seen = new Set<string>()
  for (const [index, { name, expression }] of conditions.entries()) {
    const where = `${path}[${index}]`
    if (!expression.trim()) errors.required(`${where}.expression`)
    else validateExpression(`${where}.expression`, expression, scope, boolResult, errors)
    if (!name) errors.required(`${where}.name`)
    else {
      invalidAll(`${where}.name`, name, qualifiedNameFaults(name), errors)
      if (seen.has(name)) errors.duplicate(`${where}.name`, name)
      seen.add(name)
    }
  }
}

interface BindingSpec {
  readonly policyName?: string
  readonly paramRef?: ParamRef
  readonly matchResources?: MatchResources
}

/** `actions` are those of a validating binding. */
export function validateBinding(spec: BindingSpec, actions: readonly string[] | undefined, errors: FieldErrors): void {
  const { policyName, paramRef, matchResources } = spec
  if (!policyName) errors.required('spec.policyName')
  else invalidAll('spec.policyName', policyName, dnsSubdomainFaults(policyName), errors)
  if (paramRef !== undefined) validateParamRef('spec.paramRef', paramRef, errors)
  if (matchResources !== undefined) validateMatchResources('spec.matchResources', matchResources, errors)
  if (actions !== undefined) validateActions('spec.validationActions', actions, errors)
}

function validateParamRef(path: string, reference: ParamRef, errors: FieldErrors): void {
  const { name, selector, parameterNotFoundAction: action } = reference
  if (name) invalidAll(`${path}.name`, name, dnsSubdomainFaults(name), errors)
  if (name && selector !== undefined) {
    const detail = 'name and selector are mutually exclusive'
    errors.forbidden(`${path}.name`, detail)
    errors.forbidden(`${path}.selector`, detail)
  }
  validateLabelSelector(selector, `${path}.selector`, errors)
  if (!name && selector === undefined) errors.required(path, 'one of name or selector must be specified')
  if (action === undefined) errors.required(`${path}.parameterNotFoundAction`)
  else validateWord(`${path}.parameterNotFoundAction`, action, ['Deny', 'Allow'], errors)
}

function validateActions(path: string, actions: readonly string[], errors: FieldErrors): void {
  const seen = new Set<string>()
  for (const [index, action] of actions.entries()) {
    validateWord(`${path}[${index}]`, action, ['Audit', 'Deny', 'Warn'], errors)
    if (seen.has(action)) errors.duplicate(`${path}[${index}]`, action)
    seen.add(action)
  }
  if (seen.has('Deny') && seen.has('Warn')) {
    const detail =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)'
    errors.invalid(path, actions, detail)
  }
  if (actions.length === 0) errors.required(path, 'at least one validation action is required')
}
