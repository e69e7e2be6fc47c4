import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, beforeEach, describe, test } from 'node:test'
import type { ApiRequest, Sink } from '../src/apiserver/request.ts'
import { kubernetesVersion } from '../src/cluster/cluster.ts'
import { type ControlPlane, startControlPlane } from '../src/cluster/control-plane.ts'
import { createSigningKey } from '../src/lifecycle/pki.ts'
import { MemoryStore } from '../src/store/memory.ts'
import { realNetwork } from '../src/world/network.ts'
import { realWorld } from '../src/world/real.ts'
import { type IncomingAnswer, type Network, NetworkError, type OutgoingRequest } from '../src/world/world.ts'
import { ownAddress } from './support/outside.ts'

/** What the paths below `…/proxy` of pods, services and nodes answer. */

const asked: OutgoingRequest[] = []
let answering: (request: OutgoingRequest) => Promise<IncomingAnswer>

const network: Network = {
  request(request) {
    asked.push(request)
    return answering(request)
  },
}

const says = (status: number, text: string, headers: IncomingAnswer['headers'] = {}): IncomingAnswer => ({
  status,
  headers,
  body: (async function* () {
    yield Buffer.from(text)
  })(),
  text: async () => text,
  close() {},
})

async function start(more: object = {}): Promise<ControlPlane> {
  const world = realWorld()
  const plane = await startControlPlane({
    world: { ...world, log: () => {} },
    store: new MemoryStore(world),
    signingKey: createSigningKey().private,
    version: kubernetesVersion,
    serverAddress: '127.0.0.1:6443',
    network,
    nodeCredential: { certificate: 'CERTIFICATE', key: 'KEY' },
    ...more,
  })
  after(() => plane[Symbol.asyncDispose]())
  return plane
}

interface Asking {
  readonly body?: object | string
  readonly headers?: Readonly<Record<string, string>>
  readonly user?: ApiRequest['user']
}

const administrator = { name: 'admin', groups: ['system:masters', 'system:authenticated'] }

/** `METHOD path`. */
async function call(plane: ControlPlane, what: string, { body = '', headers = {}, user = administrator }: Asking = {}) {
  const [method = '', url = ''] = what.split(' ')
  const signal = new AbortController().signal
  const response = await plane.handler({
    method,
    url,
    headers: { host: '127.0.0.1:6443', 'content-type': 'application/json', ...headers },
    body: async () => Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    signal,
    remoteAddress: '192.0.2.7',
    user,
  })
  const chunks: Buffer[] = []
  const sink: Sink = {
    write: (chunk) => void chunks.push(Buffer.from(chunk)),
    backlog: 0,
    drained: async () => {},
    signal,
  }
  if (typeof response.body === 'function') await response.body(sink)
  else chunks.push(Buffer.from(response.body))
  return { status: response.status, headers: response.headers, text: Buffer.concat(chunks).toString() }
}

/** Status and message of an answer that is a `Status`, or its text. */
async function told(plane: ControlPlane, what: string, asking?: Asking): Promise<string> {
  const { status, text } = await call(plane, what, asking)
  return `${status} ${text.startsWith('{') ? (JSON.parse(text) as { message: string }).message : text.trim()}`
}

async function make(plane: ControlPlane, path: string, object: { metadata: { name: string }; status?: object }) {
  const { status, text } = await call(plane, `POST ${path}`, { body: object })
  assert.equal(status, 201, text)
  if (object.status === undefined) return
  const headers = { 'content-type': 'application/merge-patch+json' }
  const patch = { body: { status: object.status }, headers }
  const patched = await call(plane, `PATCH ${path}/${object.metadata.name}/status`, patch)
  assert.equal(patched.status, 200, patched.text)
}

const core = '/api/v1/namespaces/default'

async function makePod(plane: ControlPlane, name: string, ip: string, isProcess: boolean, ports: object[] = []) {
  const containerID = isProcess ? 'process://1' : 'simulated://1'
  const container = { name: 'main', image: 'app', imageID: '', containerID, restartCount: 0, ready: true }
  await make(plane, `${core}/pods`, {
    metadata: { name },
    ...{ spec: { nodeName: 'node-0', containers: [{ name: 'main', image: 'app', ports }] } },
    ...(ip !== '' && { status: { podIP: ip, podIPs: [{ ip }], containerStatuses: [container] } }),
  })
}

interface Behind {
  readonly ip: string
  readonly pod?: string
  readonly ready?: boolean
}

