import { type Cache, CacheSet } from '../client/cache.ts'
import type { Client } from '../client/client.ts'
import type { Container } from '../kinds/core/containers.ts'
import { Node } from '../kinds/core/node.ts'
import { Pod } from '../kinds/core/pod.ts'
import { RuntimeClass } from '../kinds/node/runtime-class.ts'
import { Activity } from '../reconciler/activity.ts'
import { EventRecorder } from '../reconciler/events.ts'
import { Gate } from '../reconciler/gate.ts'
import type { HostWorld } from '../world/world.ts'
import { Admission } from './admission.ts'
import { Budget } from './budget.ts'
import { isAdvertisedAnew, type NodeDescription, registerNode, renewLease, reportNode, statusMs } from './node.ts'
import { type NodeEvents, nodeEvents } from './node-events.ts'
import { podEvents } from './pod-events.ts'
import { PodWorker, type PodWorkerTools } from './pod-worker.ts'
import { whyNoProcess } from './process/eligible.ts'
import { type PodRecord, statusOf } from './process/records.ts'
import { type ProcessRuntime, processVersion } from './process/runtime.ts'
import type { Runtime } from './runtime.ts'
import { SimulatedRuntime } from './simulated/runtime.ts'
import { fullName, isStatic, mirroredHash } from './static-pods/manifest.ts'
import { ManifestFolder } from './static-pods/manifest-folder.ts'
import { Mirrors } from './static-pods/mirrors.ts'
import { StaticPods } from './static-pods/static-pods.ts'

export interface NodeAgentOptions {
  readonly world: HostWorld
  /** Speaks for the node; may be one that waits until it has its credential. */
  readonly client: Client
  readonly description: NodeDescription
  /** Runs static pods, and those of the API that are for it. */
  readonly makeRuntime: (event: RuntimeEvent) => ProcessRuntime
  /** Absent: there are none. */
  readonly staticPods?: { readonly folder: string; readonly checkMs: number }
  /** Whether it makes its Node by itself. */
  readonly registers: boolean
  /** Asked before it takes the Node that is there under its name; throws when that is another machine's. */
  readonly mayTake?: (present: Node) => Promise<void>
  /** How often it says that it is alive, and how long that holds. */
  readonly renewMs: number
}

type RuntimeEvent = NonNullable<ConstructorParameters<typeof ProcessRuntime>[0]['event']>

const statusesAtOnce = 4
/** As the reference tries again, but not as rarely: whoever waits here waits for the node. */
const firstRetryMs = 100
const longestRetryMs = 1000

/**
 * The agent of one node: runs static pods from a folder with or without an API, and, once that can be reached, makes the
 * Node, says that it lives, shows the static pods there, and runs those that the scheduler gives it: as processes those
 * that are to be (`process/eligible.ts`), all others simulated.
 */
export class NodeAgent {
  readonly #options: NodeAgentOptions
  readonly #stop = new AbortController()
  readonly #activity = new Activity()
  readonly #nodeEvents: NodeEvents
  readonly #tools: Omit<PodWorkerTools, 'client' | 'runtime'>
  readonly #static: StaticPods
  readonly #processes: ProcessRuntime
  readonly #workers = new Map<string, PodWorker>()
  /** Pods of the API that an earlier kubelet ran as processes, by UID. */
  #remembered: ReadonlyMap<string, PodRecord> = new Map()
  #folder: ManifestFolder | undefined
  #mirrors: Mirrors | undefined
  #pods: Cache<Pod> | undefined
  #classes: Cache<RuntimeClass> | undefined
  /** UIDs of pods of the API that run as processes. */
  readonly #ofProcesses = new Set<string>()
  #simulated: Promise<SimulatedRuntime> | undefined
  #node: Node | undefined
  #reportedAt = 0
  #isReporting = false

