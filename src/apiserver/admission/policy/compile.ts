/** Policies as programs. A policy is compiled when it is first needed, and once, however many bindings it has. */

import { type CelType, celTypes, type Program } from '../../../cel/index.ts'
import {
  annotationResult,
  anyResult,
  applyResult,
  boolResult,
  type ExpressionScope,
  patchResult,
  stringResult,
} from '../../../kinds/admissionregistration/expressions.ts'
import type { MutatingAdmissionPolicy } from '../../../kinds/admissionregistration/mutating-admission-policy.ts'
import type { MatchCondition, Variable } from '../../../kinds/admissionregistration/shared.ts'
import type {
  ValidatingAdmissionPolicy,
  Validation,
} from '../../../kinds/admissionregistration/validating-admission-policy.ts'
import type { CompiledVariable } from '../dynamic/evaluation.ts'
import { type Compiled, compileConditions, compiled } from '../dynamic/match-conditions.ts'
import type { PolicyLike } from './hooks.ts'

/** What policies of both sorts are compiled to. */
export interface CompiledPolicy {
  readonly ignoresFailure: boolean
  readonly variables: readonly CompiledVariable[]
  readonly conditions: readonly Compiled[]
}

export interface CompiledValidatingPolicy extends CompiledPolicy {
  readonly validations: readonly CompiledValidation[]
  readonly annotations: readonly { readonly key: string; readonly value: Compiled }[]
}

export interface CompiledValidation {
  readonly validation: Validation
  readonly program: Compiled
  readonly message: Compiled | undefined
}

export interface CompiledMutatingPolicy extends CompiledPolicy {
  readonly mutations: readonly CompiledMutation[]
}

export interface CompiledMutation {
  readonly type: 'ApplyConfiguration' | 'JSONPatch'
  readonly program: Compiled
}

const validatingPolicies = new WeakMap<ValidatingAdmissionPolicy, CompiledValidatingPolicy>()
const mutatingPolicies = new WeakMap<MutatingAdmissionPolicy, CompiledMutatingPolicy>()

export const compiledValidating = (policy: ValidatingAdmissionPolicy): CompiledValidatingPolicy =>
  once(validatingPolicies, policy, compileValidating)

export const compiledMutating = (policy: MutatingAdmissionPolicy): CompiledMutatingPolicy =>
  once(mutatingPolicies, policy, compileMutating)

function once<P extends object, C>(known: WeakMap<P, C>, policy: P, compile: (policy: P) => C): C {
  let result = known.get(policy)
  if (result === undefined) {
    result = compile(policy)
    known.set(policy, result)
  }
  return result
}

function compileValidating(policy: ValidatingAdmissionPolicy): CompiledValidatingPolicy {
  const { validations = [], auditAnnotations = [] } = policy.spec
  const { scope, common } = compileCommon(policy)
  const unauthorized = { ...scope, authorizer: false }
  return {
    ...common,
    validations: validations.map((validation) => ({
      validation,
      program: compiled(validation.expression, scope, boolResult),
      message: validation.messageExpression
        ? compiled(validation.messageExpression, unauthorized, stringResult)
        : undefined,
    })),
    annotations: auditAnnotations.map(({ key, valueExpression }) => ({
      key,
      value: compiled(valueExpression, scope, annotationResult),
    })),
  }
}

function compileMutating(policy: MutatingAdmissionPolicy): CompiledMutatingPolicy {
  const { scope, common } = compileCommon(policy)
  const patching = { ...scope, patches: true }
  const mutations = (policy.spec.mutations ?? []).map(({ patchType, applyConfiguration, jsonPatch }) =>
    patchType === 'JSONPatch'
      ? { type: patchType, program: compiled(jsonPatch?.expression ?? '', patching, patchResult) }
      : { type: patchType, program: compiled(applyConfiguration?.expression ?? '', patching, applyResult) },
  )
  return { ...common, mutations }
}

interface ConditionedPolicy extends PolicyLike {
  readonly spec: PolicyLike['spec'] & {
    readonly variables?: readonly Variable[]
    readonly matchConditions?: readonly MatchCondition[]
  }
}

function compileCommon({ spec }: ConditionedPolicy): { scope: ExpressionScope; common: CompiledPolicy } {
  const base: ExpressionScope = { params: spec.paramKind !== undefined, authorizer: true }
  const { variables, types } = compileVariables(spec.variables ?? [], base)
  const scope = { ...base, variables: types }
  const conditions = compileConditions(spec.matchConditions ?? [], scope)
  return { scope, common: { ignoresFailure: spec.failurePolicy === 'Ignore', variables, conditions } }
}

/** Each may use those before it. */
function compileVariables(variables: readonly Variable[], base: ExpressionScope) {
  let types: Readonly<Record<string, CelType>> = {}
  const programs = variables.map(({ name, expression }): CompiledVariable => {
    const program = compiled(expression, { ...base, variables: types }, anyResult)
    types = { ...types, [name]: typeOf(program) }
    return { name, program }
  })
  return { variables: programs, types }
}

const typeOf = (program: Program | Error): CelType => (program instanceof Error ? celTypes.dyn : program.resultType)