async function makeService(
  plane: ControlPlane,
  name: string,
  ports: object[],
  behind: readonly Behind[],
  slicePorts = ports,
) {
  await make(plane, `${core}/services`, { metadata: { name }, ...{ spec: { ports } } })
  await make(plane, '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    metadata: { name, ...{ labels: { 'kubernetes.io/service-name': name } } },
    ...{
      addressType: 'IPv4',
      ports: slicePorts,
      endpoints: behind.map(({ ip, pod, ready = true }) => ({
        addresses: [ip],
        conditions: { ready },
        ...(pod && { targetRef: { kind: 'Pod', namespace: 'default', name: pod } }),
      })),
    },
  })
}

const plane = await start()
await make(plane, `${core}/serviceaccounts`, { metadata: { name: 'default' } })

const address = (ip: string) => [{ type: 'InternalIP', address: ip }]
for (const [name, containerRuntimeVersion, addresses] of [
  ['node-0', 'simulated://1.0.0', address('10.0.0.1')],
  ['host-0', 'process://1.0.0', address('10.0.0.2')],
  ['host-1', 'process://1.0.0', [{ type: 'Hostname', address: 'host-1' }]],
] as const) {
  const daemonEndpoints = { kubeletEndpoint: { Port: 10_250 } }
  await make(plane, '/api/v1/nodes', {
    metadata: { name },
    status: { addresses, daemonEndpoints, nodeInfo: { containerRuntimeVersion } },
  })
}

await makePod(plane, 'pending', '', false)
await makePod(plane, 'simulated', '10.244.0.2', false, [{ containerPort: 8080 }])
await makePod(plane, 'real', '10.0.0.2', true, [{ containerPort: 8080 }])
await makePod(plane, 'portless', '10.0.0.2', true)
await makePod(plane, 'here', '127.0.0.1', true)

const one = [{ port: 80 }]
const two = [
  { name: 'web', port: 80 },
  { name: 'metrics', port: 9090 },
]
await makeService(plane, 'simulated', one, [{ ip: '10.244.0.2', pod: 'simulated' }])
await makeService(
  plane,
  'real',
  two,
  [{ ip: '10.0.0.2', pod: 'real' }],
  [
    { name: 'web', port: 8080 },
    { name: 'metrics', port: 9090 },
  ],
)
await makeService(plane, 'unready', one, [{ ip: '10.0.0.2', pod: 'real', ready: false }])
await makeService(plane, 'elsewhere', one, [
  { ip: '10.9.9.9' },
  { ip: '10.9.9.9', pod: 'real' },
  { ip: '10.0.0.2', pod: 'nobody' },
])
await makeService(plane, 'mixed', one, [{ ip: '10.9.9.9' }, { ip: '10.0.0.2', pod: 'real' }])
await make(plane, `${core}/services`, { metadata: { name: 'empty' }, ...{ spec: { ports: one } } })

beforeEach(() => {
  asked.length = 0
  answering = async () => says(200, 'hello')
})

