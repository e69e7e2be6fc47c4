import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as der from '../src/base/der.ts'
import { type Cluster, startCluster } from '../src/cluster/cluster.ts'
import { PersistentVolumeClaim } from '../src/kinds/core/persistent-volume-claim.ts'
import { Pod } from '../src/kinds/core/pod.ts'

/** What a user of the API may and may not do, asked over the whole server. */

interface Asked {
  readonly body?: object
  readonly as?: string
  readonly patch?: boolean
  readonly accept?: string
}

/** `METHOD path`, by an administrator, or by somebody as whom the administrator acts. */
async function call(cluster: Cluster, what: string, { body, as, patch, accept }: Asked = {}) {
  const [method = '', url = ''] = what.split(' ')
  const response = await cluster.handler({
    method,
    url,
    headers: {
      ...(accept !== undefined && { accept }),
      ...(as !== undefined && { 'impersonate-user': as }),
      'content-type': patch ? 'application/merge-patch+json' : 'application/json',
    },
    body: async () => Buffer.from(body === undefined ? '' : JSON.stringify(body)),
    signal: new AbortController().signal,
    certificate: { commonName: 'admin', organizations: ['system:masters'], fingerprint: 'f' },
  } as unknown as Parameters<Cluster['handler']>[0])
  const bytes = Buffer.from(response.body as string | Buffer)
  const isJson = String(response.headers['content-type']).includes('json')
  return {
    status: response.status,
    bytes,
    headers: response.headers,
    json: isJson ? JSON.parse(`${bytes}`) : undefined,
  }
}

const rbac = '/apis/rbac.authorization.k8s.io/v1'

describe('nobody gives away rights that they do not have', async () => {
  const cluster = await startCluster({ apiOnly: true })
  const rules = (verbs: string[], resources: string[], group = '') => [{ verbs, resources, apiGroups: [group] }]
  const own = [
    ...rules(['create', 'update', 'patch', 'get'], ['roles', 'rolebindings'], 'rbac.authorization.k8s.io'),
    ...rules(['get'], ['configmaps']),
  ]
  await call(cluster, `POST ${rbac}/clusterroles`, { body: { metadata: { name: 'keeper' }, rules: own } })
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'keeper' }
  const subjects = [{ kind: 'User', name: 'jane', apiGroup: 'rbac.authorization.k8s.io' }]
  const bindings = `${rbac}/namespaces/default/rolebindings`
  await call(cluster, `POST ${bindings}`, { body: { metadata: { name: 'keeper' }, roleRef, subjects } })
  // Bindings reach the authorizer by its watch.
  await cluster.settle()
  const roles = `${rbac}/namespaces/default/roles`

  test('a role may hold what its writer holds', async () => {
    const body = { metadata: { name: 'fine' }, rules: rules(['get'], ['configmaps']) }
    assert.equal((await call(cluster, `POST ${roles}`, { body, as: 'jane' })).status, 201)
  })

  test('and no more: the answer says what is missing', async () => {
    const body = { metadata: { name: 'more' }, rules: rules(['get', 'list'], ['secrets']) }
    const { status, json } = await call(cluster, `POST ${roles}`, { body, as: 'jane' })
    assert.equal(status, 403)
    assert.equal(
      json.message,
      'roles.rbac.authorization.k8s.io "more" is forbidden: user "jane" (groups=["system:authenticated"]) is attempting ' +
        'to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}',
    )
  })

  test('nor can it be widened later', async () => {
    const body = { rules: rules(['*'], ['*']) }
    assert.equal((await call(cluster, `PATCH ${roles}/fine`, { body, as: 'jane', patch: true })).status, 403)
    const labels = { metadata: { labels: { a: 'b' } } }
    assert.equal((await call(cluster, `PATCH ${roles}/fine`, { body: labels, as: 'jane', patch: true })).status, 200)
  })

  test('a binding gives what its writer holds', async () => {
    const bind = (name: string) => ({ metadata: { name }, roleRef: { ...roleRef, name }, subjects })
    assert.equal((await call(cluster, `POST ${bindings}`, { body: bind('cluster-admin'), as: 'jane' })).status, 403)
    assert.equal((await call(cluster, `POST ${bindings}`, { body: bind('missing'), as: 'jane' })).status, 404)
  })
})

