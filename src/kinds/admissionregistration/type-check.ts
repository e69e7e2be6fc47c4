/** What is wrong with the expressions of a policy, given the types of the objects for which it is meant. */

import { CelCompileError, type CelType, celTypes, compile } from '../../cel/index.ts'
import { apiVersionOf, type Kind } from '../../schema/kind.ts'
import { expressionTypeOf } from './expression-types.ts'
import { type ExpressionScope, environmentOf, type KnownTypes } from './expressions.ts'
import type { Rule } from './shared.ts'
import type { ExpressionWarning, ValidatingAdmissionPolicy } from './validating-admission-policy.ts'

/** So many types are looked at. */
const maxTypes = 10

/**
 * The warnings for the status of a policy (KEP-3488). `kinds` are those that are served. A policy with warnings works
 * all the same: it is evaluated without types.
 */
export function typeWarnings(
  { spec }: ValidatingAdmissionPolicy,
  kinds: readonly Kind[],
): readonly ExpressionWarning[] {
  const paramKind = kinds.find(
    (kind) => kind.kind === spec.paramKind?.kind && apiVersionOf(kind) === spec.paramKind.apiVersion,
  )
  const params = paramKind && expressionTypeOf(paramKind.schema)
  const checks = typesToCheck(spec.matchConstraints?.resourceRules ?? [], kinds).map((kind) => {
    const types = { object: expressionTypeOf(kind.schema), ...(params && { params }) }
    return { kind, check: checkerOf(types, spec.variables ?? []) }
  })
  const warn = (fieldRef: string, expression: string): ExpressionWarning[] => {
    const found = checks.flatMap(({ kind, check }) => {
      const fault = check(expression)
      return fault === undefined ? [] : [`${kind.group}/${kind.version}, Kind=${kind.kind}: ${fault}\n`]
    })
    return found.length === 0 ? [] : [{ fieldRef, warning: found.join('\n') }]
  }
  return (spec.validations ?? []).flatMap(({ expression, messageExpression }, index) => [
    ...warn(`spec.validations[${index}].expression`, expression),
    ...(messageExpression ? warn(`spec.validations[${index}].messageExpression`, messageExpression) : []),
  ])
}

/** Checks expressions against the types; gives what is wrong with one. */
function checkerOf(
  known: KnownTypes,
  variables: readonly { readonly name: string; readonly expression: string }[],
): (expression: string) => string | undefined {
  const base: ExpressionScope = { params: known.params !== undefined, authorizer: true }
  let types: Readonly<Record<string, CelType>> = {}
  const attempt = (expression: string): CelType | CelCompileError => {
    try {
      return compile(expression, environmentOf({ ...base, variables: types }, known)).resultType
    } catch (error) {
      if (error instanceof CelCompileError) return error
      throw error
    }
  }
  for (const { name, expression } of variables) {
    const type = attempt(expression)
    types = { ...types, [name]: type instanceof Error ? celTypes.dyn : type }
  }
  return (expression) => {
    const outcome = attempt(expression)
    return outcome instanceof Error ? outcome.message : undefined
  }
}

/** The kinds that the rules name one by one: what they say with `*`, and sub-resources, nobody can check. */
function typesToCheck(rules: readonly Rule[], kinds: readonly Kind[]): readonly Kind[] {
  const found = new Set<Kind>()
  for (const { apiGroups = [], apiVersions = [], resources = [] } of rules) {
    if (apiGroups.includes('*') || apiVersions.includes('*')) continue
    const plain = resources.filter((resource) => !/[*/]/.test(resource)).sort()
    for (const group of apiGroups.toSorted())
      for (const version of apiVersions.toSorted())
        for (const resource of plain) {
          const kind = kinds.find(
            (each) => each.group === group && each.version === version && each.plural === resource,
          )
          if (kind !== undefined && found.size < maxTypes) found.add(kind)
        }
  }
  const key = ({ group, version, kind }: Kind) => [group, version, kind].join('\0')
  return [...found].sort((left, right) => (key(left) < key(right) ? -1 : 1))
}
