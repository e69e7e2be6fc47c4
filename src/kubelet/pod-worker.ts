import type { Client } from '../client/client.ts'
import type { Container } from '../kinds/core/containers.ts'
import { Pod } from '../kinds/core/pod.ts'
import type { Activity } from '../reconciler/activity.ts'
import type { EventRecorder } from '../reconciler/events.ts'
import { isConflict, isNotFound } from '../schema/status.ts'
import type { Clock, Log } from '../world/world.ts'
import { type ContainerLife, type ContainerPhase, type PodLife, podStatus } from './pod-status.ts'
import { ContainerError, type Exit, type Runtime } from './runtime.ts'

export interface PodWorkerTools {
  readonly client: Client
  readonly clock: Clock
  readonly log: Log
  readonly runtime: Runtime
  readonly events: EventRecorder
  /** Is told of what is under way; waiting for a back-off is not. */
  readonly activity: Activity
  /** The node's address. */
  readonly hostAddress: string
}

/**
 * One pod's life on its node: sandbox, init containers one after the other, containers, restarts with back-off,
 * and the end. It decides; the runtime runs; every change of what is known becomes a status in the API.
 */
export class PodWorker {
  #pod: Pod
  readonly #tools: PodWorkerTools
  readonly #onGone: () => void
  readonly #stop = new AbortController()
  #life: PodLife
  #isTerminating = false
  #writing: Promise<void> | undefined
  #isDirty = false

