import { own } from '../../base/own.ts'
import type { FieldErrors } from '../../schema/field-errors.ts'
import { isStandardQuotaResource, validateQuotaResourceName, validateResourceAmount } from './resource-names.ts'
import type { ResourceQuota, ResourceQuotaSpec, ScopedResourceSelectorRequirement } from './resource-quota.ts'

export function validateResourceQuota({ spec, status }: ResourceQuota, errors: FieldErrors): void {
  validateSpec(spec, errors)
  validateQuotaAmounts('status.hard', status.hard, errors)
  validateQuotaAmounts('status.used', status.used, errors)
}

export function validateResourceQuotaUpdate({ spec }: ResourceQuota, old: ResourceQuota, errors: FieldErrors): void {
  validateSpec(spec, errors)
  const scopes = new Set(spec.scopes)
  const oldScopes = new Set(old.spec.scopes)
  if (scopes.symmetricDifference(oldScopes).size > 0) {
    errors.invalid('spec.scopes', spec.scopes ?? [], 'field is immutable')
  }
}

export function validateQuotaAmounts(path: string, amounts: ResourceQuotaSpec['hard'], errors: FieldErrors): void {
  for (const [name, amount] of Object.entries(amounts ?? {})) {
    validateQuotaResourceName(`${path}[${name}]`, name, errors)
    validateResourceAmount(`${path}[${name}]`, name, amount, errors)
  }
}

function validateSpec(spec: ResourceQuotaSpec, errors: FieldErrors): void {
  validateQuotaAmounts('spec.hard', spec.hard, errors)
  validateScopes(spec, errors)
  validateScopeSelector(spec, errors)
}

const podResources = ['pods', 'cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory']
const claimResources = ['persistentvolumeclaims', 'requests.storage']

/** The scopes that there are, and the resources that each can narrow. */
const scopes: Readonly<Record<string, readonly string[]>> = {
  Terminating: podResources,
  NotTerminating: podResources,
  BestEffort: ['pods'],
  NotBestEffort: podResources,
  PriorityClass: podResources,
  CrossNamespacePodAffinity: podResources,
  VolumeAttributesClass: claimResources,
}

const conflicting: readonly (readonly [string, string])[] = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
]

const hasConflict = (names: ReadonlySet<string>): boolean =>
  conflicting.some(([one, other]) => names.has(one) && names.has(other))

/** The limited resources that a scope cannot narrow: one fault each. */
function unfitResources(spec: ResourceQuotaSpec, scope: string): string[] {
  const fit = own(scopes, scope)
  if (fit === undefined) return []
  return Object.keys(spec.hard ?? {}).filter((name) => isStandardQuotaResource(name) && !fit.includes(name))
}

function validateScopes(spec: ResourceQuotaSpec, errors: FieldErrors): void {
  const named = spec.scopes ?? []
  for (const scope of named) {
    if (!Object.hasOwn(scopes, scope)) errors.invalid('spec.scopes', named, 'unsupported scope')
    for (const _ of unfitResources(spec, scope)) {
      errors.invalid('spec.scopes', named, 'unsupported scope applied to resource')
    }
  }
  if (hasConflict(new Set(named))) errors.invalid('spec.scopes', named, 'conflicting scopes')
}

/** Scopes that a pod has or has not; there is nothing to compare with. */
const scopesWithoutValues: readonly string[] = [
  'BestEffort',
  'NotBestEffort',
  'Terminating',
  'NotTerminating',
  'CrossNamespacePodAffinity',
]

function validateScopeSelector(spec: ResourceQuotaSpec, errors: FieldErrors): void {
  if (!spec.scopeSelector) return
  const path = 'spec.scopeSelector.matchExpressions'
  const requirements = spec.scopeSelector.matchExpressions ?? []
  for (const requirement of requirements) {
    const { scopeName, operator } = requirement
    if (!Object.hasOwn(scopes, scopeName)) errors.invalid(`${path}.scopeName`, scopeName, 'unsupported scope')
    for (const _ of unfitResources(spec, scopeName)) {
      errors.invalid(path, spec.scopeSelector, 'unsupported scope applied to resource')
    }
    if (scopesWithoutValues.includes(scopeName) && operator !== 'Exists') {
      errors.invalid(
        `${path}.operator`,
        operator,
        "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
      )
    }
    validateOperator(path, requirement, errors)
  }
  if (hasConflict(new Set(requirements.map(({ scopeName }) => scopeName)))) {
    errors.invalid(path, spec.scopes ?? [], 'conflicting scopes')
  }
}

function validateOperator(
  path: string,
  { operator, values = [] }: ScopedResourceSelectorRequirement,
  errors: FieldErrors,
): void {
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length > 0) break
      errors.required(
        `${path}.values`,
        "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
      )
      break
    case 'Exists':
    case 'DoesNotExist':
      if (values.length === 0) break
      errors.invalid(
        `${path}.values`,
        values,
        "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
      )
      break
    default:
      errors.invalid(`${path}.operator`, operator, 'not a valid selector operator')
  }
}
