/**
 * What the API costs in process: `node bench/layers/registry.ts`. Prints one line for each figure: microseconds per
 * operation, or milliseconds where it says so.
 */
import { Registry } from '../../src/apiserver/registry.ts'
import { CacheSet } from '../../src/client/cache.ts'
import { LocalClient } from '../../src/client/local.ts'
import { Pod } from '../../src/kinds/core/pod.ts'
import { MemoryStore } from '../../src/store/memory.ts'
import { realWorld } from '../../src/world/real.ts'

const world = realWorld()
const { clock } = world
const count = 10_000

const pod = (name: string) => ({
  metadata: { name, namespace: 'default', labels: { app: 'bench' } },
  spec: { containers: [{ name: 'main', image: 'registry.example/app:1' }] },
})

function newRegistry(store: MemoryStore): Registry {
  return new Registry({ store, kinds: [Pod], world, admission: [] })
}

async function measure(label: string, operations: number, run: () => Promise<unknown> | unknown): Promise<void> {
  const start = clock.monotonic()
  await run()
  const micros = ((clock.monotonic() - start) * 1000) / operations
  process.stdout.write(`${label.padEnd(44)} ${micros.toFixed(2).padStart(12)} µs\n`)
}

const store = new MemoryStore(world)
const registry = newRegistry(store)
const client = new LocalClient(registry)
const pods = registry.resource(Pod)

// Warm up on a store of its own.
const warm = new LocalClient(newRegistry(new MemoryStore(world)))
for (let n = 0; n < 3000; n++) await warm.create(Pod, pod(`w${n}`))

await measure('create a small pod', count, async () => {
  for (let n = 0; n < count; n++) await client.create(Pod, pod(`p${n}`))
})
await measure('get', count, async () => {
  for (let n = 0; n < count; n++) await client.get(Pod, { namespace: 'default', name: `p${n}` })
})
await measure(`list ${count} (the whole list), first`, 1, () => client.list(Pod))
await measure(`list ${count} (the whole list)`, 10, async () => {
  for (let n = 0; n < 10; n++) await client.list(Pod)
})
await measure(`list ${count} by a label (the whole list)`, 10, async () => {
  for (let n = 0; n < 10; n++) await client.list(Pod, { labelSelector: 'app=other' })
})
await measure('an item of a list as JSON', count, async () => {
  const page = await pods.list('', {})
  let bytes = 0
  for (const entry of page.entries) bytes += entry.itemJson().length
  if (bytes === 0) throw new Error('nothing was listed')
})

const stop = new AbortController()
const caches = new CacheSet({ client, clock, random: world.random, log: world.log, signal: stop.signal })
await measure(`fill a cache with ${count} (all)`, 1, () => caches.of(Pod).synced)

const patch = (n: number) => ({ type: 'merge' as const, body: { metadata: { annotations: { n: String(n) } } } })
await measure('patch, one cache following', count, async () => {
  for (let n = 0; n < count; n++) await client.patch(Pod, { namespace: 'default', name: `p${n}` }, patch(n))
})
const time = '2026-01-01T00:00:00Z'
const conditions = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled']
/** As a node agent says it: every pod has an address of its own. */
const status = (n: number) => {
  const podIP = `10.244.${n >> 8}.${n & 255}`
  const container = { name: 'main', image: 'registry.example/app:1', imageID: '', containerID: `simulated://${n}` }
  const state = { ready: true, started: true, restartCount: 0, state: { running: { startedAt: time } } }
  return {
    phase: 'Running' as const,
    conditions: conditions.map((type) => ({ type, status: 'True', lastTransitionTime: time, reason: null })),
    hostIP: '10.0.0.1',
    hostIPs: [{ ip: '10.0.0.1' }, { $patch: 'replace' }],
    podIP,
    podIPs: [{ ip: podIP }, { $patch: 'replace' }],
    startTime: time,
    containerStatuses: [{ ...container, ...state }],
  }
}
await measure('the status of a pod that runs', count, async () => {
  for (let n = 0; n < count; n++) {
    const body = { type: 'strategic' as const, body: { status: status(n) } }
    await client.patch(Pod, { namespace: 'default', name: `p${n}` }, body, { subresource: 'status' })
  }
})
let seen = 0
for (let n = 0; n < 1000; n++) {
  const fieldSelector = `spec.nodeName=node-${n}`
  const options = { resourceVersion: String(store.revision), fieldSelector, signal: stop.signal }
  void pods.watch('', options, { event: () => seen++, bookmark: () => {}, error: () => {} }).catch(() => {})
}
await measure('patch, with 1,000 watches of one node each', count, async () => {
  for (let n = 0; n < count; n++) await client.patch(Pod, { namespace: 'default', name: `p${n}` }, patch(n + 1))
})
await measure('fork the store and make a registry (all)', 100, async () => {
  for (let n = 0; n < 100; n++) {
    const forked = newRegistry((await store.fork()) as MemoryStore)
    await forked.resource(Pod).get('default', 'p1', {})
  }
})
await measure('delete', count, async () => {
  for (let n = 0; n < count; n++) await client.delete(Pod, { namespace: 'default', name: `p${n}` })
})
stop.abort()
if (seen > 0) process.stdout.write(`${seen} events reached watches that did not want them\n`)
