import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import * as http2 from 'node:http2'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Cache } from '../src/client/cache.ts'
import { clientConformance } from '../src/client/conformance.ts'
import { HttpClient, type HttpClientOptions } from '../src/client/http.ts'
import { fromKubeconfig, KubeconfigError } from '../src/client/kubeconfig.ts'
import { ConfigMap } from '../src/kinds/core/config-map.ts'
import { Namespace } from '../src/kinds/core/namespace.ts'
import { putIntoKubeconfig } from '../src/lifecycle/kubeconfig.ts'
import { createAuthority, issueCertificate } from '../src/lifecycle/pki.ts'
import { clientOf, quietWorld, serve } from './support/served.ts'

clientConformance('over HTTPS', async () => {
  const served = await serve()
  const client = clientOf(served)
  await client.create(Namespace, { metadata: { name: 'n' } })
  return {
    client,
    namespace: 'n',
    compact: () => served.cluster.store.compact(served.cluster.store.revision),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await served[Symbol.asyncDispose]()
    },
  }
})

const createMap = (client: HttpClient, name: string) =>
  client.create(ConfigMap, { metadata: { name, namespace: 'default' } })

test('a cache goes on over a restart of the server, and tells what is new', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'coracle-client-'))
  const stop = new AbortController()
  try {
    const first = await serve({ dataDir })
    const { port } = first
    const client = clientOf(first)
    const cache = new Cache(ConfigMap, { ...quietWorld, client, signal: stop.signal }, { namespace: 'default' })
    const changes: string[] = []
    cache.onChange(({ object, old }) => {
      const what = object === undefined ? 'deleted' : old === undefined ? 'added' : 'updated'
      changes.push(`${what} ${(object ?? old)!.metadata.name}`)
    })
    await cache.synced
    await createMap(client, 'before')
    const going = await createMap(client, 'going')
    await cache.untilRevision(going.metadata.resourceVersion!)
    await first[Symbol.asyncDispose]()
    await assert.rejects(createMap(client, 'lost'), { reason: 'ServiceUnavailable' })

    await using second = await serve({ dataDir, port })
    await second.cluster.client.delete(ConfigMap, { namespace: 'default', name: 'going' })
    // The same client finds the new server by itself.
    const made = await createMap(client, 'after')
    await cache.untilRevision(made.metadata.resourceVersion!)
    assert.deepEqual(
      changes.filter((change) => !change.endsWith('kube-root-ca.crt')),
      ['added before', 'added going', 'deleted going', 'added after'],
    )
    stop.abort()
    await client[Symbol.asyncDispose]()
  } finally {
    stop.abort()
    await rm(dataDir, { recursive: true })
  }
})

test('a server that cannot be reached is unavailable, and the error says where and why', async () => {
  const gone = await serve()
  await gone[Symbol.asyncDispose]()
  await using client = clientOf(gone)
  await assert.rejects(client.list(ConfigMap), {
    reason: 'ServiceUnavailable',
    message: `cannot reach ${gone.url}: connect ECONNREFUSED 127.0.0.1:${gone.port}`,
  })
  const watch = client.watch(ConfigMap, { signal: new AbortController().signal })
  await assert.rejects(watch[Symbol.asyncIterator]().next(), { reason: 'ServiceUnavailable' })
})

test('a server whose certificate somebody else signed is not talked to', async () => {
  await using served = await serve()
  const other = createAuthority('other', quietWorld)
  await using client = clientOf(served, { certificateAuthority: other.certificate })
  await assert.rejects(client.list(ConfigMap), { reason: 'ServiceUnavailable', message: /certificate/ })
  await using careless = clientOf(served, { certificateAuthority: other.certificate, skipServerVerification: true })
  await careless.list(ConfigMap)
})

