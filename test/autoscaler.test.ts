import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterOptions } from '../src/cluster/cluster.ts'
import { CustomResourceDefinition } from '../src/kinds/apiextensions/custom-resource-definition.ts'
import { Deployment } from '../src/kinds/apps/deployment.ts'
import { ReplicaSet } from '../src/kinds/apps/replica-set.ts'
import { StatefulSet } from '../src/kinds/apps/stateful-set.ts'
import { HorizontalPodAutoscaler } from '../src/kinds/autoscaling/horizontal-pod-autoscaler.ts'
import { Event } from '../src/kinds/core/event.ts'
import { Pod } from '../src/kinds/core/pod.ts'
import { ReplicationController } from '../src/kinds/core/replication-controller.ts'
import type { ApiObject, Kind } from '../src/schema/kind.ts'
import type { Draft } from '../src/schema/types.ts'
import { virtualCluster } from './support/virtual-cluster.ts'

const namespace = 'default'
const web = { namespace, name: 'web' }
const load = 'simulation.coracle.dev/cpu-load'
/** One look of the autoscaler. */
const lookMs = 15_000

const template = (requests: object | undefined, labels: Record<string, string> = { app: 'web' }) => ({
  metadata: { labels },
  spec: {
    containers: [
      { name: 'main', image: 'web:1', resources: { limits: { cpu: '500m' }, ...(requests && { requests }) } },
    ],
  },
})

function deployment(more: { readonly annotations?: object; readonly requests?: object; readonly name?: string } = {}) {
  const { annotations, requests = { cpu: '200m' }, name = 'web' } = more
  return {
    metadata: { ...web, name, ...(annotations && { annotations }) },
    spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, template: template(requests) },
  } as Draft<Deployment>
}

type Spec = Draft<HorizontalPodAutoscaler['spec']>

const onProcessors = (percent: number): Spec => ({
  metrics: [
    { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: percent } } },
  ],
})

function autoscaler(spec: Spec = {}, name = 'web'): Draft<HorizontalPodAutoscaler> {
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
  return { metadata: { namespace, name }, spec: { maxReplicas: 10, scaleTargetRef, ...onProcessors(30), ...spec } }
}

/** A cluster in virtual time, and what tests ask of it. */
async function begin(options: ClusterOptions = {}) {
  const { cluster, faults, ...rest } = await virtualCluster(options)
  const { client } = cluster
  return {
    cluster,
    client,
    faults,
    async look(times = 1) {
      for (let n = 0; n < times; n++) await cluster.advance(lookMs)
    },
    setLoad: (cores: string) =>
      client.patch(Deployment, web, { type: 'merge', body: { metadata: { annotations: { [load]: cores } } } }),
    state: (name = 'web') => client.get(HorizontalPodAutoscaler, { namespace, name }),
    conditions: async (name = 'web') => {
      const { status } = await client.get(HorizontalPodAutoscaler, { namespace, name })
      return Object.fromEntries(
        (status.conditions ?? []).map(({ type, status, reason, message }) => [type, `${status} ${reason}: ${message}`]),
      )
    },
    replicas: async () => (await client.get(Deployment, web)).spec.replicas,
    events: async () =>
      (await client.list(Event, { namespace })).items
        .filter(({ involvedObject }) => involvedObject.kind === 'HorizontalPodAutoscaler')
        .map(({ type, reason, message }) => `${type} ${reason}: ${message}`),
    [Symbol.asyncDispose]: rest[Symbol.asyncDispose],
  }
}