describe('what is behind a proxy', () => {
  const onNode0 = 'pod simulated runs on the simulated node node-0: no port of it is open'
  const cases: Readonly<Record<string, string>> = {
    'services/nobody/proxy': '404 services "nobody" not found',
    'services/nobody:80/proxy': '404 services "nobody" not found',
    'services/empty/proxy': '503 no endpoints available for service "empty"',
    'services/unready/proxy/a': '503 no endpoints available for service "unready"',
    'services/elsewhere/proxy': '503 no endpoints available for service "elsewhere"',
    'services/simulated:81/proxy/': '503 no service port 81 found for service "simulated"',
    'services/simulated:web/proxy/': '503 no endpoints available for service "simulated:web"',
    'services/real/proxy/': '503 no endpoints available for service "real"',
    'services/ftp:real:80/proxy': '400 invalid service request "ftp:real:80"',
    'services/http:real:web:1/proxy': '400 invalid service request "http:real:web:1"',
    'services/:80/proxy': '400 invalid service request ":80"',
    'services/simulated/proxy': `501 ${onNode0}`,
    'services/simulated:80/proxy/a/b': `501 ${onNode0}`,
    'services/https:simulated:/proxy/': `501 ${onNode0}`,
    'pods/nobody:80/proxy': '404 pods "nobody" not found',
    'pods/ftp:real:80/proxy': '400 invalid pod request "ftp:real:80"',
    'pods/real:web/proxy': '400 invalid pod request "real:web"',
    'pods/real:65536/proxy': '400 invalid pod request "real:65536"',
    'pods/pending/proxy': '400 address not allowed',
    'pods/here:10250/proxy/': '400 address not allowed',
    'pods/simulated/proxy': `501 ${onNode0}`,
    'pods/simulated:80/proxy/': `501 ${onNode0}`,
    'pods/http:simulated:80/proxy/x': `501 ${onNode0}`,
  }
  for (const [path, expected] of Object.entries(cases)) {
    test(`${path}: ${expected}`, async () => {
      assert.equal(await told(plane, `GET ${core}/${path}`), expected)
      assert.equal(asked.length, 0)
    })
  }

  const nodes: Readonly<Record<string, string>> = {
    'nobody/proxy': '404 nodes "nobody" not found',
    'a:b:c:d/proxy': '400 invalid node request "a:b:c:d"',
    'node-0/proxy/pods': '501 node node-0 is simulated: no port of it is open',
    'https:node-0:10250/proxy/': '501 node node-0 is simulated: no port of it is open',
    'host-1/proxy/': '500 no preferred addresses found; known addresses: [{Hostname host-1}]',
  }
  for (const [path, expected] of Object.entries(nodes)) {
    test(`nodes/${path}: ${expected}`, async () => {
      assert.equal(await told(plane, `GET /api/v1/nodes/${path}`), expected)
    })
  }

  const urls: Readonly<Record<string, string>> = {
    [`${core}/services/real:web/proxy/`]: 'http://10.0.0.2:8080/',
    [`${core}/services/real:9090/proxy/a/b?c=d&path=e`]: 'http://10.0.0.2:9090/a/b?c=d&path=e',
    [`${core}/services/https:real:web/proxy/a/`]: 'https://10.0.0.2:8080/a/',
    [`${core}/services/mixed/proxy/`]: 'http://10.0.0.2/',
    [`${core}/pods/real/proxy/a//b/../c`]: 'http://10.0.0.2:8080/a/c',
    [`${core}/pods/real:9090/proxy/../../x%20y%3Fz`]: 'http://10.0.0.2:9090/x%20y%3Fz',
    [`${core}/pods/portless/proxy/`]: 'http://10.0.0.2/',
    '/api/v1/nodes/host-0/proxy/healthz': 'https://10.0.0.2:10250/healthz',
    '/api/v1/nodes/http:host-0:10250/proxy/healthz': 'https://10.0.0.2:10250/healthz',
    '/api/v1/nodes/host-0:9100/proxy/metrics': 'http://10.0.0.2:9100/metrics',
  }
  for (const [path, url] of Object.entries(urls)) {
    test(`${path} is ${url}`, async () => {
      assert.equal(await told(plane, `GET ${path}`), '200 hello')
      const [request] = asked
      assert.equal(request!.url, url)
      const isKubelet = url.includes(':10250')
      assert.deepEqual(request!.tls, {
        skipServerVerification: true,
        ...(isKubelet && { clientCertificate: 'CERTIFICATE', clientKey: 'KEY' }),
      })
    })
  }
})

