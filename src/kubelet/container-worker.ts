import { deferred } from '../base/deferred.ts'
import { formatDuration } from '../base/duration.ts'
import { secondsTime } from '../base/seconds-time.ts'
import type { Container } from '../kinds/core/containers.ts'
import type { Pod } from '../kinds/core/pod.ts'
import type { Activity } from '../reconciler/activity.ts'
import type { EventType } from '../reconciler/changes.ts'
import { equalJson } from '../schema/freeze.ts'
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

/** The first restart comes at once; only then does the node begin to doubt. */
const freeCrashes = 1

/** How long a failed pull says what failed, before it says that it is waiting. */
const pullErrorShownMs = 1000

/** Something that the container refers to is not there: the reference looks again with its next sync. */
const configError = 'CreateContainerConfigError'
const syncMs = 10_000

/** One container: started, looked after, and started again with back-off as its restart policy says. */
export class ContainerWorker {
  readonly #tools: ContainerTools
  #crashes = new BackOff(freeCrashes)
  #failedStarts = new BackOff()
  readonly #started = deferred()
  readonly #ended = deferred<Exit>()
  #life: ContainerLife
  /** As the next attempt is to be. */
  #wanted: Container
  /** It is on its way down because another is wanted. */
  #isReplaced = false
  #untilExit = new AbortController()
  /** Ends a wait for another attempt. */
  #waiting: AbortController | undefined

  constructor(life: ContainerLife, tools: ContainerTools) {
    this.#life = life
    this.#wanted = life.container
    this.#tools = tools
  }

  get life(): ContainerLife {
    return this.#life
  }

  /** As it runs, or ran last. */
  get container(): Container {
    return this.#life.container
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

  /**
   * The pod says something else of it. With another image it is started anew, and so it is with other resources that it
   * can only be given then (KEP-1287). Who waits for another attempt, as the old image was no good, need not wait any longer.
   */
  update(wanted: Container): void {
    const { state, role } = this.#life
    const isOther = wanted.image !== this.#wanted.image
    this.#wanted = wanted
    if (state.type === 'waiting') this.#life = { ...this.#life, container: wanted }
    if (state.type === 'running') {
      // What an init container was to do has begun as it was asked for.
      if (role === 'init') return
      const why = whyReplaced(this.container, wanted)
      if (why) this.#replace(`Container ${wanted.name} ${why}`)
      else this.#life = { ...this.#life, container: wanted }
    } else if (isOther && this.#waiting) {
      this.#waiting.abort()
      this.#startAfresh()
    }
  }

  /** Goes on from whatever its life is so far. */
  begin(): void {
    const { state } = this.#life
    if (state.type === 'waiting') return this.#start()
    this.#started.resolve()
    if (state.type === 'ended') this.#afterExit(state)
    else {
      this.#followReadiness(state.ready, this.#life.restarts)
      this.update(this.#wanted)
    }
  }

  /** The runtime says that the running attempt has ended. */
  exited(exit: Exit): void {
    const { state } = this.#life
    if (state.type !== 'running') return
    this.#untilExit.abort()
    const { startedAt, containerId, imageId } = state
    const ended: Ended = { type: 'ended', ...exit, startedAt, finishedAt: this.#now(), containerId, imageId }
    if (this.#tools.signal.aborted) return this.#become(ended)
    if (this.#isReplaced) {
      // Nobody is told that it has ended: by its restart policy the pod could be over then.
      this.#life = { ...this.#life, last: ended }
      this.#become({ type: 'waiting', reason: 'ContainerCreating' })
      return this.#startAfresh()
    }
    this.#become(ended)
    this.#afterExit(ended)
  }

  #replace(why: string): void {
    if (this.#isReplaced) return
    this.#isReplaced = true
    const { runtime, activity, pod, event } = this.#tools
    event('Normal', 'Killing', why)
    const grace = pod().spec.terminationGracePeriodSeconds ?? 30
    void activity.track(runtime.stopContainer(pod(), this.container, grace))
  }

  /** What became of the container as it was says nothing of how it is wanted now. */
  #startAfresh(): void {
    this.#isReplaced = false
    this.#crashes = new BackOff(freeCrashes)
    this.#failedStarts = new BackOff()
    this.#start()
  }

  #start(): void {
    void this.#tools.activity.track(this.#attempt())
  }

  async #attempt(): Promise<void> {
    const { runtime, signal, pod, event, environmentFault } = this.#tools
    const { state, last, restarts } = this.#life
    const previous = state.type === 'ended' ? state : last
    const attempt = previous ? restarts + 1 : restarts
    const container = this.#wanted
    this.#waiting = undefined
    this.#life = { ...this.#life, container }
    try {
      const asked = environmentFault?.(container)
      const fault = asked && (await asked)
      signal.throwIfAborted()
      if (fault) throw new ContainerError(configError, fault)
      const { isReady, containerId, imageId } = await runtime.startContainer(
        pod(),
        container,
        attempt,
        (exit) => this.exited(exit),
        signal,
      )
      this.#untilExit = new AbortController()
      this.#life = { ...this.#life, container, restarts: attempt, last: previous }
      this.#become({ type: 'running', startedAt: this.#now(), ready: isReady, containerId, imageId })
      this.#started.resolve()
      const image = `Container image "${container.image}" already present on machine and can be accessed by the pod`
      event('Normal', 'Pulled', image)
      event('Normal', 'Created', 'Container created')
      event('Normal', 'Started', 'Container started')
      this.#followReadiness(isReady, attempt)
      // It may have been changed on the way.
      this.update(this.#wanted)
    } catch (error) {
      if (signal.aborted) return
      if (container.image === this.#wanted.image) this.#failedToStart(error)
      else this.#startAfresh()
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
    this.#waiting ??= new AbortController()
    const signal = AbortSignal.any([this.#tools.signal, this.#waiting.signal])
    this.#tools.clock.after(waitMs, signal).then(run, () => {})
  }

  #become(state: ContainerPhase): void {
    this.#life = { ...this.#life, state }
    this.#tools.changed()
  }

  #now(): string {
    return secondsTime(this.#tools.clock.now())
  }
}

/** Why a container that runs must be started anew to be another one; nothing: it need not. */
function whyReplaced(container: Container, wanted: Container): string | undefined {
  if (container.image !== wanted.image) return 'definition changed, will be restarted'
  const amounts = ({ resources }: Container, name: string) => [resources?.requests?.[name], resources?.limits?.[name]]
  const isRestarted = wanted.resizePolicy?.some(
    ({ resourceName, restartPolicy }) =>
      restartPolicy === 'RestartContainer' &&
      !equalJson(amounts(container, resourceName), amounts(wanted, resourceName)),
  )
  return isRestarted ? 'resize requires restart' : undefined
}
