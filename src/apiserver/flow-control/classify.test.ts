import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Metrics } from '../../base/metrics.ts'
import { VirtualWorld } from '../../world/virtual.ts'
import type { UserInfo } from '../context.ts'
import { readRequestInfo } from '../request-info.ts'
import { bootstrapFlows, bootstrapLevels } from './bootstrap-flows.ts'
import { compile, inOrder } from './classify.ts'
import { FlowControl } from './flow-control.ts'
import { levelObject, schemaObject } from './testing.ts'

const user = (name: string, ...groups: string[]): UserInfo => ({ name, groups: [...groups, 'system:authenticated'] })
const admin = user('kubernetes-admin', 'system:masters')
const node = user('system:node:a', 'system:nodes')
const manager = user('system:kube-controller-manager')
const account = (namespace: string, name: string) =>
  user(`system:serviceaccount:${namespace}:${name}`, 'system:serviceaccounts', `system:serviceaccounts:${namespace}`)
const anonymous: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] }
const lease = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/x'

const sorted: readonly [line: string, who: UserInfo, schema: string, level: string, distinguisher: string][] = [
  ['DELETE /api/v1/namespaces/a/pods/b', admin, 'exempt', 'exempt', ''],
  ['GET /readyz', anonymous, 'probes', 'exempt', ''],
  ['GET /readyz/etcd', anonymous, 'global-default', 'global-default', 'system:anonymous'],
  ['POST /readyz', anonymous, 'global-default', 'global-default', 'system:anonymous'],
  [`PUT ${lease}`, manager, 'system-leader-election', 'leader-election', manager.name],
  [`PATCH ${lease}`, manager, 'kube-controller-manager', 'workload-high', 'kube-system'],
  [
    `GET ${lease}`,
    account('kube-system', 'gc'),
    'system-leader-election',
    'leader-election',
    account('kube-system', 'gc').name,
  ],
  [
    `GET ${lease}`,
    account('kube-systems', 'gc'),
    'service-accounts',
    'workload-low',
    account('kube-systems', 'gc').name,
  ],
  ['GET /api/v1/pods', account('kube-system', 'gc'), 'kube-system-service-accounts', 'workload-high', ''],
  ['PATCH /api/v1/nodes/a/status', node, 'system-node-high', 'node-high', node.name],
  ['GET /api/v1/nodes/a', node, 'system-node-high', 'node-high', node.name],
  ['GET /api/v1/nodes/a/other', node, 'system-nodes', 'system', node.name],
  [
    'PUT /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/a',
    node,
    'system-node-high',
    'node-high',
    node.name,
  ],
  ['GET /api/v1/namespaces/a/pods', manager, 'kube-controller-manager', 'workload-high', 'a'],
  ['GET /api/v1/namespaces/a/pods', user('jane'), 'global-default', 'global-default', 'jane'],
  ['GET /metrics', { name: 'nobody', groups: [] }, 'catch-all', 'catch-all', 'nobody'],
]

test('the usual schemas sort requests as the reference does', () => {
  const control = new FlowControl({
    clock: new VirtualWorld().clock,
    metrics: new Metrics(),
    seats: 600,
    sizes: { of: () => undefined },
  })
  for (const [name, spec] of Object.entries(bootstrapLevels)) control.setLevel(levelObject(name, spec))
  for (const [name, spec] of Object.entries(bootstrapFlows)) control.setSchema(schemaObject(name, spec))
  for (const [line, who, ...expected] of sorted) {
    const [method = '', url = ''] = line.split(' ')
    const info = readRequestInfo(method, url)
    const flow = control.classify(info, who)
    assert.deepEqual([flow.name, flow.level.name, flow.distinguish(info, who)], expected, `${line} by ${who.name}`)
  }
})

test('the lowest precedence counts, then the name', () => {
  const named = (name: string, matchingPrecedence: number) =>
    schemaObject(name, { ...bootstrapFlows['catch-all']!, matchingPrecedence })
  const order = inOrder([named('c', 7), named('b', 1000), named('a', 1000), named('z', 6)])
  assert.deepEqual(
    order.map(({ metadata }) => metadata.name),
    ['z', 'c', 'a', 'b'],
  )
})

