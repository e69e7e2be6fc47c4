import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { type Cluster, startCluster } from '../src/cluster/cluster.ts'
import { Event } from '../src/kinds/core/event.ts'
import { Node } from '../src/kinds/core/node.ts'
import { Pod } from '../src/kinds/core/pod.ts'
import { PriorityClass } from '../src/kinds/scheduling/priority-class.ts'
import { parseConfiguration } from '../src/scheduler/configuration.ts'
import type { Draft } from '../src/schema/types.ts'
import { eventually } from './support/caller.ts'
import { type OutsideServer, startOutside } from './support/outside.ts'
import type { Asked, Orders } from './support/servers/extender.ts'

/** Extenders of the scheduler: small processes that are asked over HTTP, and what becomes of pods when they misbehave. */

const namespace = 'default'
let server: OutsideServer
let plainPort: number

async function tell(orders: Orders): Promise<readonly Asked[]> {
  const answer = (await server.tell(orders)) as { asked: readonly Asked[]; plainPort: number }
  plainPort = answer.plainPort
  return answer.asked
}

before(async () => {
  server = await startOutside('extender.ts', { hosts: ['127.0.0.1'] })
})
after(() => server[Symbol.asyncDispose]())
beforeEach(async () => {
  await tell({ mood: 'well' })
})

/** A cluster of three nodes with this extender; `more` is added to its description. */
async function clusterWith(more: string, options: { readonly plain?: boolean } = {}): Promise<Cluster> {
  const tls = `enableHTTPS: true, tlsConfig: {caData: ${server.caBundle}}`
  const where = options.plain
    ? `urlPrefix: "http://127.0.0.1:${plainPort}/sched/"`
    : `urlPrefix: "https://127.0.0.1:${server.port}/sched", ${tls}`
  const scheduler = parseConfiguration(`
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
extenders:
- {${where}, ${more}}
`)
  const cluster = await startCluster({ nodes: 3, scheduler })
  await cluster.settle()
  return cluster
}

const create = ({ client }: Cluster, name: string, spec: Draft<Pod['spec']> = {}) =>
  client.create<Pod>(Pod, {
    metadata: { name, namespace },
    spec: { containers: [{ name: 'main', image: 'i' }], terminationGracePeriodSeconds: 0, ...spec },
  } as Draft<Pod>)

const nodeOf = async ({ client }: Cluster, name: string) => (await client.get(Pod, { namespace, name })).spec.nodeName

const placed = (cluster: Cluster, name: string) => eventually(() => nodeOf(cluster, name))

/** What the pod is told: reason and message. */
const toldOf = (cluster: Cluster, name: string) =>
  eventually(async () => {
    const { status } = await cluster.client.get(Pod, { namespace, name })
    const condition = status.conditions?.find(({ type }) => type === 'PodScheduled')
    return condition?.reason && `${condition.reason}: ${condition.message}`
  })

test('an extender refuses nodes and prefers others, over TLS, with the nodes whole', async () => {
  await using cluster = await clusterWith('filterVerb: filter, prioritizeVerb: prioritize, weight: 5')
  await tell({ refuse: { 'node-1': 'too loud' }, prefer: { 'node-1': 10, 'node-3': 10 } })
  for (const name of ['a', 'b', 'c']) {
    await create(cluster, name)
    assert.equal(await placed(cluster, name), 'node-3')
  }
  const asked = await tell({})
  assert.deepEqual(
    asked.slice(0, 2).map(({ verb, pod, nodes, whole }) => [verb, pod, [...nodes].sort().join(), whole]),
    [
      ['filter', 'a', 'node-1,node-2,node-3', true],
      ['prioritize', 'a', 'node-2,node-3', true],
    ],
  )
})

test('an extender that knows the nodes gets names alone, here over plain HTTP', async () => {
  await using cluster = await clusterWith('filterVerb: filter, nodeCacheCapable: true', { plain: true })
  await tell({ refuse: { 'node-1': 'too loud' }, refuseForGood: { 'node-3': 'too far' } })
  await create(cluster, 'a')
  assert.equal(await placed(cluster, 'a'), 'node-2')
  assert.equal(
    (await tell({})).every(({ whole }) => !whole),
    true,
  )
})

test('a pod learns what extenders have against all nodes, and is tried again when something happens', async () => {
  await using cluster = await clusterWith('filterVerb: filter')
  await tell({ refuse: { 'node-1': 'too loud', 'node-2': 'too loud' }, refuseForGood: { 'node-3': 'too far' } })
  await create(cluster, 'a')
  assert.equal(
    await toldOf(cluster, 'a'),
    'Unschedulable: 0/3 nodes are available: 1 too far, 2 too loud. no new claims to deallocate, preemption: ' +
      '0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.',
  )
  await tell({})
  await cluster.client.patch(
    Node,
    { name: 'node-2' },
    { type: 'merge', body: { metadata: { labels: { quiet: 'yes' } } } },
  )
  await placed(cluster, 'a')
})

