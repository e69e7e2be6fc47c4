import { ClusterRole } from '../../kinds/rbac/cluster-role.ts'
import type { ClusterRoleBinding } from '../../kinds/rbac/cluster-role-binding.ts'
import { Role } from '../../kinds/rbac/role.ts'
import type { PolicyRule, RoleRef } from '../../kinds/rbac/shared.ts'
import { equalJson } from '../../schema/freeze.ts'
import type { ApiObject } from '../../schema/kind.ts'
import { ApiError, forbidden, notFound } from '../../schema/status.ts'
import type { AdmissionAttributes, AdmissionPlugin, ClusterReader } from '../admission.ts'
import type { Authorizer } from '../authz/authz.ts'
import { missingRules, showRule } from '../authz/rule-cover.ts'
import type { RequestContext, UserInfo } from '../context.ts'

const group = 'rbac.authorization.k8s.io'

export type RulesOf = (user: UserInfo, namespace: string) => readonly PolicyRule[]

/**
 * Nobody gives away rights that they do not have: who writes a role must hold everything in it, or be allowed to
 * `escalate`; who binds one must hold it, or be allowed to `bind` it. Members of system:masters may do either.
 */
export function rbacEscalation(reader: ClusterReader, authorizer: Authorizer, rulesOf: RulesOf): AdmissionPlugin {
  const mayDo = async (
    { kind, namespace, context: { user } }: AdmissionAttributes,
    verb: string,
    name: string,
    plural = '',
  ) => {
    const decision = await authorizer.authorize({
      user,
      verb,
      namespace,
      apiGroup: group,
      apiVersion: kind.version,
      resource: plural || kind.plural,
      subresource: '',
      name,
      isResource: true,
      path: '',
    })
    return decision.allowed
  }

  function checkHolds(attributes: AdmissionAttributes, rules: readonly PolicyRule[]): void {
    const { kind, namespace, context, object, name } = attributes
    const { user } = context
    const missing = missingRules(rulesOf(user, namespace), rules)
    if (missing.length === 0) return
    const groups = `[${user.groups.map((each) => JSON.stringify(each)).join(' ')}]`
    const lacking = [...new Set(missing.map(showRule))].sort().join('\n')
    const why = `user ${JSON.stringify(user.name)} (groups=${groups}) is attempting to grant RBAC permissions not currently held:\n${lacking}`
    throw forbidden({ group, resource: kind.plural }, object?.metadata.name ?? name, why)
  }

  async function checkRole(attributes: AdmissionAttributes): Promise<void> {
    const role = attributes.object as ClusterRole
    const old = attributes.oldObject as ClusterRole | undefined
    const isSame = old && equalJson(role.rules, old.rules) && equalJson(role.aggregationRule, old.aggregationRule)
    if (isSame || (await mayDo(attributes, 'escalate', attributes.name))) return
    checkHolds(attributes, role.rules ?? [])
    if (!role.aggregationRule || equalJson(role.aggregationRule, old?.aggregationRule)) return
    const { user } = attributes.context
    const everything: PolicyRule[] = [
      { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
      { verbs: ['*'], nonResourceURLs: ['*'] },
    ]
    if (missingRules(rulesOf(user, ''), everything).length === 0) return
    const why = 'must have cluster-admin privileges to use the aggregationRule'
    throw forbidden({ group, resource: attributes.kind.plural }, role.metadata.name ?? '', why)
  }

  async function checkBinding(attributes: AdmissionAttributes, isPrivileged: boolean): Promise<void> {
    const { roleRef, subjects } = attributes.object as ClusterRoleBinding
    const { kind, namespace } = attributes
    if (kind.namespaced && roleRef.kind !== 'Role' && roleRef.kind !== 'ClusterRole') {
      // Whoever asks: the role is looked up before anything is validated.
      throw new ApiError('', `unsupported role reference kind: ${JSON.stringify(roleRef.kind ?? '')}`)
    }
    const old = attributes.oldObject as ClusterRoleBinding | undefined
    if (isPrivileged || (old && equalJson(roleRef, old.roleRef) && equalJson(subjects, old.subjects))) return
    const isCluster = roleRef.kind === 'ClusterRole'
    const plural = isCluster ? 'clusterroles' : 'roles'
    if (await mayDo(attributes, 'bind', roleRef.name, plural)) return
    checkHolds(attributes, rulesOfRole(reader, roleRef, isCluster ? '' : namespace))
  }

  return {
    name: 'RBACEscalation',
    handles: ({ kind, operation, subresource, context }) =>
      kind.group === group &&
      subresource === '' &&
      (operation === 'CREATE' || operation === 'UPDATE') &&
      // Of those who may do everything only what a binding in a namespace names is looked at.
      (kind.plural === 'rolebindings' || !isMaster(context)),
    async admit(attributes) {
      const isPrivileged = isMaster(attributes.context)
      if (attributes.kind.plural.endsWith('bindings')) await checkBinding(attributes, isPrivileged)
      else if (!isPrivileged) await checkRole(attributes)
    },
  }
}

const isMaster = ({ user }: RequestContext) => user.groups.includes('system:masters')

function rulesOfRole(reader: ClusterReader, { kind, name }: RoleRef, namespace: string): readonly PolicyRule[] {
  const role: (ApiObject & { readonly rules?: readonly PolicyRule[] }) | undefined =
    kind === 'ClusterRole' ? reader.get(ClusterRole, '', name) : reader.get(Role, namespace, name)
  if (role === undefined) throw notFound({ group, resource: kind === 'ClusterRole' ? 'clusterroles' : 'roles' }, name)
  return role.rules ?? []
}
