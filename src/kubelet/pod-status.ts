import type { Container } from '../kinds/core/containers.ts'
import type { ContainerState, ContainerStatus, Pod, PodCondition, PodStatus } from '../kinds/core/pod.ts'
import type { Exit } from './runtime.ts'

/** What the kubelet knows of one container. */
export interface ContainerLife {
  readonly container: Container
  /**
   * `init` runs once before the others, `sidecar` is an init container that stays, and `ephemeral` one that somebody has put
   * into the running pod to look around.
   */
  readonly role: 'init' | 'sidecar' | 'main' | 'ephemeral'
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
  readonly hostAddresses: readonly string[]
  readonly startTime: string
  readonly hasSandbox: boolean
  /** The pod has been stopped, and nothing of it will start again. */
  readonly isStopped: boolean
  /** How it is getting on with what it was asked to be given (KEP-1287); absent: it has all of it. */
  readonly resize?: ResizeState | undefined
  /** Why it was stopped before it was through. */
  readonly failure?: { readonly reason: string; readonly message: string } | undefined
  readonly initContainers: readonly ContainerLife[]
  readonly containers: readonly ContainerLife[]
  readonly ephemeralContainers: readonly ContainerLife[]
}

export interface ResizeState {
  readonly type: 'PodResizePending' | 'PodResizeInProgress'
  readonly reason?: string
  readonly message?: string
}

type Phase = NonNullable<PodStatus['phase']>

/** The status that follows from what is known: pure, so that every step of a pod's life can be read off a table. */
export function podStatus(pod: Pod, life: PodLife, now: string): PodStatus {
  const phase = phaseOf(pod, life)
  const { generation } = pod.metadata
  return {
    ...(generation !== undefined && { observedGeneration: generation }),
    phase,
    ...(life.isStopped && life.failure),
    conditions: conditions(pod, wantedConditions(pod, life, phase), now),
    hostIP: life.hostAddresses[0],
    hostIPs: life.hostAddresses.map((ip) => ({ ip })),
    ...(life.addresses[0] && { podIP: life.addresses[0], podIPs: life.addresses.map((ip) => ({ ip })) }),
    startTime: life.startTime,
    ...(life.initContainers.length > 0 && { initContainerStatuses: life.initContainers.map(containerStatus) }),
    containerStatuses: life.containers.map(containerStatus),
    ...(life.ephemeralContainers.length > 0 && {
      ephemeralContainerStatuses: life.ephemeralContainers.map(ephemeralStatus),
    }),
    ...(pod.status?.qosClass && { qosClass: pod.status.qosClass }),
  }
}

/** A pod that has failed as a whole is through when all of it has stopped, however that ended. */
function phaseOf(pod: Pod, life: PodLife): Phase {
  const phase = phaseOfContainers(pod, life)
  if (!life.failure) return phase
  if (life.isStopped) return 'Failed'
  return phase === 'Pending' ? 'Pending' : 'Running'
}

function phaseOfContainers(pod: Pod, { initContainers, containers, isStopped }: PodLife): Phase {
  const restartPolicy = isStopped ? 'Never' : (pod.spec.restartPolicy ?? 'Always')
  const inits = initContainers.filter(({ role }) => role === 'init')
  if (restartPolicy === 'Never' && inits.some(hasFailed)) return 'Failed'
  if (containers.some(({ state, last }) => state.type === 'waiting' && !last)) return isStopped ? 'Failed' : 'Pending'
  const succeeded = containers.every(hasSucceeded)
  const isOver = succeeded ? restartPolicy !== 'Always' : restartPolicy === 'Never' && containers.every(hasEnded)
  // Sidecars are stopped when the others are through; the pod is over when they are.
  if (!isOver || initContainers.some(isRunning)) return 'Running'
  return succeeded ? 'Succeeded' : 'Failed'
}

const isRunning = ({ state }: ContainerLife) => state.type === 'running'
const isReady = ({ state }: ContainerLife) => state.type === 'running' && state.ready
const hasEnded = ({ state }: ContainerLife) => state.type === 'ended'
const hasSucceeded = ({ state }: ContainerLife) => state.type === 'ended' && state.code === 0
const hasFailed = ({ state }: ContainerLife) => state.type === 'ended' && state.code !== 0

/** A sidecar has only to have started for the next one to begin, an init container to have succeeded. */
const isDone = (life: ContainerLife) => (life.role === 'sidecar' ? !isWaiting(life) : hasSucceeded(life))
const isWaiting = ({ state }: ContainerLife) => state.type === 'waiting'

interface Wanted {
  readonly type: string
  readonly isTrue: boolean
  readonly reason?: string
  readonly message?: string
}

function wantedConditions(pod: Pod, life: PodLife, phase: Phase): Wanted[] {
  const isOver = phase === 'Succeeded' || phase === 'Failed'
  const incomplete = life.initContainers.filter((container) => !isDone(container))
  const unready = notReady(life, phase)
  return [
    ...(life.resize ? [{ ...life.resize, isTrue: true }] : []),
    { type: 'PodReadyToStartContainers', isTrue: life.hasSandbox && !isOver },
    {
      type: 'Initialized',
      isTrue: incomplete.length === 0,
      ...(phase === 'Succeeded' && { reason: 'PodCompleted' }),
      ...(incomplete.length > 0 && {
        reason: 'ContainersNotInitialized',
        message: `containers with incomplete status: ${names(incomplete)}`,
      }),
    },
    { type: 'Ready', isTrue: true, ...(unready ?? closedGates(pod)) },
    { type: 'ContainersReady', isTrue: true, ...unready },
    { type: 'PodScheduled', isTrue: true },
  ]
}

