import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { startCluster } from '../src/cluster/cluster.ts'
import { Deployment } from '../src/kinds/apps/deployment.ts'
import { HorizontalPodAutoscaler } from '../src/kinds/autoscaling/horizontal-pod-autoscaler.ts'
import { Pod } from '../src/kinds/core/pod.ts'
import { Ingress } from '../src/kinds/networking/ingress.ts'
import { Prometheus } from '../src/metrics/prometheus/prometheus.ts'
import { parseRules } from '../src/metrics/prometheus/rules.ts'
import { isNotFound } from '../src/schema/status.ts'
import type { Draft } from '../src/schema/types.ts'
import { hostWorld } from '../src/world/host.ts'
import { VirtualHost } from '../src/world/virtual-host.ts'
import { answerPrometheus, type Series } from './support/prometheus.ts'

const namespace = 'default'
const rules = `
rules:
- seriesQuery: '{__name__=~"^http_.*_total$",namespace!=""}'
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}, ingress: {group: networking.k8s.io, resource: ingress}}}
  name: {matches: "^(.*)_total$", as: "\${1}_per_second"}
  metricsQuery: 'sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)'
- seriesQuery: 'kube_node_heat'
  resources: {template: "<<.Resource>>"}
  metricsQuery: 'avg(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
externalRules:
- seriesQuery: '{__name__="queue_length"}'
  resources: {namespaced: false}
  metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (queue)'
`
assert.doesNotThrow(() => parseRules(rules))

/** A cluster in virtual time beside a Prometheus that knows what a test says. */
async function begin() {
  const host = new VirtualHost()
  const asked: string[] = []
  let known: readonly Series[] = []
  const url = 'http://prometheus.monitoring:9090'
  host.network.serve(url, async (request) => {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname.endsWith('/query')) asked.push(searchParams.get('query') ?? '')
    return answerPrometheus(request.url, known)
  })
  const cluster = await startCluster({ world: host, network: host.network, nodes: 2, prometheus: { url, rules } })
  await cluster.settle()
  const { client } = cluster
  return {
    cluster,
    client,
    asked,
    know: (series: readonly Series[]) => {
      known = series
    },
    read: (path: string) => client.read(path) as Promise<{ readonly items: readonly object[] }>,
    async deploy(replicas: number) {
      const template = {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'main', image: 'web:1' }] },
      }
      const spec = { replicas, selector: { matchLabels: { app: 'web' } }, template }
      await client.create(Deployment, { metadata: { namespace, name: 'web' }, spec } as Draft<Deployment>)
      await cluster.settle()
      return (await client.list(Pod, { namespace })).items.map(({ metadata }) => metadata.name ?? '').sort()
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  }
}

const series = (name: string, value: number, labels: Record<string, string>): Series => ({
  labels: { __name__: name, ...labels },
  value,
})

test('what there is to ask for follows from the series', async () => {
  await using scene = await begin()
  scene.know([
    series('http_requests_total', 1, { namespace, pod: 'a', ingress: 'main' }),
    series('kube_node_heat', 40, { node: 'node-1' }),
    series('queue_length', 7, { queue: 'mail' }),
  ])
  const names = async (group: string) =>
    (
      (await scene.client.read(`/apis/${group}`)) as { readonly resources: readonly { readonly name: string }[] }
    ).resources.map(({ name }) => name)
  assert.deepEqual(await names('custom.metrics.k8s.io/v1beta2'), [
    'ingresses.networking.k8s.io/http_requests_per_second',
    'namespaces/http_requests_per_second',
    'nodes/kube_node_heat',
    'pods/http_requests_per_second',
  ])
  assert.deepEqual(await names('custom.metrics.k8s.io/v1beta1'), await names('custom.metrics.k8s.io/v1beta2'))
  assert.deepEqual(await names('external.metrics.k8s.io/v1beta1'), ['queue_length'])
  const group = (await scene.client.read('/apis/custom.metrics.k8s.io')) as {
    readonly versions: readonly { readonly version: string }[]
  }
  assert.deepEqual(
    group.versions.map(({ version }) => version),
    ['v1beta2', 'v1beta1'],
  )
})

