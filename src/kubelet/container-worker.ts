import { deferred } from '../base/deferred.ts'
import { formatDuration } from '../base/duration.ts'
import { secondsTime } from '../base/seconds-time.ts'
import type { Container } from '../kinds/core/containers.ts'
import type { Pod } from '../kinds/core/pod.ts'
import type { Activity } from '../reconciler/activity.ts'
import type { EventType } from '../reconciler/changes.ts'
import type { Clock } from '../world/world.ts'
import { BackOff } from './back-off.ts'
import type { ContainerLife, ContainerPhase, Ended } from './pod-status.ts'
import { ContainerError, type Exit, type Runtime } from './runtime.ts'

/** What a container needs of its pod. */
export interface ContainerTools {
  readonly clock: Clock
  readonly runtime: Runtime
  readonly activity: Activity
  /** Ends all waiting and starting. */
  readonly signal: AbortSignal
  /** The pod as it is now. */
  pod(): Pod
  /** What is missing for the container's variables; absent: they are no concern. */
  readonly environmentFault?: ((container: Container) => Promise<string | undefined> | undefined) | undefined
  /** The container's life has changed. */
  changed(): void
  event(type: EventType, reason: string, message: string): void
}

/** How long a failed pull says what failed, before it says that it is waiting. */
const pullErrorShownMs = 1000

/** Something that the container refers to is not there: the reference looks again with its next sync. */
const configError = 'CreateContainerConfigError'
const syncMs = 10_000

/** One container: started, looked after, and started again with back-off as its restart policy says. */
export class ContainerWorker {
  readonly container: Container
  readonly #tools: ContainerTools
  /** The first restart comes at once; only then does the node begin to doubt. */
  readonly #crashes = new BackOff(1)
  readonly #failedStarts = new BackOff()
  readonly #started = deferred()
  readonly #ended = deferred<Exit>()
  #life: ContainerLife
  #untilExit = new AbortController()

  constructor(life: ContainerLife, tools: ContainerTools) {
    this.container = life.container
    this.#life = life
    this.#tools = tools
  }

  get life(): ContainerLife {
    return this.#life
  }

  /** Resolves when it runs for the first time. */
  get started(): Promise<void> {
    return this.#started.promise
  }

  /** Resolves when it has ended and will not be started again. */
  get ended(): Promise<Exit> {
    return this.#ended.promise
  }

  /** What is known from before the kubelet was restarted; `begin` goes on from there. */
  resume(life: ContainerLife): void {
    this.#life = life
  }

  /** Goes on from whatever its life is so far. */
  begin(): void {
    const { state } = this.#life
    if (state.type === 'waiting') return this.#start()
    this.#started.resolve()
    if (state.type === 'ended') this.#afterExit(state)
    else this.#followReadiness(state.ready, this.#life.restarts)
  }

  /** The runtime says that the running attempt has ended. */
  exited(exit: Exit): void {
    const { state } = this.#life
    if (state.type !== 'running') return
    this.#untilExit.abort()
    const { startedAt, containerId, imageId } = state
    const ended: Ended = { type: 'ended', ...exit, startedAt, finishedAt: this.#now(), containerId, imageId }
    this.#become(ended)
    if (!this.#tools.signal.aborted) this.#afterExit(ended)
  }

  #start(): void {
    void this.#tools.activity.track(this.#attempt())
  }

  async #attempt(): Promise<void> {
    const { runtime, signal, pod, event, environmentFault } = this.#tools
    const { state, last, restarts } = this.#life
    const previous = state.type === 'ended' ? state : last
    const attempt = previous ? restarts + 1 : restarts
    try {
      const asked = environmentFault?.(this.container)
      const fault = asked && (await asked)
      signal.throwIfAborted()
      if (fault) throw new ContainerError(configError, fault)
      const { isReady, containerId, imageId } = await runtime.startContainer(
        pod(),
        this.container,
        attempt,
        (exit) => this.exited(exit),
        signal,
      )
      this.#untilExit = new AbortController()
      this.#life = { ...this.#life, restarts: attempt, last: previous }
      this.#become({ type: 'running', startedAt: this.#now(), ready: isReady, containerId, imageId })
      this.#started.resolve()
      const image = `Container image "${this.container.image}" already present on machine and can be accessed by the pod`
      event('Normal', 'Pulled', image)
      event('Normal', 'Created', 'Container created')
      event('Normal', 'Started', 'Container started')
      this.#followReadiness(isReady, attempt)
    } catch (error) {
      if (!signal.aborted) this.#failedToStart(error)
    }
  }

