import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SelfSubjectReview } from '../kinds/authentication/self-subject-review.ts'
import { TokenReview } from '../kinds/authentication/token-review.ts'
import { SelfSubjectAccessReview } from '../kinds/authorization/self-subject-access-review.ts'
import { Lease } from '../kinds/coordination/lease.ts'
import { ConfigMap } from '../kinds/core/config-map.ts'
import { Endpoints } from '../kinds/core/endpoints.ts'
import { Namespace } from '../kinds/core/namespace.ts'
import { ApiError } from '../schema/status.ts'
import { MemoryStore } from '../store/memory.ts'
import { VirtualWorld } from '../world/virtual.ts'
import { TooBusyError } from './flow-control/too-busy.ts'
import { createHandler, type HandlerParts } from './handler.ts'
import { Registry } from './registry.ts'
import type { ApiRequest, ApiResponse, ClientCertificate, Sink } from './request.ts'
import { openIdDocuments } from './routes/openid.ts'

interface Sent {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly signal?: AbortSignal
  readonly certificate?: ClientCertificate
}

interface Answer {
  readonly status: number
  readonly headers: ApiResponse['headers']
  readonly text: string
  readonly body: Readonly<Record<string, unknown>> & { readonly message?: string }
}

/** A server without a socket: what is sent is handed in, what is answered is read back. */
function serve(parts: Partial<HandlerParts> = {}) {
  const world = new VirtualWorld()
  const kinds = [Namespace, ConfigMap, Endpoints, Lease, SelfSubjectReview, TokenReview, SelfSubjectAccessReview]
  const registry = new Registry({ store: new MemoryStore(world), kinds, world, admission: [] })
  const handler = createHandler({
    clock: world.clock,
    random: world.random,
    log: world.log,
    catalogue: registry,
    subresources: { find: () => undefined },
    authenticators: [
      {
        name: 'test',
        authenticate({ headers }) {
          if (headers.authorization === undefined) return { name: 'admin', groups: ['system:masters'] }
          if (headers.authorization === 'none') return undefined
          throw new ApiError('Unauthorized', 'Unauthorized')
        },
      },
    ],
    anonymous: true,
    authorizer: { authorize: ({ user }) => ({ allowed: user.name === 'admin', reason: '' }) },
    version: 'v1.36.2',
    serverAddress: '10.0.0.1:6443',
    ...parts,
  })
  async function call(line: string, { headers = {}, body, signal, certificate }: Sent = {}): Promise<Answer> {
    const [method = '', url = ''] = line.split(' ')
    const bytes = Buffer.from(body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body))
    const request: ApiRequest = {
      method,
      url,
      headers,
      body: () => Promise.resolve(bytes),
      signal: signal ?? new AbortController().signal,
      remoteAddress: '10.0.0.2',
      ...(certificate && { certificate }),
    }
    const response = await handler(request)
    const text = await read(response, request.signal)
    const type = String(response.headers['content-type'])
    const parsed = type.startsWith('application/json') && !text.includes('}\n{') ? JSON.parse(text || '{}') : {}
    return { status: response.status, headers: response.headers, text, body: parsed }
  }
  return { call, world, handler }
}

async function read({ body }: ApiResponse, signal: AbortSignal): Promise<string> {
  if (typeof body !== 'function') return Buffer.from(body as Uint8Array).toString()
  const chunks: Buffer[] = []
  const sink: Sink = {
    write: (chunk) => void chunks.push(Buffer.from(chunk as Uint8Array)),
    backlog: 0,
    drained: () => Promise.resolve(),
    signal,
  }
  await body(sink)
  return Buffer.concat(chunks).toString()
}

const configMaps = '/api/v1/namespaces/a/configmaps'
const configMap = (name: string, data: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
})
const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }

