import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ApiRequest } from '../apiserver/request.ts'
import { CacheSet } from '../client/cache.ts'
import type { Client } from '../client/client.ts'
import { type Cluster, startCluster } from '../cluster/cluster.ts'
import { Event } from '../kinds/core/event.ts'
import { Node } from '../kinds/core/node.ts'
import { Pod } from '../kinds/core/pod.ts'
import { toCaches } from '../reconciler/caches.ts'
import type { Kind } from '../schema/kind.ts'
import { ApiError } from '../schema/status.ts'
import type { Draft } from '../schema/types.ts'
import { VirtualWorld } from '../world/virtual.ts'
import type { Clock } from '../world/world.ts'
import { requesting } from './fixtures.ts'
import { defaultPlugins } from './plugins/index.ts'
import { profileOf } from './profile.ts'
import { Scheduler } from './scheduler.ts'

const namespace = 'default'
const newCluster = (nodes: readonly string[], seed = 1) =>
  startCluster({ world: new VirtualWorld(seed), nodes: nodes.map((name) => ({ name, capacity: { cpu: '2' } })) })

async function createPod({ client }: { client: Client }, name: string, spec: Draft<Pod['spec']> = {}): Promise<Pod> {
  const containers = spec.containers ?? [{ name: 'main', image: 'i' }]
  return client.create<Pod>(Pod, { metadata: { name, namespace }, spec: { ...spec, containers } })
}
const getPod = ({ client }: { client: Client }, name: string) => client.get(Pod, { namespace, name })
const nodeOf = async (cluster: { client: Client }, name: string) => (await getPod(cluster, name)).spec.nodeName
const patchNode = ({ client }: Cluster, name: string, body: object, subresource?: string) =>
  client.patch(Node, { name }, { type: 'merge', body }, subresource ? { subresource } : {})

describe('a pod that waits gets its node when', () => {
  type Act = (cluster: Cluster) => Promise<unknown>
  const taint = { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } }
  const wakeUps: Readonly<Record<string, { before?: Act; pod?: Draft<Pod['spec']>; act: Act }>> = {
    'a node is added': {
      before: (cluster) => cluster.client.delete(Node, { name: 'n' }),
      act: ({ nodes }) => nodes!.add([{ name: 'm' }]),
    },
    'a taint is taken away': {
      before: (cluster) => patchNode(cluster, 'n', taint),
      act: (cluster) => patchNode(cluster, 'n', { spec: { taints: null } }),
    },
    'a node is uncordoned': {
      before: (cluster) => patchNode(cluster, 'n', { spec: { unschedulable: true } }),
      act: (cluster) => patchNode(cluster, 'n', { spec: { unschedulable: null } }),
    },
    'a node gets a label': {
      pod: { nodeSelector: { disk: 'ssd' } },
      act: (cluster) => patchNode(cluster, 'n', { metadata: { labels: { disk: 'ssd' } } }),
    },
    'a node can hold more': {
      pod: requesting({ cpu: '3' }),
      act: (cluster) => patchNode(cluster, 'n', { status: { allocatable: { cpu: '4' } } }, 'status'),
    },
    'a pod is deleted': {
      before: (cluster) => createPod(cluster, 'other', requesting({ cpu: '2' })),
      pod: requesting({ cpu: '1' }),
      act: ({ client }) => client.delete(Pod, { namespace, name: 'other' }),
    },
    'a pod ends': {
      before: (cluster) => createPod(cluster, 'other', { ...requesting({ cpu: '2' }), restartPolicy: 'Never' }),
      pod: requesting({ cpu: '1' }),
      act: (cluster) => cluster.advance(1_000),
    },
    'it tolerates more': {
      before: (cluster) => patchNode(cluster, 'n', taint),
      act: ({ client }) =>
        client.patch(
          Pod,
          { namespace, name: 'p' },
          { type: 'json', body: [{ op: 'add', path: '/spec/tolerations/-', value: { key: 'k', operator: 'Exists' } }] },
        ),
    },
    'its gates are opened': {
      pod: { schedulingGates: [{ name: 'example.com/wait' }] },
      act: ({ client }) =>
        client.patch(Pod, { namespace, name: 'p' }, { type: 'merge', body: { spec: { schedulingGates: null } } }),
    },
  }
  for (const [title, { before, pod, act }] of Object.entries(wakeUps)) {
    test(title, async () => {
      await using cluster = await newCluster(['n'])
      await before?.(cluster)
      await cluster.settle()
      await createPod(cluster, 'p', pod)
      await cluster.settle()
      assert.equal(await nodeOf(cluster, 'p'), undefined)
      await act(cluster)
      // No more than its back-off.
      await cluster.advance(1_100)
      assert.ok(await nodeOf(cluster, 'p'))
    })
  }
})