  #followReadiness(isReady: boolean, attempt: number): void {
    const { runtime, activity, signal, pod } = this.#tools
    const isProbed = runtime.readiness !== undefined && (runtime.isProbed?.(this.container) ?? true)
    if (isReady && !isProbed) return
    const until = AbortSignal.any([signal, this.#untilExit.signal])
    if (isProbed && runtime.readiness) void this.#follow(runtime.readiness(pod(), this.container, until), attempt)
    else
      void activity.track(
        runtime.untilReady(pod(), this.container, until).then(
          () => this.#setReady(true, attempt),
          () => {},
        ),
      )
  }

  async #follow(readiness: AsyncIterable<boolean>, attempt: number): Promise<void> {
    for await (const isReady of readiness) this.#setReady(isReady, attempt)
  }

  #setReady(ready: boolean, attempt: number): void {
    const { state, restarts } = this.#life
    if (state.type === 'running' && restarts === attempt && state.ready !== ready) this.#become({ ...state, ready })
  }

  #afterExit(ended: Ended): void {
    if (!this.#isRestarted(ended)) return this.#ended.resolve(ended)
    const waitMs = this.#crashes.next(this.#tools.clock.now())
    if (waitMs === 0) return this.#start()
    const { metadata } = this.#tools.pod()
    const which = `restarting failed container=${this.container.name} pod=${metadata.name}_${metadata.namespace}(${metadata.uid})`
    this.#life = { ...this.#life, last: ended }
    this.#become({
      type: 'waiting',
      reason: 'CrashLoopBackOff',
      message: `back-off ${formatDuration(waitMs)} ${which}`,
    })
    this.#tools.event(
      'Warning',
      'BackOff',
      `Back-off restarting failed container ${this.container.name} in pod ${metadata.name}_${metadata.namespace}(${metadata.uid})`,
    )
    this.#later(waitMs, () => this.#start())
  }

  #isRestarted({ code }: Exit): boolean {
    const ofPod = this.#tools.pod().spec.restartPolicy ?? 'Always'
    const policy = this.container.restartPolicy ?? ofPod
    // What prepares a pod need not be done twice.
    if (this.#life.role === 'init' && code === 0) return false
    if (this.#life.role === 'ephemeral') return false
    return policy === 'Always' || (policy === 'OnFailure' && code !== 0)
  }

  #failedToStart(error: unknown): void {
    const { clock, event } = this.#tools
    const message = error instanceof Error ? error.message : String(error)
    const reason = error instanceof ContainerError ? error.reason : 'CreateContainerError'
    const waitMs = reason === configError ? syncMs : this.#failedStarts.next(clock.now())
    const isPull = reason === 'ErrImagePull'
    const isNoName = reason === 'InvalidImageName'
    this.#wait(reason, message)
    if (isPull) event('Warning', 'Failed', `Failed to pull image "${this.container.image}": ${message}`)
    if (isNoName) event('Warning', 'InspectFailed', message)
    event('Warning', 'Failed', `Error: ${isPull || isNoName ? reason : message}`)
    if (isPull) this.#later(pullErrorShownMs, () => this.#waitForImage(`${reason}: ${message}`))
    this.#later(waitMs, () => this.#start())
  }

  #waitForImage(cause: string): void {
    const backOff = `Back-off pulling image "${this.container.image}"`
    this.#wait('ImagePullBackOff', `${backOff}: ${cause}`)
    this.#tools.event('Normal', 'BackOff', backOff)
  }

  #wait(reason: string, message: string): void {
    const { state, last } = this.#life
    this.#life = { ...this.#life, last: state.type === 'ended' ? state : last }
    this.#become({ type: 'waiting', reason, message })
  }

  /** Waiting for a time is nothing that is under way: it does not keep the cluster from being settled. */
  #later(waitMs: number, run: () => void): void {
    this.#tools.clock.after(waitMs, this.#tools.signal).then(run, () => {})
  }

  #become(state: ContainerPhase): void {
    this.#life = { ...this.#life, state }
    this.#tools.changed()
  }

  #now(): string {
    return secondsTime(this.#tools.clock.now())
  }
}
