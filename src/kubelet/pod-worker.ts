import { secondsTime } from '../base/seconds-time.ts'
import type { Client } from '../client/client.ts'
import type { Container } from '../kinds/core/containers.ts'
import { grantedSpec, isSameSize, withResources } from '../kinds/core/granted.ts'
import { Pod, type PodCondition, type PodStatus } from '../kinds/core/pod.ts'
import type { PodSpec } from '../kinds/core/pod-spec.ts'
import type { Activity } from '../reconciler/activity.ts'
import type { EventType } from '../reconciler/changes.ts'
import type { Gate } from '../reconciler/gate.ts'
import { equalJson } from '../schema/freeze.ts'
import { isConflict, isNotFound } from '../schema/status.ts'
import type { Clock, Log } from '../world/world.ts'
import type { Admission, Rejection } from './admission.ts'
import { BackOff } from './back-off.ts'
import type { Budget } from './budget.ts'
import { type ContainerTools, ContainerWorker } from './container-worker.ts'
import { type ContainerLife, lifeOf, type PodLife, podStatus, type ResizeState } from './pod-status.ts'
import type { Runtime } from './runtime.ts'
import type { PodVolumes } from './volumes.ts'

export interface PodWorkerTools {
  /** Where statuses are written, and pods that have ended are taken away. */
  readonly client: Pick<Client, 'patch' | 'delete'>
  readonly clock: Clock
  readonly log: Log
  readonly runtime: Runtime
  readonly events: PodEvents
  /** Absent: the node takes every pod. */
  readonly admission?: Pick<Admission, 'admit' | 'keep' | 'resize' | 'leave'>
  /** Absent: volumes are no concern. */
  readonly volumes?: Pick<PodVolumes, 'concern' | 'untilMounted'> & Partial<Pick<PodVolumes, 'environmentFault'>>
  /** Is told of what is under way; waiting for a back-off is not. */
  readonly activity: Activity
  /** How many statuses may be on their way at once. */
  readonly writes: Gate
  /** How many pods may say that they are on their way up before there is more to say. Absent: all. */
  readonly steps?: Budget
  /** Of the node, one of each family. */
  readonly hostAddresses: readonly string[]
}

/** Where events about pods go. `container` is where in the pod's spec it happened. */
export interface PodEvents {
  record(
    pod: Pod,
    type: EventType,
    reason: string,
    message: string,
    container?: Pick<ContainerLife, 'role' | 'container'>,
  ): void
}

const retryMs = 1000
/** How often the reference tries again to write a status. */
const rewriteMs = 10_000
/** So long a pod among many that come up at once keeps to itself that it does. */
const silentMs = 1000

/**
 * One pod's life on its node: sandbox, init containers one after the other, containers, and the end. It decides; the
 * runtime runs; every change of what is known becomes a status in the API.
 */
export class PodWorker {
  #pod: Pod
  readonly #tools: PodWorkerTools
  /** Ends everything that would start something. */
  readonly #stop = new AbortController()
  /** Ends what is still to be told: from now on the pod's deletion says everything. */
  readonly #silence = new AbortController()
  readonly #initContainers: ContainerWorker[]
  readonly #containers: ContainerWorker[]
  /** They may become more while the pod runs. */
  #ephemeralContainers: readonly ContainerWorker[] = []
  #sandbox: Pick<PodLife, 'addresses' | 'hasSandbox'> = { addresses: [], hasSandbox: false }
  readonly #startTime: string
  /** Containers have begun to be started. */
  #isUp = false
  #isTerminating = false
  #isStopped = false
  /** Nobody wants to hear of it any more: it is gone from the API, or its node has crashed. */
  #isGone = false
  #isWriting = false
  #isDirty = false
  /** It is known to be on its way up, or has kept silent about it for long enough. */
  #mayTellSteps: boolean
  #failure: PodLife['failure']
  #rejection: Rejection | undefined
  /** The pod's spec with the resources that the node has given it. */
  #granted: PodSpec
  #resize: ResizeState | undefined
  #deadlineSeconds: number | undefined
  #forgetDeadline = nothing
  /** What was written last. */
  #told: { readonly revision: number; readonly ready: string | undefined }