test('a pod learns where it goes, or why it waits, as a condition and as an event', async () => {
  await using cluster = await newCluster(['n'])
  await createPod(cluster, 'fits')
  await createPod(cluster, 'large', requesting({ cpu: '3' }))
  await cluster.settle()
  const why =
    '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: ' +
    '0/1 nodes are available: 1 Preemption is not helpful for scheduling.'
  const conditions = (await getPod(cluster, 'large')).status.conditions!
  assert.deepEqual(
    conditions.map(({ type, status, reason, message }) => ({ type, status, reason, message })),
    [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: why }],
  )
  const { items } = await cluster.client.list(Event, { namespace })
  const said = items
    .filter(({ reportingComponent }) => reportingComponent === 'default-scheduler')
    .map(({ involvedObject, type, reason, message }) => [involvedObject.name, type, reason, message])
  assert.deepEqual(said.sort(), [
    ['fits', 'Normal', 'Scheduled', 'Successfully assigned default/fits to n'],
    ['large', 'Warning', 'FailedScheduling', why],
  ])
})

test("another scheduler's pods and those behind gates are left alone", async () => {
  await using cluster = await newCluster(['n'])
  await createPod(cluster, 'theirs', { schedulerName: 'other' })
  await createPod(cluster, 'gated', { schedulingGates: [{ name: 'example.com/wait' }] })
  await createPod(cluster, 'placed', { nodeName: 'n' })
  await cluster.settle()
  assert.equal((await getPod(cluster, 'theirs')).status.conditions, undefined)
  assert.equal((await getPod(cluster, 'gated')).status.conditions?.[0]?.reason, 'SchedulingGated')
  const { items } = await cluster.client.list(Event, { namespace })
  assert.deepEqual(
    items.filter(({ reportingComponent }) => reportingComponent === 'default-scheduler'),
    [],
  )
})

test('a node that comes back under its name still holds the pods that it had', async () => {
  await using cluster = await newCluster(['n'])
  await createPod(cluster, 'old', requesting({ cpu: '2' }))
  await cluster.settle()
  await cluster.client.delete(Node, { name: 'n' })
  await cluster.nodes!.add([{ name: 'n', capacity: { cpu: '2' } }])
  await createPod(cluster, 'new', requesting({ cpu: '1' }))
  await cluster.settle()
  assert.equal(await nodeOf(cluster, 'old'), 'n')
  assert.equal(await nodeOf(cluster, 'new'), undefined)
})

test('the same seed gives the same places', async () => {
  const places = async (seed: number) => {
    await using cluster = await newCluster(['a', 'b', 'c', 'd'], seed)
    for (let at = 0; at < 12; at++) await createPod(cluster, `p${at}`)
    await cluster.settle()
    return (await cluster.client.list(Pod)).items.map(({ spec }) => spec.nodeName)
  }
  assert.deepEqual(await places(3), await places(3))
  assert.notDeepEqual(await places(3), await places(4))
})

test('no place is given away by what was true before the server was away', async () => {
  const world = new VirtualWorld()
  await using cluster = await startCluster({ world, nodes: [{ name: 'a' }] })
  const line = lineTo(cluster.client)
  const end = new AbortController()
  const caches = toCaches(new CacheSet({ client: line.client, ...world, signal: end.signal }))
  const profiles = [profileOf(defaultPlugins, 'away')]
  const scheduler = new Scheduler({ world, caches, client: cluster.client, profiles })
  await createPod(cluster, 'before', { schedulerName: 'away' })
  await cluster.settle()
  assert.equal(await nodeOf(cluster, 'before'), 'a')
  line.cut()
  await patchNode(cluster, 'a', { spec: { unschedulable: true } })
  await cluster.nodes!.add([{ name: 'b' }])
  await createPod(cluster, 'after', { schedulerName: 'away' })
  const nodesAnswer = line.heal(Node)
  await cluster.advance(60_000)
  assert.ok(caches.of(Pod).get(namespace, 'after'))
  assert.equal(await nodeOf(cluster, 'after'), undefined)
  nodesAnswer()
  await cluster.settle()
  assert.equal(await nodeOf(cluster, 'after'), 'b')
  end.abort()
  await scheduler.stop()
})

/** A client that can be cut off from its server, and reach it again, with one kind later than the others. */
function lineTo(server: Client) {
  let cut: PromiseWithResolvers<never> | undefined
  let isDown = false
  let late: { readonly kind: Kind; readonly answered: Promise<void> } | undefined
  const gone = () => new ApiError('ServiceUnavailable', 'cannot reach it')
  const client = Object.create(server) as Client
  client.list = async (kind, options) => {
    if (isDown) throw gone()
    if (late !== undefined && late.kind === (kind as unknown as Kind)) await late.answered
    return server.list(kind, options)
  }
  client.watch = async function* (kind, options) {
    if (isDown) throw gone()
    cut ??= Promise.withResolvers()
    cut.promise.catch(() => {})
    const events = server.watch(kind, options)[Symbol.asyncIterator]()
    for (;;) {
      const next = await Promise.race([events.next(), cut.promise])
      if (next.done) return
      yield next.value
    }
  }
  return {
    client,
    cut() {
      isDown = true
      cut?.reject(gone())
      cut = undefined
    },
    /** Gives what lets the late kind through. */
    heal(kind: Kind) {
      const { promise, resolve } = Promise.withResolvers<void>()
      late = { kind, answered: promise }
      isDown = false
      return resolve
    },
  }
}

