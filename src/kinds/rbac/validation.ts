/** Rules for roles and their bindings, in a namespace and for the whole cluster. */

import type { FieldErrors } from '../../schema/field-errors.ts'
import { equalJson } from '../../schema/freeze.ts'
import { pathSegmentFaults, subdomainNameRule } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
import { goValue } from '../go-value.ts'
import { invalidAll } from '../rules.ts'
import { type PolicyRule, RoleRef, type Subject } from './shared.ts'

const rbacGroup = 'rbac.authorization.k8s.io'

export type Scope = 'namespaced' | 'cluster'

interface BindingLike {
  readonly subjects?: readonly Subject[]
  readonly roleRef: RoleRef
}

export function validateRules(rules: readonly PolicyRule[] | undefined, scope: Scope, errors: FieldErrors): void {
  for (const [index, rule] of (rules ?? []).entries()) validateRule(`rules[${index}]`, rule, scope, errors)
}

function validateRule(path: string, rule: PolicyRule, scope: Scope, errors: FieldErrors): void {
  const { verbs, nonResourceURLs, apiGroups, resources, resourceNames } = rule
  if (!verbs?.length) errors.required(`${path}.verbs`, 'verbs must contain at least one value')
  if (nonResourceURLs?.length) {
    const refuse = (detail: string) => errors.invalid(`${path}.nonResourceURLs`, nonResourceURLs, detail)
    if (scope === 'namespaced') refuse('namespaced rules cannot apply to non-resource URLs')
    if (apiGroups?.length || resources?.length || resourceNames?.length) {
      refuse('rules cannot apply to both regular resources and non-resource URLs')
    }
    return
  }
  if (!apiGroups?.length) errors.required(`${path}.apiGroups`, 'resource rules must supply at least one api group')
  if (!resources?.length) errors.required(`${path}.resources`, 'resource rules must supply at least one resource')
}

/** Roles, users and groups belong to the group of RBAC, service accounts to the core group, unless said otherwise. */
export function fillBinding(binding: Mutable<BindingLike>): void {
  binding.roleRef.apiGroup ||= rbacGroup
  for (const subject of binding.subjects ?? []) {
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= rbacGroup
  }
}

export function validateBinding({ roleRef, subjects = [] }: BindingLike, scope: Scope, errors: FieldErrors): void {
  if (roleRef.apiGroup !== rbacGroup) errors.notSupported('roleRef.apiGroup', roleRef.apiGroup ?? '', [rbacGroup])
  const kinds = scope === 'namespaced' ? ['Role', 'ClusterRole'] : ['ClusterRole']
  if (!kinds.includes(roleRef.kind)) errors.notSupported('roleRef.kind', roleRef.kind, kinds)
  if (!roleRef.name) errors.required('roleRef.name')
  else invalidAll('roleRef.name', roleRef.name, pathSegmentFaults(roleRef.name), errors)
  for (const [index, subject] of subjects.entries()) validateSubject(`subjects[${index}]`, subject, scope, errors)
}

export function validateBindingUpdate(binding: BindingLike, old: BindingLike, scope: Scope, errors: FieldErrors): void {
  validateBinding(binding, scope, errors)
  if (!equalJson(binding.roleRef, old.roleRef)) {
    errors.invalid('roleRef', goValue(RoleRef, binding.roleRef), 'cannot change roleRef')
  }
}

function validateSubject(path: string, subject: Subject, scope: Scope, errors: FieldErrors): void {
  const { kind, name, namespace = '', apiGroup = '' } = subject
  if (!name) errors.required(`${path}.name`)
  switch (kind) {
    case 'ServiceAccount':
      if (name) invalidAll(`${path}.name`, name, subdomainNameRule(name, false), errors)
      if (apiGroup !== '') errors.notSupported(`${path}.apiGroup`, apiGroup, [''])
      if (scope === 'cluster' && namespace === '') errors.required(`${path}.namespace`)
      break
    case 'User':
    case 'Group':
      if (apiGroup !== rbacGroup) errors.notSupported(`${path}.apiGroup`, apiGroup, [rbacGroup])
      break
    default:
      errors.notSupported(`${path}.kind`, kind, ['ServiceAccount', 'User', 'Group'])
  }
}