test('a token says who one is; nobody is refused by name', async () => {
  const tokenFile = 'secret-1,alice,1,"system:masters"\n'
  await using served = await serve({ tokenFile })
  const bare = { clientCertificate: undefined, clientKey: undefined }
  await using alice = clientOf(served, { ...bare, token: 'secret-1' })
  assert.ok((await alice.list(Namespace)).items.length > 0)
  await using wrong = clientOf(served, { ...bare, token: 'secret-2' })
  await assert.rejects(wrong.list(Namespace), { reason: 'Unauthorized', code: 401 })
  await using nobody = clientOf(served, bare)
  await assert.rejects(nobody.list(Namespace), { reason: 'Forbidden', message: /User "system:anonymous" cannot list/ })
  await using bob = clientOf(served)
  await assert.rejects(bob.as({ name: 'bob', groups: ['some', 'others'] }).list(Namespace), {
    message: /User "bob" cannot list/,
  })
  assert.ok((await bob.as({ name: 'bob', groups: ['some', 'system:masters'] }).list(Namespace)).items.length > 0)
})

test('warnings of the server go to the log', async () => {
  await using served = await serve()
  const logged: unknown[] = []
  await using client = clientOf(served, { log: (...entry) => logged.push(entry) })
  const draft = { metadata: { name: 'a', namespace: 'default' }, wrong: 1 }
  await client.create(ConfigMap, draft as never)
  assert.deepEqual(logged, [['warn', 'the server warns', { warning: '299 - "unknown field \\"wrong\\""' }]])
})

test('a closed client says so, and its watches end', async () => {
  await using served = await serve()
  const client = clientOf(served)
  await client.list(ConfigMap)
  const watch = client.watch(ConfigMap, { signal: new AbortController().signal })[Symbol.asyncIterator]()
  const next = assert.rejects(watch.next(), { reason: 'ServiceUnavailable' })
  await client[Symbol.asyncDispose]()
  await next
  await assert.rejects(client.list(ConfigMap), { reason: 'ServiceUnavailable', message: 'the client is closed' })
})

const authority = createAuthority('kubernetes', quietWorld)
const identity = issueCertificate(
  authority,
  { commonName: 'server', hosts: ['127.0.0.1'], usages: ['server'] },
  quietWorld,
)

/** A server that does with requests what a real one does seldom. */
class Misbehaving {
  readonly requests: string[] = []
  readonly headers: http2.IncomingHttpHeaders[] = []
  readonly sockets = new Set<Socket>()
  readonly #server = http2.createSecureServer({ cert: identity.certificate, key: identity.key })

