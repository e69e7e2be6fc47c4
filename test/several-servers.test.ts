/** Two API servers on one etcd: nobody must be able to tell which one answered. */
import assert from 'node:assert/strict'
import { after, before, describe, it, test } from 'node:test'
import { publishAuthentication } from '../src/apiserver/aggregation/authentication-config.ts'
import { kubernetesVersion } from '../src/cluster/cluster.ts'
import { type ControlPlane, startControlPlane } from '../src/cluster/control-plane.ts'
import { ConfigMap } from '../src/kinds/core/config-map.ts'
import { createSigningKey } from '../src/lifecycle/pki.ts'
import { EtcdStore } from '../src/store/etcd.ts'
import { MemoryStore } from '../src/store/memory.ts'
import { CompactedError, type Store } from '../src/store/store.ts'
import { realWorld } from '../src/world/real.ts'
import { type Answer, call, someone } from './support/call.ts'
import { type Etcd, etcdMissing, startEtcd } from './support/etcd.ts'
import { until } from './support/hosts.ts'

const world = realWorld(() => {})
const signingKey = createSigningKey().private

const frontProxy = { certificate: '', key: '', authority: 'who signs the front proxy' }

const startServer = (store: Store): Promise<ControlPlane> =>
  startControlPlane({
    world,
    store,
    signingKey,
    version: kubernetesVersion,
    serverAddress: '127.0.0.1:6443',
    isShared: true,
    frontProxy,
  })

