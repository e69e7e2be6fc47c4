import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { startCluster } from '../src/cluster/cluster.ts'
import { call, outcome } from './support/call.ts'

/** What becomes of the roles of the system when a server starts on a store in which somebody has changed them. */

const rbac = '/apis/rbac.authorization.k8s.io/v1'
const system = `${rbac}/namespaces/kube-system`

describe('a server that starts again', async () => {
  const first = await startCluster({ apiOnly: true })
  after(() => first[Symbol.asyncDispose]())
  const off = { metadata: { annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } } }
  const own = { verbs: ['get'], apiGroups: ['own.example'], resources: ['things'] }
  const { json: dns } = await call(first, `GET ${rbac}/clusterroles/system:kube-dns`)
  const eve = { kind: 'User', name: 'eve', apiGroup: 'rbac.authorization.k8s.io' }
  const rules = (path: string, rules: object[]) => call(first, `PATCH ${path}`, { rules })

  await rules(`${rbac}/clusterroles/system:kube-dns`, [own])
  await call(first, `PATCH ${rbac}/clusterroles/system:node-proxier`, off)
  await rules(`${rbac}/clusterroles/system:node-proxier`, [])
  await call(first, `PATCH ${rbac}/clusterroles/system:basic-user`, {
    metadata: { labels: { 'kubernetes.io/bootstrapping': null } },
  })
  await call(first, `DELETE ${rbac}/clusterroles/system:volume-scheduler`)
  await call(first, `DELETE ${system}/roles/system::leader-locking-kube-scheduler`)
  await rules(`${system}/roles/extension-apiserver-authentication-reader`, [])
  await call(first, `PATCH ${rbac}/clusterrolebindings/system:basic-user`, { subjects: [eve] })
  await call(first, `DELETE ${rbac}/clusterrolebindings/system:discovery`)
  await call(first, `POST ${rbac}/clusterrolebindings`, {
    metadata: { name: 'system:discovery' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    subjects: [eve],
  })
  await call(first, `PATCH ${rbac}/clusterroles/view`, {
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] },
  })
  const second = await first.fork()
  after(() => second[Symbol.asyncDispose]())
  const get = async (path: string) => (await call(second, `GET ${path}`)).json

  test('gives a role back what it lacks, and leaves it what it has besides', async () => {
    const { rules } = await get(`${rbac}/clusterroles/system:kube-dns`)
    assert.deepEqual(rules[0], own)
    const verbs = (all: { verbs: string[]; resources: string[] }[], resource: string) =>
      all.filter(({ resources }) => resources.includes(resource)).flatMap((each) => each.verbs)
    for (const resource of ['endpoints', 'services'])
      assert.deepEqual(verbs(rules, resource).sort(), verbs(dns.rules, resource).sort())
  })
  test('makes roles and bindings that are gone, in namespaces too', async () => {
    assert.equal((await get(`${rbac}/clusterroles/system:volume-scheduler`)).rules.length, 3)
    assert.equal((await get(`${system}/roles/system::leader-locking-kube-scheduler`)).rules.length, 1)
    assert.deepEqual((await get(`${system}/roles/extension-apiserver-authentication-reader`)).rules, [
      {
        verbs: ['get', 'list', 'watch'],
        apiGroups: [''],
        resources: ['configmaps'],
        resourceNames: ['extension-apiserver-authentication'],
      },
    ])
  })
  test('leaves alone what is marked so', async () => {
    assert.deepEqual((await get(`${rbac}/clusterroles/system:node-proxier`)).rules ?? [], [])
  })
  test('puts its label back', async () => {
    const { metadata } = await get(`${rbac}/clusterroles/system:basic-user`)
    assert.equal(metadata.labels['kubernetes.io/bootstrapping'], 'rbac-defaults')
  })
  test('adds subjects, and takes none away', async () => {
    const { subjects } = await get(`${rbac}/clusterrolebindings/system:basic-user`)
    assert.deepEqual(
      subjects.map(({ name }: { name: string }) => name),
      ['eve', 'system:authenticated'],
    )
  })
  test('makes a binding anew that binds another role, because that cannot be changed', async () => {
    const { roleRef, subjects } = await get(`${rbac}/clusterrolebindings/system:discovery`)
    assert.equal(roleRef.name, 'system:discovery')
    assert.deepEqual(
      subjects.map(({ name }: { name: string }) => name),
      ['system:authenticated'],
    )
  })
  test('adds what a role is put together from', async () => {
    const { clusterRoleSelectors } = (await get(`${rbac}/clusterroles/view`)).aggregationRule
    assert.deepEqual(clusterRoleSelectors, [
      { matchLabels: { a: 'b' } },
      { matchLabels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } },
    ])
  })
  test('changes nothing when nothing has changed', async () => {
    const { revision } = second.store
    await using third = await second.fork()
    const read = async (cluster: typeof third) =>
      (await call(cluster, `GET ${rbac}/clusterroles/system:kube-dns`)).json.metadata.resourceVersion
    assert.equal(await read(third), await read(second))
    assert.ok(revision > 0)
  })
})

