import { parseDuration } from '../../base/duration.ts'
import type { Container } from '../../kinds/core/containers.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import type { Clock, Random } from '../../world/world.ts'
import { ContainerError, type Exit, type Running, type Runtime, type Sandbox, UnsupportedError } from '../runtime.ts'

/**
 * Containers that are timers. A pod says by annotations how its containers behave; without any they start after the
 * configured time, become ready, and run until they are stopped (or, if they are not to be restarted, end well).
 */
export interface SimulatedBehaviour {
  /** From the sandbox to the running container. */
  readonly startMs: number
  /** From running to ready. */
  readonly readyMs: number
  /** From being asked to end until the end. */
  readonly stopMs: number
  /** How long containers of pods that restart never or on failure alone run. */
  readonly completeMs: number
}

export const defaultBehaviour: SimulatedBehaviour = { startMs: 50, readyMs: 0, stopMs: 50, completeMs: 1000 }

/** Annotations of a pod, each a Go duration but for the last two. */
export const annotations = {
  start: 'simulation.coracle.dev/start-after',
  ready: 'simulation.coracle.dev/ready-after',
  stop: 'simulation.coracle.dev/stop-after',
  exit: 'simulation.coracle.dev/exit-after',
  exitCode: 'simulation.coracle.dev/exit-code',
  /** A reason such as `ErrImagePull`: the containers never start. */
  fail: 'simulation.coracle.dev/fail',
} as const

export class SimulatedRuntime implements Runtime {
  readonly version = 'simulated://1.0.0'
  readonly #clock: Clock
  readonly #random: Random
  readonly #behaviour: SimulatedBehaviour
  readonly #addresses: AddressPool
  readonly #pods = new Map<string, SimulatedPod>()

  constructor(options: { clock: Clock; random: Random; podCIDR: string; behaviour?: Partial<SimulatedBehaviour> }) {
    this.#clock = options.clock
    this.#random = options.random
    this.#behaviour = { ...defaultBehaviour, ...options.behaviour }
    this.#addresses = new AddressPool(options.podCIDR)
  }

  async startSandbox(pod: Pod, signal: AbortSignal): Promise<Sandbox> {
    signal.throwIfAborted()
    const address = this.#addresses.take()
    this.#pods.set(pod.metadata.uid!, { address, timers: new Set() })
    return { addresses: [address] }
  }

  async startContainer(
    pod: Pod,
    container: Container,
    attempt: number,
    onExit: (exit: Exit) => void,
    signal: AbortSignal,
  ): Promise<Running> {
    const failure = pod.metadata.annotations?.[annotations.fail]
    await this.#wait(duration(pod, annotations.start) ?? this.#behaviour.startMs, signal)
    if (failure) throw new ContainerError(failure, `simulated failure of container ${container.name}`)
    const lifetimeMs = this.#lifetimeMs(pod)
    if (lifetimeMs !== undefined) this.#endLater(pod, lifetimeMs, onExit)
    return {
      containerId: `simulated://${this.#id()}`,
      imageId: `${container.image}@sha256:${'0'.repeat(58)}${String(attempt).padStart(6, '0')}`,
    }
  }

  async untilReady(pod: Pod, _container: Container, signal: AbortSignal): Promise<void> {
    await this.#wait(duration(pod, annotations.ready) ?? this.#behaviour.readyMs, signal)
  }

  async stopPod(pod: Pod, graceSeconds: number): Promise<void> {
    const wantedMs = duration(pod, annotations.stop) ?? this.#behaviour.stopMs
    const stopMs = Math.min(wantedMs, graceSeconds * 1000)
    if (stopMs > 0) await this.#clock.after(stopMs)
    const simulated = this.#pods.get(pod.metadata.uid!)
    if (!simulated) return
    this.#pods.delete(pod.metadata.uid!)
    this.#addresses.giveBack(simulated.address)
    for (const cancel of simulated.timers) cancel()
  }

  // biome-ignore lint/correctness/useYield: a simulated container says nothing, and says so
  async *logs(pod: Pod, container: string): AsyncIterable<Uint8Array> {
    throw new UnsupportedError(`container ${container} of pod ${pod.metadata.name} is simulated: it writes no logs`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { timers } of this.#pods.values()) for (const cancel of timers) cancel()
    this.#pods.clear()
  }

  #lifetimeMs(pod: Pod): number | undefined {
    const asked = duration(pod, annotations.exit)
    if (asked !== undefined) return asked
    return (pod.spec.restartPolicy ?? 'Always') === 'Always' ? undefined : this.#behaviour.completeMs
  }

  #endLater(pod: Pod, lifetimeMs: number, onExit: (exit: Exit) => void): void {
    const code = Number(pod.metadata.annotations?.[annotations.exitCode] ?? 0)
    const timers = this.#pods.get(pod.metadata.uid!)?.timers
    const cancel = this.#clock.timer(lifetimeMs, () => {
      timers?.delete(cancel)
      onExit({ code, reason: code === 0 ? 'Completed' : 'Error' })
    })
    timers?.add(cancel)
  }

  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (ms > 0) await this.#clock.after(ms, signal)
  }

  #id(): string {
    return Buffer.from(this.#random.bytes(32)).toString('hex')
  }
}

interface SimulatedPod {
  readonly address: string
  readonly timers: Set<() => void>
}

function duration(pod: Pod, annotation: string): number | undefined {
  const text = pod.metadata.annotations?.[annotation]
  return text === undefined ? undefined : parseDuration(text)
}

/** Addresses of an IPv4 range, the longest unused first, so that an address does not come back at once. */
class AddressPool {
  readonly #prefix: number
  readonly #size: number
  readonly #free: number[] = []
  #next = 2

  constructor(cidr: string) {
    const [base = '', bits = '24'] = cidr.split('/')
    this.#prefix = base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
    this.#size = 2 ** (32 - Number(bits))
  }

  take(): string {
    // The first address is the network's, the second its gateway's, the last the broadcast.
    const host = this.#next < this.#size - 1 ? this.#next++ : this.#free.shift()
    if (host === undefined) throw new Error('no address is left in the range of this node')
    const address = this.#prefix + host
    return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')
  }

  giveBack(address: string): void {
    const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
    this.#free.push(value - this.#prefix)
  }
}