  constructor(pod: Pod, tools: PodWorkerTools) {
    this.#pod = pod
    this.#tools = tools
    this.#startTime = pod.status?.startTime ?? this.#now()
    this.#told = { revision: Number(pod.metadata.resourceVersion), ready: readyOf(pod.status) }
    this.#mayTellSteps = tools.steps === undefined
    this.#granted = grantedSpec(pod)
    this.#initContainers = (this.#granted.initContainers ?? []).map((container) =>
      this.#workerOf(waiting(container, container.restartPolicy === 'Always' ? 'sidecar' : 'init', pod)),
    )
    this.#containers = this.#granted.containers.map((container) => this.#workerOf(waiting(container, 'main', pod)))
    this.#takeEphemeralContainers()
  }

  /** A pod that has a sandbox already, from before the kubelet was restarted, goes on from where it was. */
  async start(): Promise<void> {
    try {
      const isHere = hasSandbox(this.#pod)
      if (isHere) await this.#takeOver()
      if (this.#pod.metadata.deletionTimestamp !== undefined) return this.#terminate()
      if (!isHere && !(await this.#isAdmitted())) return
      this.#watchDeadline()
      await this.#bringUp()
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#complain('a pod could not be brought up', error)
    }
  }

  /** A new version of the pod. */
  update(pod: Pod): void {
    const before = this.#pod
    this.#pod = pod
    if (pod.metadata.deletionTimestamp === undefined) {
      const isNewSpec = pod.metadata.generation !== pod.status?.observedGeneration
      if (isNewSpec) {
        this.#watchDeadline()
        this.#takeSpec()
        for (const added of this.#takeEphemeralContainers()) if (this.#isUp) added.begin()
      }
      if (isNewSpec || pod.spec.readinessGates !== undefined || this.#isOverruled(pod)) this.#report()
    } else if (!this.#isTerminating) this.#terminate()
    else if (graceOf(pod) < graceOf(before)) this.#stopContainers(graceOf(pod))
  }

  /** Containers become what the pod says, with the resources that the node can give it. */
  #takeSpec(): void {
    const { spec } = this.#pod
    const asGranted = withResources(spec, [...this.#granted.containers, ...(this.#granted.initContainers ?? [])])
    const isResized = asGranted !== spec
    const objection = isResized ? this.#tools.admission?.resize(this.#pod, () => this.#tryAgain()) : undefined
    this.#granted = objection ? asGranted : spec
    if (objection) this.#isPending(objection)
    else if (isResized) this.#isResizing()
    else if (this.#resize?.type === 'PodResizePending') this.#resize = undefined
    const { initContainers = [], containers } = this.#granted
    for (const [at, worker] of this.#initContainers.entries()) worker.update(initContainers[at]!)
    for (const [at, worker] of this.#containers.entries()) worker.update(containers[at]!)
    this.#checkResized()
  }

  /** There is more room than there was. */
  #tryAgain(): void {
    this.#takeSpec()
    this.#report()
  }

  #isPending({ reason, message }: Rejection): void {
    const isTold = this.#resize?.message === message
    this.#resize = { type: 'PodResizePending', reason, message }
    if (!isTold) this.#tellResize('Warning', `Resize${reason}`, `Pod resize ${reason}`, this.#pod.spec, message)
  }

  #isResizing(): void {
    this.#resize = { type: 'PodResizeInProgress' }
    this.#tellResize('Normal', 'ResizeStarted', 'Pod resize started', this.#granted)
  }

  /** Containers that need not be started anew have their new resources at once. */
  #checkResized(): void {
    if (this.#resize?.type !== 'PodResizeInProgress') return
    const { containers, initContainers = [] } = this.#granted
    const has = ({ life: { state, container } }: ContainerWorker) => {
      const granted = [...containers, ...initContainers].find(({ name }) => name === container.name)
      return state.type === 'ended' || isSameSize(container.resources, granted?.resources)
    }
    if (![...this.#initContainers, ...this.#containers].every(has)) return
    this.#resize = undefined
    this.#tellResize('Normal', 'ResizeCompleted', 'Pod resize completed', this.#granted)
  }

  #tellResize(type: EventType, reason: string, text: string, spec: PodSpec, error?: string): void {
    const sizes = (containers: readonly Container[]) => containers.map(({ name, resources }) => ({ name, resources }))
    const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
    const sized = {
      ...(sidecars.length > 0 && { initContainers: sizes(sidecars) }),
      containers: sizes(spec.containers),
      generation: this.#pod.metadata.generation,
      ...(error && { error }),
    }
    this.#tools.events.record(this.#pod, type, reason, `${text}: ${JSON.stringify(sized)}`)
  }

  /** Somebody else has said whether the pod is ready: the node was thought to be dead, and is not. */
  #isOverruled(pod: Pod): boolean {
    return (
      !this.#isWriting &&
      Number(pod.metadata.resourceVersion) > this.#told.revision &&
      readyOf(pod.status) !== this.#told.ready
    )
  }

  /** The pod is gone from the API: whatever still runs is stopped at once. */
  abandon(): void {
    this.halt()
    this.#tools.admission?.leave(this.#pod)
    if (!this.#isStopped) this.#stopContainers(0)
  }

  /** The node is gone: nothing happens any more, and nobody is told. */
  halt(): void {
    this.#isGone = true
    this.#forgetDeadline()
    this.#stop.abort(over)
    this.#silence.abort(over)
  }

  async #bringUp(): Promise<void> {
    if (!this.#sandbox.hasSandbox) {
      this.#report()
      if (this.#tools.volumes?.concern(this.#pod)) await this.#mount(this.#tools.volumes)
      await this.#startSandbox()
    }
    this.#isUp = true
    for (const container of this.#ephemeralContainers) container.begin()
    for (const container of this.#initContainers) {
      container.begin()
      if (container.life.role === 'sidecar') await container.started
      else if ((await container.ended).code !== 0) return this.#finish()
    }
    for (const container of this.#containers) container.begin()
    await Promise.all(this.#containers.map((container) => container.ended))
    await this.#finish()
  }

  async #mount(volumes: Pick<PodVolumes, 'untilMounted'>): Promise<void> {
    const fail = (message: string) => this.#tools.events.record(this.#pod, 'Warning', 'FailedMount', message)
    await volumes.untilMounted(this.#pod, this.#stop.signal, fail)
  }

  async #startSandbox(): Promise<void> {
    const { runtime, activity, clock } = this.#tools
    const backOff = new BackOff()
    for (;;) {
      try {
        const { addresses } = await activity.track(runtime.startSandbox(this.#pod, this.#stop.signal))
        this.#has(addresses)
        return
      } catch (error) {
        this.#stop.signal.throwIfAborted()
        const message = `Failed to create pod sandbox: ${error instanceof Error ? error.message : String(error)}`
        this.#tools.events.record(this.#pod, 'Warning', 'FailedCreatePodSandBox', message)
        await clock.after(backOff.next(clock.now()), this.#stop.signal)
      }
    }
  }

  async #takeOver(): Promise<void> {
    const { runtime, activity, admission } = this.#tools
    admission?.keep({ ...this.#pod, spec: this.#granted })
    const all = this.#all
    const remains = await activity.track(
      runtime.takeOver(this.#pod, (name, exit) => all.find(({ container }) => container.name === name)?.exited(exit)),
    )
    const statuses = [
      ...(this.#pod.status?.initContainerStatuses ?? []),
      ...(this.#pod.status?.containerStatuses ?? []),
      ...(this.#pod.status?.ephemeralContainerStatuses ?? []),
    ]
    for (const worker of all) {
      const { name } = worker.container
      const status = statuses.find((status) => status.name === name)
      worker.resume(lifeOf(status, worker.life, remains?.running.has(name) ?? false))
    }
    if (remains) this.#has(remains.addresses)
    if (this.#granted !== this.#pod.spec) this.#takeSpec()
    // After a restart of the whole program, for most pods there is nothing new to tell.
    if (!shows(this.#pod.status, this.#status())) this.#report()
  }

  /** A pod that the node does not take has failed, and of its containers nothing is ever known. */
  async #isAdmitted(): Promise<boolean> {
    this.#rejection = await this.#tools.admission?.admit(this.#pod, this.#stop.signal)
    if (!this.#rejection) return true
    const { reason, message } = this.#rejection
    this.#tools.events.record(this.#pod, 'Warning', reason, message)
    this.#stop.abort(over)
    this.#report()
    return false
  }

  #has(addresses: readonly string[]): void {
    const { hostAddresses } = this.#tools
    this.#sandbox = { hasSandbox: true, addresses: this.#pod.spec.hostNetwork ? hostAddresses : addresses }
  }

  /** A pod that may run for so long only has failed when the time is over, whatever it does (`activeDeadlineSeconds`). */
  #watchDeadline(): void {
    const { clock } = this.#tools
    const { activeDeadlineSeconds: seconds } = this.#pod.spec
    if (seconds === this.#deadlineSeconds) return
    this.#deadlineSeconds = seconds
    this.#forgetDeadline()
    if (seconds === undefined || this.#stop.signal.aborted) return
    const endMs = Date.parse(this.#startTime) + seconds * 1000
    // A timer may come sooner, when it is for longer than timers can be.
    const wait = () => {
      const leftMs = endMs - clock.now()
      if (leftMs <= 0) this.#overrun()
      else this.#forgetDeadline = clock.timer(leftMs, wait)
    }
    wait()
  }

  #overrun(): void {
    const message = 'Pod was active on the node longer than the specified deadline'
    this.#failure = { reason: 'DeadlineExceeded', message }
    this.#tools.events.record(this.#pod, 'Normal', 'DeadlineExceeded', message)
    void this.#tools.activity.track(this.#finish())
  }

  /** All has been done: what is left (sidecars, the sandbox) goes. */
  async #finish(): Promise<void> {
    this.#forgetDeadline()
    this.#stop.abort(over)
    await this.#stopContainers(this.#pod.spec.terminationGracePeriodSeconds ?? 30)
    this.#hasStopped()
    this.#report()
  }

  #hasStopped(): void {
    this.#isStopped = true
    this.#tools.admission?.leave(this.#pod)
  }

  #terminate(): void {
    this.#forgetDeadline()
    this.#isTerminating = true
    this.#stop.abort(over)
    this.#silence.abort(over)
    void this.#tools.activity.track(this.#end())
  }

  async #end(): Promise<void> {
    for (const { container, life } of this.#all)
      if (life.state.type === 'running') this.#event('Normal', 'Killing', `Stopping container ${container.name}`, life)
    await this.#stopContainers(graceOf(this.#pod))
    this.#hasStopped()
    // Whoever holds a finalizer on the pod wants to read how it ended; all others see it go.
    if (this.#pod.metadata.finalizers?.length) await this.#write()
    await this.#confirmGone()
  }

  #stopContainers(graceSeconds: number): Promise<void> {
    const { runtime, activity } = this.#tools
    return activity.track(runtime.stopPod(this.#pod, graceSeconds))
  }

  async #confirmGone(): Promise<void> {
    const { client, clock } = this.#tools
    const { namespace = '', name = '', uid = '' } = this.#pod.metadata
    while (!this.#isGone) {
      try {
        await client.delete(Pod, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } })
        return
      } catch (error) {
        if (isNotFound(error) || isConflict(error)) return
        this.#complain('a pod could not be taken away', error)
        await clock.after(retryMs)
      }
    }
  }

  /** Tells the API how things stand; while one write is on its way, the next waits and then tells the newest. */
  #report(): void {
    this.#isDirty = true
    if (this.#isWriting) return
    this.#isWriting = true
    void this.#tools.activity.track(this.#flush())
  }

  async #flush(): Promise<void> {
    // What happens at one moment (a sandbox that is there at once, three containers that become ready) is one write.
    for (let turn = 0; turn < turnsOfAMoment; turn++) await undefined
    if (this.#keepsSilent()) {
      this.#isWriting = false
      return
    }
    let isWritten = false
    while (this.#isDirty && !this.#isTerminating && !this.#isGone) {
      const turn = this.#tools.writes.enter()
      if (turn) await turn
      this.#isDirty = false
      if (!this.#isTerminating && !this.#isGone) isWritten = await this.#write()
      this.#tools.writes.leave()
    }
    this.#isWriting = false
    // While it was written, what somebody else said could not be told from what the write itself would bring.
    if (isWritten && !this.#isTerminating && !this.#isGone && this.#isOverruled(this.#pod)) this.#report()
  }

  /**
   * When very many pods come up together, most are running a moment later. What then would be said of the way there
   * costs as much as the rest, so all but a few say it only when it takes longer.
   */
  #keepsSilent(): boolean {
    const { clock, steps } = this.#tools
    if (this.#mayTellSteps || !this.#isStarting) return false
    this.#mayTellSteps = true
    if (steps?.take() !== false) return false
    clock.timer(silentMs, () => {
      if (this.#isDirty) this.#report()
    })
    return true
  }

  /** Nothing of it has run yet, or failed to. */
  get #isStarting(): boolean {
    const all = [...this.#initContainers, ...this.#containers]
    return all.every(({ life: { state } }) => state.type === 'waiting' && startingReasons.has(state.reason))
  }

  /** Gives whether it is written. */
  async #write(): Promise<boolean> {
    const { namespace = '', name = '', uid = '' } = this.#pod.metadata
    const status = this.#rejection
      ? rejectedPatch(this.#rejection, this.#status())
      : statusPatch(this.#status(), this.#pod)
    const patch = { type: 'strategic', body: { metadata: { uid }, status } } as const
    try {
      const written = await this.#tools.client.patch(Pod, { namespace, name }, patch, { subresource: 'status' })
      this.#told = { revision: Number(written.metadata.resourceVersion), ready: readyOf(written.status) }
      return true
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) return false
      this.#complain('a pod status could not be written', error)
      this.#tools.clock.after(rewriteMs, this.#silence.signal).then(
        () => this.#report(),
        () => {},
      )
      return false
    }
  }

  #status(): PodStatus {
    const life: PodLife = {
      ...this.#sandbox,
      hostAddresses: this.#tools.hostAddresses,
      startTime: this.#startTime,
      isStopped: this.#isStopped,
      failure: this.#failure,
      resize: this.#resize,
      initContainers: this.#initContainers.map((worker) => worker.life),
      containers: this.#containers.map((worker) => worker.life),
      ephemeralContainers: this.#ephemeralContainers.map((worker) => worker.life),
    }
    return podStatus(this.#pod, life, this.#now())
  }

  get #all(): readonly ContainerWorker[] {
    return [...this.#initContainers, ...this.#containers, ...this.#ephemeralContainers]
  }

  /** Gives those that are new. */
  #takeEphemeralContainers(): readonly ContainerWorker[] {
    const known = this.#ephemeralContainers
    const { ephemeralContainers: wanted = [] } = this.#pod.spec
    // They are never taken away again.
    if (wanted.length === known.length) return []
    const workers = wanted
      .filter(({ name }) => !known.some(({ container }) => container.name === name))
      .map((container) => this.#workerOf(waiting(container, 'ephemeral', this.#pod)))
    this.#ephemeralContainers = [...known, ...workers]
    return workers
  }

  #workerOf(life: ContainerLife): ContainerWorker {
    const { clock, runtime, activity } = this.#tools
    const tools: ContainerTools = {
      clock,
      runtime,
      activity,
      signal: this.#stop.signal,
      pod: () => this.#pod,
      environmentFault: (container) => this.#tools.volumes?.environmentFault?.(this.#pod, container),
      changed: () => {
        this.#checkResized()
        this.#report()
      },
      event: (type, reason, message) => this.#event(type, reason, message, life),
    }
    return new ContainerWorker(life, tools)
  }

  #event(type: EventType, reason: string, message: string, container: ContainerLife): void {
    this.#tools.events.record(this.#pod, type, reason, message, container)
  }

  #now(): string {
    return secondsTime(this.#tools.clock.now())
  }

  #complain(message: string, error: unknown): void {
    const { namespace, name } = this.#pod.metadata
    this.#tools.log('warn', message, { pod: `${namespace}/${name}`, error: String(error) })
  }
}

const nothing = () => {}

/** One for all: to make an error for each of a hundred thousand pods takes seconds when the program ends. */
const over = new Error('the pod is over')

/** As many turns of the event loop's promises as a start without any waiting takes. */
const turnsOfAMoment = 8

/**
 * A strategic merge patch, so that others' conditions stay as they are. What a condition no longer says, and addresses
 * from another time, must be taken out then.
 */
function statusPatch(status: PodStatus, pod: Pod): object {
  const { conditions = [], hostIPs = [], podIPs } = status
  const isOver = ({ type }: PodCondition) => isOfResize(type) && !conditions.some((each) => each.type === type)
  const over = pod.status?.conditions?.filter(isOver) ?? []
  const replace = (list: readonly object[]) => [...list, { $patch: 'replace' }]
  return {
    ...status,
    conditions: [
      ...conditions.map((condition) => ({ reason: null, message: null, ...condition })),
      ...over.map(({ type }) => ({ type, $patch: 'delete' })),
    ],
    hostIPs: replace(hostIPs),
    ...(podIPs && { podIPs: replace(podIPs) }),
  }
}

/** Conditions that are there only as long as they are true. */
const isOfResize = (type: string) => type === 'PodResizePending' || type === 'PodResizeInProgress'

/** All that is ever said of a pod that its node does not take. */
function rejectedPatch({ reason, message }: Rejection, { observedGeneration, startTime, qosClass }: PodStatus): object {
  return {
    observedGeneration,
    phase: 'Failed',
    reason,
    message: `Pod was rejected: ${message}`,
    startTime,
    qosClass,
    conditions: [{ type: 'PodScheduled', $patch: 'delete' }],
  }
}

/** Whether all of `told` stands in a status already. */
function shows(status: PodStatus | undefined, { conditions = [], ...told }: PodStatus): boolean {
  const same = (name: string, value: unknown) => equalJson(status?.[name as keyof PodStatus], value)
  return (
    Object.entries(told).every(([name, value]) => same(name, value)) &&
    conditions.every((condition) => status?.conditions?.some((shown) => equalJson(shown, condition)))
  )
}

const readyOf = (status: PodStatus | undefined) => status?.conditions?.find(({ type }) => type === 'Ready')?.status

/** A kubelet has begun with the pod. */
export const hasSandbox = ({ status }: Pod) => status?.podIP !== undefined && status.podIP !== ''

/** Seconds that a pod has to end when it is to be deleted. */
const graceOf = ({ metadata, spec }: Pod) =>
  metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30

const startingReasons: ReadonlySet<string> = new Set(['ContainerCreating', 'PodInitializing'])

function waiting(container: Container, role: ContainerLife['role'], { spec }: Pod): ContainerLife {
  const reason = spec.initContainers?.length && role !== 'ephemeral' ? 'PodInitializing' : 'ContainerCreating'
  return { container, role, state: { type: 'waiting', reason }, restarts: 0, last: undefined }
}
