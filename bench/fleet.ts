import { setTimeout as sleep } from 'node:timers/promises'
import { type Api, inFlight, width } from './api.ts'
import type { Benchmark } from './benchmark.ts'
import { followCount, isRunning } from './follow.ts'
import { pod } from './objects.ts'
import { type ServedProcess, serve } from './process.ts'
import { untilServiceAccount } from './requests.ts'

/** Simulated nodes in numbers, as kwok's own gates count them. All are left out unless they are named. */

const podsPath = '/api/v1/namespaces/default/pods'

const nodeName = (at: number, nodes: number) => `node-${(at % nodes) + 1}`

/** The nodes of `coracle up`: registered, each with its lease and its range of addresses, and ready. */
const fleetNodes: Benchmark = {
  name: 'fleet-nodes',
  rounds: 1,
  rows: [
    {
      id: 'nodes',
      what: 'Simulated nodes made as the cluster starts, 2,000 together, until the API shows all Ready',
      unit: '/s',
      aim: 1000,
      reference: '83 (gate of kwok)',
    },
    { id: 'processor', what: "Server's processor time for each node", unit: 'µs' },
  ],
  async run(bundle) {
    const count = 2000
    const alone = await costOfStart(bundle, 3)
    const many = await costOfStart(bundle, count)
    return {
      nodes: ((count - 3) * 1000) / (many.readyMs - alone.readyMs),
      processor: ((many.processorMs - alone.processorMs) * 1000) / (count - 3),
    }
  },
}

async function costOfStart(bundle: string, nodes: number) {
  await using cluster = await serve(bundle, { nodes })
  return { readyMs: cluster.readyMs, processorMs: cluster.processorMs() }
}

/**
 * Pods that name their node, as kwok's gate makes them: the scheduler has rows of its own. There they are all on one
 * node, which here has a range of 254 addresses, as nodes do.
 */
const fleetPods: Benchmark = {
  name: 'fleet-pods',
  rounds: 1,
  rows: [
    {
      id: 'running',
      what: 'Pods that name their node: 5,000 on 100 nodes, from the first creation until a watch has shown all Running',
      unit: '/s',
      aim: 1500,
      reference: '167 (gate of kwok)',
    },
    { id: 'firstRunning', what: 'The same, the first 5,000 of a new process', unit: '/s' },
    { id: 'processor', what: "Server's processor time for each of these pods", unit: 'µs' },
  ],
  async run(bundle) {
    const [nodes, count] = [100, 5000]
    await using cluster = await serve(bundle, { nodes })
    await untilServiceAccount(cluster.api)
    const firstRunning = await runningPerSecond(cluster.api, { nodes, count, before: 0 })
    const before = cluster.processorMs()
    const running = await runningPerSecond(cluster.api, { nodes, count, before: count })
    return { firstRunning, running, processor: ((cluster.processorMs() - before) * 1000) / count }
  },
}

interface Pods {
  readonly nodes: number
  readonly count: number
  /** So many are there already. */
  readonly before: number
}

async function runningPerSecond(api: Api, { nodes, count, before }: Pods): Promise<number> {
  const running = await followCount(api, podsPath, isRunning, count)
  const startedMs = performance.now()
  await makePods(api, { nodes, count, before })
  await running.all
  return (count * 1000) / (performance.now() - startedMs)
}

const makePods = (api: Api, { nodes, count, before }: Pods) =>
  inFlight(width, count, (at) => {
    const body = pod(`pod-${before + at}`, { nodeName: nodeName(at, nodes) })
    return api.must('POST', podsPath, { body, discard: true })
  })

/** A cluster as large as Kubernetes is said to bear, held in one process: what it takes, and how long clients wait. */
const fleetLarge: Benchmark = {
  name: 'fleet-large',
  rounds: 1,
  rows: [
    { id: 'memory', what: 'Memory (RSS), 5,000 nodes, 150,000 Running pods', unit: 'MiB', aim: 6144 },
    { id: 'processor', what: 'Processor, such a cluster, idle, share of a core over 60 s', unit: '%' },
    { id: 'read', what: 'Such a cluster, a pod read, 99th percentile', unit: 'ms', aim: 1000 },
    { id: 'write', what: 'Such a cluster, a pod patched, 99th percentile', unit: 'ms', aim: 1000 },
    { id: 'list', what: 'Such a cluster, the 30 pods of a node listed, 99th percentile', unit: 'ms', aim: 1000 },
    { id: 'page', what: 'Such a cluster, a page of 500 pods listed, 99th percentile', unit: 'ms', aim: 1000 },
    { id: 'create', what: 'Such a cluster, a config map created, 99th percentile', unit: 'ms', aim: 1000 },
  ],
  async run(bundle) {
    const [nodes, count] = [5000, 150_000]
    await using cluster = await serve(bundle, { nodes })
    const { api } = cluster
    await untilServiceAccount(api)
    await makePods(api, { nodes, count, before: 0 })
    while (await hasPendingPods(api)) await sleep(500)
    await sleep(30_000)
    const memory = cluster.memoryMiB()
    const before = cluster.processorMs()
    await sleep(60_000)
    const processor = (cluster.processorMs() - before) / 600
    return { memory, processor, ...(await waits(cluster, count, nodes)) }
  },
}

async function hasPendingPods(api: Api): Promise<boolean> {
  const { items } = await api.get<{ items: unknown[] }>('/api/v1/pods?fieldSelector=status.phase%3DPending&limit=1')
  return items.length > 0
}

/** 99th percentiles of the usual requests, which come together, 8 at a time. */
async function waits({ api }: ServedProcess, pods: number, nodes: number) {
  const asked: Record<'read' | 'write' | 'list' | 'page' | 'create', number[]> = {
    read: [],
    write: [],
    list: [],
    page: [],
    create: [],
  }
  const ask = async (sort: keyof typeof asked, method: string, path: string, body?: object) => {
    const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    const { totalMs } = await api.must(method, path, { discard: true, contentType, ...(body && { body }) })
    asked[sort].push(totalMs)
  }
  await inFlight(8, 2000, async (at) => {
    const name = `pod-${(at * 7919) % pods}`
    await ask('read', 'GET', `${podsPath}/${name}`)
    await ask('write', 'PATCH', `${podsPath}/${name}`, { metadata: { labels: { n: `${at}` } } })
    await ask('list', 'GET', `/api/v1/pods?fieldSelector=spec.nodeName%3D${nodeName(at * 7919, nodes)}`)
    await ask('page', 'GET', `/api/v1/pods?limit=500`)
    await ask('create', 'POST', '/api/v1/namespaces/default/configmaps', { metadata: { name: `map-${at}` }, data: {} })
  })
  return Object.fromEntries(
    Object.entries(asked).map(([sort, times]) => [
      sort,
      times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)]!,
    ]),
  )
}

export const fleetBenchmarks: readonly Benchmark[] = [fleetNodes, fleetPods, fleetLarge]
