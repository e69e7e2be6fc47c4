import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
import {
  embedded,
  explicit,
  type Infer,
  list,
  map,
  object,
  oneOf,
  optional,
  quantity,
  required,
  string,
} from '../../schema/types.ts'
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import {
  validateQuotaAmounts,
  validateResourceQuota,
  validateResourceQuotaUpdate,
} from './resource-quota-validation.ts'

export const ScopedResourceSelectorRequirement = object(
  'io.k8s.api.core.v1.ScopedResourceSelectorRequirement',
  'One requirement on a scope.',
  {
    scopeName: required(
      1,
      oneOf(
        'BestEffort',
        'CrossNamespacePodAffinity',
        'NotBestEffort',
        'NotTerminating',
        'PriorityClass',
        'Terminating',
        'VolumeAttributesClass',
      ),
      'The scope to which the requirement applies.',
    ),
    operator: required(
      2,
      oneOf('DoesNotExist', 'Exists', 'In', 'NotIn'),
      'In, NotIn, Exists or DoesNotExist; scopes without values take Exists only.',
    ),
    values: optional(
      3,
      list(string, { list: 'atomic' }),
      'Values to compare with; needed for In and NotIn, forbidden for the others.',
    ),
  },
)
export interface ScopedResourceSelectorRequirement extends Infer<typeof ScopedResourceSelectorRequirement> {}

export const ScopeSelector = object(
  'io.k8s.api.core.v1.ScopeSelector',
  'Selects objects by scopes; all requirements must hold.',
  {
    matchExpressions: optional(
      1,
      list(ScopedResourceSelectorRequirement, { list: 'atomic' }),
      'The requirements, all of which must hold.',
    ),
  },
  { atomic: true },
)
export interface ScopeSelector extends Infer<typeof ScopeSelector> {}

export const ResourceQuotaSpec = object('io.k8s.api.core.v1.ResourceQuotaSpec', 'What is wished of a quota.', {
  hard: optional(1, map(quantity), 'Most that may be used of each resource, such as requests.cpu or count/jobs.batch.'),
  scopes: optional(
    2,
    list(string, { list: 'atomic' }),
    'Scopes that an object must all match to be counted; absent counts every object.',
  ),
  scopeSelector: explicit(3, ScopeSelector, 'Further scopes, with operators; must match as well.'),
})
export interface ResourceQuotaSpec extends Infer<typeof ResourceQuotaSpec> {}

export const ResourceQuotaStatus = object('io.k8s.api.core.v1.ResourceQuotaStatus', 'What is known about a quota.', {
  hard: optional(1, map(quantity), 'The limits that are in force.'),
  used: optional(2, map(quantity), 'How much of each resource is in use.'),
})
export interface ResourceQuotaStatus extends Infer<typeof ResourceQuotaStatus> {}

export const resourceQuotaSchema = object(
  'io.k8s.api.core.v1.ResourceQuota',
  'Limits what the objects of a namespace may use together.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, ResourceQuotaSpec, 'The limits that are wished.'),
    status: embedded(3, ResourceQuotaStatus, 'The limits in force and what is used of them.'),
  },
)
export interface ResourceQuota extends Infer<typeof resourceQuotaSchema> {}

export const ResourceQuota: Kind<ResourceQuota> = defineKind<ResourceQuota>({
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  shortNames: ['quota'],
  namespaced: true,
  storageVersionHash: '8uhSgffRX6w=',
  schema: resourceQuotaSchema,
  nameRule: subdomainNameRule,
  prepareCreate(quota) {
    quota.status = {}
  },
  prepareUpdate(quota, old) {
    quota.status = structuredClone(old.status) as Mutable<ResourceQuotaStatus>
  },
  validate: validateResourceQuota,
  validateUpdate: validateResourceQuotaUpdate,
  status: {
    validateUpdate({ status }, _old, errors) {
      validateQuotaAmounts('status.hard', status.hard, errors)
      validateQuotaAmounts('status.used', status.used, errors)
    },
  },
  columns: [
    nameColumn,
    textColumn('Request', 'What is used of what may be requested or counted.', (quota) =>
      usage(quota, (name) => !name.startsWith('limits.')),
    ),
    textColumn('Limit', 'What is used of the sums that limits may reach.', (quota) =>
      usage(quota, (name) => name.startsWith('limits.')),
    ),
    ageColumn,
  ],
})

function usage({ status: { hard = {}, used = {} } }: ResourceQuota, isShown: (resource: string) => boolean): string {
  const names = Object.keys(hard).filter(isShown).sort()
  return names.map((name) => `${name}: ${used[name] ?? '0'}/${hard[name]}`).join(', ')
}
