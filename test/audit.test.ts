import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import type { AuditEvent } from '../src/apiserver/audit/event.ts'
import { LogBackend } from '../src/apiserver/audit/log-backend.ts'
import { WebhookBackend } from '../src/apiserver/audit/webhook-backend.ts'
import { toProtobuf } from '../src/apiserver/protobuf-body.ts'
import type { ServeOptions } from '../src/cluster/serve.ts'
import { ConfigMap } from '../src/kinds/core/config-map.ts'
import { Endpoints } from '../src/kinds/core/endpoints.ts'
import { Pod } from '../src/kinds/core/pod.ts'
import { Secret } from '../src/kinds/core/secret.ts'
import { DeleteOptions } from '../src/kinds/meta/delete-options.ts'
import { createAuthority, issueCertificate } from '../src/lifecycle/pki.ts'
import { VirtualHost } from '../src/world/virtual-host.ts'
import { clientOf, quietWorld, serve } from './support/served.ts'

class Folder implements AsyncDisposable {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  async [Symbol.asyncDispose]() {
    await rm(this.path, { recursive: true })
  }
}

const folder = async () => new Folder(await mkdtemp(join(tmpdir(), 'coracle-audit-')))

/** A server that writes down what the rules say, and what it has written when it is stopped. */
async function audited(rules: string, work: (served: Awaited<ReturnType<typeof serve>>) => Promise<void>) {
  await using home = await folder()
  const policy = join(home.path, 'policy.yaml')
  const log = join(home.path, 'audit.log')
  await writeFile(policy, `apiVersion: audit.k8s.io/v1\nkind: Policy\n${rules}`)
  const accessFlags: ServeOptions['accessFlags'] = { 'audit-policy-file': policy, 'audit-log-path': log }
  const served = await serve({ accessFlags })
  await work(served)
  await served[Symbol.asyncDispose]()
  assert.equal((await stat(log)).mode & 0o777, 0o600)
  const text = await readFile(log, 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditEvent)
}

