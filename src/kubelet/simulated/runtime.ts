import { type Deferred, deferred } from '../../base/deferred.ts'
import type { Container } from '../../kinds/core/containers.ts'
import { isImageName } from '../../kinds/core/image-name.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import type { EventType } from '../../reconciler/changes.ts'
import type { Clock, Random } from '../../world/world.ts'
import {
  ContainerError,
  type Exit,
  type Remains,
  type Running,
  type Runtime,
  type Sandbox,
  UnsupportedError,
} from '../runtime.ts'
import { AddressPool } from './addresses.ts'
import { defaultBehaviour, Script, type SimulatedBehaviour } from './behaviour.ts'
import { type ProbedContainer, type ProbeSort, probe, probeOf, probeSorts, type Verdicts } from './probes.ts'

export interface SimulatedRuntimeOptions {
  readonly clock: Clock
  readonly random: Random
  /** Where pods get their addresses from: one range, or one of each family. */
  readonly podCIDRs: readonly string[]
  readonly behaviour?: Partial<SimulatedBehaviour>
  /** What is to be told about a container. */
  readonly event?: (pod: Pod, container: Container, type: EventType, reason: string, message: string) => void
}

/**
 * Containers that are timers. A pod says by annotations how its containers behave; without any they start after the
 * configured time, become ready, and run until they are stopped (or, if they are not to be restarted, end well).
 */
export class SimulatedRuntime implements Runtime {
  readonly version = simulatedVersion
  readonly #clock: Clock
  readonly #random: Random
  readonly #behaviour: SimulatedBehaviour
  /** One of each family that the node has. */
  readonly #addresses: readonly AddressPool[]
  readonly #pods = new Map<string, SimulatedPod>()
  readonly #imageIds = new Map<string, string>()
  readonly #event: NonNullable<SimulatedRuntimeOptions['event']>

  constructor(options: SimulatedRuntimeOptions) {
    this.#clock = options.clock
    this.#random = options.random
    this.#event = options.event ?? (() => {})
    this.#behaviour = { ...defaultBehaviour, ...options.behaviour }
    this.#addresses = options.podCIDRs.map((cidr) => new AddressPool(cidr))
  }

  async startSandbox(pod: Pod, signal: AbortSignal): Promise<Sandbox> {
    signal.throwIfAborted()
    const addresses = pod.spec.hostNetwork ? [] : this.#addresses.map((pool) => pool.take())
    this.#pods.set(pod.metadata.uid!, { addresses, containers: new Map(), stopping: undefined })
    return { addresses }
  }

  /** A simulated container outlives its kubelet: what the pod's status says of it is so. */
  async takeOver(pod: Pod, onExit: (container: string, exit: Exit) => void): Promise<Remains | undefined> {
    const addresses = pod.spec.hostNetwork ? [] : (pod.status?.podIPs ?? []).map(({ ip }) => ip)
    const simulated: SimulatedPod = { addresses, containers: new Map(), stopping: undefined }
    this.#pods.set(pod.metadata.uid!, simulated)
    for (const pool of this.#addresses) for (const address of addresses) pool.reserve(address)
    const { spec, status } = pod
    const told = [
      ...(status?.initContainerStatuses ?? []),
      ...(status?.containerStatuses ?? []),
      ...(status?.ephemeralContainerStatuses ?? []),
    ]
    for (const container of [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]) {
      const { state, restartCount } = told.find(({ name }) => name === container.name) ?? {}
      if (!state?.running) continue
      const ranMs = this.#clock.now() - Date.parse(state.running.startedAt ?? '')
      this.#run(pod, container, restartCount ?? 0, ranMs || 0, (exit) => onExit(container.name, exit))
    }
    return { addresses, running: new Set(simulated.containers.keys()) }
  }

  async startContainer(
    pod: Pod,
    container: Container,
    attempt: number,
    onExit: (exit: Exit) => void,
    signal: AbortSignal,
  ): Promise<Running> {
    const script = new Script(pod, this.#behaviour)
    await this.#wait(script.startMs(container), signal)
    checkImage(container)
    script.failure(container)
    const isReady = script.readyMs(container) === 0 && !this.#isWatched(pod, container)
    this.#run(pod, container, attempt, 0, onExit)
    return {
      containerId: `simulated://${Buffer.from(this.#random.bytes(32)).toString('hex')}`,
      imageId: this.#imageId(container.image ?? ''),
      isReady,
    }
  }

  /** That of an image named by its digest is its name. Kept, so that all containers of an image have the same text. */
  #imageId(image: string): string {
    let id = this.#imageIds.get(image)
    if (id === undefined) {
      id = image.includes('@') ? image : `${image}@sha256:${'0'.repeat(64)}`
      this.#imageIds.set(image, id)
    }
    return id
  }

  async untilReady(pod: Pod, container: Container, signal: AbortSignal): Promise<void> {
    await this.#wait(new Script(pod, this.#behaviour).readyMs(container), signal)
  }

  isProbed(container: Container): boolean {
    return probeSorts.some((sort) => probeOf(container, sort) !== undefined)
  }

  /** Whether a container is ready, each time that changes, until it ends or the signal. */
  async *readiness(pod: Pod, container: Container, signal: AbortSignal): AsyncGenerator<boolean> {
    const running = this.#pods.get(pod.metadata.uid!)?.containers.get(container.name)
    if (!running) return
    if (!running.probing) {
      await this.untilReady(pod, container, signal).catch(() => {})
      if (!running.probing) running.isReady = true
    }
    let told: boolean | undefined
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    while (!signal.aborted) {
      const { isReady, changed } = running
      if (isReady !== told) {
        told = isReady
        yield isReady
      }
      await Promise.race([changed.promise, aborted])
    }
  }

  /** What a running pod says of its probes is different. */
  podChanged(pod: Pod): void {
    const { containers } = this.#pods.get(pod.metadata.uid!) ?? {}
    if (!containers) return
    for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
      const running = containers.get(container.name)
      if (running && this.isProbed(container)) this.#probe(pod, container, running)
    }
  }

