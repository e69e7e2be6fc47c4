import { once } from '../../base/once.ts'
import { ClusterRole } from '../../kinds/rbac/cluster-role.ts'
import { ClusterRoleBinding } from '../../kinds/rbac/cluster-role-binding.ts'
import { Role } from '../../kinds/rbac/role.ts'
import { RoleBinding } from '../../kinds/rbac/role-binding.ts'
import type { PolicyRule } from '../../kinds/rbac/shared.ts'
import { equalJson } from '../../schema/freeze.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import { create, findAll, object, type Resources } from '../bootstrap-objects.ts'
import { serverContext } from '../context.ts'
import type { Resource } from '../resource.ts'
import { namespacedBootstrapRoles } from './bootstrap-namespace-policy.ts'
import {
  type BootstrapBinding,
  type BootstrapRole,
  type BootstrapSubject,
  bootstrapBindings,
  bootstrapRoles,
} from './bootstrap-policy.ts'
import { missingRules } from './rule-cover.ts'

/**
 * Brings the roles and bindings that every cluster begins with up to date: what is missing is added, rights and subjects
 * that somebody added stay, and what carries the annotation `rbac.authorization.kubernetes.io/autoupdate: "false"` is
 * left alone. A binding to another role than the policy says is made anew, as a binding cannot change its role.
 */
export async function reconcilePolicy(resources: Resources): Promise<void> {
  await Promise.all([
    reconcileAll(resources, ClusterRole, clusterRoles()),
    reconcileAll(resources, ClusterRoleBinding, clusterBindings()),
    reconcileAll(resources, Role, roles()),
    reconcileAll(resources, RoleBinding, bindings()),
  ])
}

interface Wanted<T> {
  /** As it is made where it is not there. */
  readonly draft: ApiObject
  /** The fields that have to change, as they must become; `replaced`: they cannot change, it has to be made anew. */
  missing(current: T): object | 'replaced' | undefined
}

const clusterRoles = once(() => bootstrapRoles.map(wantedClusterRole))
const clusterBindings = once(() => bootstrapBindings.map(wantedClusterBinding))
const roles = once(() =>
  namespacedBootstrapRoles.map(({ namespace, name, rules }): Wanted<Role> => {
    return { draft: draftOf(Role, { namespace, name, content: { rules } }), missing: missingInRole(rules) }
  }),
)
const bindings = once(() =>
  namespacedBootstrapRoles.map(({ namespace, name, binding }) =>
    wantedBinding(RoleBinding, { namespace, ...binding, role: { kind: 'Role', name } }),
  ),
)

function wantedClusterRole({ name, rules, labels, aggregate }: BootstrapRole): Wanted<ClusterRole> {
  if (aggregate === undefined) {
    return { draft: draftOf(ClusterRole, { name, content: { rules }, labels }), missing: missingInRole(rules) }
  }
  const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { [aggregate]: 'true' } }] }
  return { draft: draftOf(ClusterRole, { name, content: { aggregationRule }, labels }), missing: missingAggregation }

  function missingAggregation(current: ClusterRole): object | undefined {
    const held = current.aggregationRule?.clusterRoleSelectors ?? []
    const lacking = aggregationRule.clusterRoleSelectors.filter((each) => !held.some((other) => equalJson(other, each)))
    return lacking.length === 0 ? undefined : { aggregationRule: { clusterRoleSelectors: [...held, ...lacking] } }
  }
}

const missingInRole =
  (rules: readonly PolicyRule[]) =>
  (current: Role): object | undefined => {
    const missing = missingRules(current.rules ?? [], rules)
    return missing.length === 0 ? undefined : { rules: [...(current.rules ?? []), ...missing] }
  }

const wantedClusterBinding = ({ name, role, subjects }: BootstrapBinding) =>
  wantedBinding(ClusterRoleBinding, { name, subjects, role: { kind: 'ClusterRole', name: role } })

interface BindingToMake {
  readonly namespace?: string
  readonly name: string
  readonly subjects: readonly BootstrapSubject[]
  readonly role: { readonly kind: string; readonly name: string }
}

function wantedBinding<T extends RoleBinding>(
  kind: Kind<T>,
  { namespace, name, subjects: wanted, role }: BindingToMake,
): Wanted<T> {
  const subjects = wanted.map((subject) => ({
    ...subject,
    ...(subject.kind !== 'ServiceAccount' && { apiGroup: 'rbac.authorization.k8s.io' }),
  }))
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', ...role }
  const missing = (current: RoleBinding) => {
    if (!equalJson(current.roleRef, roleRef)) return 'replaced' as const
    const { subjects: held = [] } = current
    const lacking = subjects.filter((subject) => !held.some((other) => equalJson(other, subject)))
    return lacking.length === 0 ? undefined : { subjects: [...held, ...lacking] }
  }
  return { draft: draftOf(kind, { namespace, name, content: { subjects, roleRef } }), missing }
}

interface Content {
  readonly namespace?: string | undefined
  readonly name: string
  readonly content: object
  readonly labels?: Readonly<Record<string, string>> | undefined
}

function draftOf(kind: Kind, { namespace, name, content, labels }: Content): ApiObject {
  const marks = { labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels }, annotations }
  return object(kind, name, content, namespace === undefined ? marks : { namespace, ...marks })
}

async function reconcileAll<T extends ApiObject>(
  resources: Resources,
  kind: Kind<T>,
  wanted: readonly Wanted<T>[],
): Promise<void> {
  const resource = resources(kind)
  const find = await findAll(resource)
  await Promise.all(
    wanted.map((each) => {
      const { namespace, name = '' } = each.draft.metadata
      return reconcile(resource, each, find(namespace, name))
    }),
  )
}

async function reconcile<T extends ApiObject>(
  resource: Resource<T>,
  { draft, missing }: Wanted<T>,
  current: T | undefined,
): Promise<void> {
  if (!current) return create(resource, draft, { constant: true })
  if (!isReconciled(current)) return
  const change = missing(current)
  const { namespace = '', name = '' } = draft.metadata
  if (change === 'replaced') {
    await resource.delete(namespace, name, {}, serverContext)
    return create(resource, draft, { constant: true })
  }
  const labels = { ...draft.metadata.labels, ...current.metadata.labels }
  if (change === undefined && equalJson(labels, current.metadata.labels)) return
  const update = (stored: T | undefined) => ({ ...stored!, ...change, metadata: { ...stored!.metadata, labels } })
  await resource.update(namespace, name, '', update, serverContext)
}

const autoUpdate = 'rbac.authorization.kubernetes.io/autoupdate'

const annotations = { [autoUpdate]: 'true' }

const isReconciled = ({ metadata }: ApiObject) => metadata.annotations?.[autoUpdate] !== 'false'
