import type { FieldErrors } from '../../schema/field-errors.ts'
import { validateLabelSelector } from '../../schema/meta-validation.ts'
import type { Mutable } from '../../schema/types.ts'
import type { MatchResources, ParamRef, RuleWithOperations } from './shared.ts'

/** What a policy or binding does not narrow, it takes: every namespace, every object, every scope. */
export function fillMatchResources(match: Mutable<MatchResources> | undefined): void {
  if (match === undefined) return
  match.matchPolicy ??= 'Equivalent'
  match.namespaceSelector ??= {}
  match.objectSelector ??= {}
  fillScopes([...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])])
}

export function fillScopes(rules: readonly Mutable<RuleWithOperations>[]): void {
  for (const rule of rules) rule.scope ??= '*'
}

/** `namespace/name` of the parameters of a binding. */
export function paramRefText(reference: ParamRef | undefined): string {
  if (reference === undefined) return '<unset>'
  const { name, namespace } = reference
  if (!name) return '*'
  return namespace ? `${namespace}/${name}` : name
}

export function validateMatchResources(path: string, match: MatchResources, errors: FieldErrors): void {
  const policies = ['Equivalent', 'Exact']
  if (match.matchPolicy === undefined) errors.required(`${path}.matchPolicy`)
  else if (!policies.includes(match.matchPolicy))
    errors.notSupported(`${path}.matchPolicy`, match.matchPolicy, policies)
  if (match.namespaceSelector === undefined) errors.required(`${path}.namespaceSelector`)
  validateLabelSelector(match.namespaceSelector, `${path}.namespaceSelector`, errors)
  if (match.objectSelector === undefined) errors.required(`${path}.objectSelector`)
  validateLabelSelector(match.objectSelector, `${path}.objectSelector`, errors)
  for (const field of ['resourceRules', 'excludeResourceRules'] as const) {
    for (const [index, rule] of (match[field] ?? []).entries()) validateRule(`${path}.${field}[${index}]`, rule, errors)
  }
}

/** The rules for which operations on which resources something applies. */
export function validateRule(path: string, rule: RuleWithOperations, errors: FieldErrors): void {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule
  const all = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE']
  if (operations.length === 0) errors.required(`${path}.operations`)
  if (operations.length > 1 && operations.includes('*')) {
    errors.invalid(`${path}.operations`, operations, "if '*' is present, must not specify other operations")
  }
  for (const [index, operation] of operations.entries()) {
    if (!all.includes(operation)) errors.notSupported(`${path}.operations[${index}]`, operation, all)
  }
  if (apiGroups.length === 0) errors.required(`${path}.apiGroups`)
  if (apiGroups.length > 1 && apiGroups.includes('*')) {
    errors.invalid(`${path}.apiGroups`, apiGroups, "if '*' is present, must not specify other API groups")
  }
  if (apiVersions.length === 0) errors.required(`${path}.apiVersions`)
  if (apiVersions.length > 1 && apiVersions.includes('*')) {
    errors.invalid(`${path}.apiVersions`, apiVersions, "if '*' is present, must not specify other API versions")
  }
  for (const [index, version] of apiVersions.entries())
    if (version === '') errors.required(`${path}.apiVersions[${index}]`)
  validateResources(`${path}.resources`, resources, errors)
  const scopes = ['*', 'Cluster', 'Namespaced']
  if (scope !== undefined && !scopes.includes(scope)) errors.notSupported(`${path}.scope`, scope, scopes)
}

function validateResources(path: string, resources: readonly string[], errors: FieldErrors): void {
  if (resources.length === 0) errors.required(path)
  if (resources.length > 1 && resources.includes('*/*')) {
    errors.invalid(path, resources, "if '*/*' is present, must not specify other resources")
  }
  for (const [index, resource] of resources.entries()) if (resource === '') errors.required(`${path}[${index}]`)
}