test('who asked for what, what they sent and what became of it', async () => {
  const rules = `omitStages: [RequestReceived]
rules:
 - {level: None, nonResourceURLs: ["*"]}
 - {level: Metadata, resources: [{group: "", resources: [secrets]}]}
 - {level: RequestResponse, resources: [{group: "", resources: [configmaps]}], omitManagedFields: true}
 - {level: Request}
`
  const namespace = 'default'
  const events = await audited(rules, async (served) => {
    await using client = clientOf(served, { userAgent: 'test/1' })
    await client.create(Secret, { metadata: { name: 'key', namespace }, stringData: { a: 'hush' } })
    await client.create(ConfigMap, { metadata: { name: 'map', namespace }, data: { a: 'b' } })
    await client.list(ConfigMap, { namespace })
    await assert.rejects(client.get(Pod, { namespace, name: 'none' }))
    const jane = client.as({ name: 'jane', groups: ['sailors'] })
    await assert.rejects(jane.list(Secret, { namespace }))
  })
  assert.deepEqual(
    events.map(({ level, verb, stage, objectRef, responseStatus }) =>
      [level, stage, verb, objectRef?.resource, objectRef?.name ?? '-', responseStatus?.code].join(' '),
    ),
    [
      'Metadata ResponseComplete create secrets - 201',
      'RequestResponse ResponseComplete create configmaps map 201',
      'RequestResponse ResponseComplete list configmaps - 200',
      'Request ResponseComplete get pods none 404',
      'Metadata ResponseComplete list secrets - 403',
    ],
  )
  assert.doesNotMatch(JSON.stringify(events), /hush|aHVzaA/)
  const [secret, created, listed, missing, refused] = events as [
    AuditEvent,
    AuditEvent,
    AuditEvent,
    AuditEvent,
    AuditEvent,
  ]
  assert.deepEqual([secret.requestObject, secret.responseObject], [undefined, undefined])
  assert.deepEqual(secret.user, {
    username: 'kubernetes-admin',
    groups: ['system:masters', 'system:authenticated'],
    extra: secret.user.extra,
  })
  assert.deepEqual([secret.userAgent, secret.sourceIPs], ['test/1', ['127.0.0.1']])
  assert.match(secret.requestReceivedTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  assert.equal(secret.annotations?.['authorization.k8s.io/decision'], 'allow')
  assert.deepEqual((created.requestObject as ConfigMap).data, { a: 'b' })
  assert.equal((created.responseObject as ConfigMap).metadata.managedFields, undefined)
  assert.equal((listed.responseObject as { readonly items: readonly unknown[] }).items.length > 0, true)
  assert.deepEqual([missing.responseStatus?.reason, missing.responseObject], ['NotFound', undefined])
  assert.deepEqual(refused.impersonatedUser, { username: 'jane', groups: ['sailors', 'system:authenticated'] })
  assert.equal(refused.annotations?.['authorization.k8s.io/decision'], 'forbid')
  assert.equal(new Set(events.map(({ auditID }) => auditID)).size, events.length)
})

test('a watch has a beginning and an end, and whoever does not say who they are is written down', async () => {
  const events = await audited('rules: [{level: Metadata, verbs: [watch, list]}]\n', async (served) => {
    await using client = clientOf(served)
    const stop = new AbortController()
    for await (const event of client.watch(ConfigMap, { namespace: 'kube-system', signal: stop.signal })) {
      assert.equal(event.type, 'ADDED')
      stop.abort()
    }
    await using stranger = clientOf(served, { clientCertificate: undefined, clientKey: undefined, token: 'wrong' })
    await assert.rejects(stranger.list(ConfigMap), { code: 401 })
  })
  const said = events.map(({ verb, stage, responseStatus }) => [verb, stage, responseStatus?.code ?? '-'].join(' '))
  assert.deepEqual(said.sort(), [
    'list RequestReceived -',
    'list ResponseComplete 401',
    'watch RequestReceived -',
    'watch ResponseComplete 200',
    'watch ResponseStarted 200',
  ])
  assert.deepEqual(events.find(({ verb }) => verb === 'list')?.user, {})
})

const bodiesOf = (...resources: readonly string[]) =>
  `omitStages: [RequestReceived]
rules:
 - {level: RequestResponse, resources: [{group: "", resources: ${JSON.stringify(resources)}}]}
 - {level: None}
`

test('an answer is written down as it was before it was compressed, whether it is there at once or comes in pieces', async () => {
  const names = ['a', 'b', 'c']
  const events = await audited(bodiesOf('configmaps'), async (served) => {
    const url = '/api/v1/namespaces/default/configmaps'
    const headers = { 'accept-encoding': 'gzip' }
    for (const name of names) {
      const map = { metadata: { name }, data: { text: name.repeat(200_000) } }
      await askHandler(served, { method: 'POST', url, headers, body: JSON.stringify(map) })
    }
    const compressed = await askHandler(served, { url: `${url}/a`, headers })
    assert.equal(compressed.headers['content-encoding'], 'gzip')
    assert.equal((JSON.parse(gunzipSync(compressed.body).toString()) as ConfigMap).metadata.name, 'a')
    const list = await askHandler(served, { url: `${url}?limit=3`, headers })
    assert.equal(list.headers['content-encoding'], 'gzip')
    assert.equal((JSON.parse(gunzipSync(list.body).toString()) as { items: readonly object[] }).items.length, 3)
  })
  const [, , , one, many] = events as [AuditEvent, AuditEvent, AuditEvent, AuditEvent, AuditEvent]
  assert.equal((one.responseObject as ConfigMap).data?.['text'], 'a'.repeat(200_000))
  assert.equal((many.responseObject as { readonly items: readonly object[] }).items.length, 3)
})

test('what is sent and answered in protobuf or YAML is written down as the object that it is', async () => {
  const protobuf = 'application/vnd.kubernetes.protobuf'
  const headers = { 'content-type': protobuf, accept: protobuf }
  const map = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'p' }, data: { a: 'b' } }
  const url = '/api/v1/namespaces/default/configmaps'
  const events = await audited(bodiesOf('configmaps', 'serviceaccounts', 'serviceaccounts/token'), async (served) => {
    const body = toProtobuf(map, ConfigMap.schema)
    assert.equal((await askHandler(served, { method: 'POST', url, headers, body })).status, 201)
    await askHandler(served, { url: '/api/v1/namespaces/kube-system/configmaps', headers })
    const options = toProtobuf({ kind: 'DeleteOptions', apiVersion: 'v1', dryRun: ['All'] } as never, DeleteOptions)
    await askHandler(served, { method: 'DELETE', url: `${url}/p`, headers, body: options })
    const partial = { ...headers, accept: `${protobuf};as=PartialObjectMetadata;g=meta.k8s.io;v=v1` }
    await askHandler(served, { url: `${url}/p`, headers: partial })
    await askHandler(served, { url: `${url}/none`, headers })
    const yaml = { 'content-type': 'application/yaml', accept: 'application/yaml' }
    const sent = 'metadata: {name: i}\ndata: {c: d}\n'
    assert.equal((await askHandler(served, { method: 'POST', url, headers: yaml, body: sent })).status, 201)
    await askHandler(served, { method: 'POST', url, headers, body: 'k8s\0 and no message' })
  })
  const told = events.map(
    (event) =>
      ({
        sent: event.requestObject,
        answer: event.responseObject,
        name: event.objectRef?.name,
        reason: event.responseStatus?.reason,
      }) as Told,
  )
  const [created, listed, removed, partial, missing, inYaml, broken] = told as [
    Told,
    Told,
    Told,
    Told,
    Told,
    Told,
    Told,
  ]
  assert.deepEqual([created.sent.data, created.answer.data, created.name], [{ a: 'b' }, { a: 'b' }, 'p'])
  assert.equal(typeof created.answer.metadata.uid, 'string')
  assert.equal(listed.answer.kind, 'ConfigMapList')
  assert.ok(listed.answer.items.some(({ data }) => data !== undefined))
  assert.deepEqual((removed.sent as unknown as DeleteOptions).dryRun, ['All'])
  assert.deepEqual([partial.answer.kind, partial.answer.metadata.name], ['PartialObjectMetadata', 'p'])
  assert.deepEqual([missing.reason, missing.answer.kind], ['NotFound', 'Status'])
  assert.deepEqual([inYaml.sent.data, inYaml.answer.data], [{ c: 'd' }, { c: 'd' }])
  assert.deepEqual([broken.sent, broken.reason], [undefined, 'BadRequest'])
})