describe('a certificate request', async () => {
  const cluster = await startCluster({ apiOnly: true })
  const requests = '/apis/certificates.k8s.io/v1/certificatesigningrequests'
  const pair = (id: string, text: string) => der.set(der.sequence(der.oid(id), der.utf8(text)))
  const pem = (organization: string) => {
    const subject = der.sequence(pair('2.5.4.10', organization), pair('2.5.4.3', 'jane'))
    const info = der.sequence(der.integer(Buffer.from([0])), subject)
    const text = der.sequence(info).toString('base64')
    return Buffer.from(`-----BEGIN CERTIFICATE REQUEST-----\n${text}\n-----END CERTIFICATE REQUEST-----\n`)
  }
  const body = (name: string, organization: string) => ({
    metadata: { name },
    spec: {
      request: pem(organization).toString('base64'),
      signerName: 'kubernetes.io/kube-apiserver-client',
      usages: ['client auth'],
      username: 'somebody-else',
    },
  })

  test('says who made it, whatever they wrote there', async () => {
    const { json } = await call(cluster, `POST ${requests}`, { body: body('mine', 'team') })
    assert.equal(json.spec.username, 'admin')
    assert.deepEqual(json.spec.groups, ['system:masters', 'system:authenticated'])
  })

  test('may not ask for the group that stands above all rules', async () => {
    const { status, json } = await call(cluster, `POST ${requests}`, { body: body('master', 'system:masters') })
    assert.equal(status, 403)
    assert.match(json.message, /signer with system:masters group is not allowed$/)
  })

  const approval = (name: string) => `PUT ${requests}/${name}/approval`
  const decided = (name: string, ...conditions: object[]) => ({ ...body(name, 'team'), status: { conditions } })
  const condition = (type: string, more: object = {}) => ({ type, status: 'True', reason: 'R', ...more })

  test('is approved or denied, not both, and what was decided stays', async () => {
    await call(cluster, `POST ${requests}`, { body: body('decided', 'team') })
    const refusals = [
      [
        [condition('Approved'), condition('Denied')],
        'Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
      ],
      [[condition('Approved', { status: 'False' })], 'Unsupported value: "False": supported values: "True"'],
      [[condition('Denied'), condition('Denied')], 'Duplicate value: "Denied"'],
      [[{ type: '', status: 'True' }], 'status.conditions[0].type: Required value'],
    ] as const
    for (const [conditions, why] of refusals) {
      const { status, json } = await call(cluster, approval('decided'), { body: decided('decided', ...conditions) })
      assert.equal(status, 422)
      assert.ok(json.message.includes(why), json.message)
    }
    assert.equal(
      (await call(cluster, approval('decided'), { body: decided('decided', condition('Denied')) })).status,
      200,
    )
    const taken = await call(cluster, approval('decided'), { body: decided('decided', condition('Approved')) })
    assert.deepEqual(
      [taken.status, taken.json.details.causes],
      [
        422,
        [
          {
            reason: 'FieldValueForbidden',
            message: 'Forbidden: updates may not remove a condition of type "Denied"',
            field: 'status.conditions',
          },
        ],
      ],
    )
  })

  test('says when it was decided; the path changes nothing else', async () => {
    await call(cluster, `POST ${requests}`, { body: body('when', 'team') })
    const changed = { ...decided('when', condition('Approved')), metadata: { name: 'when', labels: { a: 'b' } } }
    const { json } = await call(cluster, approval('when'), {
      body: { ...changed, spec: { ...changed.spec, usages: ['server auth'] } },
    })
    const [{ lastUpdateTime, lastTransitionTime }] = json.status.conditions
    assert.match(lastUpdateTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    assert.equal(lastTransitionTime, lastUpdateTime)
    assert.deepEqual(json.spec.usages, ['client auth'])
    const since = { lastUpdateTime: '2020-01-01T00:00:00Z', lastTransitionTime: '2020-01-01T00:00:00Z' }
    const again = await call(cluster, approval('when'), { body: decided('when', condition('Approved', since)) })
    assert.equal(again.json.status.conditions[0].lastUpdateTime, since.lastUpdateTime)
    const kept = await call(cluster, approval('when'), { body: decided('when', condition('Approved')) })
    assert.equal(kept.json.status.conditions[0].lastTransitionTime, since.lastTransitionTime)
  })
})

test('what is in use stays until its last user is gone', async () => {
  await using cluster = await startCluster({ nodes: 1 })
  const { client } = cluster
  const namespace = 'default'
  await cluster.settle()
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
  const claim = await client.create(PersistentVolumeClaim, { metadata: { name: 'data', namespace }, spec })
  assert.deepEqual(claim.metadata.finalizers, ['kubernetes.io/pvc-protection'])
  const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }]
  await client.create(Pod, {
    metadata: { name: 'user', namespace },
    spec: { nodeName: 'node-0', containers: [{ name: 'c', image: 'i' }], volumes },
  })
  await client.delete(PersistentVolumeClaim, { namespace, name: 'data' })
  await cluster.settle()
  assert.ok((await client.get(PersistentVolumeClaim, { namespace, name: 'data' })).metadata.deletionTimestamp)
  await client.delete(Pod, { namespace, name: 'user' }, { gracePeriodSeconds: 0 })
  await cluster.settle()
  assert.deepEqual((await client.list(PersistentVolumeClaim, { namespace })).items, [])
})

