import type { Client } from '../../client/client.ts'
import { Node } from '../../kinds/core/node.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { Activity } from '../../reconciler/activity.ts'
import type { CacheChange, Caches } from '../../reconciler/caches.ts'
import { EventRecorder } from '../../reconciler/events.ts'
import type { Running } from '../../reconciler/runtime.ts'
import type { World } from '../../world/world.ts'
import { type NodeDescription, registerNode, renewLease, renewMs } from '../node.ts'
import { PodWorker, type PodWorkerTools } from '../pod-worker.ts'
import { type SimulatedBehaviour, SimulatedRuntime } from './runtime.ts'

export interface SimulatedNodesOptions {
  readonly client: Client
  readonly caches: Caches
  readonly world: World
  /** As in `node.status.nodeInfo.kubeletVersion`. */
  readonly version: string
  readonly behaviour?: Partial<SimulatedBehaviour>
}

export interface SimulatedNodeSpec {
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
  readonly capacity?: Readonly<Record<string, string>>
  readonly zone?: string
  readonly taints?: NodeDescription['taints']
}

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
  readonly #nodes = new Map<string, SimulatedNode>()
  readonly #workers = new Map<string, PodWorker>()
  readonly #stopWatching: () => void
  readonly #stopWatchingNodes: () => void
  #made = 0

  constructor(options: SimulatedNodesOptions) {
    this.#options = options
    this.#client = options.client.as({
      name: 'system:node:simulated',
      groups: ['system:masters'],
      userAgent: 'kubelet',
    })
    this.#events = new EventRecorder('kubelet', { client: this.#client, ...options.world })
    this.#stopWatching = options.caches.of(Pod).onChange((change) => this.#podChanged(change))
    this.#stopWatchingNodes = options.caches.of(Node).onChange(({ object, old }) => {
      if (!object && old) this.#nodeGone(old.metadata.name!)
    })
  }

  get names(): readonly string[] {
    return [...this.#nodes.keys()]
  }

  /** Adds nodes and resolves when all of them are registered. */
  async add(specs: readonly SimulatedNodeSpec[]): Promise<void> {
    await Promise.all(specs.map((spec) => this.#addOne(spec)))
  }

  async #addOne(spec: SimulatedNodeSpec): Promise<void> {
    const { world, version, behaviour } = this.#options
    const number = this.#made++
    const podCIDR = podRange(number)
    const runtime = new SimulatedRuntime({
      clock: world.clock,
      random: world.random.fork(spec.name),
      podCIDR,
      ...(behaviour && { behaviour }),
    })
    const description = describe(spec, number, {
      podCIDR,
      version,
      runtimeVersion: runtime.version,
      machineId: world.random.uuid(),
    })
    const node: SimulatedNode = { runtime, address: description.address, stopHeartbeat: () => {} }
    this.#nodes.set(spec.name, node)
    await registerNode(this.#client, world.clock, description)
    // Heartbeats of many nodes are spread over the interval.
    this.#beat(spec.name, node, world.random.next() * renewMs)
    for (const pod of this.#options.caches.of(Pod).list())
      if (pod.spec.nodeName === spec.name) this.#podChanged({ object: pod, old: undefined })
  }

  /** Stops a node as a crash would: no more heartbeats, nothing runs, the Node object stays. */
  crash(name: string): void {
    const node = this.#nodes.get(name)
    if (!node) return
    this.#nodes.delete(name)
    node.stopHeartbeat()
    void node.runtime[Symbol.asyncDispose]()
  }

  get busy(): boolean {
    return this.#activity.busy || this.#events.busy
  }

  async idle(): Promise<void> {
    await this.#activity.idle()
    await this.#events.idle
  }

  async stop(): Promise<void> {
    this.#stopWatching()
    this.#stopWatchingNodes()
    for (const name of [...this.#nodes.keys()]) this.crash(name)
    this.#workers.clear()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** A deleted node does not come back by itself: whoever deleted it meant it. */
  #nodeGone(name: string): void {
    this.crash(name)
  }

  #beat(name: string, node: SimulatedNode, delayMs: number): void {
    node.stopHeartbeat = this.#options.world.clock.timer(delayMs, () => {
      renewLease(this.#client, this.#options.world.clock, name).catch((error: unknown) =>
        this.#options.world.log('warn', 'a node could not renew its lease', { node: name, error: String(error) }),
      )
      this.#beat(name, node, renewMs)
    })
  }

  #podChanged({ object: pod, old }: CacheChange<Pod>): void {
    const uid = (pod ?? old)!.metadata.uid!
    const worker = this.#workers.get(uid)
    if (!pod) {
      this.#workers.delete(uid)
      return worker?.abandon()
    }
    if (worker) return worker.update(pod)
    const node = pod.spec.nodeName ? this.#nodes.get(pod.spec.nodeName) : undefined
    if (!node || hasEnded(pod)) return
    const started = new PodWorker(pod, this.#toolsFor(node), () => this.#workers.delete(uid))
    this.#workers.set(uid, started)
    started.start()
  }

  #toolsFor(node: SimulatedNode): PodWorkerTools {
    const { clock, log } = this.#options.world
    return {
      client: this.#client,
      clock,
      log,
      runtime: node.runtime,
      events: this.#events,
      activity: this.#activity,
      hostAddress: node.address,
    }
  }
}

interface SimulatedNode {
  readonly runtime: SimulatedRuntime
  readonly address: string
  stopHeartbeat: () => void
}

const hasEnded = ({ status, metadata }: Pod) =>
  (status?.phase === 'Succeeded' || status?.phase === 'Failed') && metadata.deletionTimestamp === undefined

/** 10.244.0.0/24, 10.244.1.0/24, …: one range a node, as the reference hands them out. */
const podRange = (number: number) => `10.${244 + Math.floor(number / 256)}.${number % 256}.0/24`

interface Described {
  readonly podCIDR: string
  readonly version: string
  readonly runtimeVersion: string
  readonly machineId: string
}

function describe(spec: SimulatedNodeSpec, number: number, described: Described): NodeDescription {
  const zone = spec.zone ?? `zone-${'abc'[number % 3]}`
  return {
    name: spec.name,
    labels: {
      'beta.kubernetes.io/arch': 'amd64',
      'beta.kubernetes.io/os': 'linux',
      'kubernetes.io/arch': 'amd64',
      'kubernetes.io/hostname': spec.name,
      'kubernetes.io/os': 'linux',
      'topology.kubernetes.io/region': 'simulated',
      'topology.kubernetes.io/zone': zone,
      ...spec.labels,
    },
    address: `172.18.${Math.floor(number / 250)}.${(number % 250) + 2}`,
    capacity: { ...defaultCapacity, ...spec.capacity },
    podCIDR: described.podCIDR,
    runtimeVersion: described.runtimeVersion,
    kubeletVersion: described.version,
    osImage: 'Coracle simulated node',
    machineId: described.machineId,
    ...(spec.taints && { taints: spec.taints }),
  }
}