test('an extender for a resource is asked for pods alone that want it, and the scheduler need not count it', async () => {
  await using cluster = await clusterWith(
    'filterVerb: filter, managedResources: [{name: example.com/foo, ignoredByScheduler: true}]',
  )
  await tell({ refuse: { 'node-1': 'no foo', 'node-2': 'no foo' } })
  await create(cluster, 'plain')
  await placed(cluster, 'plain')
  assert.deepEqual(await tell({ refuse: { 'node-1': 'no foo', 'node-2': 'no foo' } }), [])
  // No node says that it has any.
  const resources = { requests: { 'example.com/foo': '1' }, limits: { 'example.com/foo': '1' } }
  await create(cluster, 'foo', { containers: [{ name: 'main', image: 'i', resources }] } as Draft<Pod['spec']>)
  assert.equal(await placed(cluster, 'foo'), 'node-3')
  assert.equal((await tell({})).length, 1)
})

test('an extender binds in the place of the scheduler', async () => {
  await using cluster = await clusterWith('bindVerb: bind')
  await create(cluster, 'a')
  const [first] = await eventually(async () => {
    const asked = await tell({})
    return asked.length > 0 ? asked : undefined
  })
  assert.equal(first?.verb, 'bind')
  // It only said that it would: nobody else binds the pod.
  assert.equal(await nodeOf(cluster, 'a'), undefined)
})

test('an extender has a say in who has to go', async () => {
  await using cluster = await clusterWith('preemptVerb: preempt, nodeCacheCapable: true')
  await tell({ keep: ['node-1', 'node-3'] })
  await cluster.client.create<PriorityClass>(PriorityClass, {
    metadata: { name: 'high' },
    value: 1000,
  } as Draft<PriorityClass>)
  const requests = { cpu: '6' }
  const large = { containers: [{ name: 'main', image: 'i', resources: { requests } }] }
  for (const name of ['a', 'b', 'c']) await create(cluster, name, large)
  for (const name of ['a', 'b', 'c']) await placed(cluster, name)
  await create(cluster, 'vip', { ...large, priorityClassName: 'high' })
  assert.equal(await placed(cluster, 'vip'), 'node-2')
  // Events are written beside what they are about, not before it.
  const preempted = await eventually(async () => {
    const { items } = await cluster.client.list(Event, { namespace })
    const found = items.filter(({ reason }) => reason === 'Preempted')
    return found.length > 0 ? found : undefined
  })
  assert.equal(preempted.length, 1)
  const [asked] = (await tell({})).filter(({ verb }) => verb === 'preempt')
  assert.deepEqual([asked?.pod, [...(asked?.nodes ?? [])].sort().join()], ['vip', 'node-1,node-2,node-3'])
})

test('a pod waits while an extender is broken, slow, talks nonsense or lies, and is placed when it is well again', async () => {
  await using cluster = await clusterWith('filterVerb: filter, httpTimeout: 300ms')
  const url = `https://127.0.0.1:${server.port}/sched/filter`
  const faults = {
    broken: `failed filter with extender at URL ${url}, code 500`,
    silent: `Post "${url}": `,
    garbage: `Post "${url}": `,
    error: 'out of order',
    liar: `extender "https://127.0.0.1:${server.port}/sched" claims a filtered node "no-such-node" which is not found in the input node list`,
  } as const
  for (const [mood, message] of Object.entries(faults)) {
    await tell({ mood: mood as keyof typeof faults })
    await create(cluster, `pod-${mood}`)
    const told = await toldOf(cluster, `pod-${mood}`)
    assert.ok(told.startsWith(`SchedulerError: ${message}`), told)
    await tell({ mood: 'well' })
    await placed(cluster, `pod-${mood}`)
  }
})

test('a dead extender holds nobody up where it may be left out', async () => {
  await using cluster = await clusterWith('filterVerb: filter, prioritizeVerb: prioritize, weight: 1, ignorable: true')
  await server.kill()
  try {
    await create(cluster, 'a')
    await placed(cluster, 'a')
  } finally {
    await server.restart()
  }
  await tell({ refuse: { 'node-1': 'too loud', 'node-2': 'too loud' } })
  await create(cluster, 'b')
  assert.equal(await placed(cluster, 'b'), 'node-3')
})
