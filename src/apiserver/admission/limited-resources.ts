import { isInScope, quotaApplies, usageOf } from '../../kinds/core/quota.ts'
import type { ResourceQuota, ScopedResourceSelectorRequirement } from '../../kinds/core/resource-quota.ts'
import type { AdmissionAttributes } from '../admission.ts'
import type { Fields } from './configuration.ts'
import { refuse } from './refuse.ts'

/** What nobody may use without a quota that says how much. */
export interface LimitedResource {
  readonly apiGroup: string
  readonly resource: string
  /** Parts of names of what is counted: `.storageclass.storage.k8s.io/requests.storage`. */
  readonly matchContains: readonly string[]
  readonly matchScopes: readonly ScopedResourceSelectorRequirement[]
}

/** Of the configuration of the plugin ResourceQuota (`ResourceQuotaConfiguration`). */
export function limitedResources(configuration: Fields | undefined): readonly LimitedResource[] {
  const limited = (configuration?.['limitedResources'] ?? []) as readonly Partial<LimitedResource>[]
  return limited.map(({ apiGroup = '', resource = '', matchContains = [], matchScopes = [] }) => ({
    apiGroup,
    resource,
    matchContains,
    matchScopes,
  }))
}

/** Throws Forbidden when an object uses something limited that no quota of its namespace covers. */
export function checkLimited(
  limited: readonly LimitedResource[],
  quotas: readonly ResourceQuota[],
  attributes: AdmissionAttributes,
): void {
  const { kind, object } = attributes
  const concerned = limited.filter(({ apiGroup, resource }) => apiGroup === kind.group && resource === kind.plural)
  if (concerned.length === 0 || !object) return
  const applying = quotas.filter((quota) => quotaApplies(quota, kind, object))
  const covered = new Set(applying.flatMap((quota) => Object.keys(quota.status?.hard ?? {})))
  const used = [...usageOf(kind, object).keys()]
  const lacking = used.filter(
    (name) =>
      !covered.has(name) && concerned.some(({ matchContains }) => matchContains.some((part) => name.includes(part))),
  )
  if (lacking.length > 0) throw refuse(attributes, `insufficient quota to consume: ${lacking.sort().join(',')}`)
  const scopes = concerned
    .flatMap(({ matchScopes }) => matchScopes)
    .filter((scope) => isInScope(kind, object, scope))
    .filter((scope) => !applying.some((quota) => names(quota, scope)))
  if (scopes.length > 0) throw refuse(attributes, `insufficient quota to match these scopes: ${showScopes(scopes)}`)
}

function names(
  { spec }: ResourceQuota,
  { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement,
): boolean {
  if (spec.scopes?.includes(scopeName)) return true
  return (spec.scopeSelector?.matchExpressions ?? []).some(
    (each) =>
      each.scopeName === scopeName &&
      (each.operator !== operator || values.every((value) => each.values?.includes(value) ?? false)),
  )
}

/** As Go prints them. */
const showScopes = (scopes: readonly ScopedResourceSelectorRequirement[]) =>
  `[${scopes.map(({ scopeName, operator, values = [] }) => `{${scopeName} ${operator} [${values.join(' ')}]}`).join(' ')}]`
