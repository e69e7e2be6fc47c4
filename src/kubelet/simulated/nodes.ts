import type { Client } from '../../client/client.ts'
import type { Container } from '../../kinds/core/containers.ts'
import { Node } from '../../kinds/core/node.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { Activity } from '../../reconciler/activity.ts'
import type { CacheChange, Caches } from '../../reconciler/caches.ts'
import { EventRecorder } from '../../reconciler/events.ts'
import type { Gate } from '../../reconciler/gate.ts'
import type { Running } from '../../reconciler/runtime.ts'
import type { World } from '../../world/world.ts'
import { Admission } from '../admission.ts'
import { Budget } from '../budget.ts'
import {
  isAdvertisedAnew,
  type NodeDescription,
  registerNode,
  renewLease,
  renewMs,
  reportNode,
  statusMs,
} from '../node.ts'
import { type NodeEvents, nodeEvents } from '../node-events.ts'
import { podEvents } from '../pod-events.ts'
import type { ContainerLife } from '../pod-status.ts'
import { hasSandbox, PodWorker, type PodWorkerTools } from '../pod-worker.ts'
import { PodVolumes } from '../volumes.ts'
import type { SimulatedBehaviour } from './behaviour.ts'
import { Numbers, type PodRanges, rangesWithin, usualRanges } from './numbers.ts'
import { SimulatedRuntime, simulatedVersion } from './runtime.ts'
import { hasOtherLimits, StorageDrivers } from './storage-drivers.ts'

export interface SimulatedNodesOptions {
  readonly client: Client
  readonly caches: Caches
  readonly world: World
  /** As in `node.status.nodeInfo.kubeletVersion`. */
  readonly version: string
  readonly behaviour?: Partial<SimulatedBehaviour>
  /** Where pods get their addresses from, one range or one of each family; default: 10.244.0.0/16 and what follows. */
  readonly podCidrs?: readonly string[]
  /** Where what nodes say of their pods waits for its turn, and where events do. */
  readonly statuses: Gate
  readonly events: Gate
}

export interface SimulatedNodeSpec {
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
  readonly capacity?: Readonly<Record<string, string>>
  readonly zone?: string
  readonly taints?: NodeDescription['taints']
}

/** Heartbeats fall on such moments, so that those of thousands of nodes share trips to the disk. */
const beatEveryMs = 100

const defaultCapacity = { cpu: '8', memory: '32Gi', pods: '110', 'ephemeral-storage': '100Gi' }

/**
 * Any number of nodes that exist in the API alone. They share one view of the pods, so that a thousand nodes cost
 * little more than one; each has its own runtime, addresses and heartbeat.
 */
export class SimulatedNodes implements Running {
  readonly name = 'simulated-nodes'
  readonly #activity = new Activity()
  readonly #options: SimulatedNodesOptions
  readonly #client: Client
  readonly #events: EventRecorder
  readonly #eventBudget: Budget
  readonly #stepBudget: Budget
  readonly #volumes: PodVolumes
  readonly #drivers: StorageDrivers
  /** Those that run. */
  readonly #nodes = new Map<string, SimulatedNode>()
  readonly #specs = new Map<string, SimulatedNodeSpec>()
  readonly #crashed = new Set<string>()
  readonly #numbers = new Numbers()
  readonly #ranges: PodRanges
  readonly #unsubscribe: (() => void)[] = []
  #stopped = false