interface Told {
  readonly sent: ConfigMap & { readonly items: readonly ConfigMap[] }
  readonly answer: ConfigMap & { readonly items: readonly ConfigMap[] }
  readonly name: string
  readonly reason: string
}

test('a body that is nested without an end is refused, and the event goes without it', async () => {
  const deep = (levels: number) => `{"metadata":{"name":"n","x":${'['.repeat(levels)}${']'.repeat(levels)}}}`
  const events = await audited(bodiesOf('configmaps'), async (served) => {
    const url = '/api/v1/namespaces/default/configmaps?dryRun=All'
    for (const levels of [9_000, 400_000]) {
      const body = deep(levels)
      assert.equal((await askHandler(served, { method: 'POST', url, body })).status, 400)
    }
  })
  assert.deepEqual(
    events.map(({ requestObject, responseStatus }) => [requestObject, responseStatus?.code]),
    [
      [undefined, 400],
      [undefined, 400],
    ],
  )
})

test('what the cluster’s own parts write is written down, as whom they write it', async () => {
  const events = await audited(bodiesOf('configmaps', 'pods/binding'), async ({ cluster }) => {
    const name = { namespace: 'default', name: 'own' }
    const client = cluster.client.as({ name: 'system:serviceaccount:kube-system:boatswain', userAgent: 'boatswain/1' })
    const made = await client.create(ConfigMap, { metadata: name, data: { a: 'b' } })
    await client.update(ConfigMap, { ...made, data: { a: 'c' } })
    await client.delete(ConfigMap, name)
    await assert.rejects(client.delete(ConfigMap, name))
    await assert.rejects(client.createSubresource(Pod, name, 'binding', { target: { name: 'node' } }))
  })
  const own = events.filter(({ userAgent }) => userAgent === 'boatswain/1')
  assert.deepEqual(
    own.map(({ verb, objectRef, responseStatus, requestURI }) =>
      [verb, objectRef?.resource, objectRef?.subresource ?? '-', responseStatus?.code, requestURI].join(' '),
    ),
    [
      'create configmaps - 201 /api/v1/namespaces/default/configmaps',
      'update configmaps - 200 /api/v1/namespaces/default/configmaps/own',
      'delete configmaps - 200 /api/v1/namespaces/default/configmaps/own',
      'delete configmaps - 404 /api/v1/namespaces/default/configmaps/own',
      'create pods binding 400 /api/v1/namespaces/default/pods/own/binding',
    ],
  )
  assert.equal(own[0]?.user.username, 'system:serviceaccount:kube-system:boatswain')
  assert.deepEqual((own[0]!.requestObject as ConfigMap).data, { a: 'b' })
  assert.deepEqual((own[1]!.responseObject as ConfigMap).data, { a: 'c' })
  assert.equal(own[3]?.responseStatus?.reason, 'NotFound')
})