test('the experiment of the notes: 1, 4, 8, 10 under load, and back five minutes after it [HPA-07 HPA-08 HPA-19]', async () => {
  await using scene = await begin()
  const { client, look } = scene
  await client.create(Deployment, deployment({ annotations: { [load]: '0' } }))
  await client.create(HorizontalPodAutoscaler, autoscaler())
  await look(4)
  assert.equal(await scene.replicas(), 1)

  // As much as ten pods can bear at 206 percent of what they request.
  await scene.setLoad('4120m')
  const sizes: (number | undefined)[] = []
  for (let n = 0; n < 6; n++) {
    await look()
    sizes.push(await scene.replicas())
  }
  assert.deepEqual(sizes, [4, 8, 10, 10, 10, 10])
  const { status } = await scene.state()
  assert.equal(status.currentMetrics[0]?.resource?.current.averageUtilization, 206)
  assert.deepEqual(await scene.conditions(), {
    AbleToScale: 'True ReadyForNewScale: recommended size matches current size',
    ScalingActive:
      'True ValidMetricFound: the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)',
    ScalingLimited: 'True TooManyReplicas: the desired replica count is more than the maximum replica count',
  })

  await scene.setLoad('0')
  let minutesUntilDown = 0
  for (; (await scene.replicas()) === 10; minutesUntilDown += 0.25) await look()
  assert.equal(minutesUntilDown, 5.25)
  assert.equal(await scene.replicas(), 1)
  await look(2)
  assert.equal((await client.list(Pod, { namespace })).items.length, 1)
  assert.equal(
    (await scene.conditions())['AbleToScale'],
    'True ReadyForNewScale: recommended size matches current size',
  )
  assert.deepEqual(await scene.events(), [
    'Normal SuccessfulRescale: New size: 4; reason: cpu resource utilization (percentage of request) above target',
    'Normal SuccessfulRescale: New size: 8; reason: cpu resource utilization (percentage of request) above target',
    'Normal SuccessfulRescale: New size: 10; reason: cpu resource utilization (percentage of request) above target',
    'Normal SuccessfulRescale: New size: 1; reason: All metrics below target',
  ])
  assert.deepEqual(scene.faults, [])
})