test('typed clients get protobuf where they ask for it, errors included', async () => {
  await using cluster = await startCluster({ apiOnly: true })
  const accept = 'application/vnd.kubernetes.protobuf,application/json'
  const objects = ['/api/v1/namespaces/default', '/api/v1/namespaces', '/api/v1/namespaces/nowhere']
  for (const path of [...objects, '/api', '/api/v1', '/apis', '/apis/apps/v1']) {
    const { headers, bytes } = await call(cluster, `GET ${path}`, { accept })
    assert.equal(headers['content-type'], 'application/vnd.kubernetes.protobuf', path)
    assert.equal(bytes.subarray(0, 4).toString('latin1'), 'k8s\0', path)
  }
  const version = await call(cluster, 'GET /version', { accept })
  assert.equal(version.headers['content-type'], 'application/json')
})

test('a flow schema says whether the level that it names is there', async () => {
  await using cluster = await startCluster({ apiOnly: true })
  const group = '/apis/flowcontrol.apiserver.k8s.io/v1'
  const dangling = async (name: string) => {
    await cluster.settle()
    const { json } = await call(cluster, `GET ${group}/flowschemas/${name}`)
    return json.status.conditions?.map(({ status, reason }: Record<string, string>) => `${status} ${reason}`)
  }
  assert.deepEqual(await dangling('probes'), ['False Found'])
  const level = {
    metadata: { name: 'slow' },
    spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } },
  }
  const spec = { priorityLevelConfiguration: { name: 'slow' } }
  await call(cluster, `POST ${group}/flowschemas`, { body: { metadata: { name: 'mine' }, spec } })
  await until(async () => (await dangling('mine'))?.[0] === 'True NotFound')
  await call(cluster, `POST ${group}/prioritylevelconfigurations`, { body: level })
  await until(async () => (await dangling('mine'))?.[0] === 'False Found')
})

/** The server follows its own watches, some turns later. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 1000; turn++) if (await holds()) return
  assert.fail('it never came about')
}