  async stopContainer(pod: Pod, container: Container, graceSeconds: number): Promise<void> {
    const simulated = this.#pods.get(pod.metadata.uid!)
    const running = simulated?.containers.get(container.name)
    if (!simulated || !running) return
    running.cancel()
    running.probing?.abort()
    const { stopMs } = new Script(pod, this.#behaviour)
    const exit: Exit = stopMs > graceSeconds * 1000 ? killed : { code: 0, reason: 'Completed' }
    running.stopped ??= deferred()
    running.cancel = this.#clock.timer(Math.min(stopMs, graceSeconds * 1000), () => {
      simulated.containers.delete(container.name)
      running.onExit(exit)
      running.stopped?.resolve()
    })
    await running.stopped.promise
  }

  stopPod(pod: Pod, graceSeconds: number): Promise<void> {
    const simulated = this.#pods.get(pod.metadata.uid!)
    if (!simulated) return Promise.resolve()
    const now = this.#clock.monotonic()
    const stopMs = simulated.containers.size > 0 ? new Script(pod, this.#behaviour).stopMs : 0
    simulated.stopping ??= { byItselfAt: now + stopMs, endsAt: Infinity, cancel: () => {}, done: deferred() }
    const { stopping } = simulated
    const endsAt = Math.min(stopping.byItselfAt, now + graceSeconds * 1000)
    if (endsAt < stopping.endsAt) {
      stopping.cancel()
      stopping.endsAt = endsAt
      const exit: Exit = endsAt < stopping.byItselfAt ? killed : { code: 0, reason: 'Completed' }
      if (endsAt <= now) this.#remove(pod.metadata.uid!, simulated, exit)
      else stopping.cancel = this.#clock.timer(endsAt - now, () => this.#remove(pod.metadata.uid!, simulated, exit))
    }
    return stopping.done.promise
  }

  // biome-ignore lint/correctness/useYield: a simulated container says nothing, and says so
  async *logs(pod: Pod, container: string): AsyncIterable<Uint8Array> {
    throw new UnsupportedError(`container ${container} of pod ${pod.metadata.name} is simulated: it writes no logs`)
  }

  /** As if the machine were switched off: nothing runs, and nobody is told. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { containers, stopping } of this.#pods.values()) {
      for (const { cancel, probing, stopped } of containers.values()) {
        cancel()
        probing?.abort()
        stopped?.resolve()
      }
      stopping?.cancel()
      stopping?.done.resolve()
    }
    this.#pods.clear()
  }

  #run(pod: Pod, container: Container, attempt: number, ranMs: number, onExit: (exit: Exit) => void): void {
    const simulated = this.#pods.get(pod.metadata.uid!)
    if (!simulated) throw new ContainerError('CreateContainerError', `pod ${pod.metadata.name} has no sandbox`)
    const script = new Script(pod, this.#behaviour)
    const lifetimeMs = script.lifetimeMs(container, attempt)
    const code = script.exitCode(container, attempt)
    const running: SimulatedContainer = {
      onExit,
      cancel: () => {},
      startedAtMs: this.#clock.monotonic() - ranMs,
      hasStarted: false,
      isReady: false,
      changed: deferred(),
      probing: undefined,
    }
    simulated.containers.set(container.name, running)
    this.#probe(pod, container, running)
    if (lifetimeMs === undefined) return
    running.cancel = this.#clock.timer(Math.max(0, lifetimeMs - ranMs), () => {
      running.probing?.abort()
      simulated.containers.delete(container.name)
      onExit({ code, reason: code === 0 ? 'Completed' : 'Error' })
    })
  }

  /** Whether the pod says something of the container's probes. */
  #isWatched(pod: Pod, container: Container): boolean {
    const script = new Script(pod, this.#behaviour)
    return probeSorts.some((sort) => probeOf(container, sort) && script.verdicts(sort, container) !== undefined)
  }

  #probe(pod: Pod, container: Container, running: SimulatedContainer): void {
    const wasWatched = running.probing !== undefined
    running.probing?.abort()
    running.probing = undefined
    const setReady = (ready: boolean) => {
      if (running.isReady === ready) return
      running.isReady = ready
      running.changed.resolve()
      running.changed = deferred()
    }
    if (!this.#isWatched(pod, container)) {
      if (wasWatched) setReady(true)
      return
    }
    const probing = new AbortController()
    running.probing = probing
    const script = new Script(pod, this.#behaviour)
    const said = new Map<ProbeSort, Verdicts | undefined>(
      probeSorts.map((sort) => [sort, script.verdicts(sort, container)]),
    )
    const probed: ProbedContainer = {
      container,
      address: this.#pods.get(pod.metadata.uid!)?.addresses[0] ?? '',
      startedAtMs: running.startedAtMs,
      get hasStarted() {
        return running.hasStarted
      },
      set hasStarted(value) {
        running.hasStarted = value
      },
      get isReady() {
        return running.isReady
      },
      setReady,
      unhealthy: (sort, fault) =>
        this.#event(
          pod,
          container,
          'Warning',
          'Unhealthy',
          `${sort[0]!.toUpperCase()}${sort.slice(1)} probe failed: ${fault}`,
        ),
      restart: (sort, { terminationGracePeriodSeconds }) => {
        const why = `Container ${container.name} failed ${sort} probe, will be restarted`
        this.#event(pod, container, 'Normal', 'Killing', why)
        const grace = terminationGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30
        void this.stopContainer(pod, container, grace)
      },
    }
    void probe(probed, (sort) => said.get(sort), this.#clock, probing.signal).catch(() => {})
  }

  #remove(uid: string, { addresses, containers, stopping }: SimulatedPod, exit: Exit): void {
    this.#pods.delete(uid)
    for (const pool of this.#addresses) for (const address of addresses) pool.giveBack(address)
    for (const { cancel, onExit, probing, stopped } of containers.values()) {
      cancel()
      probing?.abort()
      onExit(exit)
      stopped?.resolve()
    }
    stopping?.done.resolve()
  }

  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (ms > 0) await this.#clock.after(ms, signal)
  }
}

