import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UserInfo } from '../context.ts'
import type { Attributes } from './authz.ts'
import { bootstrapBindings, bootstrapRoles } from './bootstrap-policy.ts'
import { RbacAuthorizer } from './rbac.ts'

const jane: UserInfo = { name: 'jane', groups: ['dev', 'system:authenticated'] }
const builder: UserInfo = {
  name: 'system:serviceaccount:ci:builder',
  groups: ['system:serviceaccounts', 'system:serviceaccounts:ci', 'system:authenticated'],
}

function asks(user: UserInfo, verb: string, resource: string, more: Partial<Attributes> = {}): Attributes {
  const [plain = '', subresource = ''] = resource.split('/')
  const about = { namespace: '', apiGroup: '', apiVersion: 'v1', name: '', path: '', isResource: true }
  return { user, verb, resource: plain, subresource, ...about, ...more }
}

const rbac = new RbacAuthorizer()
const ref = (kind: 'Role' | 'ClusterRole', name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name })
rbac.setRole('', 'reader', [{ verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', '*/status'] }])
rbac.setRole('web', 'one-secret', [{ verbs: ['get'], apiGroups: [''], resources: ['secrets'], resourceNames: ['tls'] }])
rbac.setRole('', 'metrics', [{ verbs: ['get'], nonResourceURLs: ['/metrics', '/healthz/*'] }])
rbac.setBinding('web', 'devs', ref('ClusterRole', 'reader'), [{ kind: 'Group', name: 'dev' }])
rbac.setBinding('web', 'jane', ref('Role', 'one-secret'), [{ kind: 'User', name: 'jane' }])
rbac.setBinding('', 'ci', ref('ClusterRole', 'reader'), [{ kind: 'ServiceAccount', namespace: 'ci', name: 'builder' }])
rbac.setBinding('', 'probes', ref('ClusterRole', 'metrics'), [{ kind: 'Group', name: 'system:authenticated' }])

const path = (path: string): Partial<Attributes> => ({ isResource: false, path })

for (const [what, attributes, allowed] of [
  ['a binding in a namespace holds there', asks(jane, 'list', 'pods', { namespace: 'web' }), true],
  ['and not elsewhere', asks(jane, 'list', 'pods', { namespace: 'db' }), false],
  ['nor in all namespaces', asks(jane, 'list', 'pods'), false],
  ['a verb that is not named is refused', asks(jane, 'delete', 'pods', { namespace: 'web' }), false],
  [
    'another group with a resource of the name is refused',
    asks(jane, 'get', 'pods', { namespace: 'web', apiGroup: 'metrics.k8s.io' }),
    false,
  ],
  ['a resource does not open its sub-resources', asks(jane, 'get', 'pods/log', { namespace: 'web' }), false],
  ['a sub-resource of everything does', asks(jane, 'get', 'services/status', { namespace: 'web' }), true],
  ['a named object is allowed', asks(jane, 'get', 'secrets', { namespace: 'web', name: 'tls' }), true],
  ['its neighbours are not', asks(jane, 'get', 'secrets', { namespace: 'web', name: 'other' }), false],
  [
    'a role of a name in another namespace is another role',
    asks(jane, 'get', 'secrets', { namespace: 'db', name: 'tls' }),
    false,
  ],
  ['a cluster binding holds everywhere', asks(builder, 'list', 'pods', { namespace: 'db' }), true],
  [
    'a service account is its namespace and name',
    asks({ ...builder, name: 'system:serviceaccount:db:builder' }, 'list', 'pods'),
    false,
  ],
  ['a path', asks(jane, 'get', '', path('/metrics')), true],
  ['a path below a star', asks(jane, 'get', '', path('/healthz/ping')), true],
  ['a path beside it', asks(jane, 'get', '', path('/healthz')), false],
] as const) {
  test(what, () => assert.equal(rbac.authorize(attributes).allowed, allowed))
}

test('the reason names binding, role and subject', () => {
  assert.equal(
    rbac.authorize(asks(builder, 'list', 'pods')).reason,
    'RBAC: allowed by ClusterRoleBinding "ci" of ClusterRole "reader" to ServiceAccount "builder/ci"',
  )
  assert.equal(
    rbac.authorize(asks(jane, 'list', 'pods', { namespace: 'web' })).reason,
    'RBAC: allowed by RoleBinding "devs/web" of ClusterRole "reader" to Group "dev"',
  )
})

test('what is removed or changed no longer counts', () => {
  const changing = new RbacAuthorizer()
  changing.setRole('', 'reader', [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }])
  changing.setBinding('', 'b', ref('ClusterRole', 'reader'), [{ kind: 'User', name: 'jane' }])
  const getPods = asks(jane, 'get', 'pods')
  assert.equal(changing.authorize(getPods).allowed, true)

  changing.setBinding('', 'b', ref('ClusterRole', 'reader'), [{ kind: 'User', name: 'joe' }])
  assert.equal(changing.authorize(getPods).allowed, false)

  changing.setBinding('', 'b', ref('ClusterRole', 'reader'), [{ kind: 'User', name: 'jane' }])
  changing.removeRole('', 'reader')
  assert.equal(changing.authorize(getPods).allowed, false)
})

test('every bootstrap binding names a bootstrap role', () => {
  const roles = new Set(bootstrapRoles.map((role) => role.name))
  assert.deepEqual(
    bootstrapBindings.filter((binding) => !roles.has(binding.role)).map((binding) => binding.name),
    [],
  )
  assert.equal(roles.size, bootstrapRoles.length)
})
