import { setTimeout as sleep } from 'node:timers/promises'
import type { Api } from './api.ts'
import { type Benchmark, median } from './benchmark.ts'
import { timesOneByOne } from './load.ts'
import { deployment } from './objects.ts'
import { serve } from './process.ts'

const deployments = 10
const replicas = 1000
const collection = '/apis/apps/v1/namespaces/default/deployments'

/** A cluster of 100 nodes with 10,000 running pods: what it takes, and how long reading them all takes. */
export const manyPods: Benchmark = {
  name: 'many-pods',
  rounds: 3,
  rows: [
    { id: 'memory', what: 'Memory (RSS), 100 nodes, 10,000 Running pods', unit: 'MiB', aim: 450, reference: '1,800' },
    { id: 'list', what: 'LIST of 10,000 pods, whole body read', unit: 'ms', aim: 80, reference: '700 to 1,300' },
    { id: 'firstByte', what: 'LIST of 10,000 pods, first byte', unit: 'ms' },
    { id: 'size', what: 'LIST of 10,000 pods, size of the body', unit: 'MiB' },
    { id: 'processor', what: 'Processor, 10,000 pods, idle, share of a core over 10 s', unit: '%' },
  ],

  async run(bundle) {
    await using cluster = await serve(bundle, { nodes: 100 })
    const { api } = cluster
    for (let n = 0; n < deployments; n++) {
      await api.must('POST', collection, { body: deployment(`load-${n}`, replicas) })
    }
    while ((await readyReplicas(api)) < deployments * replicas) await sleep(250)
    await sleep(20_000)
    const memory = cluster.memoryMiB()
    const before = cluster.processorMs()
    await sleep(10_000)
    const processor = (cluster.processorMs() - before) / 100
    const list = median(await timesOneByOne(api, '/api/v1/pods', 11))
    const lists = []
    for (let n = 0; n < 11; n++) lists.push(await api.must('GET', '/api/v1/pods', { discard: true }))
    return {
      memory,
      processor,
      list,
      firstByte: median(lists.map(({ firstByteMs }) => firstByteMs)),
      size: lists[0]!.bytes / 1024 / 1024,
    }
  },
}

async function readyReplicas(api: Api): Promise<number> {
  const { items } = await api.get<{ items: { status?: { readyReplicas?: number } }[] }>(collection)
  return items.reduce((sum, { status }) => sum + (status?.readyReplicas ?? 0), 0)
}