  constructor(options: NodeAgentOptions) {
    const { world, client, description } = options
    this.#options = options
    const recorder = new EventRecorder('kubelet', { client, ...world })
    const budget = new Budget(world.clock)
    const events = podEvents(recorder, budget, description.name)
    this.#nodeEvents = nodeEvents(recorder, budget, description.name)
    const admission = new Admission({
      client,
      clock: world.clock,
      activity: this.#activity,
      nodeName: description.name,
      node: () => this.#node,
    })
    this.#tools = {
      clock: world.clock,
      log: world.log,
      activity: this.#activity,
      events,
      admission,
      writes: new Gate(statusesAtOnce),
      hostAddresses: description.addresses,
    }
    this.#processes = options.makeRuntime((pod, container, type, reason, message) => {
      const life = {
        container,
        role: 'main',
        state: { type: 'waiting', reason: '' },
        restarts: 0,
        last: undefined,
      } as const
      events.record(pod, type, reason, message, life)
    })
    this.#static = new StaticPods({
      tools: { ...this.#tools, ...this.#asProcesses },
      client,
      mirrorOf: (pod) => this.#mirrorOf(pod),
      changed: () => this.#mirrors?.look(),
    })
  }

  /** Resolves when the static pods are on their way up; the rest happens as soon as the API can be reached. */
  async start(): Promise<void> {
    const { world, staticPods, description } = this.#options
    const all = await this.#processes.remembered()
    const remembered = all.filter(({ pod }) => isStatic(pod))
    this.#remembered = new Map(all.filter(({ pod }) => !isStatic(pod)).map((each) => [each.pod.metadata.uid!, each]))
    if (staticPods) {
      let first = true
      this.#folder = new ManifestFolder({
        ...world,
        ...staticPods,
        nodeName: description.name,
        changed: (pods) => {
          this.#static.set(pods, first ? remembered : [])
          first = false
        },
      })
      await this.#folder.start()
    } else this.#static.set([], remembered)
    void this.#live()
  }

  /** The pod that has this name in the API and runs as processes, and what runs it; nothing for a simulated one. */
  findProcesses(namespace: string, name: string): { readonly pod: Pod; readonly runtime: ProcessRuntime } | undefined {
    const ofApi = this.#pods?.get(namespace, name)
    const runs = ofApi && this.#ofProcesses.has(ofApi.metadata.uid!)
    const pod = this.#static.find(`${namespace}/${name}`) ?? (runs ? ofApi : undefined)
    return pod && { pod, runtime: this.#processes }
  }

  /** Ends the agent. What it has started goes on. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#folder?.stop()
    this.#static.halt()
    for (const worker of this.#workers.values()) worker.halt()
    await this.#processes[Symbol.asyncDispose]()
  }

  async #live(): Promise<void> {
    const { world } = this.#options
    const { signal } = this.#stop
    for (let waitMs = firstRetryMs, told = ''; !signal.aborted; waitMs = Math.min(longestRetryMs, waitMs * 2)) {
      try {
        this.#node = await this.#register()
        break
      } catch (error) {
        if (String(error) !== told) world.log('warn', 'the node could not be registered yet', { error: String(error) })
        told = String(error)
        await world.clock.after(waitMs, signal).catch(() => {})
      }
    }
    if (signal.aborted || !this.#node) return
    world.log('info', 'the node is registered', { node: this.#options.description.name })
    this.#nodeEvents.started()
    this.#nodeEvents.registered(this.#node)
    this.#reportedAt = world.clock.now()
    this.#follow(this.#node)
    while (!signal.aborted) {
      await world.clock.after(this.#options.renewMs, signal).catch(() => {})
      if (!signal.aborted) await this.#sayAlive()
    }
  }

  async #register(): Promise<Node> {
    const { client, world, description, registers, mayTake } = this.#options
    if (registers) return registerNode(client, world.clock, description, mayTake)
    const present = await client.get(Node, { name: description.name })
    const node = await reportNode(client, world.clock, description, present)
    await renewLease(client, world.clock, node)
    return node
  }

  #follow(node: Node): void {
    const { client, world, description } = this.#options
    const { signal } = this.#stop
    const { name } = description
    const caches = new CacheSet({ client, ...world, signal })
    const pods = caches.of(Pod, { fieldSelector: `spec.nodeName=${name}` })
    const nodes = caches.of(Node, { fieldSelector: `metadata.name=${name}` })
    const classes = caches.of(RuntimeClass)
    this.#pods = pods
    this.#classes = classes
    this.#simulated = this.#simulatedRuntime(nodes)
    this.#mirrors = new Mirrors({
      ...world,
      client,
      signal,
      nodeUid: node.metadata.uid!,
      present: () => pods.list(),
      wanted: () => this.#static.wanted,
      isRunning: (mirror) => this.#static.pods.some((pod) => fullName(pod) === fullName(mirror)),
    })
    void Promise.all([pods.synced, classes.synced]).then(() => {
      if (signal.aborted) return
      // Whoever waits for his class.
      classes.onChange(() => {
        for (const pod of pods.list()) if (!this.#workers.has(pod.metadata.uid!)) this.#podChanged(pod, undefined)
      })
      pods.onChange(({ object, old }) => this.#podChanged(object, old))
      this.#clearLeftovers().catch((error: unknown) =>
        world.log('warn', 'what is left of pods that are gone could not be cleared away', { error: String(error) }),
      )
      this.#mirrors?.look()
    })
    nodes.onChange(({ object, old }) => {
      if (object && old) this.#nodeEvents.changed(object, old)
      if (object) this.#nodeChanged(object)
    })
  }

  /** Somebody thought that the node was dead, or has given it more resources: it says at once how things are. */
  #nodeChanged(node: Node): void {
    this.#node = node
    const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status
    if (ready !== 'True' || isAdvertisedAnew(node)) void this.#report()
  }

  async #sayAlive(): Promise<void> {
    const { client, world } = this.#options
    try {
      if (this.#node) await renewLease(client, world.clock, this.#node)
      if (world.clock.now() - this.#reportedAt >= statusMs) await this.#report()
    } catch (error) {
      world.log('warn', 'the node could not say that it is alive', { error: String(error) })
    }
  }

  async #report(): Promise<void> {
    if (this.#isReporting || !this.#node) return
    this.#isReporting = true
    const { client, world, description } = this.#options
    try {
      this.#node = await reportNode(client, world.clock, description, this.#node)
      this.#reportedAt = world.clock.now()
    } catch (error) {
      world.log('warn', 'the state of the node could not be written', { error: String(error) })
    } finally {
      this.#isReporting = false
    }
  }

  #podChanged(pod: Pod | undefined, old: Pod | undefined): void {
    const hash = mirroredHash((pod ?? old)!)
    if (hash !== undefined) {
      if (pod && this.#mirrorOf(pod) === pod) this.#static.mirrored(pod)
      this.#mirrors?.look()
      return
    }
    if (old && pod?.metadata.uid !== old.metadata.uid) this.#podGone(old)
    if (!pod) return
    const worker = this.#workers.get(pod.metadata.uid!)
    if (worker) worker.update(pod)
    else if (!isThrough(pod)) void this.#run(pod)
  }

  async #run(pod: Pod): Promise<void> {
    const uid = pod.metadata.uid!
    const { client, description } = this.#options
    const how = this.#howToRun(pod)
    if (how === undefined) return
    if (how.runtime === this.#processes) this.#ofProcesses.add(uid)
    // The last kubelet may have ended before it said that the pod runs.
    const record = pod.status?.podIP ? undefined : this.#remembered.get(uid)
    const known = record ? { ...pod, status: { ...pod.status, ...statusOf(record, description.addresses) } } : pod
    const worker = new PodWorker(known, { ...this.#tools, client, ...how })
    this.#workers.set(uid, worker)
    await worker.start()
  }

  /** Undefined: its runtime class is not there, or has not been heard of yet. */
  #howToRun(pod: Pod): Pick<PodWorkerTools, 'runtime' | 'volumes'> | undefined {
    if (this.#remembered.has(pod.metadata.uid!)) return this.#asProcesses
    const handler = this.#handlerOf(pod)
    if (handler === undefined) return undefined
    if (!this.#processes.isFor(pod, handler)) return { runtime: new LateRuntime(this.#simulated!) }
    const fault = whyNoProcess(pod)
    return fault === undefined ? this.#asProcesses : { runtime: new RefusingRuntime(fault) }
  }

  /** Empty: the pod names no runtime class, or goes on, or ends, without the one that it had. */
  #handlerOf({ metadata, spec, status }: Pod): string | undefined {
    if (!spec.runtimeClassName) return ''
    const hasBegun = status?.podIP !== undefined || metadata.deletionTimestamp !== undefined
    return this.#classes?.get('', spec.runtimeClassName)?.handler ?? (hasBegun ? '' : undefined)
  }

  get #asProcesses(): Pick<PodWorkerTools, 'runtime' | 'volumes'> {
    const { volumes } = this.#processes
    return { runtime: this.#processes, ...(volumes && { volumes }) }
  }

  /** Pods that are gone from the API while no kubelet looked: their processes end, and their volumes go. */
  async #clearLeftovers(): Promise<void> {
    const here = new Set([...this.#workers.keys(), ...this.#static.pods.map(({ metadata }) => metadata.uid!)])
    const gone = [...this.#remembered.values()].filter(({ pod }) => !here.has(pod.metadata.uid!))
    const end = async ({ pod }: PodRecord) => {
      await this.#processes.takeOver(pod, () => {})
      await this.#processes.stopPod(pod, pod.spec.terminationGracePeriodSeconds ?? 30)
    }
    await Promise.all(gone.map(end))
    await this.#processes.volumes?.keepOnly(here)
  }

  #podGone({ metadata }: Pod): void {
    const worker = this.#workers.get(metadata.uid!)
    this.#workers.delete(metadata.uid!)
    this.#ofProcesses.delete(metadata.uid!)
    worker?.abandon()
  }

  /** The mirror that stands for what runs, or is to run, under its name. */
  #mirrorOf(pod: Pod): Pod | undefined {
    const { namespace = '', name = '' } = pod.metadata
    const mirror = this.#pods?.get(namespace, name)
    if (!mirror || mirror.metadata.deletionTimestamp !== undefined) return undefined
    return mirroredHash(mirror) === this.#static.find(fullName(pod))?.metadata.uid ? mirror : undefined
  }

  /** Pods that are no processes are simulated, with addresses of the node's range. */
  async #simulatedRuntime(nodes: Cache<Node>): Promise<SimulatedRuntime> {
    const { world, description } = this.#options
    const podCIDRs = await new Promise<readonly string[]>((resolve) => {
      nodes.onChange(({ object, old }) => {
        const ranges = (object ?? old)!.spec?.podCIDRs ?? description.podCIDRs
        if (ranges.length > 0) resolve(ranges)
      })
    })
    return new SimulatedRuntime({ ...world, random: world.random.fork(description.name), podCIDRs })
  }
}

/** Waits for what it is to be: until the node has been given a range, pods have no network. */
class LateRuntime implements Runtime {
  readonly version = 'simulated'
  readonly #runtime: Promise<Runtime>
  #known: Runtime | undefined

  constructor(runtime: Promise<Runtime>) {
    this.#runtime = runtime
    void runtime.then((known) => {
      this.#known = known
    })
  }

  /** Asked of containers that run, so that the runtime is known by then. */
  isProbed(container: Container): boolean {
    return this.#known?.isProbed?.(container) ?? true
  }

  async *readiness(pod: Pod, container: Container, signal: AbortSignal): AsyncGenerator<boolean> {
    const runtime = await this.#runtime
    if (runtime.readiness) yield* runtime.readiness(pod, container, signal)
    else {
      await runtime.untilReady(pod, container, signal)
      yield true
    }
  }

  startSandbox: Runtime['startSandbox'] = async (...args) => (await this.#runtime).startSandbox(...args)
  takeOver: Runtime['takeOver'] = async (...args) => (await this.#runtime).takeOver(...args)
  startContainer: Runtime['startContainer'] = async (...args) => (await this.#runtime).startContainer(...args)
  untilReady: Runtime['untilReady'] = async (...args) => (await this.#runtime).untilReady(...args)
  stopContainer: Runtime['stopContainer'] = async (...args) => (await this.#runtime).stopContainer(...args)
  stopPod: Runtime['stopPod'] = async (...args) => (await this.#runtime).stopPod(...args)
  async *logs(...args: Parameters<Runtime['logs']>): AsyncGenerator<Uint8Array> {
    yield* (await this.#runtime).logs(...args)
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Of a pod that asks for what it may not have: it says so, as often as it is tried, until the pod is taken away. */
class RefusingRuntime implements Runtime {
  readonly version = processVersion
  readonly #fault: string

  constructor(fault: string) {
    this.#fault = fault
  }

  startSandbox(): Promise<never> {
    return Promise.reject(new Error(this.#fault))
  }
  async takeOver(): Promise<undefined> {}
  startContainer = this.startSandbox
  untilReady = this.startSandbox
  async stopContainer(): Promise<void> {}
  async stopPod(): Promise<void> {}
  async *logs(): AsyncGenerator<never> {}
  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Nothing is left to be done for the pod on its node. */
const isThrough = ({ status, metadata }: Pod) =>
  (status?.phase === 'Succeeded' || status?.phase === 'Failed') &&
  (metadata.deletionTimestamp === undefined || metadata.deletionGracePeriodSeconds === 0)