test('an object is made, read, changed, listed and deleted', async () => {
  const { call } = serve()
  const made = await call(`POST ${configMaps}`, { body: configMap('one', { a: '1' }) })
  assert.deepEqual([made.status, at(made.body, 'metadata', 'name'), made.body['data']], [201, 'one', { a: '1' }])

  const patched = await call(`PATCH ${configMaps}/one`, {
    headers: { 'content-type': 'application/merge-patch+json' },
    body: { data: { b: '2' } },
  })
  assert.deepEqual([patched.status, patched.body['data']], [200, { a: '1', b: '2' }])

  const put = await call(`PUT ${configMaps}/one`, { body: configMap('one', { c: '3' }) })
  assert.deepEqual([put.status, put.body['data']], [200, { c: '3' }])
  assert.deepEqual((await call(`GET ${configMaps}/one`)).body, put.body)

  await call(`POST ${configMaps}`, { body: configMap('two') })
  const list = await call(`GET ${configMaps}`)
  const items = list.body['items'] as { kind?: string; metadata: { name: string } }[]
  assert.deepEqual([list.body['kind'], items.map(({ metadata }) => metadata.name)], ['ConfigMapList', ['one', 'two']])
  assert.equal(items[0]!.kind, undefined, 'items do not say what the list says')

  const gone = await call(`DELETE ${configMaps}/one`)
  assert.deepEqual([gone.status, gone.body['kind'], gone.body['status']], [200, 'Status', 'Success'])
  assert.equal((await call(`GET ${configMaps}/one`)).body.message, 'configmaps "one" not found')
  assert.equal(at(await call(`DELETE ${configMaps}`), 'body', 'items', 'length'), 1)
})

test('a patch is checked like what it makes', async () => {
  const { call } = serve()
  await call(`POST ${configMaps}`, { body: configMap('one', { a: '1' }) })
  const patch = (type: string, body: unknown) =>
    call(`PATCH ${configMaps}/one`, { headers: { 'content-type': `application/${type}` }, body })

  assert.equal((await patch('json-patch+json', [{ op: 'add', path: '/data/b', value: '2' }])).status, 200)
  assert.equal((await patch('strategic-merge-patch+json', { metadata: { labels: { a: 'b' } } })).status, 200)
  const wrong = await patch('merge-patch+json', { data: { a: 1 } })
  assert.equal(wrong.status, 422)
  assert.match(
    wrong.body.message!,
    /^ "" is invalid: patch: Invalid value: "\{.*cannot unmarshal number into Go struct field/,
  )
  const renamed = await patch('merge-patch+json', { metadata: { name: 'other' } })
  assert.equal(renamed.body.message, 'the name of the object (other) does not match the name on the URL (one)')
  const unknown = await patch('merge-patch+json', { bogus: 1 })
  assert.deepEqual(unknown.headers['warning'], ['299 - "unknown field \\"bogus\\""'])
  const other = await patch('x-patch', {})
  assert.equal(other.status, 415)
  assert.match(
    other.body.message!,
    /accepted media types include: application\/json-patch\+json, application\/merge-patch\+json/,
  )
})

test("who asks and may not is told so in the reference's words", async () => {
  const { call } = serve()
  const none = { headers: { authorization: 'none' } }
  const cases: readonly [line: string, message: string][] = [
    [
      'GET /api/v1/configmaps',
      'configmaps is forbidden: User "system:anonymous" cannot list resource "configmaps" in API group "" at the cluster scope',
    ],
    [
      `GET ${configMaps}/x`,
      'configmaps "x" is forbidden: User "system:anonymous" cannot get resource "configmaps" in API group "" in the namespace "a"',
    ],
    [
      'GET /apis/nope/v1/things',
      'things.nope is forbidden: User "system:anonymous" cannot list resource "things" in API group "nope" at the cluster scope',
    ],
    ['GET /metrics', 'forbidden: User "system:anonymous" cannot get path "/metrics"'],
  ]
  for (const [line, message] of cases) {
    const { status, body } = await call(line, none)
    assert.deepEqual([status, body.message], [403, message])
  }
  const bad = await call('GET /api', { headers: { authorization: 'Bearer x' } })
  assert.deepEqual(bad.body, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'Unauthorized',
    reason: 'Unauthorized',
    code: 401,
  })
  assert.equal((await serve({ anonymous: false }).call('GET /api', none)).status, 401)
})

