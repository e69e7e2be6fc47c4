import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode } from '../../schema/decode.ts'
import { FieldErrors } from '../../schema/field-errors.ts'
import type { Mutable } from '../../schema/types.ts'
import { Pod, podSchema } from './pod.ts'
import {
  prepareEphemeralContainers,
  prepareResize,
  validateEphemeralContainersUpdate,
  validateResize,
} from './pod-subresources.ts'

type Json = Record<string, unknown>

const container = { name: 'c', image: 'registry.example/app:1' }

/** A pod as the server has it after defaulting. */
function podOf(spec: Json, metadata: Json = {}): Mutable<Pod> {
  const body = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', ...metadata },
    spec: { containers: [container], ...spec },
  }
  const { object } = decode(podSchema, body)
  Pod.defaults(object)
  return object
}

function created(spec: Json, metadata: Json = {}): Mutable<Pod> {
  const pod = podOf(spec, metadata)
  Pod.prepareCreate(pod)
  return pod
}

function faultsOf(spec: Json, metadata: Json = {}): string[] {
  const errors = new FieldErrors()
  Pod.validate(created(spec, metadata), errors)
  return errors.causes.map(({ field, message }) => `${field}: ${message}`)
}

const withContainer = (fields: Json): Json => ({ containers: [{ ...container, ...fields }] })
const withVolume = (volume: Json): Json => ({ volumes: [volume] })

