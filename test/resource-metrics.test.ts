import assert from 'node:assert/strict'
import { test } from 'node:test'
import { APIService } from '../src/kinds/apiregistration/api-service.ts'
import { Deployment } from '../src/kinds/apps/deployment.ts'
import { Pod } from '../src/kinds/core/pod.ts'
import { NodeMetrics } from '../src/kinds/metrics/node-metrics.ts'
import { PodMetrics } from '../src/kinds/metrics/pod-metrics.ts'
import { isNotFound } from '../src/schema/status.ts'
import type { Draft } from '../src/schema/types.ts'
import { virtualCluster } from './support/virtual-cluster.ts'

const namespace = 'default'
const requests = { cpu: '200m', memory: '100Mi' }

function pod(name: string, more: { readonly annotations?: object; readonly containers?: readonly object[] } = {}) {
  const { annotations, containers = [{ name: 'main', image: 'web:1', resources: { requests } }] } = more
  const of = (key: string) => `simulation.coracle.dev/${key}`
  const said = Object.fromEntries(Object.entries(annotations ?? {}).map(([key, value]) => [of(key), value]))
  return { metadata: { namespace, name, labels: { app: name }, annotations: said }, spec: { containers } } as Draft<Pod>
}

/** What `kubectl top` adds up, by container. */
const usageOf = ({ containers }: PodMetrics) => Object.fromEntries(containers.map(({ name, usage }) => [name, usage]))

test('a pod is measured when it has run for a while, at every look of the server', async () => {
  await using scene = await virtualCluster({ nodes: 1 })
  const { client } = scene.cluster
  // Between two looks, which come every 15 seconds by the clock.
  await scene.cluster.advance(15_000 - (scene.world.clock.now() % 15_000) + 6_000)
  await client.create(Pod, pod('web'))
  await scene.cluster.settle()
  const seen: string[] = []
  for (let seconds = 0; seconds < 45; seconds += 5) {
    const { items } = await client.list(PodMetrics, { namespace })
    seen.push(items.map(({ timestamp, window }) => `${timestamp.slice(14, 19)} ${window}`).join() || 'nothing')
    await scene.cluster.advance(5_000)
  }
  // It began 9 seconds before the next look, which is too short a time.
  assert.deepEqual(seen, [
    ...Array.from({ length: 5 }, () => 'nothing'),
    ...Array.from({ length: 3 }, () => '00:45 15s'),
    '01:00 15s',
  ])
  await client.delete(Pod, { namespace, name: 'web' }, { gracePeriodSeconds: 0 })
  await scene.cluster.settle()
  assert.deepEqual((await client.list(PodMetrics, { namespace })).items, [])
  await assert.rejects(client.get(PodMetrics, { namespace, name: 'web' }), isNotFound)
})

test('what containers use', async () => {
  await using scene = await virtualCluster({ nodes: 1 })
  const { client } = scene.cluster
  const two = [
    { name: 'main', image: 'web:1', resources: { requests, limits: { cpu: '300m', memory: '200Mi' } } },
    { name: 'side', image: 'side:1' },
  ]
  const annotations: Readonly<Record<string, object>> = {
    silent: {},
    constant: { 'cpu-usage': '150m', 'memory-usage': '64Mi' },
    part: { 'cpu-usage': '40%', 'memory-usage': '110%' },
    own: { 'cpu-usage': '50m', 'cpu-usage.main': '120m' },
    limited: { 'cpu-usage': '2', 'memory-usage': '1Gi' },
    stepped: { 'cpu-usage': 'steps 10m 1m=100m', 'memory-usage': 'steps 10Mi 1m=20Mi' },
  }
  for (const [name, said] of Object.entries(annotations))
    await client.create(Pod, pod(name, { annotations: said, containers: two }))
  await scene.cluster.advance(30_000)
  const used = async () =>
    Object.fromEntries(
      (await client.list(PodMetrics, { namespace })).items.map((each) => [each.metadata.name, usageOf(each)]),
    )
  const early = await used()
  assert.deepEqual(early, {
    silent: { main: { cpu: '20m', memory: '50Mi' }, side: { cpu: '1m', memory: '16Mi' } },
    constant: { main: { cpu: '150m', memory: '64Mi' }, side: { cpu: '150m', memory: '64Mi' } },
    part: { main: { cpu: '80m', memory: '110Mi' }, side: { cpu: '0', memory: '0' } },
    own: { main: { cpu: '120m', memory: '50Mi' }, side: { cpu: '50m', memory: '16Mi' } },
    limited: { main: { cpu: '300m', memory: '200Mi' }, side: { cpu: '2', memory: '1Gi' } },
    stepped: { main: { cpu: '10m', memory: '10Mi' }, side: { cpu: '10m', memory: '10Mi' } },
  })
  await scene.cluster.advance(90_000)
  assert.deepEqual((await used())['stepped']?.['main'], { cpu: '100m', memory: '20Mi' })
})

