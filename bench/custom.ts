/**
 * How fast custom resources are beside built-in ones, and what many definitions cost. Runs the server in this process.
 * `node bench/custom.ts`
 */

import type { ApiRequest, ApiResponse } from '../src/apiserver/request.ts'
import { startCluster } from '../src/cluster/cluster.ts'

const objects = 10_000
const definitions = 1_000

const schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['image'],
      properties: {
        image: { type: 'string', minLength: 1, pattern: '^[a-z0-9./:-]+$' },
        replicas: { type: 'integer', minimum: 0, default: 1 },
        mode: { type: 'string', enum: ['fast', 'safe'] },
        env: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: {
            type: 'object',
            required: ['name'],
            properties: { name: { type: 'string' }, value: { type: 'string' } },
          },
        },
      },
    },
    status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
}

function definition(group: string) {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `boats.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: 'boats', kind: 'Boat' },
      versions: [
        { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, subresources: { status: {} } },
      ],
    },
  }
}

const boat = (name: string) => ({
  apiVersion: 'sea.example.com/v1',
  kind: 'Boat',
  metadata: { name, labels: { app: 'bench' } },
  spec: { image: 'registry.example/app:1', mode: 'safe', env: [{ name: 'MODE', value: 'bench' }] },
})

const configMap = (name: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels: { app: 'bench' } },
  data: { image: 'registry.example/app:1', mode: 'safe', env: 'MODE=bench' },
})

await using cluster = await startCluster({ apiOnly: true, tokens: new Map() })

const certificate = { commonName: 'admin', organizations: ['system:masters'], fingerprint: '' }

async function call(method: string, url: string, body?: object): Promise<ApiResponse> {
  const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body))
  const request = {
    method,
    url,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: async () => bytes,
    certificate,
    signal: new AbortController().signal,
  } as unknown as ApiRequest
  const response = await cluster.handler(request)
  if (response.status >= 300) throw new Error(`${method} ${url}: ${response.status} ${String(response.body)}`)
  return response
}

const now = () => Number(process.hrtime.bigint()) / 1e6
const megabytes = () => {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 1024 / 1024
}

async function timed(what: string, run: () => Promise<void>): Promise<void> {
  const begun = now()
  await run()
  console.log(`${what.padEnd(44)} ${(now() - begun).toFixed(0).padStart(7)} ms`)
}

async function createAll(url: string, make: (name: string) => object): Promise<void> {
  for (let at = 0; at < objects; at += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, index) => call('POST', url, make(`object-${at + index}`))))
  }
}

async function listAll(url: string): Promise<void> {
  const { body } = await call('GET', url)
  if (typeof body !== 'function') return
  await body({ write: () => {}, backlog: 0, drained: async () => {} } as never)
}

await call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition('sea.example.com'))
await cluster.settle()
const boats = '/apis/sea.example.com/v1/namespaces/default/boats'
const configMaps = '/api/v1/namespaces/default/configmaps'
await timed(`create ${objects} config maps`, () => createAll(configMaps, configMap))
await timed(`create ${objects} custom resources`, () => createAll(boats, boat))
for (const url of [configMaps, boats]) await timed(`list ${objects}: ${url}`, () => listAll(url))
for (const url of [configMaps, boats]) await timed(`list again: ${url}`, () => listAll(url))

const before = megabytes()
await timed(`define ${definitions} custom resources`, async () => {
  for (let at = 0; at < definitions; at++) {
    await call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition(`group-${at}.example.com`))
  }
  for (;;) {
    try {
      await call('GET', `/apis/group-${definitions - 1}.example.com/v1/boats`)
      return
    } catch {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
})
await cluster.settle()
console.log(`${'they take'.padEnd(44)} ${(megabytes() - before).toFixed(0).padStart(7)} MiB`)
await timed('start again with all of them', async () => {
  await using _ = await cluster.fork()
})
await timed('discovery of all', async () => void (await call('GET', '/apis')))
