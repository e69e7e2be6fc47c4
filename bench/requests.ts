import { setTimeout as sleep } from 'node:timers/promises'
import { type Api, inFlight } from './api.ts'
import type { Benchmark, Figures } from './benchmark.ts'
import { pod } from './objects.ts'
import { type ServedProcess, serve } from './process.ts'

const width = 32
const pods = 10_000
const collection = '/api/v1/namespaces/default/pods'
const path = (at: number) => `${collection}/pod-${at % pods}`
const mergePatch = 'application/merge-patch+json'

/**
 * Requests over HTTPS, 32 at a time, of one client process; every write is on disk before it is answered. The whole
 * control plane runs and sees the pods, which name a scheduler that is not there, so that nobody else writes.
 */
export const requests: Benchmark = {
  name: 'requests',
  rounds: 5,
  rows: [
    { id: 'create', what: 'Pods created, 32 in flight, on disk', unit: '/s', aim: 3500, reference: '950 to 1,250' },
    {
      id: 'patch',
      what: 'Labels of pods patched (merge), 32 in flight, on disk',
      unit: '/s',
      aim: 3000,
      reference: '670',
    },
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
    const measure = (name: string, count: number, task: (at: number) => Promise<unknown>) =>
      measured(cluster, name, count, task)
    const discard = true
    const create = await measure('create', pods, (at) =>
      api.must('POST', collection, { body: pod(`pod-${at}`, { schedulerName: 'nobody' }), discard }),
    )
    const patch = await measure('patch', pods, (at) =>
      api.must('PATCH', path(at), { body: { metadata: { labels: { n: `${at}` } } }, contentType: mergePatch, discard }),
    )
    const wanted: object[] = []
    await inFlight(width, 2000, async (at) => {
      wanted[at] = relabelled(await api.get(path(at)))
    })
    const update = await measure('update', wanted.length, (at) =>
      api.must('PUT', path(at), { body: wanted[at]!, discard }),
    )
    const get = await measure('get', 2 * pods, (at) => api.must('GET', path(at), { discard }))
    return { ...create, ...patch, ...update, ...get }
  },
}

/** A figure by its name, and what it took of the server's processor, with `Cost` behind it. */
export async function measured(
  cluster: ServedProcess,
  name: string,
  count: number,
  task: (at: number) => Promise<unknown>,
): Promise<Figures> {
  await sleep(200)
  const processorBefore = cluster.processorMs()
  const startedMs = performance.now()
  await inFlight(width, count, task)
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