const faulty: readonly (readonly [what: string, spec: Json, faults: readonly string[]])[] = [
  ['no image', { containers: [{ name: 'c' }] }, ['spec.containers[0].image: Required value']],
  [
    'two containers of one name',
    { containers: [container, container] },
    ['spec.containers[1].name: Duplicate value: "c"'],
  ],
  [
    'requests above limits',
    withContainer({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }),
    ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
  ],
  [
    'part of a device',
    withContainer({ resources: { limits: { 'example.com/gpu': '1500m' } } }),
    [
      'spec.containers[0].resources.limits[example.com/gpu]: Invalid value: "1500m": must be an integer',
      'spec.containers[0].resources.requests[example.com/gpu]: Invalid value: "1500m": must be an integer',
    ],
  ],
  [
    'huge pages alone',
    withContainer({ resources: { limits: { 'hugepages-2Mi': '4Mi' } } }),
    ['spec.containers[0].resources: Forbidden: HugePages require cpu or memory'],
  ],
  [
    'a resource that containers do not have',
    withContainer({ resources: { limits: { pods: '1' } } }),
    [
      'spec.containers[0].resources.limits[pods]: Invalid value: "pods": must be a standard resource for containers',
      'spec.containers[0].resources.requests[pods]: Invalid value: "pods": must be a standard resource for containers',
    ],
  ],
  [
    'a variable with two sources',
    withContainer({
      env: [
        { name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' }, secretKeyRef: { name: 's', key: 'k' } } },
      ],
    }),
    ['spec.containers[0].env[0].valueFrom: Invalid value: "": may not have more than one field specified at a time'],
  ],
  [
    'a field that variables cannot show',
    withContainer({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.labels' } } }] }),
    [
      'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "metadata.labels": supported values: ' +
        '"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", ' +
        '"status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"',
    ],
  ],
  [
    'a mount of nothing, twice',
    withContainer({
      volumeMounts: [
        { name: 'v', mountPath: '/a' },
        { name: 'v', mountPath: '/a' },
      ],
    }),
    [
      'spec.containers[0].volumeMounts[0].name: Not found: "v"',
      'spec.containers[0].volumeMounts[1].name: Not found: "v"',
      'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique',
    ],
  ],
  [
    'a volume with two sources',
    withVolume({ name: 'v', emptyDir: {}, hostPath: { path: '/x' } }),
    ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
  ],
  [
    'a way out of the volume',
    withVolume({ name: 'v', configMap: { name: 'm', items: [{ key: 'k', path: '../x' }] } }),
    [`spec.volumes[0].configMap.items[0].path: Invalid value: "../x": must not contain '..'`],
  ],
  [
    'two ports of the node',
    withContainer({
      ports: [
        { containerPort: 1, hostPort: 80 },
        { containerPort: 2, hostPort: 80 },
      ],
    }),
    ['spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//80"'],
  ],
  [
    'a probe with two ways',
    withContainer({ readinessProbe: { exec: { command: ['x'] }, tcpSocket: { port: 1 } } }),
    ['spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type'],
  ],
  [
    'no DNS at all',
    { dnsPolicy: 'None' },
    ['spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None'],
  ],
  [
    'a node and a gate',
    { nodeName: 'n', schedulingGates: [{ name: 'a' }] },
    ['spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared'],
  ],
]

for (const [what, spec, faults] of faulty) {
  test(`a pod with ${what} is refused`, () => {
    assert.deepEqual(faultsOf(spec), faults)
  })
}

test('sidecars may have probes, other init containers may not', () => {
  const livenessProbe = { tcpSocket: { port: 1 } }
  const sidecar = { name: 'i', image: 'i', restartPolicy: 'Always', livenessProbe }
  assert.deepEqual(faultsOf({ initContainers: [sidecar] }), [])
  assert.deepEqual(faultsOf({ initContainers: [{ name: 'i', image: 'i', livenessProbe }] }), [
    'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
  ])
})

test('a new pod waits, has its class, and says so when it stands behind a gate', () => {
  const pod = created({
    schedulingGates: [{ name: 'g' }],
    ...withContainer({ resources: { limits: { cpu: '1', memory: '1Gi' } } }),
  })
  assert.equal(pod.status.phase, 'Pending')
  assert.equal(pod.status.qosClass, 'Guaranteed')
  assert.equal(pod.status.conditions?.[0]?.reason, 'SchedulingGated')
  assert.equal(pod.metadata.generation, 1)
})

test('classes of service', () => {
  const classOf = (resources: Json) => created(withContainer({ resources })).status.qosClass
  assert.equal(classOf({}), 'BestEffort')
  assert.equal(classOf({ requests: { cpu: '1' } }), 'Burstable')
  assert.equal(classOf({ limits: { cpu: '1' } }), 'Burstable')
  assert.equal(classOf({ requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '2Gi' } }), 'Burstable')
  assert.equal(classOf({ requests: { 'ephemeral-storage': '1' } }), 'BestEffort')
})

test('label keys become requirements with the values of the pod', () => {
  const constraint = {
    maxSkew: 1,
    topologyKey: 'zone',
    whenUnsatisfiable: 'DoNotSchedule',
    labelSelector: {},
    matchLabelKeys: ['hash', 'none'],
  }
  const pod = created({ topologySpreadConstraints: [constraint] }, { labels: { hash: 'h' } })
  assert.deepEqual(pod.spec.topologySpreadConstraints?.[0]?.labelSelector?.matchExpressions, [
    { key: 'hash', operator: 'In', values: ['h'] },
  ])
})

test('an image may change and raises the generation; a port may not', () => {
  const old = created({})
  const update = (fields: Json): string[] => {
    const pod = podOf(withContainer(fields))
    Pod.prepareUpdate(pod, old)
    const errors = new FieldErrors()
    Pod.validateUpdate(pod, old, errors)
    assert.equal(pod.metadata.generation, 2)
    return errors.causes.map(({ field }) => field ?? '')
  }
  assert.deepEqual(update({ image: 'registry.example/app:2' }), [])
  assert.deepEqual(update({ ports: [{ containerPort: 1 }] }), ['spec'])
})

test('a resize changes resources only, and never the class of service', () => {
  const old = created(withContainer({ resources: { requests: { cpu: '1' } } }))
  const resize = (fields: Json): { pod: Mutable<Pod>; faults: (string | undefined)[] } => {
    const pod = podOf({ ...withContainer(fields), nodeName: 'other' })
    prepareResize(pod, old)
    const errors = new FieldErrors()
    validateResize(pod, old, errors)
    return { pod, faults: errors.causes.map(({ message }) => message) }
  }
  const { pod, faults } = resize({ image: 'other', resources: { requests: { cpu: '2' } } })
  assert.deepEqual(faults, [])
  assert.equal(pod.spec.containers[0]?.image, container.image)
  assert.equal(pod.spec.containers[0]?.resources.requests?.cpu, '2')
  assert.equal(pod.spec.nodeName, undefined)
  assert.equal(pod.metadata.generation, 2)
  assert.deepEqual(resize({}).faults, [
    'Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing',
    'Forbidden: resource requests cannot be removed',
  ])
})

test('ephemeral containers come, and stay as they are', () => {
  const old = created({})
  const debug = { name: 'd', image: 'busybox' }
  const write = (before: Mutable<Pod>, ephemeralContainers: Json[]) => {
    const pod = podOf({ ephemeralContainers, nodeName: 'other' })
    prepareEphemeralContainers(pod, before)
    const errors = new FieldErrors()
    validateEphemeralContainersUpdate(pod, before, errors)
    return { pod, faults: errors.causes.map(({ message = '' }) => message.split('\n')[0]) }
  }
  const { pod, faults } = write(old, [debug])
  assert.deepEqual(faults, [])
  assert.equal(pod.spec.nodeName, undefined)
  assert.deepEqual(write(pod, []).faults, ['Forbidden: existing ephemeral containers "d" may not be removed'])
  assert.deepEqual(write(pod, [{ ...debug, image: 'other' }]).faults, [
    'Forbidden: existing ephemeral containers "d" may not be changed',
  ])
  assert.deepEqual(write(old, [{ ...debug, ports: [{ containerPort: 1 }] }]).faults, [
    'Forbidden: cannot be set for an Ephemeral Container',
  ])
})

test('a pod that runs has its time to end; one that does not goes at once', () => {
  const graceOf = (spec: Json, asked?: number) => Pod.gracePeriod?.(created(spec), asked)
  assert.equal(graceOf({}), 0)
  assert.equal(graceOf({ nodeName: 'n' }), 30)
  assert.equal(graceOf({ nodeName: 'n', terminationGracePeriodSeconds: 5 }), 5)
  assert.equal(graceOf({ nodeName: 'n' }, 7), 7)
})

test('the status column', () => {
  const statusOf = (status: Json, metadata: Json = {}, initContainers: Json[] = []): unknown => {
    const { object } = decode(podSchema, {
      metadata: { name: 'a', ...metadata },
      spec: { containers: [container], initContainers },
      status,
    })
    return Pod.columns.find(({ name }) => name === 'Status')?.value(object, { now: 0 })
  }
  const state = (value: Json, more: Json = {}) => ({ name: 'c', state: value, ...more })
  assert.equal(statusOf({ phase: 'Running' }, { deletionTimestamp: '2026-01-01T00:00:00Z' }), 'Terminating')
  assert.equal(statusOf({ phase: 'Failed' }, { deletionTimestamp: '2026-01-01T00:00:00Z' }), 'Failed')
  assert.equal(
    statusOf({ phase: 'Pending', initContainerStatuses: [state({ waiting: { reason: 'PodInitializing' } })] }, {}, [
      { name: 'c' },
      { name: 'd' },
    ]),
    'Init:0/2',
  )
  assert.equal(
    statusOf({ phase: 'Pending', initContainerStatuses: [state({ terminated: { exitCode: 3 } })] }),
    'Init:ExitCode:3',
  )
  const done = state({ terminated: { exitCode: 0, reason: 'Completed' } })
  const up = state({ running: {} }, { ready: true })
  assert.equal(statusOf({ phase: 'Running', containerStatuses: [done, up] }), 'NotReady')
  assert.equal(
    statusOf({ phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], containerStatuses: [done, up] }),
    'Running',
  )
})
