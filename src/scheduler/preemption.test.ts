import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Cluster, startCluster } from '../cluster/cluster.ts'
import { Event } from '../kinds/core/event.ts'
import { Node } from '../kinds/core/node.ts'
import { Pod } from '../kinds/core/pod.ts'
import { PodDisruptionBudget } from '../kinds/policy/pod-disruption-budget.ts'
import { PriorityClass } from '../kinds/scheduling/priority-class.ts'
import type { ApiObject } from '../schema/kind.ts'
import type { Draft } from '../schema/types.ts'
import { seededRandom, VirtualWorld } from '../world/virtual.ts'
import { Cycle } from './cycle.ts'
import { clusterOf, clusterState, node, type Occupied, pod, requesting } from './fixtures.ts'
import { Known, Memory } from './memory.ts'
import { Nominations } from './nominations.ts'
import { defaultPlugins } from './plugins/index.ts'
import { podState } from './pod-state.ts'
import { type Found, preempt } from './preemption.ts'
import { profileOf } from './profile.ts'

const sized = (name: string, cpu: string, priority = 0, started?: string) =>
  pod(
    name,
    { ...requesting({ cpu }), priority },
    { metadata: { labels: { name } }, ...(started && { status: { startTime: started } }) },
  )

/** `n: a b`, who has to go from which node, or why nobody. */
function decision(wanting: Pod, nodes: readonly Occupied[], budgets: readonly ApiObject[] = []): string {
  const state = clusterState(...nodes)
  const cluster = clusterOf(state, [[PodDisruptionBudget, ...budgets]])
  const nominations = new Nominations()
  const random = seededRandom(1)
  const cycle = new Cycle(profileOf(defaultPlugins), cluster, nominations, random)
  const placement = cycle.place(wanting)
  if (placement.node) return `fits on ${placement.node.name}`
  const before = JSON.stringify(state.nodes.map(({ requested, pods }) => [requested, [...pods.keys()].sort()]))
  const found = preempt(podState(wanting), placement, {
    cycle,
    cluster,
    nominations,
    random,
    memory: new Memory(() => new Known<Found>()),
  })
  const after = JSON.stringify(state.nodes.map(({ requested, pods }) => [requested, [...pods.keys()].sort()]))
  assert.equal(after, before, 'nothing has changed')
  return found.node ? `${found.node.name}: ${found.victims.map(({ uid }) => uid).join(' ')}` : found.message
}

const budget = (name: string, disruptionsAllowed: number) =>
  ({
    metadata: { name: `budget-of-${name}`, namespace: 'default' },
    spec: { selector: { matchLabels: { name } } },
    status: { disruptionsAllowed },
  }) as unknown as ApiObject

describe('a pod that matters more drives away', () => {
  const high = sized('high', '1500m', 10)
  const nobody = (reasons: string, nodes = 1) => `0/${nodes} nodes are available: ${reasons}.`
  const cases: Readonly<
    Record<string, { pod?: Pod; nodes: readonly Occupied[]; budgets?: ApiObject[]; says: string }>
  > = {
    'whom it must': { nodes: [[node('n'), sized('low', '1500m')]], says: 'n: low' },
    'nobody who matters as much': {
      nodes: [[node('n'), sized('equal', '1500m', 10)]],
      says: nobody('1 No preemption victims found for incoming pod'),
    },
    'nobody when it would not fit even then': {
      nodes: [[node('n'), sized('equal', '1', 10), sized('low', '500m')]],
      says: nobody('1 Insufficient cpu'),
    },
    'nobody when others are not the reason': {
      nodes: [[node('n', { spec: { unschedulable: true } }), sized('low', '1500m')]],
      says: nobody('1 Preemption is not helpful for scheduling'),
    },
    'nobody when it must not': {
      pod: pod('meek', { ...requesting({ cpu: '1500m' }), priority: 10, preemptionPolicy: 'Never' }),
      nodes: [[node('n'), sized('low', '1500m')]],
      says: 'not eligible due to preemptionPolicy=Never.',
    },
    'no more than needed, and of these who matter least': {
      nodes: [[node('n'), sized('a', '500m', 3), sized('b', '1', 1), sized('c', '500m', 2)]],
      says: 'n: c b',
    },
    'the younger of two that matter alike': {
      pod: sized('high', '1', 10),
      nodes: [[node('n'), sized('old', '1', 1, '2026-01-01T00:00:00Z'), sized('new', '1', 1, '2026-01-02T00:00:00Z')]],
      says: 'n: new',
    },
    'those on the node where less matters': {
      nodes: [
        [node('n'), sized('a', '1500m', 5)],
        [node('m'), sized('b', '1', 3), sized('c', '1', 2)],
      ],
      says: 'm: b c',
    },
    'one rather than two of the same kind': {
      nodes: [
        [node('n'), sized('a', '1', 5), sized('b', '1', 5)],
        [node('m'), sized('c', '1500m', 5)],
      ],
      says: 'm: c',
    },
    'those that no budget protects': {
      nodes: [
        [node('n'), sized('a', '1500m', 1)],
        [node('m'), sized('b', '1500m', 5)],
      ],
      budgets: [budget('a', 0), budget('b', 1)],
      says: 'm: b',
    },
    'those that a budget protects when there is no other way': {
      nodes: [[node('n'), sized('a', '1500m', 1)]],
      budgets: [budget('a', 0)],
      says: 'n: a',
    },
    'those that want to be far from it': {
      pod: pod('high', { ...requesting({ cpu: '100m' }), priority: 10 }, { metadata: { labels: { app: 'web' } } }),
      nodes: [
        [
          node('n', { metadata: { labels: { host: 'n' } } }),
          pod('shy', {
            affinity: {
              podAntiAffinity: {
                requiredDuringSchedulingIgnoredDuringExecution: [
                  { topologyKey: 'host', labelSelector: { matchLabels: { app: 'web' } } },
                ],
              },
            },
          }),
        ],
      ],
      says: 'n: shy',
    },
  }
  for (const [title, { pod: wanting = high, nodes, budgets, says }] of Object.entries(cases))
    test(title, () => assert.equal(decision(wanting, nodes, budgets), says))
})

