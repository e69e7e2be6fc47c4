import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startCluster } from '../cluster/cluster.ts'
import { Event } from '../kinds/core/event.ts'
import { Pod } from '../kinds/core/pod.ts'
import type { Draft } from '../schema/types.ts'
import { VirtualWorld } from '../world/virtual.ts'

const namespace = 'default'
type Amounts = Readonly<Record<string, string>>

/** A node with two processors, and pods on it that are resized. */
async function newCluster() {
  const world = new VirtualWorld(1)
  const cluster = await startCluster({ world, nodes: 0 })
  await cluster.nodes!.add([{ name: 'small', capacity: { cpu: '2', memory: '4Gi', pods: '10' } }])
  await cluster.settle()
  const { client } = cluster
  const get = (name: string) => client.get(Pod, { namespace, name })
  const run = async (name: string, requests: Amounts, container: Draft<Pod['spec']['containers'][number]> = {}) => {
    const limits = requests
    const containers = [{ name: 'c', image: 'i', resources: { requests, limits }, ...container }]
    await client.create(Pod, { metadata: { name, namespace }, spec: { containers } as Draft<Pod['spec']> })
    await cluster.settle()
  }
  const resize = async (name: string, requests: Amounts) => {
    const body = { spec: { containers: [{ name: 'c', resources: { requests, limits: requests } }] } }
    await client.patch(Pod, { namespace, name }, { type: 'strategic', body }, { subresource: 'resize' })
    await cluster.settle()
  }
  /** What the container has, how often it was started anew, and what the pod says of its resize. */
  const told = async (name: string) => {
    const { conditions, containerStatuses } = (await get(name)).status
    const { resources, allocatedResources, restartCount } = containerStatuses![0]!
    assert.deepEqual(allocatedResources, resources?.requests)
    const resizing = conditions?.filter(({ type }) => type.startsWith('PodResize'))
    const words = resizing?.map(({ type, status, reason, message }) => [type, status, reason, message].join(' '))
    return [resources?.requests?.cpu, resources?.requests?.memory, restartCount, ...words!]
  }
  const eventsOf = async (name: string) => {
    const { items } = await client.list(Event, { namespace, fieldSelector: `involvedObject.name=${name}` })
    return items
      .filter(({ reason }) => reason?.startsWith('Resize') || reason === 'Killing')
      .map(({ type, reason, message }) => `${type} ${reason} ${message}`)
  }
  return Object.assign(cluster, { world, get, run, resize, told, eventsOf })
}

test('a container is given other resources while it runs', async () => {
  await using cluster = await newCluster()
  await cluster.run('p', { cpu: '500m', memory: '1Gi' })
  await cluster.resize('p', { cpu: '1', memory: '1Gi' })
  assert.deepEqual(await cluster.told('p'), ['1', '1Gi', 0])
  const size = '{"name":"c","resources":{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"1","memory":"1Gi"}}}'
  assert.deepEqual(await cluster.eventsOf('p'), [
    `Normal ResizeStarted Pod resize started: {"containers":[${size}],"generation":2}`,
    `Normal ResizeCompleted Pod resize completed: {"containers":[${size}],"generation":2}`,
  ])
  assert.equal((await cluster.get('p')).status.observedGeneration, 2)
})

test('a container whose policy says so is started anew for it', async () => {
  await using cluster = await newCluster()
  const resizePolicy = [
    { resourceName: 'cpu', restartPolicy: 'NotRequired' },
    { resourceName: 'memory', restartPolicy: 'RestartContainer' },
  ] as const
  await cluster.run('p', { cpu: '500m', memory: '1Gi' }, { resizePolicy })
  await cluster.resize('p', { cpu: '1', memory: '1Gi' })
  assert.deepEqual(await cluster.told('p'), ['1', '1Gi', 0])
  const body = { metadata: { annotations: { 'simulation.coracle.dev/stop-after': '5s' } } }
  await cluster.client.patch(Pod, { namespace, name: 'p' }, { type: 'merge', body })
  const memory = { requests: { memory: '2Gi' }, limits: { memory: '2Gi' } }
  const patch = { spec: { containers: [{ name: 'c', resources: memory }] } }
  await cluster.client.patch(
    Pod,
    { namespace, name: 'p' },
    { type: 'strategic', body: patch },
    { subresource: 'resize' },
  )
  await cluster.world.advance(1000)
  assert.deepEqual(await cluster.told('p'), ['1', '1Gi', 0, 'PodResizeInProgress True  '])
  await cluster.settle()
  assert.deepEqual(await cluster.told('p'), ['1', '2Gi', 1])
  const events = (await cluster.eventsOf('p')).slice(2)
  assert.deepEqual(
    events.map((text) => text.split(': ')[0]),
    [
      'Normal ResizeStarted Pod resize started',
      'Normal Killing Container c resize requires restart',
      'Normal ResizeCompleted Pod resize completed',
    ],
  )
})

test('what a node can never give is said to be infeasible, and takes no room', async () => {
  await using cluster = await newCluster()
  await cluster.run('p', { cpu: '500m', memory: '1Gi' })
  await cluster.resize('p', { cpu: '3', memory: '1Gi' })
  const why = "Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000"
  const infeasible = ['500m', '1Gi', 0, `PodResizePending True Infeasible ${why}`]
  assert.deepEqual(await cluster.told('p'), infeasible)
  const size = '{"name":"c","resources":{"limits":{"cpu":"3","memory":"1Gi"},"requests":{"cpu":"3","memory":"1Gi"}}}'
  assert.deepEqual(await cluster.eventsOf('p'), [
    `Warning ResizeInfeasible Pod resize Infeasible: {"containers":[${size}],"generation":2,"error":"${why}"}`,
  ])
  // For the scheduler, too, the pod has what it was given.
  await cluster.run('q', { cpu: '1500m', memory: '1Gi' })
  assert.equal((await cluster.get('q')).status.phase, 'Running')
  // A kubelet that comes back knows what it gave.
  cluster.nodes!.crash('small')
  await cluster.nodes!.restart('small')
  await cluster.settle()
  assert.deepEqual(await cluster.told('p'), infeasible)
  await cluster.resize('p', { cpu: '400m', memory: '1Gi' })
  assert.deepEqual(await cluster.told('p'), ['400m', '1Gi', 0])
})

test('what a node cannot give now is given when others go, or want less', async () => {
  await using cluster = await newCluster()
  await cluster.run('p', { cpu: '500m', memory: '1Gi' })
  await cluster.run('q', { cpu: '1', memory: '1Gi' })
  await cluster.run('r', { cpu: '500m', memory: '1Gi' })
  await cluster.resize('p', { cpu: '1500m', memory: '1Gi' })
  const why = "Node didn't have enough resource: cpu, requested: 1500, used: 1500, capacity: 2000"
  assert.deepEqual(await cluster.told('p'), ['500m', '1Gi', 0, `PodResizePending True Deferred ${why}`])
  await cluster.client.delete(Pod, { namespace, name: 'r' })
  await cluster.settle()
  const still = "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000"
  assert.deepEqual(await cluster.told('p'), ['500m', '1Gi', 0, `PodResizePending True Deferred ${still}`])
  await cluster.resize('q', { cpu: '100m', memory: '1Gi' })
  assert.deepEqual(await cluster.told('p'), ['1500m', '1Gi', 0])
  assert.deepEqual(
    (await cluster.eventsOf('p')).map((text) => text.split(' ')[1]),
    ['ResizeDeferred', 'ResizeDeferred', 'ResizeStarted', 'ResizeCompleted'],
  )
})