const everything = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }
const jane = { kind: 'User', user: { name: 'jane' } }
const rules: readonly [what: string, line: string, rule: object, matches: boolean][] = [
  ['all', 'GET /api/v1/nodes', { resourceRules: [everything] }, true],
  ['no path', 'GET /version', { resourceRules: [everything] }, false],
  ['not cluster-wide', 'GET /api/v1/nodes', { resourceRules: [{ ...everything, clusterScope: false }] }, false],
  ['over all namespaces', 'GET /api/v1/pods', { resourceRules: [{ ...everything, clusterScope: false }] }, false],
  ['this namespace', 'GET /api/v1/namespaces/a/pods', { resourceRules: [{ ...everything, namespaces: ['a'] }] }, true],
  [
    'other namespace',
    'GET /api/v1/namespaces/b/pods',
    { resourceRules: [{ ...everything, namespaces: ['a'] }] },
    false,
  ],
  ['this verb', 'GET /api/v1/pods', { resourceRules: [{ ...everything, verbs: ['list'] }] }, true],
  ['other verb', 'GET /api/v1/pods?watch=1', { resourceRules: [{ ...everything, verbs: ['list'] }] }, false],
  ['other group', 'GET /apis/apps/v1/deployments', { resourceRules: [{ ...everything, apiGroups: [''] }] }, false],
  [
    'no sub-resource',
    'GET /api/v1/namespaces/a/pods/b/status',
    { resourceRules: [{ ...everything, resources: ['pods'] }] },
    false,
  ],
  [
    'sub-resource',
    'GET /api/v1/namespaces/a/pods/b/status',
    { resourceRules: [{ ...everything, resources: ['pods/status'] }] },
    true,
  ],
  ['exact path', 'GET /version', { nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/version'] }] }, true],
  ['longer path', 'GET /version/a', { nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/version'] }] }, false],
  ['below a path', 'GET /debug/a/b', { nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/debug/*'] }] }, true],
  ['beside a path', 'GET /debug', { nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/debug/*'] }] }, false],
  ['wrong method', 'PUT /version', { nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['*'] }] }, false],
]

for (const [what, line, rule, matches] of rules) {
  test(`a rule matches: ${what}`, () => {
    const [method = '', url = ''] = line.split(' ')
    const spec = { ...bootstrapFlows['catch-all']!, rules: [{ subjects: [jane], ...rule }] }
    const asked = compile(spec as Parameters<typeof compile>[0])
    assert.equal(asked(readRequestInfo(method, url), user('jane')), matches)
    assert.equal(asked(readRequestInfo(method, url), user('joe')), false)
  })
}

const subjects: readonly [subject: object, matches: readonly string[]][] = [
  [{ kind: 'User', user: { name: '*' } }, ['jane', 'a:x', 'a:y']],
  [{ kind: 'Group', group: { name: 'sailors' } }, ['jane']],
  [{ kind: 'Group', group: { name: '*' } }, ['jane', 'a:x', 'a:y']],
  [{ kind: 'ServiceAccount', serviceAccount: { namespace: 'a', name: 'x' } }, ['a:x']],
  [{ kind: 'ServiceAccount', serviceAccount: { namespace: 'a', name: '*' } }, ['a:x', 'a:y']],
]

for (const [subject, expected] of subjects) {
  test(`who is ${JSON.stringify(subject)}`, () => {
    const people = { jane: user('jane', 'sailors'), 'a:x': account('a', 'x'), 'a:y': account('a', 'y') }
    const spec = { ...bootstrapFlows['catch-all']!, rules: [{ subjects: [subject], resourceRules: [everything] }] }
    const matches = compile(spec as Parameters<typeof compile>[0])
    const info = readRequestInfo('GET', '/api/v1/pods')
    assert.deepEqual(
      Object.entries(people).flatMap(([name, who]) => (matches(info, who) ? [name] : [])),
      expected,
    )
  })
}