const namespace = 'default'

async function newCluster() {
  const world = new VirtualWorld(1)
  const cluster = await startCluster({ world, nodes: [{ name: 'n1', capacity: { cpu: '2' } }] })
  await cluster.client.create<PriorityClass>(PriorityClass, { metadata: { name: 'high' }, value: 1000 })
  // Without waiting until nobody has anything to do: a pod that ends slowly is what these tests are about.
  return Object.assign(cluster, { pass: (ms: number) => world.clock.advance(ms) })
}

function createPod({ client }: Cluster, name: string, spec: Draft<Pod['spec']>): Promise<Pod> {
  return client.create<Pod>(Pod, { metadata: { name, namespace }, spec: { ...spec, containers: spec.containers! } })
}
const getPod = ({ client }: Cluster, name: string) => client.get(Pod, { namespace, name })
const big = requesting({ cpu: '1500m' })
/** It takes its time to end. */
const slow = { metadata: { annotations: { 'simulation.coracle.dev/stop-after': '20s' } } }

test('whoever has to go is told why, and whoever comes waits for the node meanwhile', async () => {
  await using cluster = await newCluster()
  const { client } = cluster
  await createPod(cluster, 'low', big)
  await client.patch(Pod, { namespace, name: 'low' }, { type: 'merge', body: slow })
  await cluster.settle()
  const { metadata } = await createPod(cluster, 'high', { ...big, priorityClassName: 'high' })
  await cluster.pass(2_000)

  const low = await getPod(cluster, 'low')
  const target = low.status.conditions?.find(({ type }) => type === 'DisruptionTarget')
  assert.equal(target?.reason, 'PreemptionByScheduler')
  assert.equal(target?.message, 'default-scheduler: preempting to accommodate a higher priority pod')
  assert.equal(low.metadata.deletionGracePeriodSeconds, 30)

  const waiting = await getPod(cluster, 'high')
  assert.equal(waiting.status.nominatedNodeName, 'n1')
  const scheduled = waiting.status.conditions?.find(({ type }) => type === 'PodScheduled')
  assert.equal(scheduled?.message, '0/1 nodes are available: 1 Insufficient cpu.')

  // Nobody who matters less is let in before it, though there is room when the other is gone.
  await createPod(cluster, 'late', big)
  await cluster.pass(25_000)
  const placed = await getPod(cluster, 'high')
  assert.deepEqual([placed.spec.nodeName, placed.status.nominatedNodeName], ['n1', undefined])
  assert.equal((await getPod(cluster, 'late')).spec.nodeName, undefined)

  const { items } = await client.list(Event, { namespace })
  const preempted = items.find(({ reason }) => reason === 'Preempted')
  assert.equal(preempted?.involvedObject.name, 'low')
  assert.equal(preempted?.message, `Preempted by pod ${metadata.uid} on node n1`)
})

test('a pod whose node is gone for which others had to go looks for another', async () => {
  await using cluster = await newCluster()
  const { client } = cluster
  await createPod(cluster, 'low', big)
  await client.patch(Pod, { namespace, name: 'low' }, { type: 'merge', body: slow })
  await cluster.settle()
  await createPod(cluster, 'high', { ...big, priorityClassName: 'high' })
  await cluster.pass(100)
  assert.equal((await getPod(cluster, 'high')).status.nominatedNodeName, 'n1')
  await client.delete(Node, { name: 'n1' })
  await cluster.nodes!.add([{ name: 'other' }])
  await cluster.pass(2_000)
  assert.equal((await getPod(cluster, 'high')).spec.nodeName, 'other')
})

test('pods of one kind that all need room make it on different nodes, one pod each', async () => {
  const world = new VirtualWorld(1)
  const nodes = ['a', 'b', 'c', 'd'].map((name) => ({ name, capacity: { cpu: '2' } }))
  await using cluster = await startCluster({ world, nodes })
  const { client } = cluster
  await client.create<PriorityClass>(PriorityClass, { metadata: { name: 'high' }, value: 1000 })
  for (const name of ['low-1', 'low-2', 'low-3', 'low-4']) await createPod(cluster, name, big)
  await cluster.settle()
  for (const name of ['high-1', 'high-2', 'high-3'])
    await createPod(cluster, name, { ...big, priorityClassName: 'high' })
  await cluster.settle()
  const { items } = await client.list(Pod)
  const placed = items.filter(({ spec }) => spec.nodeName)
  assert.deepEqual(placed.map(({ metadata }) => metadata.name!.slice(0, 4)).sort(), ['high', 'high', 'high', 'low-'])
  assert.equal(new Set(placed.map(({ spec }) => spec.nodeName)).size, 4)
  const { items: events } = await client.list(Event, { namespace })
  assert.equal(events.filter(({ reason }) => reason === 'Preempted').length, 3)
  const failures = events
    .filter(({ reason }) => reason === 'FailedScheduling')
    .map(({ involvedObject }) => involvedObject.name)
  assert.deepEqual(failures.sort(), ['high-1', 'high-2', 'high-3'], 'each was tried once before there was room')
})
