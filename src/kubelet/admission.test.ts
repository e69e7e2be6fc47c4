import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startCluster } from '../cluster/cluster.ts'
import { ReplicaSet } from '../kinds/apps/replica-set.ts'
import { Event } from '../kinds/core/event.ts'
import { Node } from '../kinds/core/node.ts'
import { Pod } from '../kinds/core/pod.ts'
import type { Draft } from '../schema/types.ts'

const namespace = 'default'

async function newCluster(capacity: Readonly<Record<string, string>> = {}) {
  const cluster = await startCluster({ time: 'virtual', nodes: 0 })
  const nodes = cluster.nodes!
  const amounts = { cpu: '2', memory: '4Gi', pods: '10', 'ephemeral-storage': '10Gi', ...capacity }
  await nodes.add([{ name: 'small', capacity: amounts, labels: { disk: 'ssd' } }])
  const run = (name: string, spec: Draft<Pod['spec']> = {}, requests: Readonly<Record<string, string>> = {}) =>
    cluster.client.create<Pod>(Pod, {
      metadata: { name, namespace },
      spec: { nodeName: 'small', containers: [{ name: 'c', image: 'i', resources: { requests } }], ...spec },
    })
  const get = (name: string) => cluster.client.get(Pod, { namespace, name })
  /** `Running`, or why not. */
  const told = async (name: string) => {
    const { phase, reason, message } = (await get(name)).status
    return phase === 'Failed' ? `${reason} | ${message}` : phase
  }
  return Object.assign(cluster, { nodes, run, get, told })
}

test('a node rejects a pod for which it has no room, and takes it when others have gone', async () => {
  await using cluster = await newCluster()
  await cluster.run('first', {}, { cpu: '1500m', memory: '1Gi' })
  await cluster.run('second', {}, { cpu: '700m' })
  await cluster.run('large', {}, { memory: '3500Mi' })
  await cluster.run('scratch', {}, { 'ephemeral-storage': '11Gi' })
  await cluster.settle()
  assert.equal(await cluster.told('first'), 'Running')
  assert.equal(
    await cluster.told('second'),
    "OutOfcpu | Pod was rejected: Node didn't have enough resource: cpu, requested: 700, used: 1500, capacity: 2000",
  )
  assert.match(String(await cluster.told('large')), /^OutOfmemory .* memory, requested: 3670016000, used: 1073741824,/)
  assert.match(String(await cluster.told('scratch')), /^OutOfephemeral-storage /)
  const { status } = await cluster.get('second')
  assert.deepEqual(
    { ...status, startTime: 'some time' },
    {
      observedGeneration: 1,
      phase: 'Failed',
      reason: 'OutOfcpu',
      message: status.message,
      startTime: 'some time',
      qosClass: 'Burstable',
    },
  )
  const { items } = await cluster.client.list(Event, { namespace, fieldSelector: 'involvedObject.name=second' })
  assert.deepEqual(
    items.map(({ type, reason, message }) => [type, reason, message]),
    [['Warning', 'OutOfcpu', "Node didn't have enough resource: cpu, requested: 700, used: 1500, capacity: 2000"]],
  )
  await cluster.client.delete(Pod, { namespace, name: 'first' })
  await cluster.settle()
  await cluster.run('third', {}, { cpu: '2' })
  await cluster.settle()
  assert.equal(await cluster.told('third'), 'Running')
})

test('what has ended needs nothing any more', async () => {
  await using cluster = await newCluster()
  await cluster.run('job', { restartPolicy: 'Never' }, { cpu: '2' })
  await cluster.advance(5000)
  assert.equal(await cluster.told('job'), 'Succeeded')
  await cluster.run('next', {}, { cpu: '2' })
  await cluster.settle()
  assert.equal(await cluster.told('next'), 'Running')
})

test('a node takes so many pods and no more, and each host port once', async () => {
  await using cluster = await newCluster({ pods: '2' })
  const port = (hostPort: number, hostIP?: string) => ({
    containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80, hostPort, ...(hostIP && { hostIP }) }] }],
  })
  await cluster.run('one', port(8080))
  await cluster.run('same', port(8080, '10.0.0.1'))
  await cluster.run('two', port(8081))
  await cluster.run('three')
  await cluster.settle()
  const prefix = 'Pod was rejected: '
  assert.equal(await cluster.told('one'), 'Running')
  assert.equal(
    await cluster.told('same'),
    `NodePorts | ${prefix}Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports`,
  )
  assert.equal(await cluster.told('two'), 'Running')
  assert.equal(
    await cluster.told('three'),
    `OutOfpods | ${prefix}Node didn't have enough resource: pods, requested: 1, used: 2, capacity: 2`,
  )
})