/** How nodes are recognised that are simulated. */
export const simulatedVersion = 'simulated://1.0.0'

const killed: Exit = { code: 137, reason: 'Error' }

interface SimulatedPod {
  readonly addresses: readonly string[]
  /** Those that run, by name. */
  readonly containers: Map<string, SimulatedContainer>
  stopping: Stopping | undefined
}

interface SimulatedContainer {
  readonly onExit: (exit: Exit) => void
  /** It has been asked to end, its pod not; resolves when it has ended, or its machine has. */
  stopped?: Deferred<void>
  /** Calls off an end that it comes to by itself. */
  cancel: () => void
  readonly startedAtMs: number
  hasStarted: boolean
  isReady: boolean
  /** Resolves when `isReady` is different. */
  changed: Deferred<void>
  /** Its probes are asked, as its pod says something of them. */
  probing: AbortController | undefined
}

interface Stopping {
  /** When the containers have done what they do when they are asked to end. */
  readonly byItselfAt: number
  endsAt: number
  cancel: () => void
  readonly done: Deferred<void>
}

function checkImage({ image = '' }: Container): void {
  if (isImageName(image)) return
  const shown = JSON.stringify(image)
  throw new ContainerError(
    'InvalidImageName',
    `Failed to apply default image tag ${shown}: couldn't parse image name ${shown}: invalid reference format`,
  )
}