test('metrics of objects, in both versions [MET-10]', async () => {
  await using scene = await begin()
  const [first = '', second = ''] = await scene.deploy(2)
  scene.know([
    series('http_requests_total', 3, { namespace, pod: first, code: '200' }),
    series('http_requests_total', 1.5, { namespace, pod: first, code: '500' }),
    series('http_requests_total', 2, { namespace, pod: second, code: '200' }),
    series('http_requests_total', 9, { namespace, pod: 'gone', code: '200' }),
    series('http_requests_total', 100, { namespace: 'other', pod: first, code: '200' }),
    series('kube_node_heat', 40.25, { node: 'node-1' }),
  ])
  const root = `/apis/custom.metrics.k8s.io/v1beta2`
  const values = async (path: string) => (await scene.read(path)).items as readonly { readonly value: string }[]
  const all = await values(`${root}/namespaces/default/pods/*/http_requests_per_second?labelSelector=app%3Dweb`)
  assert.deepEqual(
    all.map(({ value }) => value),
    ['4500m', '2'],
  )
  assert.equal(
    scene.asked.at(-1),
    `sum(rate(http_requests_total{namespace="default",pod=~"${first}|${second}"}[2m])) by (pod)`,
  )
  const good = `${root}/namespaces/default/pods/${first}/http_requests_per_second?metricLabelSelector=code%3D200`
  const [one] = await values(good)
  assert.deepEqual(one, {
    describedObject: { kind: 'Pod', namespace, name: first, apiVersion: '/v1' },
    metric: { name: 'http_requests_per_second', selector: { matchLabels: { code: '200' } } },
    timestamp: new Date(scene.cluster.registry.world.clock.now()).toISOString().replace(/\.\d+Z/, 'Z'),
    value: '3',
  })
  const [old] = await values(good.replace('v1beta2', 'v1beta1'))
  assert.deepEqual(Object.keys(old ?? {}), ['describedObject', 'metricName', 'timestamp', 'value', 'selector'])
  const [node] = await values(`${root}/nodes/node-1/kube_node_heat`)
  assert.equal(node?.value, '40250m')
  const [whole] = await values(`${root}/namespaces/default/metrics/http_requests_per_second`)
  assert.equal(whole?.value, '15500m')
  assert.deepEqual(
    await values(`${root}/namespaces/default/pods/*/http_requests_per_second?labelSelector=app%3Dnone`),
    [],
  )
})

test('metrics that there are not', async () => {
  await using scene = await begin()
  scene.know([series('http_requests_total', 1, { namespace, pod: 'a' })])
  const root = '/apis/custom.metrics.k8s.io/v1beta2/namespaces/default'
  const faults: Readonly<Record<string, RegExp>> = {
    [`${root}/pods/a/none`]: /the server could not find the metric none for pods/,
    [`${root}/pods/b/http_requests_per_second`]:
      /the server could not find the metric http_requests_per_second for pods b/,
    [`${root}/boats/a/http_requests_per_second`]: /for boats/,
    '/apis/external.metrics.k8s.io/v1beta1/namespaces/default/none': /could not find the metric none/,
  }
  for (const [path, message] of Object.entries(faults))
    await assert.rejects(scene.client.read(path), (error: Error) => isNotFound(error) && message.test(error.message))
})

test('a Prometheus that cannot be asked', async () => {
  const host = new VirtualHost()
  const url = 'http://prometheus.monitoring:9090'
  await using cluster = await startCluster({ world: host, network: host.network, prometheus: { url, rules } })
  await cluster.settle()
  const path = '/apis/external.metrics.k8s.io/v1beta1/namespaces/default/queue_length'
  await assert.rejects(cluster.client.read(path), /no such host/)
  const broken = [
    '<html>',
    '{"status":"error","errorType":"bad_data","error":"parse error"}',
    '{"status":"success","data":{}}',
  ]
  for (const body of broken) {
    host.network.serve(url, async () => ({ status: 200, body }))
    await assert.rejects(cluster.client.read(path), /unable to fetch metrics: Prometheus answers with/)
  }
})