describe('a request that is passed on', () => {
  const root = `${core}/services/real:web/proxy`

  for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE']) {
    test(`may be a ${method}`, async () => {
      assert.equal((await call(plane, `${method} ${root}/a`, { body: 'what' })).status, 200)
      const [{ method: sent, body }] = asked as [OutgoingRequest]
      assert.equal(sent, method)
      assert.equal(body?.toString(), method === 'GET' || method === 'HEAD' ? undefined : 'what')
    })
  }

  test('has the headers of the client, but nothing that says who that is', async () => {
    const headers = {
      authorization: 'Bearer secret',
      'x-remote-user': 'somebody',
      'x-forwarded-for': '192.0.2.1',
      'x-own': 'yes',
      connection: 'keep-alive',
    }
    await call(plane, `GET ${root}/a/`, { headers })
    assert.deepEqual(asked[0]!.headers, {
      host: '127.0.0.1:6443',
      'content-type': 'application/json',
      'x-own': 'yes',
      'x-forwarded-for': '192.0.2.1, 192.0.2.7',
      'x-forwarded-uri': `${root}/a/`,
    })
  })

  test('without a path goes to the root, which ends with a slash', async () => {
    const { status, headers } = await call(plane, `GET ${root}?a=b`)
    assert.deepEqual([status, headers['location']], [301, `${root}/?a=b`])
    assert.equal(asked.length, 0)
    await call(plane, `POST ${root}`)
    assert.equal(asked[0]!.url, 'http://10.0.0.2:8080/')
  })

  test('gets the answer as it is, and a way on that leads through the proxy', async () => {
    const ways: Readonly<Record<string, string>> = {
      '/login?to=%2F#top': `${root}/login?to=%2F#top`,
      'http://10.0.0.2:8080/x/': `${root}/x/`,
      'https://127.0.0.1:6443/x': `${root}/x`,
      [`${root}/x`]: `${root}/x`,
      'next?a=b': 'next?a=b',
      'https://elsewhere.example/x': 'https://elsewhere.example/x',
    }
    for (const [location, expected] of Object.entries(ways)) {
      answering = async () => says(302, 'there', { location, 'x-own': 'yes', 'keep-alive': 'timeout=5' })
      const { status, headers, text } = await call(plane, `GET ${root}/a`)
      assert.deepEqual([status, text, headers], [302, 'there', { 'x-own': 'yes', location: expected }])
    }
  })

  test('that nobody answers says so', async () => {
    answering = async () => {
      throw new NetworkError('refused', 'dial tcp 10.0.0.2:8080: connect: connection refused')
    }
    const { status, text } = await call(plane, `GET ${root}/a`)
    const { message, reason } = JSON.parse(text)
    const why = 'error trying to reach service: dial tcp 10.0.0.2:8080: connect: connection refused'
    assert.deepEqual([status, reason, message], [503, 'ServiceUnavailable', why])
  })

  test('may not leave HTTP', async () => {
    const headers = { connection: 'Upgrade', upgrade: 'websocket' }
    assert.match(await told(plane, `GET ${root}/a`, { headers }), /^501 .* leaves HTTP$/)
  })
})

describe('who may', () => {
  test('is asked by the verb of the method, for the sub-resource and the name as it stands there', async () => {
    const user = { name: 'jane', groups: ['system:authenticated'] }
    const verbs = {
      GET: 'get',
      HEAD: 'get',
      POST: 'create',
      PUT: 'update',
      PATCH: 'patch',
      DELETE: 'delete',
      OPTIONS: '',
    }
    for (const [method, verb] of Object.entries(verbs)) {
      assert.equal(
        await told(plane, `${method} ${core}/services/http:real:web/proxy/a`, { user }),
        `403 services "http:real:web" is forbidden: User "jane" cannot ${verb} resource "services/proxy" in API group "" in the namespace "default"`,
      )
    }
    assert.equal(
      await told(plane, 'GET /api/v1/nodes/host-0:9100/proxy/', { user }),
      '403 nodes "host-0:9100" is forbidden: User "jane" cannot get resource "nodes/proxy" in API group "" at the cluster scope',
    )
  })

  test('the paths of old are gone', async () => {
    for (const path of ['namespaces/default/services/real:web/', 'namespaces/default/pods/real', 'nodes/node-0'])
      assert.equal(
        await told(plane, `GET /api/v1/proxy/${path}`),
        '404 the server could not find the requested resource',
      )
  })
})

test('without a way to nodes nobody is asked', async () => {
  const alone = await start({ nodeCredential: undefined })
  await make(alone, `${core}/serviceaccounts`, { metadata: { name: 'default' } })
  await makePod(alone, 'real', '10.0.0.2', true)
  assert.equal(
    await told(alone, `GET ${core}/pods/real/proxy/`),
    '503 error trying to reach service: this server knows no way to nodes',
  )
})

const host = ownAddress()

test('a server is really asked, and its answer comes as it is made', { skip: host === undefined }, async () => {
  answering = (request) => realNetwork.request(request)
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    response.writeHead(201, { 'x-own': 'yes' })
    response.write(`${request.method} ${request.url} `)
    response.end(`${request.headers.host}: ${Buffer.concat(chunks)}`)
  })
  server.listen(0, host)
  await once(server, 'listening')
  try {
    const { port } = server.address() as AddressInfo
    await makePod(plane, 'web', host!, true, [{ containerPort: port }])
    await makeService(plane, 'web', one, [{ ip: host!, pod: 'web' }], [{ port }])
    for (const path of ['services/web', 'pods/web', `pods/http:web:${port}`]) {
      const { status, headers, text } = await call(plane, `PUT ${core}/${path}/proxy/a?b=c`, { body: 'what' })
      assert.deepEqual([status, headers['x-own'], text], [201, 'yes', 'PUT /a?b=c 127.0.0.1:6443: what'])
    }
    const head = await call(plane, `HEAD ${core}/services/web/proxy/`)
    assert.equal(head.status, 201)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
