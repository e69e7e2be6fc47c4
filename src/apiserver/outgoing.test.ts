import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Service } from '../kinds/core/service.ts'
import { EndpointSlice } from '../kinds/discovery/endpoint-slice.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import { VirtualWorld } from '../world/virtual.ts'
import type { Network, OutgoingRequest } from '../world/world.ts'
import type { ClusterReader } from './admission.ts'
import { ask, type ClientConfig, OutgoingError, resolveService } from './outgoing.ts'

const { random } = new VirtualWorld(1)

const readerOf = (objects: ReadonlyMap<Kind, readonly ApiObject[]>): ClusterReader =>
  ({
    get: (kind: Kind, _: string, name: string) => objects.get(kind)?.find(({ metadata }) => metadata.name === name),
    list: (kind: Kind) => objects.get(kind) ?? [],
  }) as ClusterReader

const nobody = readerOf(new Map())

/** A network where everybody answers the same. */
function answering(status: number, text = ''): Network & { readonly requests: OutgoingRequest[] } {
  const requests: OutgoingRequest[] = []
  return {
    requests,
    async request(request: OutgoingRequest) {
      requests.push(request)
      return { status, headers: {}, body: (async function* () {})(), text: async () => text, close() {} }
    },
  } as unknown as Network & { readonly requests: OutgoingRequest[] }
}

const question = { body: '{}', timeoutSeconds: 7 }

test('a question goes to the URL as it is, in JSON, and says how long somebody waits', async () => {
  const network = answering(200, 'yes')
  const caBundle = Buffer.from('PEM').toString('base64')
  const client = { url: 'https://hooks.example.com:8443/a/b', caBundle }
  assert.equal(await ask({ network, reader: nobody, random }, client, question), 'yes')
  const [{ url, method, headers, body, timeoutMs, tls, connectTo }] = network.requests as [OutgoingRequest]
  assert.deepEqual(
    { url, method, body, timeoutMs, tls, connectTo },
    {
      url: 'https://hooks.example.com:8443/a/b?timeout=7s',
      method: 'POST',
      body: '{}',
      timeoutMs: 7000,
      tls: { ca: 'PEM' },
      connectTo: undefined,
    },
  )
  assert.equal(headers?.['content-type'], 'application/json')
})

test('an answer that is no success is told in the words of the reference', async () => {
  const cases: readonly [status: number, text: string, told: string][] = [
    [302, '', 'the server responded with the status code 302 but did not return more information'],
    [400, 'x', 'the server rejected our request for an unknown reason'],
    [401, '', 'the server has asked for the client to provide credentials'],
    [403, 'not you', 'not you'],
    [404, '', 'the server could not find the requested resource'],
    [418, '', 'the server responded with the status code 418 but did not return more information'],
    [500, '', 'an error on the server ("unknown") has prevented the request from succeeding'],
    [502, 'bad\n', 'an error on the server ("bad") has prevented the request from succeeding'],
    [503, '', 'the server is currently unable to handle the request'],
  ]
  for (const [status, text, told] of cases) {
    const asking = ask({ network: answering(status, text), reader: nobody, random }, { url: 'https://a' }, question)
    await assert.rejects(asking, (error) => error instanceof OutgoingError && error.message === told)
  }
})

test('nobody is asked without TLS, or without a network', async () => {
  const network = answering(200)
  const refused = async (client: ClientConfig, parts = { network: network as Network | undefined }) => {
    const error = await ask({ ...parts, reader: nobody, random }, client, question).then(
      String,
      (error) => error.message,
    )
    return String(error)
  }
  assert.equal(await refused({ url: 'http://a/b' }), 'Post "http://a/b?timeout=7s": only https is supported')
  assert.equal(
    await refused({ url: 'https://a/b' }, { network: undefined }),
    'Post "https://a/b?timeout=7s": this server has no network',
  )
  assert.equal(
    await refused({ service: { namespace: 'n', name: 'none' } }),
    'Post "https://none.n.svc:443/?timeout=7s": service "none" not found',
  )
  assert.equal(network.requests.length, 0)
})

test('a service is where one of its ready endpoints is', async () => {
  const metadata = (name: string) => ({ name, namespace: 'n' })
  const labels = { 'kubernetes.io/service-name': 'hooks' }
  const services = [
    { metadata: metadata('hooks'), spec: { type: 'ClusterIP', ports: [{ name: 'https', port: 443 }] } },
    { metadata: metadata('away'), spec: { type: 'ExternalName', externalName: 'hooks.example.com' } },
    { metadata: metadata('empty'), spec: { type: 'NodePort', ports: [{ port: 443 }] } },
  ]
  const slices = [
    {
      metadata: { ...metadata('empty-1'), labels: { 'kubernetes.io/service-name': 'empty' } },
      ports: null,
      endpoints: null,
    },
    { metadata: metadata('other'), ports: [{ port: 1 }], endpoints: [{ addresses: ['192.0.2.9'] }] },
    {
      metadata: { ...metadata('hooks-1'), labels },
      ports: [
        { name: 'metrics', port: 9 },
        { name: 'https', port: 8443 },
      ],
      endpoints: [{ addresses: ['192.0.2.1'], conditions: { ready: false } }, { addresses: ['192.0.2.2'] }],
    },
  ]
  const reader = readerOf(
    new Map<Kind, readonly ApiObject[]>([
      [Service, services],
      [EndpointSlice, slices as unknown as readonly ApiObject[]],
    ]),
  )
  const at = (name: string, port?: number) =>
    resolveService(reader, random, { namespace: 'n', name, ...(port && { port }) })
  assert.deepEqual(at('hooks'), { host: '192.0.2.2', port: 8443 })
  assert.deepEqual(at('away', 8443), { host: 'hooks.example.com', port: 8443 })
  assert.throws(() => at('hooks', 80), /^ApiError: no service port 80 found for service "hooks"|no service port 80/)
  assert.throws(() => at('empty'), /no endpoints available for service "empty"/)

  const network = answering(200)
  await ask({ network, reader, random }, { service: { namespace: 'n', name: 'hooks', path: '/p' } }, question)
  const [{ url, connectTo, tls }] = network.requests as [OutgoingRequest]
  assert.deepEqual(
    { url, connectTo, tls },
    {
      url: 'https://hooks.n.svc:443/p?timeout=7s',
      connectTo: { host: '192.0.2.2', port: 8443 },
      tls: { serverName: 'hooks.n.svc' },
    },
  )
})
