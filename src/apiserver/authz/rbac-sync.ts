import { ClusterRole } from '../../kinds/rbac/cluster-role.ts'
import { ClusterRoleBinding } from '../../kinds/rbac/cluster-role-binding.ts'
import { Role } from '../../kinds/rbac/role.ts'
import { RoleBinding } from '../../kinds/rbac/role-binding.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import type { Log } from '../../world/world.ts'
import { follow } from '../follow.ts'
import type { Resource } from '../resource.ts'
import type { RbacAuthorizer } from './rbac.ts'

/**
 * Keeps the authorizer at what the store says. Resolves when everything that is there now is known; goes on until the
 * signal.
 */
export async function followRbac(
  authorizer: RbacAuthorizer,
  resources: <T extends ApiObject>(kind: Kind<T>) => Resource<T>,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all([
    ...[ClusterRole, Role].map((kind) =>
      follow(resources(kind as Kind<Role>), signal, log, ({ metadata, rules }, isThere) => {
        const namespace = metadata.namespace ?? ''
        if (isThere) authorizer.setRole(namespace, metadata.name!, rules ?? [])
        else authorizer.removeRole(namespace, metadata.name!)
      }),
    ),
    ...[ClusterRoleBinding, RoleBinding].map((kind) =>
      follow(resources(kind as Kind<RoleBinding>), signal, log, ({ metadata, roleRef, subjects }, isThere) => {
        const namespace = metadata.namespace ?? ''
        if (isThere) authorizer.setBinding(namespace, metadata.name!, roleRef, subjects ?? [])
        else authorizer.removeBinding(namespace, metadata.name!)
      }),
    ),
  ])
}