  constructor(pod: Pod, tools: PodWorkerTools, onGone: () => void) {
    this.#pod = pod
    this.#tools = tools
    this.#onGone = onGone
    const waiting = (container: Container): ContainerLife => ({
      container,
      state: { type: 'waiting', reason: pod.spec.initContainers?.length ? 'PodInitializing' : 'ContainerCreating' },
      restarts: 0,
      last: undefined,
    })
    this.#life = {
      addresses: [],
      hostAddress: tools.hostAddress,
      startTime: this.#now(),
      hasSandbox: false,
      initContainers: (pod.spec.initContainers ?? []).map(waiting),
      containers: pod.spec.containers.map(waiting),
    }
  }

  start(): void {
    if (this.#pod.metadata.deletionTimestamp !== undefined) return this.#terminate()
    this.#report()
    this.#guard(this.#bringUp())
  }

  /** A new version of the pod. */
  update(pod: Pod): void {
    this.#pod = pod
    if (pod.metadata.deletionTimestamp !== undefined && !this.#isTerminating) this.#terminate()
  }

  /** The pod is gone from the API: whatever runs is stopped. */
  abandon(): void {
    const wasTerminating = this.#isTerminating
    this.#isTerminating = true
    this.#stop.abort()
    if (!wasTerminating) this.#guard(this.#tools.runtime.stopPod(this.#pod, 0))
  }

  async #bringUp(): Promise<void> {
    const { runtime } = this.#tools
    const sandbox = await runtime.startSandbox(this.#pod, this.#stop.signal)
    const addresses = this.#pod.spec.hostNetwork ? [this.#tools.hostAddress] : sandbox.addresses
    this.#life = { ...this.#life, addresses, hasSandbox: true }
    for (const container of this.#pod.spec.initContainers ?? []) {
      const isUp = await this.#runInitContainer(container)
      if (!isUp) return
    }
    await Promise.all(this.#pod.spec.containers.map((container) => this.#run(container, 'containers')))
  }

  /** Resolves to whether the next one may run: it has succeeded, or is a sidecar and has started. */
  #runInitContainer(container: Container): Promise<boolean> {
    if (container.restartPolicy === 'Always') return this.#run(container, 'initContainers').then(() => true)
    return new Promise((resolve, reject) => {
      const tryOnce = () =>
        this.#run(container, 'initContainers', (exit) => {
          if (exit.code === 0) resolve(true)
          else if (this.#pod.spec.restartPolicy === 'Never') resolve(false)
          else this.#restartLater(container, 'initContainers', tryOnce)
        }).catch(reject)
      void tryOnce()
    })
  }

  /** Starts a container and looks after it; `onExit` takes over what happens when it ends. */
  async #run(
    container: Container,
    list: 'containers' | 'initContainers',
    onExit?: (exit: Exit) => void,
  ): Promise<void> {
    const { runtime } = this.#tools
    const attempt = this.#find(container, list).restarts
    const handleExit = onExit ?? ((exit: Exit) => this.#afterExit(container, list, exit))
    let ended: Exit | undefined
    let isUp = false
    try {
      const running = await runtime.startContainer(
        this.#pod,
        container,
        attempt,
        (exit) => {
          ended = exit
          if (isUp) this.#exited(container, list, exit, handleExit)
        },
        this.#stop.signal,
      )
      this.#set(container, list, { type: 'running', startedAt: this.#now(), ready: false, ...running })
      isUp = true
      if (ended) return this.#exited(container, list, ended, handleExit)
      this.#guard(this.#becomeReady(container, list))
    } catch (error) {
      if (!(error instanceof ContainerError)) throw error
      this.#set(container, list, { type: 'waiting', reason: error.reason, message: error.message })
      this.#report()
      this.#again(attempt + 1, () => this.#run(container, list, onExit))
    }
  }

  async #becomeReady(container: Container, list: 'containers' | 'initContainers'): Promise<void> {
    await this.#tools.runtime.untilReady(this.#pod, container, this.#stop.signal)
    const { state } = this.#find(container, list)
    if (state.type !== 'running') return
    this.#set(container, list, { ...state, ready: true })
    this.#report()
  }

  #exited(container: Container, list: 'containers' | 'initContainers', exit: Exit, next: (exit: Exit) => void): void {
    if (this.#isTerminating) return
    const { state } = this.#find(container, list)
    const running = state.type === 'running' ? state : { startedAt: this.#now(), containerId: '', imageId: '' }
    const { startedAt, containerId, imageId } = running
    this.#set(container, list, { type: 'ended', ...exit, startedAt, finishedAt: this.#now(), containerId, imageId })
    this.#report()
    next(exit)
  }

  #afterExit(container: Container, list: 'containers' | 'initContainers', exit: Exit): void {
    const policy = container.restartPolicy ?? this.#pod.spec.restartPolicy ?? 'Always'
    if (policy === 'Never' || (policy === 'OnFailure' && exit.code === 0)) return
    this.#restartLater(container, list, () => this.#run(container, list))
  }

  #restartLater(container: Container, list: 'containers' | 'initContainers', restart: () => Promise<unknown>): void {
    const { state, restarts } = this.#find(container, list)
    if (state.type !== 'ended') return
    const backOff = `back-off ${backOffSeconds(restarts)}s restarting failed container=${container.name} pod=${this.#pod.metadata.name}_${this.#pod.metadata.namespace}`
    // The first restart comes at once; only then does the node begin to doubt.
    const waiting: ContainerPhase =
      restarts === 0
        ? { type: 'waiting', reason: 'ContainerCreating' }
        : { type: 'waiting', reason: 'CrashLoopBackOff', message: backOff }
    this.#replace(container, list, { container, state: waiting, restarts: restarts + 1, last: state })
    if (restarts > 0) {
      this.#report()
      this.#tools.events.record({ kind: Pod, object: this.#pod, type: 'Warning', reason: 'BackOff', message: backOff })
    }
    this.#again(restarts, restart)
  }

  #again(failures: number, run: () => Promise<unknown>): void {
    const delayMs = failures === 0 ? 0 : backOffSeconds(failures) * 1000
    this.#tools.clock.after(delayMs, this.#stop.signal).then(
      () => this.#guard(run()),
      () => {},
    )
  }

  #terminate(): void {
    this.#isTerminating = true
    this.#stop.abort()
    this.#guard(this.#end())
  }

  async #end(): Promise<void> {
    const { runtime, client } = this.#tools
    const { namespace = '', name = '', uid = '', deletionGracePeriodSeconds } = this.#pod.metadata
    await runtime.stopPod(this.#pod, deletionGracePeriodSeconds ?? this.#pod.spec.terminationGracePeriodSeconds ?? 30)
    // Whoever holds a finalizer on the pod wants to read how it ended.
    if (this.#pod.metadata.finalizers?.length) {
      this.#endAll()
      await this.#write()
    }
    try {
      await client.delete(Pod, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } })
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
    this.#onGone()
  }

  #endAll(): void {
    const end = (life: ContainerLife): ContainerLife => {
      if (life.state.type !== 'running') return life
      const { startedAt, containerId, imageId } = life.state
      return {
        ...life,
        state: {
          type: 'ended',
          code: 0,
          reason: 'Completed',
          startedAt,
          finishedAt: this.#now(),
          containerId,
          imageId,
        },
      }
    }
    this.#life = {
      ...this.#life,
      containers: this.#life.containers.map(end),
      initContainers: this.#life.initContainers.map(end),
    }
  }

  #find(container: Container, list: 'containers' | 'initContainers'): ContainerLife {
    return this.#life[list].find((life) => life.container.name === container.name)!
  }

  #set(container: Container, list: 'containers' | 'initContainers', state: ContainerPhase): void {
    this.#replace(container, list, { ...this.#find(container, list), state })
  }

  #replace(container: Container, list: 'containers' | 'initContainers', next: ContainerLife): void {
    this.#life = {
      ...this.#life,
      [list]: this.#life[list].map((life) => (life.container.name === container.name ? next : life)),
    }
  }

  /** Tells the API how things stand; while one write is on its way, the next waits and then tells the newest. */
  #report(): void {
    this.#isDirty = true
    this.#writing ??= this.#tools.activity.track(this.#flush())
  }

  async #flush(): Promise<void> {
    // Several changes at one moment (three containers become ready) are one write.
    await Promise.resolve()
    while (this.#isDirty && !this.#isTerminating) {
      this.#isDirty = false
      await this.#write()
    }
    this.#writing = undefined
  }

  async #write(): Promise<void> {
    const { namespace = '', name = '', uid = '' } = this.#pod.metadata
    const status = podStatus(this.#pod, this.#life, this.#now())
    try {
      const patch = { type: 'merge', body: { metadata: { uid }, status } } as const
      this.#pod = await this.#tools.client.patch(Pod, { namespace, name }, patch, { subresource: 'status' })
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) return
      this.#tools.log('warn', 'a pod status could not be written', {
        pod: `${namespace}/${name}`,
        error: String(error),
      })
      this.#isDirty = true
      await this.#tools.clock.after(1000, this.#stop.signal).catch(() => {})
    }
  }

  #now(): string {
    return `${new Date(this.#tools.clock.now()).toISOString().slice(0, 19)}Z`
  }

  #guard(work: Promise<unknown>): void {
    this.#tools.activity.track(work).catch((error: unknown) => {
      if (this.#stop.signal.aborted) return
      const { namespace, name } = this.#pod.metadata
      this.#tools.log('warn', 'a pod could not be brought up', { pod: `${namespace}/${name}`, error: String(error) })
      this.#again(1, () => this.#bringUp())
    })
  }
}

/** 10 s after the first failure, doubled each time up to five minutes. */
const backOffSeconds = (failures: number) => Math.min(300, 10 * 2 ** Math.max(0, failures - 1))
