import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import type { ServedCluster } from '../src/cluster/serve.ts'
import { type Answer, type Caller, callerOf, eventually } from './support/caller.ts'
import { type OutsideServer, ownAddress, startOutside } from './support/outside.ts'
import { serve } from './support/served.ts'

const services = '/apis/apiregistration.k8s.io/v1/apiservices'
const fleet = '/apis/fleet.example.com/v1alpha1'
const ships = `${fleet}/namespaces/default/ships`

/** The front proxy's authority, read where an aggregated server reads it. */
async function frontProxyAuthority(call: Caller): Promise<string> {
  const config = await call('GET', '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication')
  return String(config.one('data.requestheader-client-ca-file'))
}

const apiService = (caBundle: string, more: object = {}) => ({
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  metadata: { name: 'v1alpha1.fleet.example.com' },
  spec: {
    group: 'fleet.example.com',
    version: 'v1alpha1',
    groupPriorityMinimum: 2000,
    versionPriority: 15,
    caBundle,
    service: { namespace: 'default', name: 'fleet', port: 8443, ...more },
  },
})

const externalService = (port: number) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'fleet', namespace: 'default' },
  spec: { type: 'ExternalName', externalName: '127.0.0.1', ports: [{ port }] },
})

/** What the condition `Available` says, once it says something for which that holds. */
function availability(call: Caller, isRight: (text: string) => boolean): Promise<string> {
  return eventually(async () => {
    const service = await call('GET', `${services}/v1alpha1.fleet.example.com`)
    const text = `${service.one('status.conditions[0].status')} ${service.one('status.conditions[0].reason')}: ${service.one('status.conditions[0].message')}`
    return isRight(text) ? text : undefined
  })
}

const starts = (prefix: string) => (text: string) => text.startsWith(prefix)