test('with the usual behaviour written out: 1, 5, 10 [HPA-09 HPA-16]', async () => {
  await using scene = await begin()
  await scene.client.create(Deployment, deployment({ annotations: { [load]: '4120m' } }))
  await scene.client.create(HorizontalPodAutoscaler, autoscaler({ behavior: { scaleUp: {} } }))
  const written = await scene.state()
  assert.deepEqual(written.spec.behavior, {
    scaleUp: {
      stabilizationWindowSeconds: 0,
      selectPolicy: 'Max',
      policies: [
        { type: 'Pods', value: 4, periodSeconds: 15 },
        { type: 'Percent', value: 100, periodSeconds: 15 },
      ],
    },
    scaleDown: { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
  })
  const sizes = new Set<number | undefined>()
  for (let n = 0; n < 8; n++) {
    await scene.look()
    sizes.add(await scene.replicas())
  }
  assert.deepEqual([...sizes], [5, 10])
})

test('a new autoscaler is looked at after a whole period, and then in each [HPA-11]', async () => {
  await using scene = await begin()
  await scene.client.create(Deployment, deployment())
  await scene.look(3)
  await scene.client.create(HorizontalPodAutoscaler, autoscaler({ minReplicas: 3 }))
  await scene.cluster.advance(lookMs - 1_000)
  assert.deepEqual((await scene.state()).status.conditions ?? [], [])
  assert.equal(await scene.replicas(), 1)
  await scene.cluster.advance(1_000)
  assert.equal(await scene.replicas(), 3)
  assert.deepEqual(await scene.events(), [
    'Normal SuccessfulRescale: New size: 3; reason: Current number of replicas below Spec.MinReplicas',
  ])
  // A change of the autoscaler wakes nobody before the time.
  const { metadata } = await scene.state()
  const smaller = { type: 'merge', body: { spec: { minReplicas: 1, maxReplicas: 2 } } } as const
  await scene.client.patch(HorizontalPodAutoscaler, { namespace, name: metadata.name! }, smaller)
  await scene.cluster.advance(lookMs - 1_000)
  assert.equal(await scene.replicas(), 3)
  await scene.cluster.advance(1_000)
  assert.equal(await scene.replicas(), 2)
  assert.equal(
    (await scene.events()).at(-1),
    'Normal SuccessfulRescale: New size: 2; reason: Current number of replicas above Spec.MaxReplicas',
  )
})

test('what the reference has flags for can be set [HPA-11 HPA-12 HPA-14]', async () => {
  await using scene = await begin({
    autoscaler: {
      autoscalerSyncMs: 60_000,
      downscaleStabilizationMs: 120_000,
      autoscalerTolerance: 0.5,
      cpuInitializationMs: 0,
      initialReadinessMs: 0,
    },
  })
  await scene.client.create(Deployment, deployment({ annotations: { [load]: '85m' } }))
  await scene.client.create(HorizontalPodAutoscaler, autoscaler())
  await scene.cluster.advance(59_000)
  assert.deepEqual((await scene.state()).status.conditions ?? [], [])
  await scene.cluster.advance(1_000)
  // 42 percent of 30 wished, of which half as much again is borne.
  assert.equal(await scene.replicas(), 1)
  await scene.setLoad('400m')
  await scene.cluster.advance(60_000)
  assert.equal(await scene.replicas(), 4)
  await scene.setLoad('0')
  const sizes: (number | undefined)[] = []
  for (let n = 0; n < 4; n++) {
    await scene.cluster.advance(60_000)
    sizes.push(await scene.replicas())
  }
  // The window remembers what was asked for: seven, of which the first step gave four.
  assert.deepEqual(sizes, [7, 7, 1, 1])
})

test('a target with no replicas is switched off', async () => {
  await using scene = await begin()
  const none = deployment()
  await scene.client.create(Deployment, { ...none, spec: { ...none.spec, replicas: 0 } })
  await scene.client.create(HorizontalPodAutoscaler, autoscaler())
  await scene.look(3)
  assert.equal(await scene.replicas(), 0)
  assert.deepEqual(await scene.conditions(), {
    AbleToScale: "True SucceededGetScale: the HPA controller was able to get the target's current scale",
    ScalingActive: 'False ScalingDisabled: scaling is disabled since the replica count of the target is zero',
  })
})

test('without requests nothing can be calculated [HPA-20]', async () => {
  await using scene = await begin()
  await scene.client.create(Deployment, deployment({ requests: {}, annotations: { a: 'b' } }))
  // A limit would have become the request.
  const template = { spec: { containers: [{ name: 'main', image: 'web:2' }] } }
  await scene.client.patch(Deployment, { namespace, name: 'web' }, { type: 'merge', body: { spec: { template } } })
  await scene.client.create(HorizontalPodAutoscaler, autoscaler())
  await scene.look(4)
  const [pod] = (await scene.client.list(Pod, { namespace })).items
  const missing = `failed to get cpu utilization: missing request for cpu in container main of Pod ${pod?.metadata.name}`
  assert.equal(
    (await scene.conditions())['ScalingActive'],
    `False FailedGetResourceMetric: the HPA was unable to compute the replica count: ${missing}`,
  )
  const events = await scene.events()
  assert.ok(events.includes(`Warning FailedGetResourceMetric: ${missing}`), events.join('\n'))
  const summary = `invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: ${missing}`
  assert.ok(events.includes(`Warning FailedComputeMetricsReplicas: ${summary}`), events.join('\n'))
  assert.deepEqual((await scene.state()).status.currentMetrics, [{ type: '' }])
})

test('where nobody measures, the autoscaler says so and changes nothing', async () => {
  await using scene = await begin({ metrics: false })
  await scene.client.create(Deployment, deployment())
  await scene.client.create(HorizontalPodAutoscaler, autoscaler())
  await scene.look(3)
  const fault =
    'failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)'
  assert.equal(
    (await scene.conditions())['ScalingActive'],
    `False FailedGetResourceMetric: the HPA was unable to compute the replica count: ${fault}`,
  )
  assert.equal(await scene.replicas(), 1)
})

test('metrics that nobody serves', async () => {
  const none: Readonly<Record<string, readonly [NonNullable<Spec['metrics']>[number], string, string]>> = {
    pods: [
      { type: 'Pods', pods: { metric: { name: 'requests' }, target: { type: 'AverageValue', averageValue: '10' } } },
      'FailedGetPodsMetric',
      'unable to get metric requests: unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered',
    ],
    object: [
      {
        type: 'Object',
        object: {
          metric: { name: 'hits' },
          describedObject: { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'main' },
          target: { type: 'Value', value: '10' },
        },
      },
      'FailedGetObjectMetric',
      'unable to get metric hits: unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered on Ingress default/main',
    ],
    external: [
      {
        type: 'External',
        external: {
          metric: { name: 'queue', selector: { matchLabels: { of: 'web' } } },
          target: { type: 'AverageValue', averageValue: '10' },
        },
      },
      'FailedGetExternalMetric',
      'failed to get queue external metric: unable to get external metric default/queue/&LabelSelector{MatchLabels:map[string]string{of: web,},MatchExpressions:[]LabelSelectorRequirement{},}: unable to fetch metrics from external metrics API: the server could not find the requested resource (get queue.external.metrics.k8s.io)',
    ],
  }
  await using scene = await begin()
  await scene.client.create(Deployment, deployment())
  for (const [name, [metric]] of Object.entries(none)) {
    const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
    await scene.client.create(HorizontalPodAutoscaler, autoscaler({ scaleTargetRef, metrics: [metric] }, name))
    await scene.look(2)
    const [, reason, message] = none[name]!
    assert.equal(
      (await scene.conditions(name))['ScalingActive'],
      `False ${reason}: the HPA was unable to compute the replica count: ${message}`,
    )
    await scene.client.delete(HorizontalPodAutoscaler, { namespace, name })
    await scene.look()
  }
})

test('the metric that asks for most counts; one that fails keeps the number from going down', async () => {
  await using scene = await begin()
  await scene.client.create(Deployment, deployment({ annotations: { [load]: '300m' } }))
  const resource = (name: string, averageValue: string) =>
    ({ type: 'Resource', resource: { name, target: { type: 'AverageValue', averageValue } } }) as const
  const metrics = [resource('cpu', '100m'), resource('memory', '1Gi')]
  await scene.client.create(HorizontalPodAutoscaler, autoscaler({ metrics }))
  await scene.look(3)
  assert.equal(await scene.replicas(), 3)
  const { status } = await scene.state()
  assert.deepEqual(
    status.currentMetrics.map(({ resource }) => resource),
    [
      { name: 'cpu', current: { averageValue: '100m' } },
      { name: 'memory', current: { averageValue: '16Mi' } },
    ],
  )
  assert.equal((await scene.events())[0], 'Normal SuccessfulRescale: New size: 3; reason: cpu resource above target')

  const broken = {
    type: 'Pods',
    pods: { metric: { name: 'n' }, target: { type: 'AverageValue', averageValue: '1' } },
  } as const
  const body = { spec: { metrics: [resource('cpu', '50m'), broken] } }
  await scene.client.patch(HorizontalPodAutoscaler, web, { type: 'merge', body })
  await scene.look(2)
  assert.equal(await scene.replicas(), 6)
  await scene.setLoad('0')
  await scene.look(25)
  assert.equal(await scene.replicas(), 6)
  assert.match((await scene.conditions())['ScalingActive'] ?? '', /^False FailedGetPodsMetric: /)
  assert.deepEqual((await scene.state()).status.currentMetrics[1], { type: '' })
})

test('one container of several', async () => {
  await using scene = await begin()
  const two = template({ cpu: '200m' })
  const containers = [...two.spec.containers, { name: 'side', image: 'side:1', resources: { requests: { cpu: '1' } } }]
  await scene.client.create(Deployment, {
    metadata: { ...web, annotations: { [load]: '200m' } },
    spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, template: { ...two, spec: { containers } } },
  })
  const target = { type: 'Utilization', averageUtilization: 25 }
  const containerResource = { name: 'cpu', container: 'main', target }
  await scene.client.create(
    HorizontalPodAutoscaler,
    autoscaler({ metrics: [{ type: 'ContainerResource', containerResource }] }),
  )
  await scene.look(3)
  assert.equal(await scene.replicas(), 4)
  assert.deepEqual((await scene.state()).status.currentMetrics[0]?.containerResource, {
    name: 'cpu',
    container: 'main',
    current: { averageValue: '50m', averageUtilization: 25 },
  })
  assert.equal(
    (await scene.events())[0],
    'Normal SuccessfulRescale: New size: 4; reason: cpu container resource utilization (percentage of request) above target',
  )
})

