import { setTimeout as sleep } from 'node:timers/promises'
import { type Api, inFlight } from './api.ts'
import type { Benchmark } from './benchmark.ts'
import { followCount, isBound } from './follow.ts'
import { serve } from './process.ts'
import { untilServiceAccount } from './requests.ts'

/**
 * The scheduler alone on a large cluster, in the shape of upstream's scheduler_perf: nodes are plain
 * objects and nothing runs on them, some pods are there before, and then the pods come that are measured.
 */
export const nodes = 5000
const zones = ['moon-1', 'moon-2', 'moon-3'] as const
const namespaces = ['sched-0', 'sched-1'] as const

export interface Shape {
  readonly id: string
  readonly what: string
  readonly aim: number
  readonly reference: string
  /** The zone of a node by its number. */
  readonly zone: (at: number) => string
  readonly before: { readonly count: number; readonly spec: object; readonly labels?: object }
  readonly measured: { readonly count: number; readonly spec: object; readonly labels?: object }
}

const containers = (cpu: string, memory = '500Mi') => [
  { name: 'pause', image: 'registry.k8s.io/pause:3.10', resources: { requests: { cpu, memory } } },
]
const plain = { containers: containers('100m') }
const inTurns = (at: number) => zones[at % zones.length]!
const blue = { color: 'blue' }
const green = { color: 'green' }

const near = (topologyKey: string, matchLabels: object) => ({ topologyKey, labelSelector: { matchLabels }, namespaces })
const affine = {
  ...plain,
  affinity: {
    podAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [near('topology.kubernetes.io/zone', blue)],
    },
  },
}
const lonely = {
  ...plain,
  affinity: {
    podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [near('kubernetes.io/hostname', green)] },
  },
}
const spread = (whenUnsatisfiable: string) => ({
  ...plain,
  topologySpreadConstraints: [
    { maxSkew: 5, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable, labelSelector: { matchLabels: blue } },
  ],
})

export const shapes: readonly Shape[] = [
  {
    id: 'basic',
    what: 'Plain pods',
    aim: 1000,
    reference: '297',
    zone: inTurns,
    before: { count: 1000, spec: plain },
    measured: { count: 10_000, spec: plain },
  },
  {
    id: 'anti-affinity',
    what: 'Pods that want a node without others of their sort',
    aim: 400,
    reference: '110',
    zone: inTurns,
    before: { count: 1000, spec: lonely, labels: green },
    measured: { count: 2000, spec: lonely, labels: green },
  },
  {
    id: 'affinity',
    what: 'Pods that want to be in the zone of others',
    aim: 200,
    reference: '48',
    zone: () => 'zone1',
    before: { count: 5000, spec: affine, labels: blue },
    measured: { count: 5000, spec: affine, labels: blue },
  },
  {
    id: 'spread',
    what: 'Pods that must be spread over zones',
    aim: 400,
    reference: '121',
    zone: inTurns,
    before: { count: 5000, spec: plain },
    measured: { count: 5000, spec: spread('DoNotSchedule'), labels: blue },
  },
  {
    id: 'preferred-spread',
    what: 'Pods that are to be spread over zones if possible',
    aim: 450,
    reference: '145',
    zone: inTurns,
    before: { count: 5000, spec: plain },
    measured: { count: 5000, spec: spread('ScheduleAnyway'), labels: blue },
  },
  {
    id: 'preemption',
    what: 'Pods for which others have to go',
    aim: 600,
    reference: '204',
    zone: inTurns,
    before: {
      count: 20_000,
      spec: { containers: containers('900m'), terminationGracePeriodSeconds: 0, priorityClassName: 'low' },
    },
    measured: { count: 5000, spec: { containers: containers('3000m'), priorityClassName: 'high' } },
  },
]

/** `scheduler-basic`, `scheduler-affinity` and so on: they take a minute each, and only run when they are named. */
export const schedulerBenchmarks: readonly Benchmark[] = shapes.map((shape) => ({
  name: `scheduler-${shape.id}`,
  rounds: 1,
  rows: [
    {
      id: 'bound',
      what: `${shape.what}: ${shape.measured.count.toLocaleString('en')} on ${nodes.toLocaleString('en')} nodes that hold ${shape.before.count.toLocaleString('en')}, from the first creation to the last binding`,
      unit: '/s',
      aim: shape.aim,
      reference: shape.reference,
    },
    { id: 'processor', what: "Server's processor time for each of these pods", unit: 'µs' },
    { id: 'thread', what: 'Of that, its main thread', unit: 'µs' },
  ],

  async run(bundle) {
    await using cluster = await serve(bundle, { nodes: 0, flags: lifelessNodes })
    const { api } = cluster
    await untilServiceAccount(api)
    await makeCluster(api, shape)
    await bind(api, namespaces[0], shape.before)
    const { count } = shape.measured
    const startedMs = performance.now()
    const [processorMs, mainThreadMs] = [cluster.processorMs(), cluster.mainThreadMs()]
    await bind(api, namespaces[1], shape.measured)
    return {
      bound: (count * 1000) / (performance.now() - startedMs),
      processor: ((cluster.processorMs() - processorMs) * 1000) / count,
      thread: ((cluster.mainThreadMs() - mainThreadMs) * 1000) / count,
    }
  },
}))

/** Nobody is there to keep the nodes alive, so nobody is to ask whether they are. */
const lifelessNodes = [
  '--controllers',
  '*,-node-lifecycle-controller',
  '--disable-admission-plugins',
  'TaintNodesByCondition',
]

async function makeCluster(api: Api, { zone }: Shape): Promise<void> {
  for (const [name, value] of [
    ['low', -10],
    ['high', 10],
  ] as const)
    await api.must('POST', '/apis/scheduling.k8s.io/v1/priorityclasses', { body: { metadata: { name }, value } })
  for (const name of namespaces) {
    await api.must('POST', '/api/v1/namespaces', { body: { metadata: { name } } })
    const account = `/api/v1/namespaces/${name}/serviceaccounts/default`
    while ((await api.request('GET', account)).status !== 200) await sleep(5)
  }
  await inFlight(32, nodes, (at) =>
    api.must('POST', '/api/v1/nodes', { body: nodeOf(`scheduler-perf-${at}`, zone(at)), discard: true }),
  )
}

const capacity = { cpu: '4', memory: '32Gi', pods: '110' }
export const nodeOf = (name: string, zone: string) => ({
  metadata: { name, labels: { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': zone } },
  status: { capacity, allocatable: capacity, conditions: [{ type: 'Ready', status: 'True' }] },
})

async function bind(api: Api, namespace: string, { count, spec, labels = {} }: Shape['measured']): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods`
  const bound = await followCount(api, path, isBound, count)
  await inFlight(32, count, (at) =>
    api.must('POST', path, { body: { metadata: { name: `pod-${at}`, labels }, spec }, discard: true }),
  )
  await bound.all
}
