import { basename, dirname } from 'node:path'
import type { ProcessId } from '../../base/process-stat.ts'
import { secondsTime } from '../../base/seconds-time.ts'
import type { Container, Probe } from '../../kinds/core/containers.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import type { EventType } from '../../reconciler/changes.ts'
import type { Clock, Disk, Exec, Log, Network, Random } from '../../world/world.ts'
import { ContainerError, type Exit, type Remains, type Running, type Runtime, type Sandbox } from '../runtime.ts'
import { commandOf, environmentOf } from './command.ts'
import { needsHostNetwork, runsAsProcesses } from './eligible.ts'
import type { HostVolumes } from './host-volumes.ts'
import { readLog } from './log-file.ts'
import { mountsOf, withMounts } from './mounts.ts'
import { repeat } from './prober.ts'
import { type Ended, Processes } from './processes.ts'
import { type PodRecord, Records } from './records.ts'

export interface ProcessRuntimeOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly disk: Disk
  readonly exec: Exec
  readonly network: Network
  /** Where it is noted what runs: `/run/coracle/pods`. It must not outlive the machine's processes. */
  readonly stateFolder: string
  /** `/var/log/pods`, or where the output of a container goes. */
  readonly logs: string | ((pod: Pod, container: string) => string)
  /** The node's address, which all pods have. */
  readonly hostAddress: string
  /** What runs instead of a program of that base name; nothing when the one on the search path does. */
  readonly programs: (name: string) => readonly string[] | undefined
  /** Absent: only paths of the host can be mounted. */
  readonly volumes?: HostVolumes
  /** What is to be told about a container. */
  readonly event?: (pod: Pod, container: Container, type: EventType, reason: string, message: string) => void
}

/** A container's process that is to be started. */
interface Start {
  readonly pod: Pod
  readonly container: Container
  readonly attempt: number
  readonly running: RunningPod
  readonly command: [string, ...string[]]
  readonly env: Readonly<Record<string, string>>
  readonly onExit: (exit: Exit) => void
  readonly signal: AbortSignal
}

/** How nodes are recognised on which pods are processes. */
export const processVersion = 'process://1.0.0'

/**
 * Containers that are processes of the host: they see its network, its files and its programs, and their volumes where
 * these are mounted. They go on when the kubelet ends, however it ends; the one that comes next finds them by what is
 * noted of them.
 */
export class ProcessRuntime implements Runtime {
  readonly version = processVersion
  readonly #options: ProcessRuntimeOptions
  readonly #processes: Processes
  readonly #records: Records
  readonly #pods = new Map<string, RunningPod>()
  readonly #end = new AbortController()
  /** What is under way to become a container that runs. */
  readonly #starting = new Set<Promise<unknown>>()

  constructor(options: ProcessRuntimeOptions) {
    this.#options = options
    this.#processes = new Processes(options)
    this.#records = new Records(options.stateFolder, options)
  }

  /** Made for the pods that run here. */
  get volumes(): HostVolumes | undefined {
    return this.#options.volumes
  }