describe('while a binding is on its way', () => {
  /** A cluster whose only scheduler is a slow one, and which has nodes that take one pod each. */
  async function slowlyBound(nodes: readonly string[]) {
    const world = new VirtualWorld()
    const cluster = await startCluster({ world, nodes: nodes.map((name) => ({ name, capacity: { pods: '1' } })) })
    const scheduler = new Scheduler({
      world,
      caches: cluster.caches,
      client: slowToBind(cluster.client, world.clock),
      profiles: [profileOf(defaultPlugins, 'slow')],
    })
    return Object.assign(cluster, {
      async [Symbol.asyncDispose]() {
        await scheduler.stop()
        await Object.getPrototypeOf(cluster)[Symbol.asyncDispose].call(cluster)
      },
    })
  }

  const bindingMs = 100

  function slowToBind(client: Client, clock: Clock): Client {
    const slow = Object.create(client) as Client
    slow.as = () => slow
    slow.patch = (kind, ref, patch, options) => client.patch(kind, ref, patch, options)
    slow.create = (kind, object, options) => client.create(kind, object, options)
    slow.createSubresource = async (...call) => {
      await clock.after(bindingMs)
      return client.createSubresource(...call)
    }
    return slow
  }

  test('its place is taken', async () => {
    await using cluster = await slowlyBound(['n'])
    await createPod(cluster, 'first', { schedulerName: 'slow' })
    await cluster.advance(bindingMs / 2)
    await createPod(cluster, 'second', { schedulerName: 'slow' })
    await cluster.advance(bindingMs * 2)
    assert.equal(await nodeOf(cluster, 'first'), 'n')
    assert.equal(await nodeOf(cluster, 'second'), undefined)
  })

  test('a pod that is deleted gives its place back', async () => {
    await using cluster = await slowlyBound(['n'])
    await createPod(cluster, 'first', { schedulerName: 'slow' })
    await cluster.advance(bindingMs / 2)
    await cluster.client.delete(Pod, { namespace, name: 'first' })
    await createPod(cluster, 'second', { schedulerName: 'slow' })
    await cluster.advance(bindingMs * 2)
    assert.equal(await nodeOf(cluster, 'second'), 'n')
  })

  test('a pod that somebody else places counts where it is', async () => {
    await using cluster = await slowlyBound(['a', 'b'])
    await createPod(cluster, 'first', { schedulerName: 'slow' })
    await cluster.advance(0)
    await cluster.client.createSubresource(Pod, { namespace, name: 'first' }, 'binding', {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'first' },
      target: { kind: 'Node', name: 'a' },
    })
    await cluster.advance(bindingMs * 2)
    assert.equal(await nodeOf(cluster, 'first'), 'a')
    await createPod(cluster, 'second', { schedulerName: 'slow' })
    await createPod(cluster, 'third', { schedulerName: 'slow' })
    await cluster.advance(bindingMs * 2)
    assert.equal(await nodeOf(cluster, 'second'), 'b')
    assert.equal(await nodeOf(cluster, 'third'), undefined)
  })
})

test('the steps on the way of a pod are timed, with what became of them', async () => {
  await using cluster = await newCluster(['n', 'm'])
  const text = async () => {
    const { body } = await cluster.handler({
      method: 'GET',
      url: '/metrics',
      user: { name: 'admin', groups: ['system:masters'] },
      headers: {},
      signal: new AbortController().signal,
    } as unknown as ApiRequest)
    return String(body)
  }
  await createPod(cluster, 'small', requesting({ cpu: '1' }))
  await createPod(cluster, 'elsewhere', { nodeName: 'n', ...requesting({ cpu: '1' }) })
  await createPod(cluster, 'large', requesting({ cpu: '3' }))
  await createPod(cluster, 'without-claim', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'none' } }] })
  await cluster.settle()
  const family = 'scheduler_framework_extension_point_duration_seconds'
  const counts = [
    ...(await text()).matchAll(
      new RegExp(`^${family}_count\\{extension_point="(\\w+)",.*status="(\\w+)"} (\\d+)$`, 'gm'),
    ),
  ].map(([, point, status, count]) => `${point} ${status} ${count}`)
  assert.deepEqual(counts.sort(), [
    'Bind Success 1',
    'Filter Success 2',
    'PostFilter Unschedulable 1',
    'PreFilter Success 2',
    'PreFilter UnschedulableAndUnresolvable 1',
    'Reserve Success 1',
    'Score Success 1',
  ])
})