test('a node rejects pods that do not select it, do not tolerate it, or are for another system', async () => {
  await using cluster = await newCluster()
  const { client } = cluster
  await cluster.run('selects', { nodeSelector: { disk: 'ssd' } })
  await cluster.run('other', { nodeSelector: { disk: 'hdd' } })
  await cluster.run('windows', { os: { name: 'windows' } })
  await cluster.settle()
  assert.equal(await cluster.told('selects'), 'Running')
  assert.equal(
    await cluster.told('other'),
    "NodeAffinity | Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
  )
  assert.equal(
    await cluster.told('windows'),
    "PodOSNotSupported | Pod was rejected: Failed to admit pod as the OS field doesn't match node OS",
  )

  // Whoever knows of the new label first must not be refused for the old one.
  await client.patch(Node, { name: 'small' }, { type: 'merge', body: { metadata: { labels: { disk: 'hdd' } } } })
  await cluster.run('label', { nodeSelector: { disk: 'hdd' } })
  await cluster.settle()
  assert.equal(await cluster.told('label'), 'Running')

  const taints = [
    { key: 'gpu', effect: 'NoSchedule' },
    { key: 'spot', effect: 'NoExecute' },
  ]
  await client.patch(Node, { name: 'small' }, { type: 'merge', body: { spec: { taints } } })
  const tolerations = [{ key: 'spot', operator: 'Exists' }] as const
  await cluster.run('tolerates', { tolerations })
  await cluster.run('bears-nothing')
  await cluster.settle()
  assert.equal(await cluster.told('tolerates'), 'Running')
  const { items } = await client.list(Event, { namespace, fieldSelector: 'involvedObject.name=bears-nothing' })
  const message = "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate"
  assert.ok(items.some((event) => event.message === message))
})

test('an extended resource of which the node has never heard keeps nobody out; one that it has is counted', async () => {
  await using cluster = await newCluster({ 'example.com/dongle': '1' })
  const limited = (name: string, resource: string) => {
    const amounts = { [resource]: '1' }
    return cluster.run(name, {
      containers: [{ name: 'c', image: 'i', resources: { limits: amounts, requests: amounts } }],
    })
  }
  await limited('unheard', 'example.com/other')
  await limited('first', 'example.com/dongle')
  await limited('second', 'example.com/dongle')
  await cluster.settle()
  assert.equal(await cluster.told('unheard'), 'Running')
  assert.equal(await cluster.told('first'), 'Running')
  assert.match(String(await cluster.told('second')), /^OutOfexample\.com\/dongle /)
})

test('pods that run keep their room when their node comes back', async () => {
  await using cluster = await newCluster()
  await cluster.run('first', {}, { cpu: '2' })
  await cluster.settle()
  cluster.nodes.crash('small')
  // Its name is before that of the one that runs.
  await cluster.run('another', {}, { cpu: '1' })
  await cluster.settle()
  assert.equal(await cluster.told('another'), 'Pending')
  await cluster.nodes.restart('small')
  await cluster.settle()
  assert.equal(await cluster.told('first'), 'Running')
  assert.match(String(await cluster.told('another')), /^OutOfcpu /)
})

test('a ReplicaSet whose pods are always rejected does not fill the cluster in a moment', async () => {
  await using cluster = await newCluster()
  const labels = { app: 'greedy' }
  const resources = { requests: { cpu: '3' } }
  await cluster.client.create(ReplicaSet, {
    metadata: { name: 'greedy', namespace },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { nodeName: 'small', containers: [{ name: 'c', image: 'i', resources }] },
      },
    },
  })
  await cluster.settle()
  await cluster.advance(10_000)
  const { items } = await cluster.client.list(Pod, { namespace })
  assert.ok(items.length > 100 && items.length < 250, `${items.length} pods`)
})

test('what somebody writes into the capacity of a node is there for pods, until it is taken out', async () => {
  await using cluster = await newCluster()
  const dongles = async () => {
    const { status } = await cluster.client.get(Node, { name: 'small' })
    return [status?.capacity?.['example.com/dongle'], status?.allocatable?.['example.com/dongle']]
  }
  const write = async (patch: readonly object[]) => {
    await cluster.client.patch(Node, { name: 'small' }, { type: 'json', body: patch }, { subresource: 'status' })
    await cluster.settle()
  }
  const path = '/status/capacity/example.com~1dongle'
  await write([{ op: 'add', path, value: '4' }])
  assert.deepEqual(await dongles(), ['4', '4'])
  await cluster.advance(3_600_000)
  assert.deepEqual(await dongles(), ['4', '4'])
  await write([{ op: 'replace', path, value: '3' }])
  assert.deepEqual(await dongles(), ['3', '3'])
  await write([{ op: 'remove', path }])
  assert.deepEqual(await dongles(), [undefined, undefined])
})