function notReady({ initContainers, containers }: PodLife, phase: Phase): Omit<Wanted, 'type'> | undefined {
  if (phase === 'Succeeded') return { isTrue: false, reason: 'PodCompleted' }
  if (phase === 'Failed') return { isTrue: false, reason: 'PodFailed' }
  const lacking = [...initContainers.filter(({ role }) => role === 'sidecar'), ...containers].filter(
    (container) => !isReady(container),
  )
  if (lacking.length === 0) return undefined
  return { isTrue: false, reason: 'ContainersNotReady', message: `containers with unready status: ${names(lacking)}` }
}

/** Conditions that somebody else must set before the pod counts as ready (KEP-580). */
function closedGates({ spec, status }: Pod): Omit<Wanted, 'type'> | undefined {
  const messages: string[] = []
  for (const { conditionType } of spec.readinessGates ?? []) {
    const condition = status?.conditions?.find(({ type }) => type === conditionType)
    if (!condition) messages.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`)
    else if (condition.status !== 'True')
      messages.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`)
  }
  if (messages.length === 0) return undefined
  return { isTrue: false, reason: 'ReadinessGatesNotReady', message: messages.join(', ') }
}

const names = (lives: readonly ContainerLife[]) => `[${lives.map(({ container }) => container.name).join(' ')}]`

/** The kubelet's own conditions, each with the time of its last change. Others' are left out: they are not ours to write. */
function conditions(pod: Pod, wanted: readonly Wanted[], now: string): readonly PodCondition[] {
  const { generation } = pod.metadata
  return wanted.map(({ type, isTrue, reason, message }) => {
    const status = isTrue ? 'True' : 'False'
    const old = pod.status?.conditions?.find((condition) => condition.type === type)
    return {
      type,
      ...(generation !== undefined && { observedGeneration: generation }),
      status,
      lastProbeTime: null as unknown as string,
      lastTransitionTime: (old?.status === status && old.lastTransitionTime) || now,
      ...(reason && { reason }),
      ...(message && { message }),
    } as PodCondition
  })
}

function containerStatus(life: ContainerLife): ContainerStatus {
  const { container, state, restarts, last } = life
  const ids = state.type === 'waiting' ? last : state
  return {
    name: container.name,
    state: stateOf(state),
    lastState: last ? stateOf(last) : {},
    ready: life.role === 'init' ? hasSucceeded(life) : isReady(life),
    restartCount: restarts,
    image: container.image ?? '',
    imageID: ids?.imageId ?? '',
    ...(ids && { containerID: ids.containerId }),
    started: state.type === 'running',
    ...(state.type === 'running' && inForce(container)),
    ...(ids && container.volumeMounts && { volumeMounts: container.volumeMounts.map(mountStatus) }),
  } as ContainerStatus
}

/** Nobody waits for it to be ready. */
function ephemeralStatus(life: ContainerLife): ContainerStatus {
  const { started: _, ...status } = containerStatus(life)
  return { ...status, ready: false }
}

/** What a running container has been given: since 1.33 it can differ from what is asked for (KEP-1287). */
function inForce({ resources }: Container): Pick<ContainerStatus, 'allocatedResources' | 'resources'> {
  const { requests, limits } = resources ?? {}
  return {
    ...(requests && { allocatedResources: requests }),
    resources: { ...(limits && { limits }), ...(requests && { requests }) },
  }
}

function mountStatus({ name, mountPath, readOnly }: NonNullable<Container['volumeMounts']>[number]) {
  return { name, mountPath, ...(readOnly && { readOnly, recursiveReadOnly: 'Disabled' as const }) }
}

function stateOf(state: ContainerPhase): ContainerState {
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

/** What a status tells about a container: how a kubelet that was restarted finds its way back. */
export function lifeOf(status: ContainerStatus | undefined, life: ContainerLife, isRunning: boolean): ContainerLife {
  if (!status) return life
  const { restartCount: restarts, containerID: containerId = '', imageID: imageId, image, state, lastState } = status
  const ended = (terminated: NonNullable<ContainerState['terminated']>): Ended => ({
    type: 'ended',
    code: terminated.exitCode,
    reason: terminated.reason ?? '',
    startedAt: terminated.startedAt ?? '',
    finishedAt: terminated.finishedAt ?? '',
    containerId: terminated.containerID ?? '',
    imageId,
  })
  const last = lastState?.terminated && ended(lastState.terminated)
  // It may have been given another image while nobody looked.
  const isAsWanted = !image || image === life.container.image
  const container = isAsWanted ? life.container : { ...life.container, image }
  const known = { ...life, container, restarts, last }
  if (state?.terminated) return { ...known, state: ended(state.terminated) }
  if (!state?.running) return known
  const startedAt = state.running.startedAt ?? ''
  if (isRunning) return { ...known, state: { type: 'running', startedAt, ready: status.ready, containerId, imageId } }
  // It ended while nobody looked.
  const lost = { code: 137, reason: 'ContainerStatusUnknown', startedAt, finishedAt: startedAt, containerId, imageId }
  return { ...known, state: { type: 'ended', ...lost } }
}