  constructor(options: SimulatedNodesOptions) {
    const { client, caches, world } = options
    this.#options = options
    this.#client = client.as({ name: 'system:node:simulated', groups: ['system:masters'], userAgent: 'kubelet' })
    this.#events = new EventRecorder('kubelet', { client: this.#client, ...world, gate: options.events })
    this.#eventBudget = new Budget(world.clock)
    this.#stepBudget = new Budget(world.clock)
    this.#volumes = new PodVolumes(caches)
    this.#drivers = new StorageDrivers({
      client: this.#client,
      caches,
      activity: this.#activity,
      clock: world.clock,
      log: world.log,
      runs: ({ metadata }) => this.#nodes.get(metadata.name!)?.node.metadata.uid === metadata.uid,
      nodes: () => this.names.flatMap((name) => caches.of(Node).get('', name) ?? []),
    })
    this.#ranges = options.podCidrs ? rangesWithin(options.podCidrs) : usualRanges
    this.#unsubscribe.push(
      caches.of(Pod).onChange((change) => this.#podChanged(change)),
      caches.of(Node).onChange((change) => this.#nodeChanged(change)),
    )
  }

  /** The nodes that run. */
  get names(): readonly string[] {
    return [...this.#nodes.keys()]
  }

  isUp(name: string): boolean {
    return this.#nodes.has(name)
  }

  /**
   * How to make a node again that a copy of this cluster has; nothing when it is not simulated, or has been stopped here.
   */
  specOf({ metadata, status }: Node): SimulatedNodeSpec | undefined {
    const name = metadata.name!
    if (status?.nodeInfo?.containerRuntimeVersion !== simulatedVersion || this.#crashed.has(name)) return undefined
    return (
      this.#specs.get(name) ?? {
        name,
        ...(metadata.labels && { labels: metadata.labels }),
        ...(status.capacity && { capacity: status.capacity }),
      }
    )
  }

  /**
   * Adds nodes, or starts those that the API knows from an earlier time: they keep their addresses and go on with their
   * pods. Resolves when all of them are registered.
   */
  async add(specs: readonly SimulatedNodeSpec[]): Promise<void> {
    const { caches } = this.#options
    await Promise.all([caches.of(Node).synced, caches.of(Pod).synced])
    const added = await Promise.all(specs.map((spec) => this.#register(spec)))
    if (this.#stopped) return
    for (const node of added) {
      this.#nodes.set(node.description.name, node)
      node.tells.registered(node.node)
      this.#drivers.tell(node.node)
      // Heartbeats of many nodes are spread over the interval.
      this.#beat(node, this.#options.world.random.next() * renewMs)
    }
    // Those that are here have their room before others are let in.
    for (const isHere of [true, false])
      for (const pod of caches.of(Pod).list())
        if (hasSandbox(pod) === isHere) this.#podChanged({ object: pod, old: undefined })
  }

  /** Stops a node as a power failure would: no more heartbeats, nothing runs, the Node object stays. */
  crash(name: string): void {
    if (this.#nodes.has(name)) this.#crashed.add(name)
    this.#halt(name)
  }

  #halt(name: string): void {
    const node = this.#nodes.get(name)
    if (!node) return
    this.#nodes.delete(name)
    node.stopHeartbeat()
    for (const worker of node.workers.values()) worker.halt()
    void node.runtime[Symbol.asyncDispose]()
  }

  /**
   * Starts a node that has crashed, or whose Node object was deleted. Its containers count as having gone on: it is as
   * if nobody had heard of the machine for a while.
   */
  async restart(name: string): Promise<void> {
    const spec = this.#specs.get(name)
    if (!spec) throw new Error(`there is no simulated node ${name}`)
    await this.add([spec])
  }

  get busy(): boolean {
    return this.#activity.busy || this.#events.busy
  }

  async idle(): Promise<void> {
    await this.#activity.idle()
    await this.#events.idle
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    for (const name of this.names) this.#halt(name)
    this.#volumes.stop()
    this.#drivers.stop()
    await this.idle()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #register(spec: SimulatedNodeSpec): Promise<SimulatedNode> {
    const { world, version, behaviour, caches } = this.#options
    this.#halt(spec.name)
    this.#crashed.delete(spec.name)
    this.#specs.set(spec.name, spec)
    const present = caches.of(Node).get('', spec.name)
    const number = this.#numberOf(present) ?? this.#numbers.of(spec.name)
    const description = describe(spec, number, {
      podCIDRs: present?.spec?.podCIDRs ?? this.#ranges.of(number),
      addresses: addressesOf(present) ?? this.#ranges.hosts(number),
      kubeletVersion: version,
      runtimeVersion: simulatedVersion,
      machineId: present?.status?.nodeInfo?.machineID || world.random.uuid(),
    })
    const node = await registerNode(this.#client, world.clock, description)
    const events = podEvents(this.#events, this.#eventBudget, spec.name)
    const tells = nodeEvents(this.#events, this.#eventBudget, spec.name)
    const runtime = new SimulatedRuntime({
      clock: world.clock,
      random: world.random.fork(spec.name),
      // Somebody may have given it others in the meantime.
      podCIDRs: node.spec?.podCIDRs ?? description.podCIDRs,
      ...(behaviour && { behaviour }),
      event: (pod, container, type, reason, message) =>
        events.record(pod, type, reason, message, lifeOf(pod, container)),
    })
    const reportedAt = world.clock.now()
    const admission = new Admission({
      client: this.#client,
      clock: world.clock,
      activity: this.#activity,
      nodeName: spec.name,
      node: () => caches.of(Node).get('', spec.name),
    })
    return { description, runtime, node, events, tells, admission, workers: new Map(), reportedAt, stopHeartbeat() {} }
  }

  #numberOf(node: Node | undefined): number | undefined {
    return this.#ranges.numberOf(node?.spec?.podCIDRs ?? [])
  }

  #nodeChanged({ object: node, old }: CacheChange<Node>): void {
    const number = this.#numberOf(node)
    if (number !== undefined) this.#numbers.use(number)
    const running = node && this.#nodes.get(node.metadata.name!)
    if (running && old) {
      running.tells.changed(node, old)
      if (hasOtherLimits(node, old)) this.#drivers.tell(node)
      if (isAdvertisedAnew(node)) this.#track(running, this.#report(running, node))
    }
    // A deleted node does not come back by itself: whoever deleted it meant it.
    if (!node || (old && node.metadata.uid !== old.metadata.uid)) this.#deleted(old!)
  }

  #deleted({ metadata }: Node): void {
    if (this.#nodes.get(metadata.name!)?.node.metadata.uid === metadata.uid) this.#halt(metadata.name!)
  }

  #beat(node: SimulatedNode, delayMs: number): void {
    const { clock } = this.#options.world
    const now = clock.monotonic()
    const at = Math.round((now + delayMs) / beatEveryMs) * beatEveryMs
    node.stopHeartbeat = clock.timer(Math.max(0, at - now), () => {
      this.#track(node, this.#sayAlive(node))
      this.#beat(node, renewMs)
    })
  }

  async #sayAlive(node: SimulatedNode): Promise<void> {
    const { clock } = this.#options.world
    await renewLease(this.#client, clock, node.node)
    if (clock.now() - node.reportedAt >= statusMs) await this.#report(node, node.node)
  }

  async #report(node: SimulatedNode, before: Node): Promise<void> {
    const { clock } = this.#options.world
    node.reportedAt = clock.now()
    node.node = await reportNode(this.#client, clock, node.description, before)
  }

  #track({ description: { name } }: SimulatedNode, telling: Promise<void>): void {
    const { log } = this.#options.world
    const told = telling.catch((error: unknown) =>
      log('warn', 'a node could not say how it is', { node: name, error: String(error) }),
    )
    void this.#activity.track(told)
  }

  #podChanged({ object: pod, old }: CacheChange<Pod>): void {
    if (old && (!pod || pod.metadata.uid !== old.metadata.uid)) this.#podGone(old)
    const node = pod?.spec.nodeName ? this.#nodes.get(pod.spec.nodeName) : undefined
    if (!pod || !node) return
    const uid = pod.metadata.uid!
    const worker = node.workers.get(uid)
    if (worker) {
      if (old && saysOtherwise(pod, old)) node.runtime.podChanged(pod)
      return worker.update(pod)
    }
    if (isThrough(pod)) return
    const started = new PodWorker(pod, this.#toolsFor(node))
    node.workers.set(uid, started)
    void started.start()
  }

  #podGone({ metadata, spec }: Pod): void {
    const workers = spec.nodeName ? this.#nodes.get(spec.nodeName)?.workers : undefined
    const worker = workers?.get(metadata.uid!)
    workers?.delete(metadata.uid!)
    worker?.abandon()
  }

  #toolsFor(node: SimulatedNode): PodWorkerTools {
    const { clock, log } = this.#options.world
    return {
      client: this.#client,
      clock,
      log,
      runtime: node.runtime,
      events: node.events,
      admission: node.admission,
      volumes: this.#volumes,
      activity: this.#activity,
      writes: this.#options.statuses,
      steps: this.#stepBudget,
      hostAddresses: node.description.addresses,
    }
  }
}

