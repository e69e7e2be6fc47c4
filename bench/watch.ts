import { setTimeout as sleep } from 'node:timers/promises'
import type { Benchmark } from './benchmark.ts'
import { load } from './load.ts'
import { namelessPod } from './objects.ts'
import { serve } from './process.ts'
import { untilServiceAccount } from './requests.ts'

const watchers = 100
const pods = 5000
const collection = '/api/v1/namespaces/default/pods'
const lineBreak = 0x0a

/** A hundred clients, each on a connection of its own, watch all pods while their labels change. */
export const watch: Benchmark = {
  name: 'watch',
  rounds: 3,
  rows: [
    {
      id: 'events',
      what: `Events of pods delivered to ${watchers} watchers over HTTPS`,
      unit: '/s',
      aim: 100_000,
      reference: '20,000',
    },
    { id: 'cost', what: "Server's processor time for a delivered event", unit: 'µs' },
  ],

  async run(bundle) {
    await using cluster = await serve(bundle, { nodes: 3 })
    const { api } = cluster
    await untilServiceAccount(api)
    await load(api, {
      method: 'POST',
      paths: [collection],
      count: pods,
      body: namelessPod({ schedulerName: 'nobody' }),
    })
    const { metadata, items } = await api.get<List>(collection)
    const path = `${collection}?watch=1&resourceVersion=${metadata.resourceVersion}`
    let seen = 0
    const count = (chunk: Buffer) => {
      seen += linesOf(chunk)
    }
    for (let n = 0; n < watchers; n++) await api.watch(path, count)

    const processorBefore = cluster.processorMs()
    const startedMs = performance.now()
    await load(api, {
      method: 'PATCH',
      paths: items.map(({ metadata: { name } }) => `${collection}/${name}`),
      count: pods,
      body: { metadata: { labels: { value: 'changed' } } },
      contentType: 'application/merge-patch+json',
    })
    while (seen < pods * watchers) await sleep(1)
    const elapsedMs = performance.now() - startedMs
    const processorMs = cluster.processorMs() - processorBefore
    return { events: (seen * 1000) / elapsedMs, cost: (processorMs * 1000) / seen }
  },
}

interface List {
  readonly metadata: { readonly resourceVersion: string }
  readonly items: readonly { readonly metadata: { readonly name: string } }[]
}

function linesOf(chunk: Buffer): number {
  let lines = 0
  for (let at = chunk.indexOf(lineBreak); at >= 0; at = chunk.indexOf(lineBreak, at + 1)) lines++
  return lines
}