test('paths and methods that there are not', async () => {
  const { call } = serve()
  const cases: Readonly<Record<string, number>> = {
    'GET /api/v1/nope': 404,
    'GET /api/v1/namespaces/a/namespaces': 404,
    'GET /api/v1/configmaps/x': 404,
    'GET /api/v1/namespaces/a/configmaps/x/status': 404,
    'GET /apis/nope/v1/things': 404,
    'PUT /api/v1/configmaps': 405,
    'POST /api/v1/configmaps': 405,
    'POST /api': 405,
    'HEAD /api/v1/namespaces/a/configmaps': 405,
    'OPTIONS /api/v1/namespaces/a/configmaps': 405,
    'GET /apis/authentication.k8s.io/v1/selfsubjectreviews': 405,
    'GET /apis/authentication.k8s.io/v1/selfsubjectreviews/x': 404,
    'GET /nope': 404,
    'GET /apis/nope': 404,
    'GET /apis/coordination.k8s.io/nope': 404,
    'POST /healthz': 200,
    'POST /apis': 200,
    'GET /api/v1/nodes/%zz': 400,
  }
  for (const [line, status] of Object.entries(cases)) assert.equal((await call(line)).status, status, line)
})

test('what the query says wrong is refused', async () => {
  const { call } = serve()
  const cases: readonly [line: string, status: number, message: RegExp][] = [
    [
      `POST ${configMaps}?dryRun=Some`,
      422,
      /^CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: \["Some"\]: supported values: "All"$/,
    ],
    [
      `POST ${configMaps}?fieldValidation=No`,
      422,
      /fieldValidation: Unsupported value: "No": supported values: "", "Ignore", "Strict", "Warn"$/,
    ],
    [
      `POST ${configMaps}?fieldManager=a%00b`,
      422,
      /Invalid value: "a\\x00b": invalid character U\+0000 \(at position 1\)$/,
    ],
    [
      `POST ${configMaps}?timeout=1x`,
      400,
      /^invalid timeout specified in the request URL - time: unknown unit "x" in duration "1x"$/,
    ],
    [`GET ${configMaps}?limit=x`, 400, /^strconv.ParseInt: parsing "x": invalid syntax$/],
    [`GET ${configMaps}?sendInitialEvents=true`, 422, /sendInitialEvents is forbidden for list$/],
    [
      `GET ${configMaps}?watch=1&resourceVersionMatch=NotOlderThan`,
      422,
      /forbidden for watch unless sendInitialEvents is provided$/,
    ],
    [
      `DELETE ${configMaps}/x?propagationPolicy=Never`,
      422,
      /supported values: "Foreground", "Background", "Orphan", "nil"$/,
    ],
  ]
  for (const [line, status, message] of cases) {
    const answer = await call(line, { body: line.startsWith('POST') ? configMap('q') : undefined })
    assert.equal(answer.status, status, line)
    assert.match(answer.body.message!, message)
  }
  assert.equal((await call(`POST ${configMaps}?unknown=1&dryRun=All`, { body: configMap('q') })).status, 201)
  assert.equal((await call(`GET ${configMaps}/q`)).status, 404, 'a dry run leaves nothing behind')
})