test('a container that there is not', async () => {
  await using scene = await begin()
  await scene.client.create(Deployment, deployment())
  const target = { type: 'Utilization', averageUtilization: 25 }
  const containerResource = { name: 'cpu', container: 'none', target }
  await scene.client.create(
    HorizontalPodAutoscaler,
    autoscaler({ metrics: [{ type: 'ContainerResource', containerResource }] }),
  )
  await scene.look(3)
  const [pod] = (await scene.client.list(Pod, { namespace })).items
  const fault = `failed to get cpu utilization: unable to get metrics for resource cpu: failed to get container metrics: container none not present in metrics for pod default/${pod?.metadata.name}`
  assert.equal(
    (await scene.conditions())['ScalingActive'],
    `False FailedGetContainerResourceMetric: the HPA was unable to compute the replica count: ${fault}`,
  )
})

test('everything that has a scale is scaled [HPA-17]', async () => {
  await using scene = await begin()
  const { client } = scene
  const labelled = (name: string) => ({
    metadata: { namespace, name, annotations: { [load]: '400m' } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: template({ cpu: '200m' }, { app: name }),
    },
  })
  await client.create(ReplicaSet, labelled('rs') as Draft<ReplicaSet>)
  await client.create(StatefulSet, labelled('sts') as Draft<StatefulSet>)
  const rc = labelled('rc')
  await client.create(ReplicationController, {
    ...rc,
    spec: { ...rc.spec, selector: { app: 'rc' } },
  } as Draft<ReplicationController>)
  const targets: Readonly<Record<string, readonly [string, string, Kind<ApiObject>]>> = {
    rs: ['apps/v1', 'ReplicaSet', ReplicaSet as unknown as Kind],
    sts: ['apps/v1', 'StatefulSet', StatefulSet as unknown as Kind],
    rc: ['v1', 'ReplicationController', ReplicationController as unknown as Kind],
  }
  for (const [name, [apiVersion, kind]] of Object.entries(targets))
    await client.create(HorizontalPodAutoscaler, autoscaler({ scaleTargetRef: { apiVersion, kind, name } }, name))
  await scene.look(4)
  for (const [name, [, , kind]] of Object.entries(targets))
    assert.ok(((await client.scale(kind, { namespace, name })).spec.replicas ?? 0) > 1, name)
})