describe('an aggregated API server [MET-08]', () => {
  let served: ServedCluster
  let call: Caller
  let server: OutsideServer

  before(async () => {
    served = await serve()
    call = callerOf(served)
    const clientAuthority = await frontProxyAuthority(call)
    server = await startOutside('aggregated.ts', { hosts: ['fleet.default.svc'], clientAuthority })
    await call('POST', '/api/v1/namespaces/default/services', externalService(server.port))
    await call('POST', services, apiService(server.caBundle, { port: server.port }))
    await availability(call, starts('True Passed: all checks passed'))
  })

  after(async () => {
    await server[Symbol.asyncDispose]()
    await served[Symbol.asyncDispose]()
  })

  it('stands in discovery where its priority says', async () => {
    const groups = await call('GET', '/apis')
    assert.equal(groups.all('groups[*].name').at(-1), 'fleet.example.com')
    assert.equal((await call('GET', '/apis/fleet.example.com')).one('preferredVersion.version'), 'v1alpha1')
    const aggregated = await call('GET', '/apis', undefined, {
      accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
    })
    const item = (aggregated.one('items') as { metadata: { name: string }; versions: object[] }[]).find(
      ({ metadata }) => metadata.name === 'fleet.example.com',
    )
    assert.deepEqual(item?.versions, [
      {
        version: 'v1alpha1',
        resources: [
          {
            resource: 'ships',
            responseKind: { group: 'fleet.example.com', version: 'v1alpha1', kind: 'Ship' },
            scope: 'Namespaced',
            singularResource: 'ship',
            verbs: ['create', 'delete', 'get', 'list', 'watch'],
            shortNames: ['shp'],
            subresources: [
              {
                subresource: 'status',
                responseKind: { group: 'fleet.example.com', version: 'v1alpha1', kind: 'Ship' },
                verbs: ['get'],
              },
            ],
          },
        ],
        freshness: 'Current',
      },
    ])
    assert.equal((await call('GET', fleet)).one('resources[0].name'), 'ships')
  })

  it('hears for whom it is asked, and nobody can say it for himself', async () => {
    const { one } = await call('GET', `${ships}/whoami`, undefined, {
      'x-remote-user': 'system:admin',
      'x-remote-group': 'system:masters',
      'x-remote-extra-reason': 'because',
      'x-custom': 'kept',
      'impersonate-user': 'ahab',
      'impersonate-group': 'whalers',
      'impersonate-extra-scopes': 'sea',
    }).then(async (refused) => {
      assert.equal(refused.status, 403)
      await call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
        metadata: { name: 'whalers' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
        subjects: [{ kind: 'Group', name: 'whalers', apiGroup: 'rbac.authorization.k8s.io' }],
      })
      return eventually(async () => {
        const answer = await call('GET', `${ships}/whoami`, undefined, {
          'x-remote-user': 'system:admin',
          'x-remote-group': 'system:masters',
          'x-remote-extra-reason': 'because',
          'x-custom': 'kept',
          authorization: '',
          'impersonate-user': 'ahab',
          'impersonate-group': 'whalers',
          'impersonate-extra-scopes': 'sea',
        })
        return answer.status === 200 ? answer : undefined
      })
    })
    const headers = one('headers') as Record<string, string>
    assert.equal(headers['x-remote-user'], 'ahab')
    assert.equal(headers['x-remote-group'], 'whalers, system:authenticated')
    assert.equal(headers['x-remote-extra-scopes'], 'sea')
    assert.equal(headers['x-remote-extra-reason'], undefined)
    assert.equal(headers['impersonate-user'], undefined)
    assert.equal(headers['x-custom'], 'kept')
    assert.equal(headers['x-forwarded-for'], '127.0.0.1')
    assert.equal(headers['x-forwarded-uri'], `${ships}/whoami`)
  })

  it('keeps objects of its own, which are written, read, listed, watched and deleted through this server', async () => {
    const created = await call('POST', ships, {
      apiVersion: 'fleet.example.com/v1alpha1',
      kind: 'Ship',
      metadata: { name: 'pequod' },
    })
    assert.equal(created.status, 201)
    assert.equal(created.headers['x-fleet'], 'yes')
    assert.equal((await call('GET', `${ships}/pequod`)).one('metadata.name'), 'pequod')
    assert.deepEqual((await call('GET', ships)).all('items[*].metadata.name'), ['pequod'])
    const missing = await call('GET', `${ships}/nautilus`)
    assert.deepEqual([missing.status, missing.one('message')], [404, 'no such ship'])

    const watch = await call.watch(`${ships}?watch=true`)
    assert.equal((await watch.next()).type, 'ADDED')
    await call('DELETE', `${ships}/pequod`)
    assert.equal((await watch.next()).type, 'DELETED')
    assert.equal(((await server.tell({})) as { watchers: number }).watchers, 1)
    watch.close()
    await eventually(async () => ((await server.tell({})) as { watchers: number }).watchers === 0 || undefined)
  })

  it('is not reached by a path that leads elsewhere', async () => {
    for (const path of [`${fleet}/../../../api/v1/secrets`, `${fleet}/%2e%2e/x/ships`, `${fleet}/ships/..%2f..%2fx`]) {
      const { status, text } = await call('GET', path)
      assert.equal(status, 400, `${path}: ${text}`)
    }
  })

  it('has its OpenAPI documents in those of this server', async () => {
    const index = await eventually(async () => {
      const { text } = await call('GET', '/openapi/v3')
      const { paths } = JSON.parse(text)
      return paths['apis/fleet.example.com/v1alpha1'] as { serverRelativeURL: string } | undefined
    })
    assert.equal(index.serverRelativeURL, '/openapi/v3/apis/fleet.example.com/v1alpha1?hash=ABC')
    const v3 = await call('GET', index.serverRelativeURL)
    assert.ok(v3.text.includes('How many masts it has.'))
    const v2 = JSON.parse((await call('GET', '/openapi/v2')).text)
    assert.equal(v2.definitions['com.example.fleet.v1alpha1.Ship'].description, 'A ship of the fleet.')
    assert.ok(v2.paths[`${fleet}/ships`])
    assert.ok(v2.paths['/api/v1/pods/'] ?? v2.paths['/api/v1/pods'])
    assert.equal(v2.paths['/healthz'], undefined)
  })

  it('that knows version 2 of OpenAPI alone is told of in version 3 too', async () => {
    await server.tell({ isOld: true })
    await touch(call)
    const url = await eventually(async () => {
      const { paths } = JSON.parse((await call('GET', '/openapi/v3')).text)
      const { serverRelativeURL } = paths['apis/fleet.example.com/v1alpha1']
      return serverRelativeURL.endsWith('hash=ABC') ? undefined : (serverRelativeURL as string)
    })
    assert.match(url, /^\/openapi\/v3\/apis\/fleet\.example\.com\/v1alpha1\?hash=[0-9A-F]{128}$/)
    const document = JSON.parse((await call('GET', url)).text)
    assert.equal(document.openapi, '3.0.0')
    assert.equal(document.components.schemas['com.example.fleet.v1alpha1.Ship'].description, 'A ship of the fleet.')
    assert.deepEqual(document.paths[`${fleet}/ships`].get.responses[200].content, {
      'application/json': { schema: { $ref: '#/components/schemas/com.example.fleet.v1alpha1.Ship' } },
    })
    await server.tell({ isOld: false })
  })

  it("that says nonsense of itself spoils nobody else's documents", async () => {
    const paths = {
      [`${fleet}/ships`]: { get: { parameters: 'many', responses: [{ schema: { $ref: '#/definitions/A' } }] } },
    }
    const specs = [[], { paths: [] }, { swagger: 2, paths, definitions: { A: 7 } }, 'deep']
    for (const spec of specs) {
      const before = (await server.tell({ spec, isOld: true })) as { specsRead: number }
      await touch(call)
      await eventually(async () => {
        const { specsRead } = (await server.tell({})) as { specsRead: number }
        return specsRead > before.specsRead || undefined
      })
      for (const accept of ['application/json', 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf']) {
        const { status, text } = await call('GET', '/openapi/v2', undefined, { accept })
        assert.equal(status, 200, text.slice(0, 200))
        assert.ok(text.includes('io.k8s.api.core.v1.Pod'))
      }
      assert.equal((await call('GET', '/openapi/v3')).status, 200)
    }
    await server.tell({ spec: null, isOld: false })
  })

  it('takes over connections that leave HTTP', async () => {
    const socket = await rawConnection(served)
    socket.write(
      `POST ${ships}/echo/speak HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: SPDY/3.1\r\nsec-websocket-protocol: base64url.bearer.authorization.k8s.io.c2VjcmV0, v5.channel.k8s.io\r\ncontent-length: 0\r\n\r\n`,
    )
    let text = ''
    socket.on('data', (chunk) => (text += chunk))
    await eventually(async () => text.includes('\r\n\r\n') || undefined)
    assert.match(text, /^HTTP\/1\.1 101 Switching Protocols\r\n/)
    assert.match(text, /upgrade: SPDY\/3\.1/i)
    assert.match(text, /x-user: kubernetes-admin/)
    assert.match(text, /x-protocols: v5\.channel\.k8s\.io\r\n/, 'without the token')
    socket.write('ahoy')
    await eventually(async () => text.endsWith('AHOY') || undefined)
    socket.destroy()

    const refused = await rawConnection(served)
    refused.write(
      `GET ${ships}/echo/listen HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n`,
    )
    let answer = ''
    refused.on('data', (chunk) => (answer += chunk))
    await once(refused, 'close')
    assert.match(answer, /^HTTP\/1\.1 403 /)
    assert.ok(answer.endsWith('hush!\n'))
  })

  it('that breaks off in the middle of an answer breaks off ours', async () => {
    await assert.rejects(call('GET', `${ships}/cut`))
    assert.equal((await call('GET', ships)).status, 200)
  })

  it('that dies is unavailable, and stale in discovery, until it is back', async () => {
    await server.kill()
    const dead = await call('GET', ships)
    assert.equal(dead.status, 503)
    assert.match(dead.text, /^error trying to reach service: |^service unavailable\n$/)
    await touch(call)
    const said = await availability(call, starts('False'))
    assert.match(
      said,
      /^False FailedDiscoveryCheck: failing or missing response from https:\/\/127\.0\.0\.1:\d+\/apis\/fleet\.example\.com\/v1alpha1: Get "https:\/\/127\.0\.0\.1:\d+\/apis\/fleet\.example\.com\/v1alpha1": dial tcp 127\.0\.0\.1:\d+: connect: connection refused$/,
    )
    const unavailable = await call('GET', ships)
    assert.deepEqual([unavailable.status, unavailable.text], [503, 'service unavailable\n'])
    assert.equal(unavailable.headers['content-type'], 'text/plain; charset=utf-8')
    assert.equal(await freshness(call), 'Stale')
    assert.equal((await call('GET', '/apis/fleet.example.com')).status, 200)
    const name = 'name="v1alpha1.fleet.example.com"'
    const metrics = (await call('GET', '/metrics')).text
    assert.ok(metrics.includes(`\naggregator_unavailable_apiservice{${name}} 1\n`))
    assert.match(
      metrics,
      new RegExp(`aggregator_unavailable_apiservice_total\\{${name},reason="FailedDiscoveryCheck"\\} \\d`),
    )
    await server.restart()
    await availability(call, starts('True'))
    assert.equal((await call('GET', ships)).status, 200)
    assert.equal(await freshness(call), 'Current')
  })

  it('that fails is unavailable, and one that answers nonsense is passed on as it is', async () => {
    await server.tell({ mood: 'broken' })
    await touch(call)
    assert.match(await availability(call, starts('False')), /bad status from https:\S+: 500$/)
    await server.tell({ mood: 'nonsense' })
    await availability(call, starts('True'))
    assert.equal((await call('GET', ships)).text, '<html>welcome</html>')
    // What it said when it was well is still what discovery says.
    assert.equal(await freshness(call), 'Current')
    await server.tell({ mood: 'well' })
  })

  it('that shows another certificate is not believed until the APIService knows it', async () => {
    await server.restart({ newAuthority: true })
    await touch(call)
    assert.match(
      await availability(call, starts('False')),
      /tls: failed to verify certificate: x509: certificate signed by unknown authority$/,
    )
    await call('PATCH', `${services}/v1alpha1.fleet.example.com`, { spec: { caBundle: server.caBundle } }, merge)
    await availability(call, starts('True'))
    assert.equal((await call('GET', ships)).status, 200)
  })

  it('that never answers does not hold up anything else', async () => {
    await server.tell({ mood: 'silent' })
    const given = new AbortController()
    const asked = call('GET', ships, undefined, {}, given.signal)
    assert.equal((await call('GET', '/api/v1/namespaces/default')).status, 200)
    given.abort()
    await assert.rejects(asked)
    await server.tell({ mood: 'well' })
  })

  it('is forgotten with its APIService', async () => {
    await call('DELETE', `${services}/v1alpha1.fleet.example.com`)
    await eventually(async () => (await call('GET', ships)).status === 404 || undefined)
    assert.equal((await call('GET', '/apis/fleet.example.com')).status, 404)
  })
})