test('what the body says wrong is refused, what it says too much is warned of', async () => {
  const { call } = serve()
  const post = (body: unknown, query = '', type = 'application/json') =>
    call(`POST ${configMaps}${query}`, { body, headers: { 'content-type': type } })
  assert.match((await post('{')).body.message!, /^the object provided is unrecognized \(must be of type ConfigMap\): /)
  assert.match(
    (await post({ ...configMap('a'), kind: 'Foo' })).body.message!,
    /no kind "Foo" is registered for version "v1"/,
  )
  assert.match(
    (await post({ kind: 'ConfigMapList', apiVersion: 'v1' })).body.message!,
    /converting \(v1.ConfigMapList\) to \(core.ConfigMap\)/,
  )
  assert.match(
    (await post({ ...configMap('a'), data: { a: 1 } })).body.message!,
    /cannot unmarshal number into Go struct field ConfigMap.data/,
  )
  assert.match(
    (await post({ ...configMap('a'), x: 1 }, '?fieldValidation=Strict')).body.message!,
    /strict decoding error: unknown field "x"$/,
  )
  assert.equal((await post('<a/>', '', 'text/xml')).status, 415)
  const warned = await post({ ...configMap('a'), x: 1 })
  assert.deepEqual([warned.status, warned.headers['warning']], [201, ['299 - "unknown field \\"x\\""']])
  const yaml = await post('metadata: {name: yam}\ndata: {a: "1"}\n', '', 'application/yaml')
  assert.deepEqual([yaml.status, yaml.body['data']], [201, { a: '1' }])
})

test('a deprecated kind warns at every request', async () => {
  const { call } = serve()
  const { headers } = await call('GET /api/v1/endpoints')
  assert.deepEqual(headers['warning'], [
    '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"',
  ])
})

test('a watch tells changes as lines, in the shape that was asked for, until its time is over', async () => {
  const { call, world } = serve()
  await call(`POST ${configMaps}`, { body: configMap('one') })
  const watching = call(`GET ${configMaps}?watch=1&resourceVersion=0&timeoutSeconds=5`)
  const tables = call(`GET ${configMaps}?watch=1&resourceVersion=0&timeoutSeconds=5`, { headers: table })
  await world.advance(1000)
  await call(`POST ${configMaps}`, { body: configMap('two') })
  await call(`DELETE ${configMaps}/one`)
  await world.advance(5000)
  const events = lines(await watching)
  assert.deepEqual(
    events.map(({ type, object }) => [type, object.kind, object.metadata.name]),
    [
      ['ADDED', 'ConfigMap', 'one'],
      ['ADDED', 'ConfigMap', 'two'],
      ['DELETED', 'ConfigMap', 'one'],
    ],
  )
  const rows = lines(await tables)
  assert.deepEqual(
    rows.map(({ object }) => [object.kind, object.columnDefinitions === null, object.rows?.[0]?.cells[0]]),
    [
      ['Table', false, 'one'],
      ['Table', true, 'two'],
      ['Table', true, 'one'],
    ],
  )
})

interface Line {
  readonly type: string
  readonly object: {
    readonly kind: string
    readonly metadata: { readonly name?: string }
    readonly columnDefinitions?: unknown
    readonly rows?: readonly { readonly cells: readonly unknown[] }[]
  }
}

/** Looks deep into an answer. */
function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce((found, key) => (found as Readonly<Record<string | number, unknown>>)[key], value)
}

function lines({ text }: Answer): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
}

test('a watch ends when the client is gone', async () => {
  const { call } = serve()
  const client = new AbortController()
  const watching = call(`GET ${configMaps}?watch=1`, { signal: client.signal })
  client.abort()
  assert.equal((await watching).text, '')
})

test('a client that takes nothing of its watch is cut off', async () => {
  const { call, handler, world } = serve()
  const request: ApiRequest = {
    method: 'GET',
    url: `${configMaps}?watch=1`,
    headers: {},
    body: () => Promise.resolve(Buffer.alloc(0)),
    signal: new AbortController().signal,
    remoteAddress: '',
  }
  const { body } = await handler(request)
  let backlog = 0
  let written = 0
  const writing = (body as (sink: Sink) => Promise<void>)({
    write(chunk) {
      written++
      backlog += chunk.length
    },
    get backlog() {
      return backlog
    },
    drained: () => new Promise(() => {}),
    signal: request.signal,
  })
  // The socket side tells the client of a failure by cutting the answer off, whether it reads or not.
  let isOver = false
  const over = assert.rejects(writing, { message: 'the client does not read what it watches' }).finally(() => {
    isOver = true
  })
  await world.advance(10)
  const post = (i: number) => call(`POST ${configMaps}`, { body: configMap(`c${i}`, { a: 'x'.repeat(700_000) }) })
  for (let i = 0; i < 12; i++) await post(i)
  await world.advance(10)
  assert.equal(isOver, false)
  for (let i = 12; i < 20; i++) await post(i)
  await world.advance(10)
  await over
  // The connection gets no more than it takes.
  assert.equal(written, 1)
})