  /** Whether a pod of the API is to run here. `handler`: of its runtime class; empty where it names none. */
  isFor(pod: Pod, handler: string): boolean {
    return runsAsProcesses(pod, handler, (program) => this.#options.programs(program) !== undefined)
  }

  /** What an earlier kubelet has left running, or noted as such. */
  remembered(): Promise<readonly PodRecord[]> {
    return this.#records.pods()
  }

  async startSandbox(pod: Pod, signal: AbortSignal): Promise<Sandbox> {
    signal.throwIfAborted()
    if (!pod.spec.hostNetwork) throw new Error(needsHostNetwork)
    await this.#records.keepPod(pod)
    this.#pods.set(pod.metadata.uid!, new RunningPod())
    return { addresses: [] }
  }

  async takeOver(pod: Pod, onExit: (container: string, exit: Exit) => void): Promise<Remains | undefined> {
    const record = await this.#records.podOf(pod.metadata.uid!)
    if (!record) return undefined
    const running = new RunningPod()
    this.#pods.set(pod.metadata.uid!, running)
    this.volumes?.takeOver(pod)
    for (const container of allContainers(pod)) {
      const process = await this.#processes.noted(this.#records.processNote(pod.metadata.uid!, container.name))
      if (process === undefined || !(await this.#processes.isAlive(process))) continue
      const ended = this.#processes.ended(process, this.#end.signal)
      this.#watch(pod, container, running, process, ended, (exit) => onExit(container.name, exit))
    }
    return { addresses: [], running: new Set(running.containers.keys()) }
  }

  async startContainer(
    pod: Pod,
    container: Container,
    attempt: number,
    onExit: (exit: Exit) => void,
    signal: AbortSignal,
  ): Promise<Running> {
    signal.throwIfAborted()
    // Whoever may add one to a pod is not by that one who may run programs on the host.
    if (!allContainers(pod).some(({ name }) => name === container.name))
      throw new ContainerError('CreateContainerError', 'an ephemeral container does not run as a process')
    const { disk, exec, hostAddress, volumes } = this.#options
    const running = this.#pods.get(pod.metadata.uid!)
    if (!running) throw new ContainerError('CreateContainerError', `pod ${pod.metadata.name} has no sandbox`)
    const env = environmentOf(pod, container, hostAddress)
    const folderOf = (...of: Parameters<HostVolumes['folderOf']>) => volumes?.folderOf(...of)
    const mounts = await mountsOf(pod, container, { disk, env, folderOf })
    const command = await withMounts(await this.#programOf(commandOf(container, env)), mounts, exec)
    signal.throwIfAborted()
    const starting = this.#startProcess({ pod, container, attempt, running, command, env, onExit, signal })
    this.#starting.add(starting)
    try {
      return await starting
    } finally {
      this.#starting.delete(starting)
    }
  }

  async #startProcess({ pod, container, attempt, running, command, env, onExit, signal }: Start): Promise<Running> {
    const { clock, random } = this.#options
    const uid = pod.metadata.uid!
    const containerId = `process://${Buffer.from(random.bytes(32)).toString('hex')}`
    const imageId = container.image ?? ''
    const startedAt = secondsTime(clock.now())
    await this.#records.keep(uid, container.name, { attempt, startedAt, containerId, imageId })
    const logFile = this.logFile(pod, container.name, attempt)
    const note = this.#records.processNote(uid, container.name)
    const { id, ended } = await this.#processes.start(command, { note, logFile, env })
    if (signal.aborted || this.#pods.get(uid) !== running) {
      await this.#processes.kill(id)
      await ended
      signal.throwIfAborted()
      throw new Error(`pod ${pod.metadata.name} is gone`)
    }
    this.#watch(pod, container, running, id, ended, onExit)
    return { containerId, imageId, isReady: !container.readinessProbe && !container.startupProbe }
  }

  async untilReady(pod: Pod, container: Container, signal: AbortSignal): Promise<void> {
    for await (const isReady of this.readiness(pod, container, signal)) if (isReady) return
    signal.throwIfAborted()
    throw new Error(`container ${container.name} has ended`)
  }

  /** Whether a container is ready, each time that changes, until it ends or the signal. */
  async *readiness(pod: Pod, container: Container, signal: AbortSignal): AsyncGenerator<boolean> {
    const running = this.#pods.get(pod.metadata.uid!)?.containers.get(container.name)
    if (!running) return
    let told: boolean | undefined
    while (!signal.aborted && !running.isOver) {
      const { isReady } = running
      const changed = running.changed()
      if (isReady !== told) {
        told = isReady
        yield isReady
      }
      await Promise.race([changed, aborted(signal)])
    }
  }

  async stopContainer(pod: Pod, { name }: Container, graceSeconds: number): Promise<void> {
    const running = this.#pods.get(pod.metadata.uid!)?.containers.get(name)
    if (running) await this.#stop(running, this.#options.clock.monotonic() + graceSeconds * 1000)
  }

  async stopPod(pod: Pod, graceSeconds: number): Promise<void> {
    const uid = pod.metadata.uid!
    const running = this.#pods.get(uid)
    if (running) {
      const deadline = this.#options.clock.monotonic() + graceSeconds * 1000
      await Promise.all([...running.containers.values()].map((container) => this.#stop(container, deadline)))
      this.#pods.delete(uid)
      await this.#records.forgetPod(uid)
    }
    // Some are made before anything runs.
    await this.volumes?.remove(uid)
  }

  /** What the process has said so far; with `follow`, also what it says until the signal. */
  async *logs(
    pod: Pod,
    container: string,
    { follow, signal }: { readonly follow: boolean; readonly signal: AbortSignal },
  ): AsyncGenerator<Uint8Array> {
    const path = await this.newestLog(pod, container)
    const ended = this.ended(pod, container)
    if (path !== undefined) yield* readLog(this.#options, path, { follow, ended, signal })
  }

  /** Resolves when the container that runs now has ended; at once when none does. */
  async ended(pod: Pod, container: string): Promise<void> {
    await this.#pods.get(pod.metadata.uid!)?.containers.get(container)?.over
  }

  /** `attempt`: 0 for the first. */
  logFile(pod: Pod, container: string, attempt: number): string {
    const { logs } = this.#options
    if (typeof logs === 'function') return logs(pod, container)
    const { namespace, name, uid } = pod.metadata
    return `${logs}/${namespace}_${name}_${uid}/${container}/${attempt}.log`
  }

  /** The log of the attempt that runs, or of the one before it; nothing when there is none. */
  async newestLog(pod: Pod, container: string, isPrevious = false): Promise<string | undefined> {
    const first = this.logFile(pod, container, 0)
    if (!first.endsWith('/0.log')) return first
    const folder = dirname(first)
    const attempts = (await this.#options.disk.list(folder))
      .map((name) => Number.parseInt(name, 10))
      .filter((at) => at >= 0)
    const at = attempts.sort((a, b) => b - a)[isPrevious ? 1 : 0]
    return at === undefined ? undefined : `${folder}/${at}.log`
  }

  /** Lets go of all processes, which go on; one that is only just being started is ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort()
    this.volumes?.stop()
    for (const { containers } of this.#pods.values()) for (const container of containers.values()) container.end()
    this.#pods.clear()
    await Promise.allSettled(this.#starting)
  }

  async #programOf([name, ...args]: [string, ...string[]]): Promise<[string, ...string[]]> {
    // Manifests of others name where it lies in an image.
    const words = this.#options.programs(basename(name))
    if (words) return [...words, ...args] as [string, ...string[]]
    const path = await this.#options.exec.which(name)
    if (path) return [path, ...args]
    throw new ContainerError('ErrImagePull', `exec: ${JSON.stringify(name)}: executable file not found in $PATH`)
  }

  /** From now on the container runs: it is checked, and its end is told. */
  #watch(
    pod: Pod,
    container: Container,
    sandbox: RunningPod,
    id: ProcessId,
    ended: Promise<Ended>,
    onExit: (exit: Exit) => void,
  ): void {
    const running = new RunningContainer(id, !container.readinessProbe && !container.startupProbe)
    sandbox.containers.set(container.name, running)
    running.over = ended.then(
      (end) => {
        running.end()
        if (this.#end.signal.aborted) return
        if (sandbox.containers.get(container.name) === running) sandbox.containers.delete(container.name)
        // What it has started in its group is not to stay behind.
        this.#options.exec.signal(-id.pid, 'SIGKILL')
        onExit(exitOf(end, running))
      },
      () => running.end(),
    )
    void this.#probe(pod, container, running).catch(() => {})
  }

  async #probe(pod: Pod, container: Container, running: RunningContainer): Promise<void> {
    const { event } = this.#options
    const { signal } = running.probing
    const target = {
      container,
      address: this.#options.hostAddress,
      env: environmentOf(pod, container, this.#options.hostAddress),
    }
    const unhealthy = (what: string) => (fault: string) =>
      event?.(pod, container, 'Warning', 'Unhealthy', `${what} probe failed: ${fault}`)
    const run = (probe: Probe, what: string, turned: (isWell: boolean) => void, until = signal) =>
      repeat(probe, target, this.#options, until, turned, unhealthy(what)).catch(() => {})
    const restart = (what: string, probe: Probe) => {
      event?.(
        pod,
        container,
        'Normal',
        'Killing',
        `Container ${container.name} failed ${what} probe, will be restarted`,
      )
      const grace = probe.terminationGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30
      void this.stopContainer(pod, container, grace)
    }
    const { startupProbe, livenessProbe, readinessProbe } = container
    if (startupProbe) {
      const started = new AbortController()
      const turned = (isWell: boolean) => {
        started.abort()
        if (!isWell) restart('startup', startupProbe)
      }
      await run(startupProbe, 'Startup', turned, AbortSignal.any([signal, started.signal]))
      if (signal.aborted || running.isStopping) return
    }
    if (readinessProbe) void run(readinessProbe, 'Readiness', (isWell) => running.setReady(isWell))
    else running.setReady(true)
    if (livenessProbe)
      await run(livenessProbe, 'Liveness', (isWell) => (isWell ? undefined : restart('liveness', livenessProbe)))
  }

  /** Asks it to end, and ends it when its time is over. Another call can only shorten the time. */
  async #stop(running: RunningContainer, deadlineMs: number): Promise<void> {
    const { clock } = this.#options
    if (!running.isStopping) {
      running.isStopping = true
      running.setReady(false)
      await this.#processes.ask(running.id)
    }
    const over = new AbortController()
    const late = clock.after(Math.max(0, deadlineMs - clock.monotonic()), over.signal).then(
      async () => {
        running.wasKilled = true
        await this.#processes.kill(running.id)
      },
      () => {},
    )
    await running.over
    over.abort()
    await late
  }
}

const killed: Exit = { code: 137, reason: 'Error' }

class RunningPod {
  /** Those that run, by name. */
  readonly containers = new Map<string, RunningContainer>()
}

class RunningContainer {
  readonly id: ProcessId
  readonly probing = new AbortController()
  over: Promise<void> = Promise.resolve()
  isReady: boolean
  isOver = false
  isStopping = false
  wasKilled = false
  #waiting: (() => void)[] = []

  constructor(id: ProcessId, isReady: boolean) {
    this.id = id
    this.isReady = isReady
  }

  setReady(isReady: boolean): void {
    if (this.isReady === isReady) return
    this.isReady = isReady
    this.#tell()
  }

  end(): void {
    this.isOver = true
    this.probing.abort()
    this.#tell()
  }

  /** Resolves at the next change. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #tell(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

/** By the shell's rule a signal is 128 and its number. */
const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
}

function exitOf({ code, signal, unseen }: Ended, { isStopping, wasKilled }: RunningContainer): Exit {
  if (wasKilled) return killed
  // Who ends when he is asked to has done what he was to do, as far as anybody can tell.
  if (unseen) return isStopping ? { code: 0, reason: 'Completed' } : { code: 137, reason: 'ContainerStatusUnknown' }
  const shown = code ?? 128 + (signalNumbers[signal ?? ''] ?? 0)
  return { code: shown, reason: shown === 0 ? 'Completed' : 'Error' }
}

const allContainers = ({ spec }: Pod): readonly Container[] => [...(spec.initContainers ?? []), ...spec.containers]

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
