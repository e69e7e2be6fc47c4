import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Container } from '../kinds/core/containers.ts'
import type { Pod, PodCondition } from '../kinds/core/pod.ts'
import { type ContainerLife, type ContainerPhase, lifeOf, type PodLife, podStatus } from './pod-status.ts'

const now = '2026-01-01T12:00:00Z'
const earlier = '2026-01-01T11:00:00Z'
const ids = { containerId: 'test://1', imageId: 'i@1' }

const waiting: ContainerPhase = { type: 'waiting', reason: 'ContainerCreating' }
const unready: ContainerPhase = { type: 'running', startedAt: earlier, ready: false, ...ids }
const ready: ContainerPhase = { ...unready, ready: true }
const ended = (code: number) =>
  ({
    type: 'ended',
    code,
    reason: code === 0 ? 'Completed' : 'Error',
    startedAt: earlier,
    finishedAt: now,
    ...ids,
  }) as const
const crashing: Partial<ContainerLife> = {
  state: { type: 'waiting', reason: 'CrashLoopBackOff', message: 'back-off 10s' },
  last: ended(1),
  restarts: 1,
}

type Told = ContainerPhase | Partial<ContainerLife>
const life = (name: string, role: ContainerLife['role'], told: Told): ContainerLife => ({
  container: { name, image: 'i' } as Container,
  role,
  restarts: 0,
  last: undefined,
  ...('type' in told ? { state: told } : { state: waiting, ...told }),
})

interface Row {
  readonly policy?: 'Always' | 'OnFailure' | 'Never'
  readonly init?: Told
  readonly sidecar?: Told
  readonly main: readonly Told[]
  readonly isStopped?: boolean
  /** Phase, then what is true of initialized, containers ready, ready; then why it is not ready. */
  readonly gives: string
}

function statusOf({ policy = 'Always', init, sidecar, main, isStopped = false }: Row, pod: Partial<Pod> = {}) {
  const known: PodLife = {
    addresses: ['10.0.0.1'],
    hostAddresses: ['172.18.0.2'],
    startTime: earlier,
    hasSandbox: true,
    isStopped,
    initContainers: [
      ...(init ? [life('init', 'init', init)] : []),
      ...(sidecar ? [life('side', 'sidecar', sidecar)] : []),
    ],
    containers: main.map((told, at) => life(`main-${at}`, 'main', told)),
    ephemeralContainers: [],
  }
  const spec = { restartPolicy: policy, containers: [], ...pod.spec }
  return podStatus({ metadata: { name: 'p', generation: 1 }, ...pod, spec } as unknown as Pod, known, now)
}

const conditionOf = (conditions: readonly PodCondition[] | undefined, type: string) =>
  conditions?.find((condition) => condition.type === type)

describe('the phase and conditions of a pod', () => {
  const rows: Readonly<Record<string, Row>> = {
    'being started': { main: [waiting], gives: 'Pending init - - ContainersNotReady' },
    'half started': { main: [ready, waiting], gives: 'Pending init - - ContainersNotReady' },
    started: { main: [unready], gives: 'Running init - - ContainersNotReady' },
    ready: { main: [ready, ready], gives: 'Running init containers ready' },
    'half ready': { main: [ready, unready], gives: 'Running init - - ContainersNotReady' },
    'being prepared': { init: unready, main: [waiting], gives: 'Pending - - - ContainersNotReady' },
    prepared: { init: ended(0), main: [waiting], gives: 'Pending init - - ContainersNotReady' },
    'badly prepared, to be tried again': { init: ended(1), main: [waiting], gives: 'Pending - - - ContainersNotReady' },
    'badly prepared for good': { policy: 'Never', init: ended(1), main: [waiting], gives: 'Failed - - - PodFailed' },
    'with a sidecar that is not ready': {
      sidecar: unready,
      main: [ready],
      gives: 'Running init - - ContainersNotReady',
    },
    'with a ready sidecar': { sidecar: ready, main: [ready], gives: 'Running init containers ready' },
    crashing: { main: [crashing], gives: 'Running init - - ContainersNotReady' },
    'between two attempts': { main: [ended(0)], gives: 'Running init - - ContainersNotReady' },
    'between two attempts after a failure': {
      policy: 'OnFailure',
      main: [ended(1)],
      gives: 'Running init - - ContainersNotReady',
    },
    'half done': { policy: 'Never', main: [ended(0), ready], gives: 'Running init - - ContainersNotReady' },
    done: { policy: 'Never', main: [ended(0), ended(0)], gives: 'Succeeded init - - PodCompleted' },
    'done at last': { policy: 'OnFailure', main: [ended(0)], gives: 'Succeeded init - - PodCompleted' },
    'done in vain': { policy: 'Never', main: [ended(0), ended(2)], gives: 'Failed init - - PodFailed' },
    'done, with a sidecar that still runs': {
      policy: 'Never',
      sidecar: ready,
      main: [ended(0)],
      gives: 'Running init - - ContainersNotReady',
    },
    'stopped in peace': { main: [ended(0)], isStopped: true, gives: 'Succeeded init - - PodCompleted' },
    killed: { main: [ended(137)], isStopped: true, gives: 'Failed init - - PodFailed' },
    'stopped before it began': { main: [waiting], isStopped: true, gives: 'Failed init - - PodFailed' },
  }
  for (const [title, row] of Object.entries(rows)) {
    test(title, () => {
      const { phase, conditions } = statusOf(row)
      const is = (type: string, word: string) => (conditionOf(conditions, type)?.status === 'True' ? word : '-')
      const told = [phase, is('Initialized', 'init'), is('ContainersReady', 'containers'), is('Ready', 'ready')]
      const reason = conditionOf(conditions, 'Ready')?.reason
      assert.equal([...told, ...(reason ? [reason] : [])].join(' '), row.gives)
    })
  }
})

