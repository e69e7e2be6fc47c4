import { setTimeout as sleep } from 'node:timers/promises'
import { type Api, inFlight, width } from './api.ts'
import type { Benchmark, Figures } from './benchmark.ts'
import { deployment, pod } from './objects.ts'
import { type ServedProcess, serve } from './process.ts'
import { measured, untilServiceAccount } from './requests.ts'

const objects = 5_000
const listed = 10_000
const definitions = 1_000
const watchers = 100
const changes = 2_000
const watchedPods = 100
const protobuf = 'application/vnd.kubernetes.protobuf'
const applyPatch = 'application/apply-patch+yaml'
const mergePatch = 'application/merge-patch+json'
const pods = '/api/v1/namespaces/default/pods'

/** What goes by the schema of a type: server-side apply, custom resources and their rules, protobuf. */
export const schemas: Benchmark = {
  name: 'schemas',
  rounds: 3,
  rows: [
    { id: 'apply', what: 'Deployments made by server-side apply, 32 in flight, on disk', unit: '/s' },
    { id: 'reapply', what: 'The same applied again with another image', unit: '/s' },
    { id: 'custom', what: 'Custom resources created, 32 in flight, on disk', unit: '/s' },
    { id: 'ruled', what: 'The same of a type with three rules in CEL', unit: '/s' },
    { id: 'applyCost', what: "Server's processor time for an apply", unit: 'µs' },
    { id: 'reapplyCost', what: "Server's processor time for one with another image", unit: 'µs' },
    { id: 'sameCost', what: "Server's processor time for one that changes nothing", unit: 'µs' },
    { id: 'configMapCost', what: "Server's processor time for a config map created", unit: 'µs' },
    { id: 'customCost', what: "Server's processor time for a custom resource", unit: 'µs' },
    { id: 'ruledCost', what: "Server's processor time for one with rules", unit: 'µs' },
    { id: 'configMapList', what: `LIST of ${listed.toLocaleString('en')} config maps, whole body read`, unit: 'ms' },
    { id: 'customList', what: `LIST of ${listed.toLocaleString('en')} custom resources, whole body read`, unit: 'ms' },
    { id: 'list', what: `LIST of ${listed.toLocaleString('en')} pods in protobuf, whole body read`, unit: 'ms' },
    { id: 'listSize', what: 'Size of that body', unit: 'MiB' },
    { id: 'events', what: `Events of pods delivered to ${watchers} watchers in protobuf`, unit: '/s' },
    { id: 'definitions', what: '1,000 definitions of custom types, until all are served', unit: 'ms', aim: 2000 },
    { id: 'definitionsMemory', what: 'Memory (RSS) that they take', unit: 'MiB', aim: 200 },
  ],

  async run(bundle) {
    await using cluster = await serve(bundle, { nodes: 3 })
    await untilServiceAccount(cluster.api)
    return {
      ...(await applies(cluster)),
      ...(await configMaps(cluster)),
      ...(await customResources(cluster)),
      ...(await inProtobuf(cluster)),
      ...(await watched(bundle)),
      ...(await manyDefinitions(bundle)),
    }
  },
}

/** Of no replicas, so that nobody but the client has work with them. */
async function applies(cluster: ServedProcess): Promise<Figures> {
  const { api } = cluster
  const discard = true
  const path = (at: number) => `/apis/apps/v1/namespaces/default/deployments/d-${at}?fieldManager=bench`
  const applied = (at: number, image?: string) => {
    const body = deployment(`d-${at}`, 0) as Deployment
    if (image !== undefined) body.spec.template.spec = { containers: [{ name: 'main', image }] }
    return api.must('PATCH', path(at), { body, contentType: applyPatch, discard })
  }
  const first = await measured(cluster, 'apply', objects, (at) => applied(at))
  const again = await measured(cluster, 'reapply', objects, (at) => applied(at, 'registry.example/app:2'))
  const same = await measured(cluster, 'same', objects, (at) => applied(at, 'registry.example/app:2'))
  return { ...first, ...again, ...same }
}

interface Deployment {
  readonly spec: { readonly template: { spec: object } }
}

/** What a built-in kind of the size of the custom ones below costs. */
async function configMaps(cluster: ServedProcess): Promise<Figures> {
  const { api } = cluster
  const path = '/api/v1/namespaces/default/configmaps'
  const configMap = (at: number) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `config-${at}`, labels: { app: 'bench' } },
    data: { image: 'registry.example/app:1', replicas: '3', mode: 'safe', env: 'MODE=bench' },
  })
  const made = await measured(cluster, 'configMap', listed, (at) =>
    api.must('POST', path, { body: configMap(at), discard: true }),
  )
  const { totalMs } = await api.must('GET', path, { discard: true })
  return { ...made, configMapList: totalMs }
}