test('also where the kind is custom', async () => {
  await using scene = await begin()
  const { client, cluster } = scene
  await client.create(CustomResourceDefinition, fleets)
  await cluster.advance(100)
  const fleet = cluster.registry.find('sea.example', 'v1', 'fleets') as Kind
  await client.create(fleet, { metadata: { namespace, name: 'web' }, spec: { ships: 2 } } as Draft<ApiObject>)
  const scaleTargetRef = { apiVersion: 'sea.example/v1', kind: 'Fleet', name: 'web' }
  await client.create(HorizontalPodAutoscaler, autoscaler({ scaleTargetRef, minReplicas: 3 }))
  await scene.look(2)
  assert.equal((await client.scale(fleet, web)).spec.replicas, 3)
  // It says nothing of its pods.
  await scene.look(1)
  assert.equal(
    (await scene.conditions())['ScalingActive'],
    "False InvalidSelector: the HPA target's scale is missing a selector",
  )
  assert.ok((await scene.events()).includes('Warning SelectorRequired: selector is required'))
})

const fleets = {
  metadata: { name: 'fleets.sea.example' },
  spec: {
    group: 'sea.example',
    scope: 'Namespaced',
    names: { plural: 'fleets', kind: 'Fleet' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', properties: { ships: { type: 'integer' } } } },
          },
        },
        subresources: { status: {}, scale: { specReplicasPath: '.spec.ships', statusReplicasPath: '.status.ships' } },
      },
    ],
  },
} as unknown as Draft<CustomResourceDefinition>

test('targets that there are not', async () => {
  await using scene = await begin()
  const targets = {
    absent: ['apps/v1', 'Deployment', 'deployments.apps "absent" not found'],
    unknown: ['sea.example/v1', 'Fleet', 'no matches for kind "Fleet" in group "sea.example"'],
    wrong: ['a/b/c', 'Fleet', 'unexpected GroupVersion string: a/b/c'],
  }
  for (const [name, [apiVersion, kind, fault]] of Object.entries(targets)) {
    await scene.client.create(
      HorizontalPodAutoscaler,
      autoscaler({ scaleTargetRef: { apiVersion: apiVersion!, kind: kind!, name } }, name),
    )
    await scene.look(2)
    assert.deepEqual(await scene.conditions(name), {
      AbleToScale: `False FailedGetScale: the HPA controller was unable to get the target's current scale: ${fault}`,
    })
    assert.ok((await scene.events()).includes(`Warning FailedGetScale: ${fault}`))
  }
})

test('two autoscalers that count the same pods both do nothing', async () => {
  await using scene = await begin()
  await scene.client.create(Deployment, deployment({ annotations: { [load]: '4' } }))
  await scene.client.create(Deployment, deployment({ name: 'other' }))
  await scene.client.create(HorizontalPodAutoscaler, autoscaler({ minReplicas: 1 }))
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' }
  await scene.client.create(HorizontalPodAutoscaler, autoscaler({ scaleTargetRef }, 'other'))
  await scene.look(3)
  const fault = 'pods by selector app=web are controlled by multiple HPAs: [{other default} {web default}]'
  assert.equal((await scene.conditions())['ScalingActive'], `False AmbiguousSelector: ${fault}`)
  assert.ok((await scene.events()).includes(`Warning AmbiguousSelector: ${fault}`))
})

test('a tolerance of its own', async () => {
  await using scene = await begin()
  await scene.client.create(Deployment, deployment({ annotations: { [load]: '62m' } }))
  await scene.client.create(HorizontalPodAutoscaler, autoscaler())
  await scene.look(4)
  // 31 percent of 30: within a tenth.
  assert.equal(await scene.replicas(), 1)
  const body = { spec: { behavior: { scaleUp: { tolerance: '10m' } } } }
  await scene.client.patch(HorizontalPodAutoscaler, web, { type: 'merge', body })
  await scene.look(2)
  assert.equal(await scene.replicas(), 2)
})