const merge = { 'content-type': 'application/merge-patch+json' }

/** A change of the service is a reason to look at once. */
const touch = (call: Caller): Promise<Answer> =>
  call(
    'PATCH',
    '/api/v1/namespaces/default/services/fleet',
    { metadata: { labels: { at: String(Math.random()) } } },
    merge,
  )

async function freshness(call: Caller): Promise<unknown> {
  const aggregated = await call('GET', '/apis', undefined, {
    accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  })
  const items = aggregated.one('items') as { metadata: { name: string }; versions: { freshness: string }[] }[]
  return items.find(({ metadata }) => metadata.name === 'fleet.example.com')?.versions[0]?.freshness
}

async function rawConnection({ admin, port, certificateAuthority }: ServedCluster): Promise<TLSSocket> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    ca: certificateAuthority,
    cert: admin.clientCertificate,
    key: admin.clientKey,
    ALPNProtocols: ['http/1.1'],
  })
  await once(socket, 'secureConnect')
  return socket
}

describe('objects of an aggregated API server', () => {
  let served: ServedCluster
  let call: Caller
  let server: OutsideServer
  const namespaceUrl = '/api/v1/namespaces/harbour'
  const harbour = `${fleet}/namespaces/harbour/ships`
  const owner = (text: string) => {
    const { apiVersion, kind, metadata } = JSON.parse(text)
    return [{ apiVersion, kind, name: metadata.name, uid: metadata.uid }]
  }
  const build = (name: string, ownerReferences: object[] = []) =>
    call('POST', harbour, {
      apiVersion: 'fleet.example.com/v1alpha1',
      kind: 'Ship',
      metadata: { name, ownerReferences },
    })
  const gone = (url: string) => eventually(async () => (await call('GET', url)).status === 404 || undefined)
  /** The message of a condition of the namespace, once it has that reason. */
  const condition = (type: string, reason: string) =>
    eventually(async () => {
      const conditions = (await call('GET', namespaceUrl)).one('status.conditions') as Record<string, string>[]
      const found = conditions?.find((each) => each['type'] === type && each['reason'] === reason)
      return found && `${found['status']}: ${found['message']}`
    })

  before(async () => {
    served = await serve({ apiOnly: false })
    call = callerOf(served)
    const clientAuthority = await frontProxyAuthority(call)
    server = await startOutside('aggregated.ts', { hosts: ['fleet.default.svc'], clientAuthority })
    await call('POST', '/api/v1/namespaces/default/services', externalService(server.port))
    await call('POST', services, apiService(server.caBundle, { port: server.port }))
    await availability(call, starts('True'))
  })

  beforeEach(async () => {
    await call('POST', '/api/v1/namespaces', { metadata: { name: 'harbour' } })
  })

  after(async () => {
    await server[Symbol.asyncDispose]()
    await served[Symbol.asyncDispose]()
  })

  it('go with their namespace, and those of others stay', async () => {
    await build('pequod')
    const other = { apiVersion: 'fleet.example.com/v1alpha1', kind: 'Ship', metadata: { name: 'essex' } }
    await call('POST', ships, other)
    await call('DELETE', namespaceUrl)
    await gone(namespaceUrl)
    assert.equal((await call('GET', `${harbour}/pequod`)).status, 404)
    assert.equal((await call('GET', `${ships}/essex`)).status, 200)
  })

  it('are waited for while their server fails, and so is a server that has died', async () => {
    await build('pequod')
    const stale =
      'True: Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: ' +
      'fleet.example.com/v1alpha1: stale GroupVersion discovery: fleet.example.com/v1alpha1'
    await server.tell({ mood: 'broken' })
    await touch(call)
    await availability(call, starts('False'))
    await call('DELETE', namespaceUrl)
    assert.equal(await condition('NamespaceDeletionDiscoveryFailure', 'DiscoveryFailed'), stale)
    assert.equal((await call('GET', namespaceUrl)).one('status.phase'), 'Terminating')
    await server.tell({ mood: 'well' })
    await touch(call)
    await gone(namespaceUrl)
    assert.equal((await call('GET', `${harbour}/pequod`)).status, 404)

    await call('POST', '/api/v1/namespaces', { metadata: { name: 'harbour' } })
    await server.kill()
    await touch(call)
    await availability(call, starts('False'))
    await call('DELETE', namespaceUrl)
    assert.equal(await condition('NamespaceDeletionDiscoveryFailure', 'DiscoveryFailed'), stale)
    await server.restart()
    await gone(namespaceUrl)
    await availability(call, starts('True'))
  })

  it('that stay when they were deleted keep their namespace, which says so', async () => {
    await server.tell({ mood: 'stubborn' })
    await build('pequod')
    await call('DELETE', namespaceUrl)
    assert.equal(
      await condition('NamespaceDeletionContentFailure', 'ContentDeletionFailed'),
      'True: Failed to delete all resource types, 1 remaining: unexpected items still remain in namespace: harbour ' +
        'for gvr: fleet.example.com/v1alpha1, Resource=ships',
    )
    assert.equal(
      await condition('NamespaceContentRemaining', 'SomeResourcesRemain'),
      'True: Some resources are remaining: ships.fleet.example.com has 1 resource instances',
    )
    await server.tell({ mood: 'well' })
    await touch(call)
    await gone(namespaceUrl)
  })

  it('go when their owner does, and take what they own with them', async () => {
    const maps = `${namespaceUrl}/configmaps`
    const chart = await call('POST', maps, { metadata: { name: 'chart' } })
    await build('pequod', owner(chart.text))
    const ship = await build('essex')
    await call('POST', maps, { metadata: { name: 'log', ownerReferences: owner(ship.text) } })
    await call('POST', maps, { metadata: { name: 'kept' } })
    await call('DELETE', `${maps}/chart`)
    await gone(`${harbour}/pequod`)
    assert.equal((await call('GET', `${harbour}/essex`)).status, 200)
    await call('DELETE', `${harbour}/essex`)
    await gone(`${maps}/log`)
    assert.equal((await call('GET', `${maps}/kept`)).status, 200)
  })

  it('that cannot be asked for lose nobody that they own', async () => {
    const maps = `${namespaceUrl}/configmaps`
    const ship = await build('rachel')
    await server.kill()
    await touch(call)
    await availability(call, starts('False'))
    const nobody = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'nobody', uid: 'no-such-uid' }]
    await call('POST', maps, { metadata: { name: 'log', ownerReferences: owner(ship.text) } })
    await call('POST', maps, { metadata: { name: 'orphan', ownerReferences: nobody } })
    await gone(`${maps}/orphan`)
    assert.equal((await call('GET', `${maps}/log`)).status, 200)
  })
})