test('what was there when a watch began may be more than a client may be behind with news', async () => {
  const { call, handler, world } = serve()
  for (let i = 0; i < 20; i++) {
    await call(`POST ${configMaps}`, { body: configMap(`c${i}`, { a: 'x'.repeat(700_000) }) })
  }
  const gone = new AbortController()
  const { body } = await handler({
    method: 'GET',
    url: `${configMaps}?watch=1`,
    headers: {},
    body: () => Promise.resolve(Buffer.alloc(0)),
    signal: gone.signal,
    remoteAddress: '',
  })
  const names: string[] = []
  let free = () => {}
  let backlog = 0
  const writing = (body as (sink: Sink) => Promise<void>)({
    write(chunk) {
      backlog += chunk.length
      names.push((JSON.parse(String(chunk)) as { object: { metadata: { name: string } } }).object.metadata.name)
    },
    get backlog() {
      return backlog
    },
    drained: () =>
      new Promise((resolve) => {
        free = () => {
          backlog = 0
          resolve()
        }
      }),
    signal: gone.signal,
  })
  await world.advance(10)
  await call(`POST ${configMaps}`, { body: configMap('news', { a: 'b' }) })
  for (let i = 0; i < 30; i++) {
    free()
    await world.advance(1)
  }
  assert.deepEqual(names, [...Array.from({ length: 20 }, (_, i) => `c${i}`).sort(), 'news'])
  gone.abort()
  await writing
})

test('a watch that asks for what cannot be had is an answer, not an event', async () => {
  const { call } = serve()
  assert.equal((await call(`GET ${configMaps}?watch=1&labelSelector=a%20b`)).status, 400)
})