describe('two API servers on one etcd', { skip: etcdMissing() ?? false }, () => {
  let etcd: Etcd
  let servers: readonly [ControlPlane, ControlPlane]
  let stores: readonly Store[]

  before(async () => {
    etcd = await startEtcd()
    const open = () => EtcdStore.connect({ ...world, endpoints: [etcd.endpoint], prefix: '/registry/' })
    stores = [await open(), await open()]
    // At the same moment, on an etcd in which nothing is.
    servers = (await Promise.all(stores.map(startServer))) as unknown as typeof servers
  })
  after(async () => {
    for (const server of servers ?? []) await server[Symbol.asyncDispose]()
    for (const store of stores ?? []) await store[Symbol.asyncDispose]()
    await etcd?.[Symbol.asyncDispose]()
  })

  const each = <T>(count: number, work: (server: ControlPlane, at: number) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: count }, (_, at) => work(servers[at % 2]!, at)))
  const oks = (answers: readonly Answer[]) => answers.filter(({ status }) => status < 300)

  it('answer the same, and show each other’s writes at once', async () => {
    const [one, other] = servers
    for (let at = 0; at < 50; at++) {
      const [writer, reader] = at % 2 === 0 ? [one, other] : [other, one]
      const body = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: `c${at}` } }
      const { json: written } = await call(writer, 'POST /api/v1/namespaces/default/configmaps', body)
      const { json: read } = await call(reader, `GET /api/v1/namespaces/default/configmaps/c${at}`)
      assert.deepEqual(read, written)
    }
    const lists = await Promise.all(servers.map((server) => call(server, 'GET /api/v1/namespaces/default/configmaps')))
    assert.deepEqual(lists[0]!.json, lists[1]!.json)
    const roles = await Promise.all(
      servers.map((server) => call(server, 'GET /apis/rbac.authorization.k8s.io/v1/clusterroles')),
    )
    assert.deepEqual(roles[0]!.json, roles[1]!.json)
    assert.ok(roles[0]!.json.items.length > 60)
  })

  it('say how long etcd takes to answer', async () => {
    const [one, other] = servers
    const path = '/api/v1/namespaces/default/secrets'
    await call(one, `POST ${path}`, { kind: 'Secret', apiVersion: 'v1', metadata: { name: 's' } })
    await call(one, `GET ${path}/s`)
    await call(one, `PUT ${path}/s`, { kind: 'Secret', apiVersion: 'v1', metadata: { name: 's' }, data: { a: 'Yg==' } })
    await call(one, `GET ${path}`)
    await call(one, `DELETE ${path}/s`)
    const counts = (server: ControlPlane) => {
      const family = /^etcd_request_duration_seconds_count\{group="",operation="(\w+)",resource="secrets"} (\d+)$/gm
      return [...server.metrics.print().matchAll(family)].map(([, operation]) => operation).sort()
    }
    assert.deepEqual(counts(one), ['create', 'delete', 'get', 'list', 'update'])
    assert.ok(!counts(other).includes('create'), 'what another server asks is its own')
  })

  it('say at the same moment what each says of itself at its start', async () => {
    const map = ['kube-system', 'extension-apiserver-authentication'] as const
    await call(servers[0], `DELETE /api/v1/namespaces/${map[0]}/configmaps/${map[1]}`)
    const resources = servers.map(({ registry }) => registry.resource(ConfigMap))
    await Promise.all(resources.map((configMaps) => publishAuthentication(configMaps, frontProxy, 'who signs clients')))
    for (const configMaps of resources) {
      const { data } = (await configMaps.get(...map, {})).object
      assert.equal(data!['requestheader-client-ca-file'], 'who signs the front proxy')
      assert.equal(data!['client-ca-file'], 'who signs clients')
    }
  })

  it('never give two services the same address or port', async () => {
    const answers = await each(120, (server, at) =>
      call(server, 'POST /api/v1/namespaces/default/services', {
        kind: 'Service',
        apiVersion: 'v1',
        metadata: { name: `s${at}` },
        spec: { type: 'NodePort', ports: [{ port: 80 }] },
      }),
    )
    assert.deepEqual(
      answers.map(({ json, status }) => (status < 300 ? status : json.message)),
      Array(120).fill(201),
    )
    const services = answers.map(({ json }) => json.spec)
    assert.equal(new Set(services.map(({ clusterIP }) => clusterIP)).size, 120)
    assert.equal(new Set(services.map(({ ports }) => ports[0].nodePort)).size, 120)
    // The same of all asked for by many, from where none is given to who asks for any: one gets it.
    for (const [field, spec] of [
      ['address', { clusterIP: '10.96.0.77', ports: [{ port: 80 }] }],
      ['port', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_077 }] }],
    ] as const) {
      const tries = await each(8, (server, at) =>
        call(server, 'POST /api/v1/namespaces/default/services', {
          kind: 'Service',
          apiVersion: 'v1',
          metadata: { name: `${field}${at}` },
          spec,
        }),
      )
      assert.equal(oks(tries).length, 1, field)
      for (const { status, json } of tries) if (status >= 300) assert.match(json.message, /already allocated/)
      // And when it is free again, the other server gives it.
      const [{ json: winner }] = oks(tries) as [Answer]
      await call(servers[0], `DELETE /api/v1/namespaces/default/services/${winner.metadata.name}`)
      const again = { kind: 'Service', apiVersion: 'v1', metadata: { name: `${field}-again` }, spec }
      await until(
        `the ${field} is free`,
        async () => (await call(servers[1], 'POST /api/v1/namespaces/default/services', again)).status === 201,
      )
    }
  })

  it('hold a quota together', async () => {
    const quota = {
      kind: 'ResourceQuota',
      apiVersion: 'v1',
      metadata: { name: 'q' },
      spec: { hard: { secrets: '10' } },
    }
    await call(servers[0], 'POST /api/v1/namespaces', {
      kind: 'Namespace',
      apiVersion: 'v1',
      metadata: { name: 'tight' },
    })
    await call(servers[0], 'POST /api/v1/namespaces/tight/resourcequotas', quota)
    await call(servers[0], 'PATCH /api/v1/namespaces/tight/resourcequotas/q/status', {
      status: { hard: { secrets: '10' }, used: { secrets: '0' } },
    })
    await until('both know', async () => {
      const used = await Promise.all(
        servers.map((server) => call(server, 'GET /api/v1/namespaces/tight/resourcequotas/q')),
      )
      return used.every(({ json }) => json.status?.used?.secrets === '0')
    })
    const answers = await each(30, (server, at) =>
      call(server, 'POST /api/v1/namespaces/tight/secrets', {
        kind: 'Secret',
        apiVersion: 'v1',
        metadata: { name: `s${at}` },
      }),
    )
    assert.ok(oks(answers).length <= 10, `${oks(answers).length} of 10`)
    for (let at = oks(answers).length; at < 10; at++) {
      const body = { kind: 'Secret', apiVersion: 'v1', metadata: { name: `late${at}` } }
      assert.equal((await call(servers[at % 2]!, 'POST /api/v1/namespaces/tight/secrets', body)).status, 201)
    }
    const { status } = await call(servers[1], 'POST /api/v1/namespaces/tight/secrets', {
      kind: 'Secret',
      apiVersion: 'v1',
      metadata: { name: 'last' },
    })
    assert.equal(status, 403)
  })

  it('believe each other’s tokens, grants and definitions', async () => {
    const [one, other] = servers
    await call(one, 'POST /api/v1/namespaces/default/serviceaccounts', {
      kind: 'ServiceAccount',
      apiVersion: 'v1',
      metadata: { name: 'robot' },
    })
    const { json: made } = await call(one, 'POST /api/v1/namespaces/default/serviceaccounts/robot/token', {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      spec: {},
    })
    const review = { kind: 'TokenReview', apiVersion: 'authentication.k8s.io/v1', spec: { token: made.status.token } }
    const { json: reviewed } = await call(other, 'POST /apis/authentication.k8s.io/v1/tokenreviews', review)
    assert.equal(reviewed.status.user?.username, 'system:serviceaccount:default:robot')

    const mary = someone('mary')
    assert.equal((await call(other, 'GET /api/v1/nodes', undefined, mary)).status, 403)
    await call(one, 'POST /apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
      kind: 'ClusterRoleBinding',
      apiVersion: 'rbac.authorization.k8s.io/v1',
      metadata: { name: 'mary' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'mary' }],
    })
    await until('mary may', async () => (await call(other, 'GET /api/v1/nodes', undefined, mary)).status === 200)

    await call(one, 'POST /apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition)
    await until('both serve boats', async () =>
      (await Promise.all(servers.map((server) => call(server, 'GET /apis/example.com/v1/boats')))).every(
        ({ status }) => status === 200,
      ),
    )
    const boat = { kind: 'Boat', apiVersion: 'example.com/v1', metadata: { name: 'b' }, spec: { seats: 2 } }
    assert.equal((await call(other, 'POST /apis/example.com/v1/boats', boat)).status, 201)
    assert.equal((await call(one, 'GET /apis/example.com/v1/boats/b')).json.spec.seats, 2)
  })
})

const definition = {
  kind: 'CustomResourceDefinition',
  apiVersion: 'apiextensions.k8s.io/v1',
  metadata: { name: 'boats.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Cluster',
    names: { plural: 'boats', kind: 'Boat' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', properties: { seats: { type: 'integer' } } } },
          },
        },
      },
    ],
  },
}

test('a server whose store has forgotten what it was to be told finds out what has changed', async () => {
  await using store = new MemoryStore(world)
  await using server = await startServer(store)
  const bind = (name: string) =>
    call(server, 'POST /apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
      kind: 'ClusterRoleBinding',
      apiVersion: 'rbac.authorization.k8s.io/v1',
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name }],
    })
  const may = async (name: string) => (await call(server, 'GET /api/v1/nodes', undefined, someone(name))).status === 200
  await bind('mary')
  await until('mary may', () => may('mary'))
  // As when etcd has compacted what a server that was cut off has not seen.
  store.endWatches(new CompactedError(store.revision))
  await bind('martha')
  await until('martha may', () => may('martha'))
  assert.ok(await may('mary'))
  await call(server, 'DELETE /apis/rbac.authorization.k8s.io/v1/clusterrolebindings/mary')
  await until('mary may no more', async () => !(await may('mary')))
})