describe('an APIService', () => {
  it('is there for every version that this server serves itself', async () => {
    await using served = await serve()
    const call = callerOf(served)
    const list = await call('GET', services)
    const names = list.all('items[*].metadata.name')
    for (const name of ['v1.', 'v1.apps', 'v2.autoscaling', 'v1.storage.k8s.io']) assert.ok(names.includes(name), name)
    assert.ok(!names.includes('v1.apiregistration.k8s.io'))
    assert.deepEqual(new Set(list.all('items[*].status.conditions[0].reason')), new Set(['Local']))
    const gone = await call('DELETE', `${services}/v1.apps`)
    assert.equal(gone.status, 200)
    await eventually(async () => (await call('GET', `${services}/v1.apps`)).status === 200 || undefined)
    assert.equal((await call('GET', '/apis/apps/v1/deployments')).status, 200)
  })

  it('is made for what this process answers without a store, until it names a service', async () => {
    await using served = await serve({ apiOnly: false, nodes: 1 })
    const call = callerOf(served)
    const service = `${services}/v1beta1.metrics.k8s.io`
    const local = await call('GET', service)
    assert.equal(local.one('status.conditions[0].reason'), 'Local')
    assert.equal((await call('GET', '/apis/metrics.k8s.io/v1beta1')).one('groupVersion'), 'metrics.k8s.io/v1beta1')
    const nodes = '/apis/metrics.k8s.io/v1beta1/nodes'
    assert.equal((await call('GET', nodes)).status, 200)

    await call('PATCH', service, { spec: { service: { namespace: 'default', name: 'other-metrics' } } }, merge)
    await eventually(async () => (await call('GET', nodes)).text === 'service unavailable\n' || undefined)
    await eventually(
      async () => (await call('GET', service)).one('status.conditions[0].reason') === 'ServiceNotFound' || undefined,
    )
    await call('DELETE', service)
    await eventually(async () => (await call('GET', nodes)).status === 200 || undefined)
  })

  it('is asked for with the same certificate after a restart', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'coracle-front-proxy-'))
    try {
      const authorities: string[] = []
      for (let start = 0; start < 2; start++) {
        await using served = await serve({ dataDir })
        authorities.push(await frontProxyAuthority(callerOf(served)))
      }
      assert.match(authorities[0]!, /^-----BEGIN CERTIFICATE-----/)
      assert.equal(authorities[0], authorities[1])
      assert.equal((await stat(join(dataDir, 'pki/front-proxy-client.key'))).mode & 0o777, 0o600)
    } finally {
      await rm(dataDir, { recursive: true })
    }
  })

  it('tells what is missing of its service, one thing after the other', async () => {
    await using served = await serve()
    const call = callerOf(served)
    const address = ownAddress()
    await using server = await startOutside('aggregated.ts', {
      hosts: ['fleet.default.svc'],
      host: address ?? '127.0.0.1',
      clientAuthority: await frontProxyAuthority(call),
    })
    await call('POST', services, apiService(server.caBundle))
    assert.equal(
      await availability(call, starts('False')),
      'False ServiceNotFound: service/fleet in "default" is not present',
    )
    const service = { ...externalService(0), spec: { ports: [{ name: 'https', port: 443 }] } }
    await call('POST', '/api/v1/namespaces/default/services', service)
    const next = (reason: string) => availability(call, starts(`False ${reason}`))
    assert.equal(
      await next('ServicePortError'),
      'False ServicePortError: service/fleet in "default" is not listening on port 8443',
    )
    const ports = { spec: { ports: [{ name: 'https', port: 8443 }] } }
    await call('PATCH', '/api/v1/namespaces/default/services/fleet', ports, merge)
    assert.equal(
      await next('EndpointsNotFound'),
      'False EndpointsNotFound: cannot find endpointslices for service/fleet in "default"',
    )
    const slice = {
      metadata: { name: 'fleet', labels: { 'kubernetes.io/service-name': 'fleet' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [address ?? '10.0.0.1'], conditions: { ready: false } }],
      ports: [{ name: 'https', port: server.port }],
    }
    const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'
    await call('POST', slices, slice)
    assert.equal(
      await next('MissingEndpoints'),
      'False MissingEndpoints: endpointslices for service/fleet in "default" have no addresses with port name "https"',
    )
    if (address === undefined) return
    const endpoints = [{ addresses: [address], conditions: { ready: true } }]
    await call('PATCH', `${slices}/fleet`, { endpoints }, merge)
    await availability(call, starts('True Passed'))
    assert.equal((await call('GET', ships)).status, 200)
  })
})