/** What an autoscaler does about one metric. */
async function scaled(
  metric: Draft<HorizontalPodAutoscaler['spec']['metrics']>,
  known: (pods: readonly string[]) => readonly Series[],
) {
  await using scene = await begin()
  const pods = await scene.deploy(2)
  await scene.client.create(Ingress, {
    metadata: { namespace, name: 'main' },
    spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } },
  } as Draft<Ingress>)
  scene.know(known(pods))
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
  await scene.client.create(HorizontalPodAutoscaler, {
    metadata: { namespace, name: 'web' },
    spec: { minReplicas: 1, maxReplicas: 10, scaleTargetRef, metrics: metric },
  } as Draft<HorizontalPodAutoscaler>)
  await scene.cluster.advance(15_000)
  const { status } = await scene.client.get(HorizontalPodAutoscaler, { namespace, name: 'web' })
  const active = status.conditions?.find(({ type }) => type === 'ScalingActive')
  return { desired: status.desiredReplicas, metrics: status.currentMetrics, active: active?.message }
}

const calculatedFrom = (name: string) => `the HPA was able to successfully calculate a replica count from ${name}`

test('autoscaling on a metric of the pods', async () => {
  const { desired, metrics, active } = await scaled(
    [
      {
        type: 'Pods',
        pods: { metric: { name: 'http_requests_per_second' }, target: { type: 'AverageValue', averageValue: '10' } },
      },
    ],
    (pods) => pods.map((pod) => series('http_requests_total', 20, { namespace, pod })),
  )
  assert.equal(desired, 4)
  assert.deepEqual(metrics[0]?.pods, { metric: { name: 'http_requests_per_second' }, current: { averageValue: '20' } })
  assert.equal(active, calculatedFrom('pods metric http_requests_per_second'))
})

test('autoscaling on a metric of another object', async () => {
  const describedObject = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'main' }
  const metric = { name: 'http_requests_per_second' }
  const known = () => [series('http_requests_total', 300, { namespace, ingress: 'main' })]
  const byValue = await scaled(
    [{ type: 'Object', object: { metric, describedObject, target: { type: 'Value', value: '100' } } }],
    known,
  )
  // Three times as much as wished, on two pods.
  assert.deepEqual(byValue.desired, 4)
  assert.deepEqual(byValue.metrics[0]?.object, { metric, current: { value: '300' }, describedObject })
  assert.equal(byValue.active, calculatedFrom('Ingress metric http_requests_per_second'))
  const byAverage = await scaled(
    [{ type: 'Object', object: { metric, describedObject, target: { type: 'AverageValue', averageValue: '100' } } }],
    known,
  )
  assert.equal(byAverage.desired, 3)
  assert.deepEqual(byAverage.metrics[0]?.object?.current, { averageValue: '150' })
})

test('autoscaling on something outside of the cluster', async () => {
  const selector = { matchLabels: { queue: 'mail' } }
  const metric = { name: 'queue_length', selector }
  const known = () => [series('queue_length', 90, { queue: 'mail' }), series('queue_length', 1000, { queue: 'print' })]
  const byAverage = await scaled(
    [{ type: 'External', external: { metric, target: { type: 'AverageValue', averageValue: '30' } } }],
    known,
  )
  assert.equal(byAverage.desired, 3)
  assert.deepEqual(byAverage.metrics[0]?.external, { metric, current: { averageValue: '45' } })
  assert.match(byAverage.active ?? '', /from external metric queue_length\(&LabelSelector\{/)
  const byValue = await scaled(
    [{ type: 'External', external: { metric, target: { type: 'Value', value: '30' } } }],
    known,
  )
  assert.equal(byValue.desired, 4)
})

test('over HTTP, from a server of its own process', async () => {
  const program = new URL('./support/prometheus.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [port] = (await once(child.stdout, 'data')) as [Buffer]
    const url = `http://127.0.0.1:${port.toString().trim()}`
    const known = [series('queue_length', 4.5, { queue: 'mail' }), series('queue_length', 2, { queue: 'print' })]
    await fetch(url, { method: 'PUT', body: JSON.stringify(known) })
    const prometheus = new Prometheus(`${url}/`, hostWorld(() => {}).network)
    assert.deepEqual(
      await prometheus.series('{__name__="queue_length"}', 0),
      known.map(({ labels }) => labels),
    )
    assert.deepEqual(await prometheus.query('sum(queue_length{queue=~"mail|print"}) by (queue)', 1_000_000), [
      { labels: { queue: 'mail' }, value: 4.5, atMs: 1_000_000 },
      { labels: { queue: 'print' }, value: 2, atMs: 1_000_000 },
    ])
    await assert.rejects(prometheus.query('up up', 0), /bad_data: parse error: up up/)
  } finally {
    child.kill()
  }
})
