import { setTimeout as sleep } from 'node:timers/promises'
import { type Api, inFlight, width } from './api.ts'
import type { Benchmark, Figures } from './benchmark.ts'
import { type Load, load } from './load.ts'
import { namelessPod } from './objects.ts'
import { type ServedProcess, serve } from './process.ts'

const count = 10_000
const updates = 2000
const collection = '/api/v1/namespaces/default/pods'

/**
 * Requests over HTTPS, 32 at a time; every write is on disk before it is answered. The whole control plane runs and sees
 * the pods, which name a scheduler that is not there, so that nobody else writes. The first thousands of a new process
 * have rows of their own: until V8 has compiled what requests run through, they take longer.
 */
export const requests: Benchmark = {
  name: 'requests',
  rounds: 5,
  rows: [
    { id: 'create', what: 'Pods created, 32 in flight, on disk', unit: '/s', aim: 3500, reference: '950 to 1,250' },
    { id: 'firstCreate', what: 'The same, the first 10,000 of a new process', unit: '/s' },
    {
      id: 'patch',
      what: 'Labels of pods patched (merge), 32 in flight, on disk',
      unit: '/s',
      aim: 3000,
      reference: '670',
    },
    { id: 'firstPatch', what: 'The same, the first 10,000 of a new process', unit: '/s' },
    { id: 'update', what: 'Pods updated (PUT), 32 in flight, on disk', unit: '/s' },
    { id: 'get', what: 'Pods read, 32 in flight', unit: '/s', aim: 10_000, reference: '2,500' },
    { id: 'createCost', what: "Server's processor time for a creation", unit: 'µs' },
    { id: 'patchCost', what: "Server's processor time for a patch", unit: 'µs' },
    { id: 'updateCost', what: "Server's processor time for an update", unit: 'µs' },
    { id: 'getCost', what: "Server's processor time for a read", unit: 'µs' },
  ],

  async run(bundle) {
    await using cluster = await serve(bundle, { nodes: 3 })
    const { api } = cluster
    await untilServiceAccount(api)
    const measure = (name: string, asked: Load) => timed(cluster, name, asked.count, () => load(api, asked))
    const creations = { method: 'POST', paths: [collection], count, body: namelessPod({ schedulerName: 'nobody' }) }
    const patches = async (value: string) => ({
      method: 'PATCH',
      paths: (await namesOf(api)).slice(-count).map((name) => `${collection}/${name}`),
      count,
      body: { metadata: { labels: { value } } },
      contentType: 'application/merge-patch+json',
    })
    const firstCreate = await measure('firstCreate', creations)
    const firstPatch = await measure('firstPatch', await patches('first'))
    const create = await measure('create', creations)
    const patch = await measure('patch', await patches('second'))
    const paths = (await namesOf(api)).map((name) => `${collection}/${name}`)
    const wanted: object[] = []
    await inFlight(width, updates, async (at) => {
      wanted[at] = relabelled(await api.get(paths[at]!))
    })
    const update = await measured(cluster, 'update', updates, (at) =>
      api.must('PUT', paths[at]!, { body: wanted[at]!, discard: true }),
    )
    const get = await measure('get', { method: 'GET', paths, count: 2 * count })
    return { ...firstCreate, ...firstPatch, ...create, ...patch, ...update, ...get }
  },
}

interface List {
  readonly items: readonly { readonly metadata: { readonly name: string; readonly resourceVersion: string } }[]
}

/** Of all pods, the newest last. */
async function namesOf(api: Api): Promise<string[]> {
  const { items } = await api.get<List>(collection)
  const byAge = items.toSorted((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
  return byAge.map(({ metadata }) => metadata.name)
}

/** So many requests of one Node.js client, each of which `task` makes. */
export const measured = (
  cluster: ServedProcess,
  name: string,
  count: number,
  task: (at: number) => Promise<unknown>,
): Promise<Figures> => timed(cluster, name, count, () => inFlight(width, count, task))

/** How many a second by their name, and what one took of the server's processor, with `Cost` behind it. */
async function timed(
  cluster: ServedProcess,
  name: string,
  count: number,
  work: () => Promise<unknown>,
): Promise<Figures> {
  await sleep(200)
  const processorBefore = cluster.processorMs()
  const startedMs = performance.now()
  await work()
  const elapsedMs = performance.now() - startedMs
  const processorMs = cluster.processorMs() - processorBefore
  return { [name]: (count * 1000) / elapsedMs, [`${name}Cost`]: (processorMs * 1000) / count }
}

interface Labelled {
  readonly metadata: { readonly labels: Readonly<Record<string, string>>; readonly resourceVersion?: string }
}

function relabelled<T extends Labelled>(object: T): T {
  const { resourceVersion: _, ...metadata } = object.metadata
  return { ...object, metadata: { ...metadata, labels: { ...metadata.labels, updated: 'yes' } } }
}

/** Pods need their namespace's service account, which a controller makes. */
export async function untilServiceAccount(api: Api): Promise<void> {
  while ((await api.request('GET', '/api/v1/namespaces/default/serviceaccounts/default')).status !== 200) await sleep(5)
}
