import { ClusterRole } from '../../kinds/rbac/cluster-role.ts'
import { ClusterRoleBinding } from '../../kinds/rbac/cluster-role-binding.ts'
import { Role } from '../../kinds/rbac/role.ts'
import { RoleBinding } from '../../kinds/rbac/role-binding.ts'
import type { PolicyRule } from '../../kinds/rbac/shared.ts'
import { equalJson } from '../../schema/freeze.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import { create, find, object, type Resources } from '../bootstrap-objects.ts'
import { serverContext } from '../context.ts'
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
    ...bootstrapRoles.map((role) => reconcileClusterRole(resources, role)),
    ...bootstrapBindings.map((binding) => reconcileClusterBinding(resources, binding)),
    ...namespacedBootstrapRoles.flatMap(({ namespace, name, rules, binding }) => [
      reconcile(resources, Role, { namespace, name, content: { rules }, missing: missingInRole(rules) }),
      reconcileBinding(resources, RoleBinding, { namespace, ...binding, role: { kind: 'Role', name } }),
    ]),
  ])
}

function reconcileClusterRole(resources: Resources, { name, rules, labels, aggregate }: BootstrapRole): Promise<void> {
  if (aggregate === undefined) {
    return reconcile(resources, ClusterRole, { name, content: { rules }, missing: missingInRole(rules), labels })
  }
  const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { [aggregate]: 'true' } }] }
  return reconcile(resources, ClusterRole, { name, content: { aggregationRule }, missing: missingAggregation, labels })

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

const reconcileClusterBinding = (resources: Resources, { name, role, subjects }: BootstrapBinding) =>
  reconcileBinding(resources, ClusterRoleBinding, { name, subjects, role: { kind: 'ClusterRole', name: role } })

interface WantedBinding {
  readonly namespace?: string
  readonly name: string
  readonly subjects: readonly BootstrapSubject[]
  readonly role: { readonly kind: string; readonly name: string }
}

async function reconcileBinding<T extends RoleBinding>(
  resources: Resources,
  kind: Kind<T>,
  { namespace, name, subjects: wanted, role }: WantedBinding,
): Promise<void> {
  const subjects = wanted.map((subject) => ({
    ...subject,
    ...(subject.kind !== 'ServiceAccount' && { apiGroup: 'rbac.authorization.k8s.io' }),
  }))
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', ...role }
  const resource = resources(kind)
  const current = await find(resource, name, namespace)
  if (current && isReconciled(current) && !equalJson(current.roleRef, roleRef)) {
    await resource.delete(namespace ?? '', name, {}, serverContext)
  }
  const missing = ({ subjects: held = [] }: RoleBinding) => {
    const lacking = subjects.filter((subject) => !held.some((other) => equalJson(other, subject)))
    return lacking.length === 0 ? undefined : { subjects: [...held, ...lacking] }
  }
  await reconcile(resources, kind, { namespace, name, content: { subjects, roleRef }, missing })
}

interface Wanted<T> {
  readonly namespace?: string | undefined
  readonly name: string
  readonly content: object
  readonly labels?: Readonly<Record<string, string>> | undefined
  /** The fields that have to change, as they must become. */
  missing(current: T): object | undefined
}

async function reconcile<T extends ApiObject>(resources: Resources, kind: Kind<T>, wanted: Wanted<T>): Promise<void> {
  const { namespace, name, content, missing } = wanted
  const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...wanted.labels }
  const annotations = { [autoUpdate]: 'true' }
  const resource = resources(kind)
  const current = await find(resource, name, namespace)
  if (!current) {
    const place = namespace === undefined ? {} : { namespace }
    return create(resource, object(kind, name, content, { ...place, labels, annotations }))
  }
  if (!isReconciled(current)) return
  const change = missing(current)
  const { metadata } = current
  const marked = { ...metadata, labels: { ...labels, ...metadata.labels } }
  if (change === undefined && equalJson(marked.labels, metadata.labels)) return
  const update = (stored: T | undefined) => ({
    ...stored!,
    ...change,
    metadata: { ...stored!.metadata, ...{ labels: marked.labels } },
  })
  await resource.update(namespace ?? '', name, '', update, serverContext)
}

const autoUpdate = 'rbac.authorization.kubernetes.io/autoupdate'

const isReconciled = ({ metadata }: ApiObject) => metadata.annotations?.[autoUpdate] !== 'false'
