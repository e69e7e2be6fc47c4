import type { Container } from '../kinds/core/containers.ts'
import type { ContainerStatus, Pod, PodCondition, PodStatus } from '../kinds/core/pod.ts'
import type { Exit } from './runtime.ts'

/** What the kubelet knows of one container. */
export interface ContainerLife {
  readonly container: Container
  readonly state: ContainerPhase
  readonly restarts: number
  /** How the attempt before this one ended. */
  readonly last: Ended | undefined
}

export type ContainerPhase =
  | { readonly type: 'waiting'; readonly reason: string; readonly message?: string }
  | {
      readonly type: 'running'
      readonly startedAt: string
      readonly ready: boolean
      readonly containerId: string
      readonly imageId: string
    }
  | Ended

export interface Ended extends Exit {
  readonly type: 'ended'
  readonly startedAt: string
  readonly finishedAt: string
  readonly containerId: string
  readonly imageId: string
}

export interface PodLife {
  readonly addresses: readonly string[]
  readonly hostAddress: string
  readonly startTime: string
  readonly hasSandbox: boolean
  readonly initContainers: readonly ContainerLife[]
  readonly containers: readonly ContainerLife[]
}

/** The status that follows from what is known: pure, so that every step of a pod's life can be read off a table. */
export function podStatus(pod: Pod, life: PodLife, now: string): PodStatus {
  const phase = phaseOf(pod, life)
  const isOver = phase === 'Succeeded' || phase === 'Failed'
  const initialized = life.initContainers.every(({ container, state }) =>
    container.restartPolicy === 'Always' ? state.type === 'running' : state.type === 'ended' && state.code === 0,
  )
  const allReady =
    !isOver && initialized && life.containers.every(({ state }) => state.type === 'running' && state.ready)
  const gatesOpen = (pod.spec.readinessGates ?? []).every((gate) =>
    pod.status?.conditions?.some((condition) => condition.type === gate.conditionType && condition.status === 'True'),
  )
  const lacking = life.containers
    .filter(({ state }) => !(state.type === 'running' && state.ready))
    .map(({ container }) => container.name)
  const unready = isOver
    ? { reason: 'PodCompleted' }
    : { reason: 'ContainersNotReady', message: `containers with unready status: [${lacking.join(' ')}]` }

  const wanted: Wanted[] = [
    { type: 'PodReadyToStartContainers', isTrue: life.hasSandbox && !isOver },
    {
      type: 'Initialized',
      isTrue: initialized,
      ...(isOver && { reason: 'PodCompleted' }),
      ...(!initialized && {
        reason: 'ContainersNotInitialized',
        message: `containers with incomplete status: [${life.initContainers.map(({ container }) => container.name).join(' ')}]`,
      }),
    },
    {
      type: 'Ready',
      isTrue: allReady && gatesOpen,
      ...(!allReady && unready),
      ...(allReady && !gatesOpen && { reason: 'ReadinessGatesNotReady' }),
    },
    { type: 'ContainersReady', isTrue: allReady, ...(!allReady && unready) },
    { type: 'PodScheduled', isTrue: true },
  ]
  return {
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    phase,
    conditions: conditions(pod, wanted, now),
    hostIP: life.hostAddress,
    hostIPs: [{ ip: life.hostAddress }],
    ...(life.addresses[0] && { podIP: life.addresses[0], podIPs: life.addresses.map((ip) => ({ ip })) }),
    startTime: life.startTime,
    ...(life.initContainers.length > 0 && { initContainerStatuses: life.initContainers.map(containerStatus) }),
    containerStatuses: life.containers.map(containerStatus),
    ...(pod.status?.qosClass && { qosClass: pod.status.qosClass }),
  }
}

function phaseOf(pod: Pod, { initContainers, containers }: PodLife): NonNullable<PodStatus['phase']> {
  const { restartPolicy = 'Always' } = pod.spec
  const failedInit = initContainers.some(({ state }) => state.type === 'ended' && state.code !== 0)
  if (failedInit && restartPolicy === 'Never') return 'Failed'
  if (
    containers.every(
      ({ state, restarts }) => state.type === 'waiting' && restarts === 0 && state.reason !== 'CrashLoopBackOff',
    )
  )
    return 'Pending'
  const endedForGood = containers.every(
    ({ state }) =>
      state.type === 'ended' && (restartPolicy === 'Never' || (restartPolicy === 'OnFailure' && state.code === 0)),
  )
  if (!endedForGood) return 'Running'
  return containers.every(({ state }) => state.type === 'ended' && state.code === 0) ? 'Succeeded' : 'Failed'
}

interface Wanted {
  readonly type: string
  readonly isTrue: boolean
  readonly reason?: string
  readonly message?: string
}

/** The kubelet's own conditions, each with the time of its last change, and the others' as they are. */
function conditions(pod: Pod, wanted: readonly Wanted[], now: string): readonly PodCondition[] {
  const before = pod.status?.conditions ?? []
  const own = wanted.map(({ type, isTrue, reason, message }) => {
    const status = isTrue ? 'True' : 'False'
    const old = before.find((condition) => condition.type === type)
    return {
      type,
      ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
      status,
      lastProbeTime: null as unknown as string,
      lastTransitionTime: old?.status === status ? old.lastTransitionTime : now,
      ...(reason && { reason }),
      ...(message && { message }),
    } as PodCondition
  })
  return [...own, ...before.filter((condition) => !wanted.some(({ type }) => type === condition.type))]
}

function containerStatus({ container, state, restarts, last }: ContainerLife): ContainerStatus {
  const ids = state.type === 'waiting' ? last : state
  return {
    name: container.name,
    state: stateOf(state),
    lastState: last ? stateOf(last) : {},
    ready:
      state.type === 'running'
        ? state.ready
        : state.type === 'ended' && state.code === 0 && container.restartPolicy !== 'Always',
    restartCount: restarts,
    image: container.image ?? '',
    imageID: ids?.imageId ?? '',
    ...(ids && { containerID: ids.containerId }),
    started: state.type === 'running',
  }
}

function stateOf(state: ContainerPhase): ContainerStatus['state'] {
  switch (state.type) {
    case 'waiting':
      return { waiting: { reason: state.reason, ...(state.message && { message: state.message }) } }
    case 'running':
      return { running: { startedAt: state.startedAt } }
    case 'ended':
      return {
        terminated: {
          exitCode: state.code,
          reason: state.reason,
          startedAt: state.startedAt,
          finishedAt: state.finishedAt,
          containerID: state.containerId,
        },
      }
  }
}
