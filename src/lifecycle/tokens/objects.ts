import type { Client } from '../../client/client.ts'
import { ClusterRole } from '../../kinds/rbac/cluster-role.ts'
import { ClusterRoleBinding } from '../../kinds/rbac/cluster-role-binding.ts'
import { Role } from '../../kinds/rbac/role.ts'
import { RoleBinding } from '../../kinds/rbac/role-binding.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import { isAlreadyExists } from '../../schema/status.ts'
import type { Draft } from '../../schema/types.ts'

/** Has an object be as it is given, whether it was there or not. */
export async function put<T extends ApiObject>(client: Client, kind: Kind<T>, object: Draft<T>): Promise<T> {
  try {
    return await client.create(kind, object)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    return client.update(kind, object)
  }
}

const rbac = 'rbac.authorization.k8s.io'
type Subject = { readonly kind: 'Group' | 'User'; readonly name: string }
type Rules = readonly {
  readonly verbs: readonly string[]
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
}[]

export function putClusterRole(client: Client, name: string, rules: Rules): Promise<ClusterRole> {
  return put(client, ClusterRole, { metadata: { name }, rules })
}

export function putRole(client: Client, namespace: string, name: string, rules: Rules): Promise<Role> {
  return put(client, Role, { metadata: { name, namespace }, rules })
}

/** Binds a role of the whole cluster. */
export function putClusterBinding(
  client: Client,
  name: string,
  role: string,
  subject: Subject,
): Promise<ClusterRoleBinding> {
  const roleRef = { apiGroup: rbac, kind: 'ClusterRole', name: role }
  return put(client, ClusterRoleBinding, { metadata: { name }, roleRef, subjects: [{ apiGroup: rbac, ...subject }] })
}

/** Binds a role of a namespace to which the binding gives its name. */
export function putBinding(client: Client, namespace: string, name: string, subject: Subject): Promise<RoleBinding> {
  const roleRef = { apiGroup: rbac, kind: 'Role', name }
  return put(client, RoleBinding, {
    metadata: { name, namespace },
    roleRef,
    subjects: [{ apiGroup: rbac, ...subject }],
  })
}