test('objects come as tables, as metadata, and as YAML', async () => {
  const { call } = serve()
  await call(`POST ${configMaps}`, { body: configMap('one', { a: '1' }) })
  const rows = await call(`GET ${configMaps}`, { headers: table })
  assert.deepEqual([rows.body['kind'], at(rows.body, 'rows', 0, 'object', 'kind')], ['Table', 'PartialObjectMetadata'])
  const bare = await call(`GET ${configMaps}?includeObject=None`, { headers: table })
  assert.equal(at(bare.body, 'rows', 0, 'object'), null)
  const whole = await call(`GET ${configMaps}/one?includeObject=Object`, { headers: table })
  assert.deepEqual(at(whole.body, 'rows', 0, 'object', 'data'), { a: '1' })

  const partial = { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' }
  const metadata = await call(`GET ${configMaps}/one`, { headers: partial })
  assert.deepEqual(Object.keys(metadata.body), ['kind', 'apiVersion', 'metadata'])
  assert.equal((await call(`GET ${configMaps}`, { headers: partial })).status, 406)

  const yaml = await call(`GET ${configMaps}/one`, { headers: { accept: 'application/yaml' } })
  assert.match(yaml.text, /^apiVersion: v1\ndata:\n {2}a: "1"\nkind: ConfigMap\nmetadata:\n/)
  const pretty = await call(`GET ${configMaps}/one?pretty=true`)
  assert.match(pretty.text, /^\{\n {2}"kind": "ConfigMap",\n/)
})

test('large lists are compressed for those who take it', async () => {
  const { call, handler } = serve()
  for (const name of ['one', 'two', 'three']) {
    await call(`POST ${configMaps}`, { body: configMap(name, { a: 'x'.repeat(500_000) }) })
  }
  const plain = await call(`GET ${configMaps}`)
  assert.equal(at(plain.body, 'items', 'length'), 3)
  const request: ApiRequest = {
    method: 'GET',
    url: configMaps,
    headers: { 'accept-encoding': 'gzip, deflate' },
    body: () => Promise.resolve(Buffer.alloc(0)),
    signal: new AbortController().signal,
    remoteAddress: '',
  }
  const packed = await handler(request)
  assert.equal(packed.headers['content-encoding'], 'gzip')
  const chunks: Buffer[] = []
  await (packed.body as (sink: Sink) => Promise<void>)({
    write: (chunk) => void chunks.push(chunk as Buffer),
    backlog: 0,
    drained: () => Promise.resolve(),
    signal: request.signal,
  })
  const { gunzipSync } = await import('node:zlib')
  assert.equal(gunzipSync(Buffer.concat(chunks)).toString(), plain.text)
})

test('discovery tells what is served, in the old form and in one document', async () => {
  const { call } = serve()
  assert.deepEqual((await call('GET /api')).body, {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '10.0.0.1:6443' }],
  })
  const groups = (await call('GET /apis')).body['groups'] as { name: string }[]
  assert.deepEqual(
    groups.map(({ name }) => name),
    ['coordination.k8s.io', 'authentication.k8s.io', 'authorization.k8s.io'],
  )
  const resources = (await call('GET /api/v1')).body['resources'] as { name: string }[]
  assert.ok(resources.some(({ name }) => name === 'namespaces/finalize'))
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'
  const all = await call('GET /apis', { headers: { accept } })
  assert.equal(all.body['kind'], 'APIGroupDiscoveryList')
  const again = await call('GET /apis', { headers: { accept, 'if-none-match': String(all.headers['etag']) } })
  assert.deepEqual([again.status, again.text], [304, ''])
})

test('health says which part is not well', async () => {
  const sick = () => {
    throw new Error('no leader')
  }
  const { call } = serve({ healthChecks: { etcd: sick } })
  assert.deepEqual([(await call('GET /readyz')).status, (await call('GET /livez')).status], [200, 500])
  assert.match((await call('GET /livez')).text, /\[-\]etcd failed: reason withheld\n[\s\S]*livez check failed\n$/)
  assert.equal((await call('GET /livez?exclude=etcd')).text, 'ok')
  assert.equal((await call('GET /livez/etcd')).text, 'internal server error: no leader\n')
  assert.match(
    (await call('GET /readyz?verbose&exclude=x')).text,
    /cannot be excluded: no matches for "x"\nreadyz check passed\n$/,
  )
})

test('reviews answer who one is and what one may', async () => {
  const { call } = serve()
  const self = await call('POST /apis/authentication.k8s.io/v1/selfsubjectreviews', { body: {} })
  assert.deepEqual(
    [self.status, self.body['status']],
    [201, { userInfo: { username: 'admin', groups: ['system:masters'] } }],
  )
  const path = 'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
  const may = await call(path, { body: { spec: { nonResourceAttributes: { path: '/', verb: 'get' } } } })
  assert.deepEqual(may.body['status'], { allowed: true })
  const both = await call(path, { body: { spec: {} } })
  assert.equal(
    both.body.message,
    '.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
  )
})

test('requests are counted, and unknown ones do not make new series', async () => {
  const { call } = serve()
  await call(`GET ${configMaps}`)
  await call(`GET ${configMaps}/x`)
  for (let i = 0; i < 5; i++) await call(`GET /apis/made-up-${i}/v1/things-${i}`)
  const { text } = await call('GET /metrics')
  assert.match(
    text,
    /apiserver_request_total\{verb="LIST",group="",version="v1",resource="configmaps",.*code="200"\} 1\n/,
  )
  assert.match(
    text,
    /apiserver_request_total\{verb="GET",group="",version="v1",resource="configmaps",.*scope="resource",.*code="404"\} 1\n/,
  )
  assert.match(text, /apiserver_request_total\{verb="OTHER",.*code="404"\} 5\n/)
  assert.doesNotMatch(text, /made-up/)
})