test('a load is shared by the pods that are ready', async () => {
  await using scene = await virtualCluster({ nodes: 2 })
  const { client } = scene.cluster
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'web:1' }] } }
  await client.create(Deployment, {
    metadata: { namespace, name: 'web', annotations: { 'simulation.coracle.dev/cpu-load': '1200m' } },
    spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template },
  } as Draft<Deployment>)
  const cpus = async () =>
    (await client.list(PodMetrics, { namespace })).items.map((each) => usageOf(each)['main']?.['cpu'])
  await scene.cluster.advance(30_000)
  assert.deepEqual(await cpus(), ['400m', '400m', '400m'])
  const smaller = { type: 'merge', body: { spec: { replicas: 2 } } } as const
  await client.patch(Deployment, { namespace, name: 'web' }, smaller)
  await scene.cluster.advance(15_000)
  assert.deepEqual(await cpus(), ['600m', '600m'])
})

test('nodes use what their pods use, and something themselves', async () => {
  await using scene = await virtualCluster({ nodes: 2 })
  const { client, nodes } = scene.cluster
  assert.deepEqual((await client.list(NodeMetrics)).items, [])
  await client.create(Pod, pod('web', { annotations: { 'cpu-usage': '1', 'memory-usage': '1Gi' } }))
  await scene.cluster.advance(30_000)
  const { spec } = await client.get(Pod, { namespace, name: 'web' })
  const used = async () =>
    Object.fromEntries((await client.list(NodeMetrics)).items.map(({ metadata, usage }) => [metadata.name, usage]))
  const idle = { cpu: '50m', memory: '512Mi' }
  const [busy = '', other = ''] = spec.nodeName === 'node-1' ? ['node-1', 'node-2'] : ['node-2', 'node-1']
  assert.deepEqual(await used(), { [busy]: { cpu: '1050m', memory: '1536Mi' }, [other]: idle })
  const one = await client.get(NodeMetrics, { name: busy })
  assert.deepEqual(
    [one.kind, one.window, one.metadata.labels?.['kubernetes.io/hostname']],
    ['NodeMetrics', '15s', busy],
  )
  nodes?.crash(busy)
  await scene.cluster.advance(15_000)
  assert.deepEqual(await used(), { [other]: idle })
  assert.deepEqual((await client.list(PodMetrics)).items, [])
})

test('labels select', async () => {
  await using scene = await virtualCluster({ nodes: 1 })
  const { client } = scene.cluster
  for (const name of ['a', 'b']) await client.create(Pod, pod(name))
  await scene.cluster.advance(30_000)
  const names = async (options: object) =>
    (await client.list(PodMetrics, options)).items.map(({ metadata }) => metadata.name)
  assert.deepEqual(await names({}), ['a', 'b'])
  assert.deepEqual(await names({ labelSelector: 'app=b' }), ['b'])
  assert.deepEqual(await names({ fieldSelector: 'metadata.name=a' }), ['a'])
  assert.deepEqual(await names({ namespace: 'kube-system' }), [])
})

test('what cannot be read is not measured, and the log says why', async () => {
  await using scene = await virtualCluster({ nodes: 1 })
  await scene.cluster.client.create(Pod, pod('web', { annotations: { 'cpu-usage': 'tide 1 2 3h' } }))
  await scene.cluster.advance(30_000)
  assert.deepEqual((await scene.cluster.client.list(PodMetrics)).items, [])
  assert.deepEqual(scene.faults, [
    'a simulated usage cannot be read {"text":"tide 1 2 3h","error":"there is no curve \\"tide\\""}',
  ])
})

test('the APIService of a metrics-server that is deployed changes nothing about who answers [MET-01]', async () => {
  await using scene = await virtualCluster({ nodes: 1 })
  const { client } = scene.cluster
  const name = 'v1beta1.metrics.k8s.io'
  const own = await client.get(APIService, { name })
  assert.deepEqual(own.spec, {
    group: 'metrics.k8s.io',
    version: 'v1beta1',
    groupPriorityMinimum: 100,
    versionPriority: 100,
  })
  const service = { namespace: 'kube-system', name: 'metrics-server' }
  const spec = { ...own.spec, service, insecureSkipTLSVerify: true }
  await client.update(APIService, { ...own, spec })
  await scene.cluster.advance(30_000)
  assert.equal((await client.list(NodeMetrics)).items.length, 1)
  const nodes = (await client.read('/apis/metrics.k8s.io/v1beta1/nodes')) as { readonly items: readonly unknown[] }
  assert.equal(nodes.items.length, 1)
  // Nor in a cluster that begins with it.
  await using fork = await scene.cluster.fork()
  await fork.advance(30_000)
  const { items } = (await fork.client.read('/apis/metrics.k8s.io/v1beta1/nodes')) as typeof nodes
  assert.equal(items.length, 1)
  const { status } = await fork.client.get(APIService, { name })
  assert.deepEqual(
    status.conditions?.map(({ type, status }) => [type, status]),
    [['Available', 'True']],
  )
})

test('without somebody who measures there is no such group', async () => {
  await using scene = await virtualCluster({ nodes: 1, metrics: false })
  await assert.rejects(scene.cluster.client.read('/apis/metrics.k8s.io/v1beta1/nodes'), isNotFound)
  await using measured = await virtualCluster({ nodes: 1 })
  const group = await measured.cluster.client.read('/apis/metrics.k8s.io')
  assert.deepEqual(group, {
    kind: 'APIGroup',
    apiVersion: 'v1',
    name: 'metrics.k8s.io',
    versions: [{ groupVersion: 'metrics.k8s.io/v1beta1', version: 'v1beta1' }],
    preferredVersion: { groupVersion: 'metrics.k8s.io/v1beta1', version: 'v1beta1' },
  })
})