test('a watch is answered at every level, and a long name of a client is cut', async () => {
  const events = await audited('rules: [{level: RequestResponse, verbs: [watch]}]\n', async (served) => {
    await using client = clientOf(served, { userAgent: 'a'.repeat(2000) })
    const stop = new AbortController()
    for await (const _ of client.watch(ConfigMap, { namespace: 'kube-system', signal: stop.signal })) stop.abort()
  })
  assert.deepEqual(
    events.map(({ stage, responseStatus, responseObject }) => [stage, responseStatus?.code, responseObject]),
    [
      ['RequestReceived', undefined, undefined],
      ['ResponseStarted', 200, undefined],
      ['ResponseComplete', 200, undefined],
    ],
  )
  assert.equal(events[0]?.userAgent, `${'a'.repeat(1024)}...TRUNCATED`)
})

/** A request as the administrator, and its whole answer. */
async function askHandler(
  served: Awaited<ReturnType<typeof serve>>,
  { body = '', ...asked }: { method?: string; url: string; headers?: Record<string, string>; body?: string | Buffer },
) {
  const answer = await served.cluster.handler({
    ...metricsRequest,
    ...asked,
    body: () => Promise.resolve(Buffer.from(body as string)),
  })
  if (typeof answer.body !== 'function') return { ...answer, body: Buffer.from(answer.body as string) }
  const chunks: Buffer[] = []
  const { signal } = new AbortController()
  const write = (chunk: Uint8Array | string) => void chunks.push(Buffer.from(chunk as Uint8Array))
  await answer.body({ write, backlog: 0, drained: () => Promise.resolve(), signal })
  return { ...answer, body: Buffer.concat(chunks) }
}

const event = (auditID: string) =>
  ({ kind: 'Event', auditID, requestURI: '/', verb: 'get', user: {} }) as unknown as AuditEvent

describe('the log', () => {
  test('begins a new file when one is full, and keeps as many as it should', async () => {
    const host = new VirtualHost()
    const options = { path: '/var/log/audit.log', format: 'json', bytesMax: 200, backupsMax: 2, ageMaxMs: 0 } as const
    await using backend = new LogBackend({ ...options, ...host, clock: host.clock, log: host.log })
    for (let number = 0; number < 12; number++) {
      backend.write(event(`e-${number}`))
      await host.advance(1000)
    }
    const names = (await host.disk.list('/var/log')).sort()
    assert.equal(names.length, 3)
    const texts = await Promise.all(names.map((name) => host.disk.read(`/var/log/${name}`)))
    const ids = texts
      .join('')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as AuditEvent).auditID)
    assert.equal(ids.includes('e-11') && !ids.includes('e-0'), true)
    assert.ok(texts.every((text) => Buffer.byteLength(text!) <= 200))
  })

  test('a full disk costs events, and nothing else', async () => {
    const host = new VirtualHost()
    const faults: string[] = []
    const log = (_: string, message: string) => void faults.push(message)
    host.disk.capacityBytes = 0
    const options = { path: '/audit.log', format: 'legacy', bytesMax: 1e6, backupsMax: 0, ageMaxMs: 0 } as const
    await using backend = new LogBackend({ ...options, ...host, clock: host.clock, log })
    backend.write(event('lost'))
    await host.advance(0)
    assert.deepEqual(faults, ['audit events were not written'])
    host.disk.capacityBytes = 1e6
    backend.write(event('kept'))
    await host.advance(0)
    assert.match((await host.disk.read('/audit.log'))!, /^\S* AUDIT: id="kept" stage=/)
  })
})