/** Whether the pod says something else of its probes. */
const saysOtherwise = ({ metadata }: Pod, { metadata: old }: Pod): boolean =>
  metadata.annotations !== old.annotations && JSON.stringify(metadata.annotations) !== JSON.stringify(old.annotations)

/** As much of a container's life as events need. */
const lifeOf = ({ spec }: Pod, container: Container): Pick<ContainerLife, 'role' | 'container'> => ({
  role: spec.initContainers?.some(({ name }) => name === container.name) ? 'init' : 'main',
  container,
})

interface SimulatedNode {
  readonly description: NodeDescription
  readonly runtime: SimulatedRuntime
  readonly events: PodWorkerTools['events']
  readonly tells: NodeEvents
  readonly admission: Admission
  /** By pod UID. */
  readonly workers: Map<string, PodWorker>
  /** As it was last written. */
  node: Node
  /** When the conditions were last told. */
  reportedAt: number
  stopHeartbeat: () => void
}

/** Nothing is left to be done for the pod on its node: it has ended, or has been stopped and waits for finalizers. */
const isThrough = ({ status, metadata }: Pod) =>
  (status?.phase === 'Succeeded' || status?.phase === 'Failed') &&
  (metadata.deletionTimestamp === undefined || metadata.deletionGracePeriodSeconds === 0)

function addressesOf(node: Node | undefined): readonly string[] | undefined {
  const internal = node?.status?.addresses?.filter(({ type }) => type === 'InternalIP') ?? []
  return internal.length === 0 ? undefined : internal.map(({ address }) => address)
}

type Given = Pick<NodeDescription, 'podCIDRs' | 'addresses' | 'kubeletVersion' | 'runtimeVersion' | 'machineId'>

function describe(spec: SimulatedNodeSpec, number: number, given: Given): NodeDescription {
  return {
    ...given,
    name: spec.name,
    labels: {
      'beta.kubernetes.io/arch': 'amd64',
      'beta.kubernetes.io/os': 'linux',
      'kubernetes.io/arch': 'amd64',
      'kubernetes.io/hostname': spec.name,
      'kubernetes.io/os': 'linux',
      'topology.kubernetes.io/region': 'simulated',
      'topology.kubernetes.io/zone': spec.zone ?? `zone-${'abc'[number % 3]}`,
      ...spec.labels,
    },
    capacity: { ...defaultCapacity, ...spec.capacity },
    osImage: 'Coracle simulated node',
    ...(spec.taints && { taints: spec.taints }),
  }
}