async function customResources(cluster: ServedProcess): Promise<Figures> {
  const { api } = cluster
  await define(api, 'plain.example.com', [])
  await define(api, 'ruled.example.com', [
    { rule: 'self.replicas <= 10' },
    { rule: "self.mode != 'safe' || self.replicas > 0", message: 'safe ones run' },
    { rule: 'self.env.all(e, e.name.size() < 64)' },
  ])
  const made = (group: string) => (at: number) =>
    api.must('POST', boats(group), { body: boat(group, `boat-${at}`), discard: true })
  const plain = await measured(cluster, 'custom', listed, made('plain.example.com'))
  const ruled = await measured(cluster, 'ruled', objects, made('ruled.example.com'))
  const { totalMs } = await api.must('GET', boats('plain.example.com'), { discard: true })
  return { ...plain, ...ruled, customList: totalMs }
}

const boats = (group: string) => `/apis/${group}/v1/namespaces/default/boats`

const boat = (group: string, name: string) => ({
  apiVersion: `${group}/v1`,
  kind: 'Boat',
  metadata: { name, labels: { app: 'bench' } },
  spec: { image: 'registry.example/app:1', replicas: 3, mode: 'safe', env: [{ name: 'MODE', value: 'bench' }] },
})

/** Resolves when the type is served. */
async function define(api: Api, group: string, rules: readonly object[]): Promise<void> {
  await api.must('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: definition(group, rules) })
  while ((await api.request('GET', boats(group), { discard: true })).status !== 200) await sleep(1)
}

function definition(group: string, rules: readonly object[] = []): object {
  const env = {
    type: 'array',
    maxItems: 20,
    items: { type: 'object', properties: { name: { type: 'string', maxLength: 100 }, value: { type: 'string' } } },
  }
  const spec = {
    type: 'object',
    required: ['image'],
    properties: {
      image: { type: 'string', pattern: '^[a-z0-9./:-]+$' },
      replicas: { type: 'integer', minimum: 0, default: 1 },
      mode: { type: 'string', enum: ['fast', 'safe'] },
      env,
    },
    ...(rules.length > 0 && { 'x-kubernetes-validations': rules }),
  }
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec } } }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `boats.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: 'boats', kind: 'Boat' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  }
}

async function inProtobuf({ api }: ServedProcess): Promise<Figures> {
  const body = (at: number) => pod(`pod-${at}`, { schedulerName: 'nobody' })
  await inFlight(width, listed, (at) => api.must('POST', pods, { body: body(at), discard: true }))
  const list = await api.must('GET', pods, { accept: protobuf, discard: true })
  return { list: list.totalMs, listSize: list.bytes / 2 ** 20 }
}

/** As the row about events in JSON: few pods, and a disk that is not busy with what came before. */
async function watched(bundle: string): Promise<Figures> {
  await using cluster = await serve(bundle, { nodes: 3 })
  const { api } = cluster
  await untilServiceAccount(api)
  await inFlight(width, watchedPods, (at) =>
    api.must('POST', pods, { body: pod(`pod-${at}`, { schedulerName: 'nobody' }), discard: true }),
  )
  const { metadata } = await api.get<{ metadata: { resourceVersion: string } }>(`${pods}?limit=1`)
  const path = `${pods}?watch=1&resourceVersion=${metadata.resourceVersion}`
  let seen = 0
  const accept = `${protobuf};stream=watch`
  for (let n = 0; n < watchers; n++)
    await api.watch(
      path,
      frameCounter(() => seen++),
      { accept },
    )
  const startedMs = performance.now()
  await inFlight(width, changes, (at) => {
    const label = { metadata: { labels: { n: `${at}` } } }
    return api.must('PATCH', `${pods}/pod-${at % watchedPods}`, { body: label, contentType: mergePatch, discard: true })
  })
  while (seen < changes * watchers) await sleep(1)
  const elapsedMs = performance.now() - startedMs
  return { events: (seen * 1000) / elapsedMs }
}

/** Calls for each frame of a stream: four bytes say how long the next one is. */
function frameCounter(found: () => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= rest.readUInt32BE() + 4) {
      rest = rest.subarray(rest.readUInt32BE() + 4)
      found()
    }
  }
}

async function manyDefinitions(bundle: string): Promise<Figures> {
  await using cluster = await serve(bundle, { nodes: 0 })
  const { api } = cluster
  const before = cluster.memoryMiB()
  const group = (at: number) => `g${at}.example.com`
  const startedMs = performance.now()
  await inFlight(width, definitions, (at) =>
    api.must('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      body: definition(group(at)),
      discard: true,
    }),
  )
  await inFlight(width, definitions, async (at) => {
    while ((await api.request('GET', boats(group(at)), { discard: true })).status !== 200) await sleep(1)
  })
  const elapsedMs = performance.now() - startedMs
  return { definitions: elapsedMs, definitionsMemory: cluster.memoryMiB() - before }
}