test('a binding to a role that is not there says so to whom it would concern', async () => {
  await using cluster = await startCluster({ apiOnly: true })
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'missing' }
  const subjects = [{ kind: 'User', name: 'jane', apiGroup: 'rbac.authorization.k8s.io' }]
  const bindings = `${rbac}/namespaces/default/rolebindings`
  const roles = `${rbac}/namespaces/default/roles`
  await call(cluster, `POST ${roles}`, { metadata: { name: 'missing' }, rules: [] })
  await call(cluster, `POST ${bindings}`, { metadata: { name: 'b' }, roleRef, subjects })
  await call(cluster, `DELETE ${roles}/missing`)
  await cluster.settle()
  const jane = { name: 'jane', groups: ['system:authenticated'] }
  assert.equal(
    outcome(await call(cluster, 'GET /api/v1/namespaces/default/pods', undefined, jane)),
    'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default": RBAC: role.rbac.authorization.k8s.io "missing" not found',
  )
  const review = await call(
    cluster,
    'POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
    { spec: { namespace: 'default' } },
    jane,
  )
  assert.equal(review.json.status.evaluationError, 'role.rbac.authorization.k8s.io "missing" not found')
})

describe('a review of access', async () => {
  const cluster = await startCluster({ apiOnly: true })
  after(() => cluster[Symbol.asyncDispose]())
  const review = (resourceAttributes: object) =>
    call(cluster, 'POST /apis/authorization.k8s.io/v1/subjectaccessreviews', {
      spec: {
        user: 'system:node:n1',
        groups: ['system:nodes'],
        resourceAttributes: { resource: 'pods', verb: 'list', ...resourceAttributes },
      },
    })
  const status = async (attributes: object) => (await review(attributes)).json.status
  const refusal = 'can only list/watch pods with spec.nodeName field selector'

  test('goes by selectors, as text or in parts', async () => {
    assert.deepEqual(await status({}), { allowed: false, reason: refusal })
    assert.deepEqual(await status({ fieldSelector: { rawSelector: 'spec.nodeName=n1' } }), { allowed: true })
    const requirements = [{ key: 'spec.nodeName', operator: 'In', values: ['n1'] }]
    assert.deepEqual(await status({ fieldSelector: { requirements } }), { allowed: true })
    const others = [{ key: 'spec.nodeName', operator: 'NotIn', values: ['n1'] }]
    assert.deepEqual(await status({ fieldSelector: { requirements: others } }), { allowed: false, reason: refusal })
  })
  test('leaves out what it does not understand, and says so', async () => {
    const known = { key: 'spec.nodeName', operator: 'In', values: ['n1'] }
    const unknown = { key: 'metadata.name', operator: 'Like', values: ['a'] }
    assert.deepEqual(await status({ fieldSelector: { requirements: [known, unknown] } }), {
      allowed: true,
      evaluationError: 'spec.resourceAttributes.fieldSelector partially ignored due to parse error',
    })
    assert.deepEqual(await status({ fieldSelector: { rawSelector: '!!' }, labelSelector: { rawSelector: '((' } }), {
      allowed: false,
      reason: refusal,
      evaluationError:
        'spec.resourceAttributes.fieldSelector ignored due to parse error; spec.resourceAttributes.labelSelector ignored due to parse error',
    })
  })
  for (const [title, attributes, message] of [
    [
      'both at once',
      { fieldSelector: { rawSelector: 'a=b', requirements: [{ key: 'a', operator: 'In', values: ['b'] }] } },
      'spec.resourceAttributes.fieldSelector.rawSelector: Invalid value: "a=b": may not specified at the same time as requirements',
    ],
    [
      'neither',
      { labelSelector: {} },
      'spec.resourceAttributes.labelSelector.requirements: Required value: when spec.resourceAttributes.labelSelector is specified, requirements or rawSelector is required',
    ],
    [
      'values that are missing',
      { labelSelector: { requirements: [{ key: 'a', operator: 'In' }] } },
      "spec.resourceAttributes.labelSelector.requirements[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    ],
    [
      'values where none belong',
      { fieldSelector: { requirements: [{ key: 'a', operator: 'Exists', values: ['b'] }] } },
      "spec.resourceAttributes.fieldSelector.requirements[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
    ],
  ] as const)
    test(`${title}: refused`, async () => {
      const { status, json } = await review(attributes)
      assert.equal(status, 422)
      assert.ok(json.message.includes(message), json.message)
    })
})

test('since when tokens in secrets are tracked is written down at the first start, and stays', async () => {
  const path = '/api/v1/namespaces/kube-system/configmaps/kube-apiserver-legacy-service-account-token-tracking'
  const first = await startCluster({ apiOnly: true })
  after(() => first[Symbol.asyncDispose]())
  const today = (await call(first, 'GET /api/v1/namespaces/default')).json.metadata.creationTimestamp.slice(0, 10)
  const since = async (cluster: typeof first) => (await call(cluster, `GET ${path}`)).json.data.since
  assert.equal(await since(first), today)
  for (const [written, kept] of [
    ['2024-02-29', '2024-02-29'],
    ['yesterday', today],
  ]) {
    await call(first, `PATCH ${path}`, { data: { since: written } })
    await using second = await first.fork()
    assert.equal(await since(second), kept)
  }
})