  constructor(answer: (stream: http2.ServerHttp2Stream, count: number) => void) {
    this.#server.on('stream', (stream, headers) => {
      stream.on('error', () => {})
      this.headers.push(headers)
      this.requests.push(`${headers[':method']} ${headers[':path']}`)
      answer(stream, this.requests.length)
    })
    this.#server.on('connection', (socket) => this.sockets.add(socket))
    this.#server.on('session', (session) => session.on('error', () => {}))
    this.#server.on('sessionError', () => {})
  }

  /** Gives its address. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async client(options: Partial<HttpClientOptions> = {}): Promise<HttpClient> {
    const server = await this.listen()
    return new HttpClient({ ...quietWorld, server, certificateAuthority: authority.certificate, ...options })
  }

  [Symbol.dispose](): void {
    this.#server.close()
    for (const socket of this.sockets) socket.destroy()
  }
}

const emptyList = JSON.stringify({ kind: 'ConfigMapList', apiVersion: 'v1', metadata: { resourceVersion: '1' } })

function succeed(stream: http2.ServerHttp2Stream, body = emptyList): void {
  stream.respond({ ':status': 200, 'content-type': 'application/json' })
  stream.end(body)
}

const aMap = { metadata: { name: 'a', namespace: 'n' } }
const created = JSON.stringify({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a', namespace: 'n' } })

test('a write that a leaving server refused is sent again, to the next', async () => {
  using server = new Misbehaving((stream, count) => {
    if (count === 1) return succeed(stream)
    if (count > 2) return succeed(stream, created)
    // What the last request was that it took, it says in the GOAWAY; this one is later.
    stream.session!.goaway(0, stream.id! - 2)
  })
  await using client = await server.client()
  await client.list(ConfigMap)
  assert.equal((await client.create(ConfigMap, aMap)).metadata.name, 'a')
  assert.deepEqual(server.requests.slice(1), Array(2).fill('POST /api/v1/namespaces/n/configmaps'))
  assert.equal(server.sockets.size, 2)
})

test('requests say who sends them, and writes how they are meant', async () => {
  using server = new Misbehaving((stream) => succeed(stream, created))
  await using client = await server.client({ userAgent: 'tester/1.2', token: 't' })
  const path = '/api/v1/namespaces/n/configmaps'
  await client.create(ConfigMap, aMap, { fieldManager: 'me', dryRun: true })
  await client.as({ name: 'bob', groups: ['g', 'h'], userAgent: 'other' }).get(ConfigMap, { namespace: 'n', name: 'a' })
  assert.deepEqual(server.requests, [`POST ${path}?fieldManager=me&dryRun=All`, `GET ${path}/a`])
  const sent = server.headers.map((headers) => [
    headers['user-agent'],
    headers.authorization,
    headers['impersonate-user'],
    headers['impersonate-group'],
  ])
  assert.deepEqual(sent, [
    ['tester/1.2', 'Bearer t', undefined, undefined],
    ['other', 'Bearer t', 'bob', 'g, h'],
  ])
})

test('a write that was lost on its way is not sent again: it may have been done', async () => {
  using server = new Misbehaving((stream, count) => {
    if (count === 1) succeed(stream)
    else stream.session!.destroy()
  })
  await using client = await server.client()
  await client.list(ConfigMap)
  await assert.rejects(client.create(ConfigMap, aMap), { reason: 'ServiceUnavailable' })
  assert.equal(server.requests.length, 2)
})

test('a read that was lost with an old connection is sent again on a new one', async () => {
  using server = new Misbehaving((stream, count) => {
    if (count === 2) stream.session!.destroy()
    else succeed(stream)
  })
  await using client = await server.client()
  await client.list(ConfigMap)
  assert.equal((await client.list(ConfigMap)).resourceVersion, '1')
  assert.equal(server.requests.length, 3)
})

test('what a server refuses again and again is given up', async () => {
  using server = new Misbehaving((stream) => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM))
  await using client = await server.client()
  await assert.rejects(client.create(ConfigMap, aMap), { reason: 'ServiceUnavailable', message: /refused/i })
  assert.equal(server.requests.length, 3)
})

test('an answer that is cut short is an error, not half a list', async () => {
  using server = new Misbehaving((stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/json' })
    stream.write(emptyList, () => stream.destroy(new Error('broken')))
  })
  await using client = await server.client()
  await assert.rejects(client.list(ConfigMap), { reason: 'ServiceUnavailable' })
  const watch = client.watch(ConfigMap, { signal: new AbortController().signal })
  await assert.rejects(watch[Symbol.asyncIterator]().next(), { reason: /ServiceUnavailable|InternalError/ })
})

test('what is no Status is an error all the same', async () => {
  const answers = [
    [
      502,
      '<html>Bad Gateway</html>',
      { reason: '', code: 502, message: 'the server answered 502: <html>Bad Gateway</html>' },
    ],
    [503, '', { reason: 'ServiceUnavailable', code: 503, message: 'the server answered 503: (nothing)' }],
    [200, 'Hello!', { reason: 'InternalError', message: "the server's answer is not JSON: Hello!" }],
    [
      429,
      '{"kind":"Status","status":"Failure","reason":"TooManyRequests","message":"later"}',
      { code: 429, message: 'later' },
    ],
  ] as const
  using server = new Misbehaving((stream, count) => {
    const [status, body] = answers[count - 1]!
    stream.respond({ ':status': status })
    stream.end(body)
  })
  await using client = await server.client()
  for (const [, , expected] of answers) await assert.rejects(client.list(ConfigMap), expected)
})

test('a server that says nothing any more is given up', async () => {
  using server = new Misbehaving((stream) => stream.respond({ ':status': 200 }))
  const port = Number(new URL(await server.listen()).port)
  const line = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    near.pipe(far).pipe(near)
    near.once('close', () => far.destroy())
    cut = () => near.unpipe(far)
  })
  let cut = () => {}
  await new Promise<void>((resolve) => line.listen(0, '127.0.0.1', resolve))
  await using client = new HttpClient({
    ...quietWorld,
    server: `https://127.0.0.1:${(line.address() as AddressInfo).port}`,
    certificateAuthority: authority.certificate,
    patience: { pingMs: 20, pongMs: 20 },
  })
  const watch = client.watch(ConfigMap, { signal: new AbortController().signal })[Symbol.asyncIterator]()
  const next = assert.rejects(watch.next(), { reason: 'ServiceUnavailable' })
  while (server.requests.length === 0) await quietWorld.clock.after(1)
  cut()
  await assert.rejects(client.create(ConfigMap, aMap), { message: /no answer to a ping within 20 ms/ })
  await next
  line.close()
})

test('an answer that does not come is not waited for for ever', async () => {
  using server = new Misbehaving(() => {})
  await using client = await server.client({ patience: { answerMs: 20 } })
  await assert.rejects(client.list(ConfigMap), { message: /no answer within 20 ms/ })
})

const entry = {
  name: 'here',
  server: 'https://10.0.0.1:6443',
  certificateAuthority: authority.certificate,
  clientCertificate: identity.certificate,
  clientKey: identity.key,
}
const config = putIntoKubeconfig(putIntoKubeconfig(undefined, { ...entry, name: 'there' }), entry)

test('a kubeconfig leads to the server of its current context, or of another', () => {
  const { name: _, ...endpoint } = entry
  assert.deepEqual(fromKubeconfig(config), endpoint)
  assert.deepEqual(fromKubeconfig(config, 'there'), endpoint)
  const byToken = `
current-context: c
contexts: [{ name: c, context: { cluster: k, user: u } }]
clusters: [{ name: k, cluster: { server: 'https://k', tls-server-name: n, insecure-skip-tls-verify: true } }]
users: [{ name: u, user: { token: t } }]`
  assert.deepEqual(fromKubeconfig(byToken), {
    server: 'https://k',
    token: 't',
    tlsServerName: 'n',
    skipServerVerification: true,
  })
})

test('a kubeconfig that leads nowhere says why', () => {
  const faults: readonly (readonly [string, string | undefined, string | RegExp])[] = [
    ['', undefined, 'it holds no mapping of clusters, contexts and users'],
    ['- a\n', undefined, 'it holds no mapping of clusters, contexts and users'],
    ['a: [', undefined, /Flow sequence/],
    ['kind: Config', undefined, 'it names no current context'],
    [config, 'nowhere', 'it has no context "nowhere"'],
    [config.replaceAll('cluster: here', 'cluster: gone'), undefined, 'it has no cluster "gone"'],
    [config.replaceAll('user: here', 'user: gone'), undefined, 'it has no user "gone"'],
    [
      config.replace(/client-key-data: .*/g, 'client-key-data: bm8='),
      undefined,
      'client-key-data holds no PEM in base64',
    ],
    [config.replace(/server: .*/g, 'server: ""'), undefined, 'cluster "here" names no server'],
    [
      config.replace(/client-key-data: .*/g, 'client-key: /etc/key'),
      undefined,
      'client-key cannot be used here: put the key into client-key-data',
    ],
    [
      config.replace(/client-key-data: .*/g, 'exec: {}'),
      undefined,
      'exec cannot be used here: use a token or a client certificate',
    ],
  ]
  for (const [text, context, message] of faults) {
    assert.throws(
      () => fromKubeconfig(text, context),
      (error: unknown) => {
        assert.ok(error instanceof KubeconfigError)
        if (typeof message === 'string') assert.equal(error.message, message)
        else assert.match(error.message, message)
        return true
      },
    )
  }
})