describe('the webhook', () => {
  const settings = { bufferSize: 5, batchMax: 3, waitMaxMs: 30_000, initialBackoffMs: 10_000 }
  const target = { url: 'https://audit.example/events', headers: {}, tls: {} }

  test('gets batches, again when it was down, and what there is no room for is dropped', async () => {
    const host = new VirtualHost()
    const batches: string[][] = []
    const notes: string[] = []
    const log = (_: string, message: string) => void notes.push(message)
    const backend = new WebhookBackend({ ...settings, target, network: host.network, clock: host.clock, log })
    const stop = host.network.serve('https://audit.example', async () => ({ status: 500, body: 'ouch' }))
    for (let number = 0; number < 9; number++) backend.write(event(`e-${number}`))
    await host.advance(9_000)
    stop()
    host.network.serve('https://audit.example', async ({ body }) => {
      const { items } = JSON.parse(String(body)) as { readonly items: readonly AuditEvent[] }
      batches.push(items.map(({ auditID }) => auditID))
      return { status: 200, body: '' }
    })
    await host.advance(60_000)
    // Three were on their way, five waited, and the ninth found no room.
    assert.deepEqual(batches, [
      ['e-0', 'e-1', 'e-2'],
      ['e-3', 'e-4', 'e-5'],
      ['e-6', 'e-7'],
    ])
    assert.deepEqual(notes, ['audit events were dropped'])
  })

  test('dead when the server ends, it is tried once more and not waited for', async () => {
    const host = new VirtualHost()
    const notes: (readonly [string, unknown])[] = []
    const log = (_: string, message: string, details?: object) => void notes.push([message, details])
    const backend = new WebhookBackend({ ...settings, target, network: host.network, clock: host.clock, log })
    let asked = 0
    host.network.serve('https://audit.example', async () => {
      asked++
      return { status: 500, body: 'ouch' }
    })
    for (let number = 0; number < 5; number++) backend.write(event(`e-${number}`))
    await host.advance(1_000)
    assert.equal(asked, 1)
    let ended = false
    void backend[Symbol.asyncDispose]().then(() => {
      ended = true
    })
    await host.advance(0)
    assert.deepEqual([ended, asked], [true, 2])
    assert.deepEqual(notes.at(-1), ['audit events were dropped', { count: 5 }])
  })

  test('silent when the server ends, it is cut off', async () => {
    const host = new VirtualHost()
    const backend = new WebhookBackend({ ...settings, target, network: host.network, clock: host.clock, log: () => {} })
    host.network.serve('https://audit.example', () => new Promise(() => {}))
    backend.write(event('e'))
    let ended = false
    void backend[Symbol.asyncDispose]().then(() => {
      ended = true
    })
    await host.advance(4_900)
    assert.equal(ended, false)
    await host.advance(200)
    assert.equal(ended, true)
  })

  test('is asked over TLS, and everything is delivered before the server ends', async () => {
    await using home = await folder()
    const authority = createAuthority('audit', quietWorld)
    const { certificate, key } = issueCertificate(
      authority,
      { commonName: 'x', hosts: ['127.0.0.1'], usages: ['server'] },
      quietWorld,
    )
    const received: AuditEvent[] = []
    const server = createServer({ cert: certificate, key }, async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      received.push(...(JSON.parse(Buffer.concat(chunks).toString()) as { readonly items: AuditEvent[] }).items)
      response.end()
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const { port } = server.address() as { readonly port: number }
    const kubeconfig = {
      clusters: [
        {
          name: 'a',
          cluster: {
            server: `https://127.0.0.1:${port}/`,
            'certificate-authority-data': Buffer.from(authority.certificate).toString('base64'),
          },
        },
      ],
      contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
      users: [{ name: 'a', user: {} }],
      'current-context': 'a',
    }
    await writeFile(join(home.path, 'webhook'), JSON.stringify(kubeconfig))
    await writeFile(
      join(home.path, 'policy'),
      'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n',
    )
    const served = await serve({
      accessFlags: {
        'audit-policy-file': join(home.path, 'policy'),
        'audit-webhook-config-file': join(home.path, 'webhook'),
      },
    })
    await using client = clientOf(served)
    await client.list(ConfigMap)
    await served[Symbol.asyncDispose]()
    server.closeAllConnections()
    server.close()
    assert.ok(received.some(({ verb, stage }) => verb === 'list' && stage === 'ResponseComplete'))
    assert.deepEqual((await readdir(home.path)).sort(), ['policy', 'webhook'])
  })
})

test('who uses what is deprecated is told by namespace and user agent', async () => {
  await using served = await serve()
  await using client = clientOf(served, { userAgent: 'old-tool/1.2' })
  await client.list(Endpoints, { namespace: 'default' })
  await client.list(Endpoints, { namespace: 'default' })
  const { uses } = (await client.read('/debug/deprecated-uses')) as {
    readonly uses: readonly Record<string, unknown>[]
  }
  const [use] = uses
  assert.deepEqual(
    [uses.length, use?.['resource'], use?.['namespace'], use?.['userAgent'], use?.['count']],
    [1, 'endpoints', 'default', 'old-tool/1.2', 2],
  )
  assert.match(String(use?.['warning']), /^v1 Endpoints is deprecated in v1\.33\+/)
  const { body } = await served.cluster.handler({ ...metricsRequest })
  assert.match(
    String(body),
    /^apiserver_requested_deprecated_apis\{group="",version="v1",resource="endpoints",subresource="",removed_release=""\} 1$/m,
  )
})

const metricsRequest = {
  method: 'GET',
  url: '/metrics',
  headers: {},
  body: () => Promise.resolve(Buffer.alloc(0)),
  signal: new AbortController().signal,
  remoteAddress: '127.0.0.1',
  user: { name: 'admin', groups: ['system:masters'] },
}