test('the containers that are missing are named', () => {
  const { conditions } = statusOf({ init: unready, sidecar: waiting, main: [waiting, waiting], gives: '' })
  assert.equal(conditionOf(conditions, 'Initialized')?.message, 'containers with incomplete status: [init side]')
  assert.equal(conditionOf(conditions, 'Ready')?.message, 'containers with unready status: [side main-0 main-1]')
})

test('a condition keeps the time of its last change', () => {
  const before = {
    status: {
      conditions: [
        { type: 'Ready', status: 'True', lastTransitionTime: earlier },
        { type: 'ContainersReady', status: 'False', lastTransitionTime: earlier },
        { type: 'example.com/gate', status: 'True', lastTransitionTime: earlier },
      ],
    },
  } as unknown as Pod
  const { conditions } = statusOf({ main: [ready], gives: '' }, before)
  assert.equal(conditionOf(conditions, 'Ready')?.lastTransitionTime, earlier)
  assert.equal(conditionOf(conditions, 'ContainersReady')?.lastTransitionTime, now)
  assert.equal(conditionOf(conditions, 'example.com/gate'), undefined, "others' conditions are not the kubelet's")
})

test('a pod with readiness gates is ready when others say so', () => {
  const gated = (status?: 'True' | 'False') =>
    conditionOf(
      statusOf({ main: [ready], gives: '' }, {
        spec: { readinessGates: [{ conditionType: 'example.com/gate' }] },
        status: { conditions: status ? [{ type: 'example.com/gate', status }] : [] },
      } as unknown as Pod).conditions,
      'Ready',
    )!
  assert.equal(gated('True').status, 'True')
  assert.equal(gated().reason, 'ReadinessGatesNotReady')
  assert.equal(gated().message, 'corresponding condition of pod readiness gate "example.com/gate" does not exist.')
  assert.equal(gated('False').message, 'the status of pod readiness gate "example.com/gate" is not "True", but False')
})

test('a container says what it does, what it did, and what it was given', () => {
  const container = {
    name: 'main',
    image: 'i',
    resources: { requests: { cpu: '100m' } },
    volumeMounts: [{ name: 'v', mountPath: '/v', readOnly: true }],
  }
  const { containerStatuses } = statusOf({
    main: [{ container, state: ready, last: ended(1), restarts: 3 }],
    gives: '',
  })
  assert.deepEqual(containerStatuses, [
    {
      name: 'main',
      state: { running: { startedAt: earlier } },
      lastState: {
        terminated: { exitCode: 1, reason: 'Error', startedAt: earlier, finishedAt: now, containerID: 'test://1' },
      },
      ready: true,
      restartCount: 3,
      image: 'i',
      imageID: 'i@1',
      containerID: 'test://1',
      started: true,
      allocatedResources: { cpu: '100m' },
      resources: { requests: { cpu: '100m' } },
      volumeMounts: [{ name: 'v', mountPath: '/v', readOnly: true, recursiveReadOnly: 'Disabled' }],
    },
  ])
  assert.deepEqual(statusOf({ main: [waiting], gives: '' }).containerStatuses, [
    {
      name: 'main-0',
      state: { waiting: { reason: 'ContainerCreating' } },
      lastState: {},
      ready: false,
      restartCount: 0,
      image: 'i',
      imageID: '',
      started: false,
    },
  ])
  const { initContainerStatuses } = statusOf({ init: ended(0), main: [waiting], gives: '' })
  assert.equal(initContainerStatuses?.[0]?.ready, true, 'an init container that has succeeded is ready')
})

describe('a life is read back from a status', () => {
  const fresh = life('main-0', 'main', waiting)
  for (const [title, told] of Object.entries<Told>({ ready, unready, ended: ended(3) })) {
    test(title, () => {
      const before = { ...life('main-0', 'main', told), restarts: 2, last: ended(1) }
      const [status] = statusOf({ main: [before], gives: '' }).containerStatuses!
      assert.deepEqual(lifeOf(status, fresh, true), before)
    })
  }

  test('what waited begins again, and remembers', () => {
    const [status] = statusOf({ main: [crashing], gives: '' }).containerStatuses!
    assert.deepEqual(lifeOf(status, fresh, false), { ...fresh, restarts: 1, last: ended(1) })
  })

  test('what is not there any more has ended', () => {
    const [status] = statusOf({ main: [ready], gives: '' }).containerStatuses!
    const { state } = lifeOf(status, fresh, false)
    assert.equal(state.type === 'ended' && state.reason, 'ContainerStatusUnknown')
  })
})