test('alerts hear of requests that are given up, and of clients whose certificates end soon', async () => {
  const world = new VirtualWorld()
  const { call } = serve({
    clock: world.clock,
    flowControl: {
      admit({ url }) {
        if (url.startsWith(configMaps)) throw new TooBusyError(undefined, 1)
        return url.startsWith('/slow') ? new Promise(() => {}) : undefined
      },
    },
  })
  assert.equal((await call(`GET ${configMaps}`)).status, 429)
  const slow = call('GET /slow?timeout=1s')
  await world.advance(2_000)
  assert.equal((await slow).status, 504)
  const certificate = { commonName: 'a', organizations: [], fingerprint: '' }
  await call('GET /api', { certificate: { ...certificate, expiresAt: world.clock.now() + 3 * 3_600_000 } })
  await call('GET /api', { certificate })
  const { text } = await call('GET /metrics')
  assert.match(text, /^apiserver_request_terminations_total\{verb="LIST",.*resource="configmaps",.*code="429"\} 1$/m)
  assert.match(text, /^apiserver_request_terminations_total\{verb="GET",.*code="504"\} 1$/m)
  assert.match(text, /^apiserver_client_certificate_expiration_seconds_bucket\{le="7200"\} 0$/m)
  assert.match(text, /^apiserver_client_certificate_expiration_seconds_bucket\{le="21600"\} 1$/m)
  assert.match(text, /^apiserver_client_certificate_expiration_seconds_count 1$/m)
})

test('what goes wrong inside is told as such and logged', async () => {
  const { call } = serve({
    authorizer: {
      authorize() {
        throw new TypeError('oops')
      },
    },
  })
  const { status, body } = await call('GET /api')
  assert.deepEqual([status, body.message], [500, 'Internal error occurred: oops'])
})

test('a token is reviewed for whom it is meant', async () => {
  const tokenReviewer: NonNullable<HandlerParts['tokenReviewer']> = {
    issuer: 'https://here',
    review: (token, audiences) =>
      token !== 'good'
        ? undefined
        : audiences.includes('https://here')
          ? { user: { name: 'system:serviceaccount:a:b', groups: ['g'] }, audiences: ['https://here'] }
          : { error: 'not for you' },
  }
  const { call } = serve({ tokenReviewer })
  const path = 'POST /apis/authentication.k8s.io/v1/tokenreviews'
  const review = async (spec: object) => (await call(path, { body: { spec } })).body['status']
  assert.deepEqual(await review({ token: 'good' }), {
    authenticated: true,
    user: { username: 'system:serviceaccount:a:b', groups: ['g'] },
    audiences: ['https://here'],
  })
  assert.deepEqual(await review({ token: 'good', audiences: ['there'] }), {
    user: {},
    error: '[invalid bearer token, not for you]',
  })
  assert.deepEqual(await review({ token: 'bad' }), { user: {}, error: 'invalid bearer token' })
  assert.equal(
    (await call(path, { body: { spec: {} } })).body.message,
    'token is required for TokenReview in authentication',
  )
})

test('the keys of service account tokens are told to those who take them', async () => {
  const documents = openIdDocuments(
    { issuer: 'https://here', keySet: () => ({ keys: [{ kty: 'RSA', alg: 'RS256' }] }) },
    '10.0.0.1:6443',
  )
  const { call } = serve({ documents })
  const found = await call('GET /.well-known/openid-configuration')
  assert.equal(found.body['jwks_uri'], 'https://10.0.0.1:6443/openid/v1/jwks')
  const keys = await call('GET /openid/v1/jwks', { headers: { accept: 'application/jwk-set+json' } })
  assert.deepEqual([keys.status, keys.text], [200, '{"keys":[{"kty":"RSA","alg":"RS256"}]}'])
  assert.equal((await call('GET /openid/v1/jwks', { headers: { accept: 'application/json' } })).status, 406)
})
