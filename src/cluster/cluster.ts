import { clusterReader } from '../apiserver/cluster-reader.ts'
import type { UserInfo } from '../apiserver/context.ts'
import type { Handler } from '../apiserver/handler.ts'
import type { Registry } from '../apiserver/registry.ts'
import { CacheSet } from '../client/cache.ts'
import type { Client } from '../client/client.ts'
import { startControllers } from '../controllers/index.ts'
import { Node } from '../kinds/core/node.ts'
import type { SimulatedBehaviour } from '../kubelet/simulated/behaviour.ts'
import { type SimulatedNodeSpec, SimulatedNodes } from '../kubelet/simulated/nodes.ts'
import { createSigningKey } from '../lifecycle/pki.ts'
import { type Caches, toCaches } from '../reconciler/caches.ts'
import { Scheduler } from '../scheduler/scheduler.ts'
import { MemoryStore } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import { realWorld } from '../world/real.ts'
import { VirtualClock } from '../world/virtual.ts'
import type { World } from '../world/world.ts'
import { type ControlPlane, startControlPlane } from './control-plane.ts'
import { elected, type Part } from './elected.ts'

/** The minor of Kubernetes that this server is. */
export const kubernetesVersion = 'v1.36.2'

export interface ClusterOptions {
  /** Clock, chance and log; default: the machine's. */
  readonly world?: World
  /** Where the state lies; default: in memory. It is closed with the cluster. */
  readonly store?: Store
  /** How many simulated nodes, or which; default three. */
  readonly nodes?: number | readonly SimulatedNodeSpec[]
  /** Store and API alone: no controller, no scheduler, no node. */
  readonly apiOnly?: boolean
  /** Controllers that do not run, by name (`deployment-controller`). */
  readonly disabledControllers?: readonly string[]
  readonly simulation?: Partial<SimulatedBehaviour>
  /** PEM of the key that signs service account tokens; default: a new one. */
  readonly signingKey?: string
  /** PEM of the authority that pods find in `kube-root-ca.crt`. */
  readonly certificateAuthority?: string
  readonly tokens?: ReadonlyMap<string, UserInfo>
  /**
   * Who the controllers and the scheduler are in their leases; given, they work only while they lead. A cluster that
   * comes back under the same identity goes on at once. Absent: they do not compete.
   */
  readonly identity?: string
  /** `host:port` under which clients reach the API, where there is a socket. */
  readonly serverAddress?: string
}

/**
 * A whole cluster in this process: API server, controllers, scheduler and simulated nodes.
 *
 * ```ts
 * await using cluster = await startCluster({ nodes: 3 })
 * await cluster.client.create(Deployment, web)
 * await cluster.settle()
 * ```
 */
export interface Cluster extends AsyncDisposable {
  readonly client: Client
  readonly registry: Registry
  readonly store: Store
  readonly caches: Caches
  /** Answers requests as the server on a socket does. */
  readonly handler: Handler
  readonly nodes: SimulatedNodes | undefined
  /**
   * Resolves when nobody has anything to do: no controller, no scheduler, no pod on its way up or down. What waits for a
   * time (a back-off, a deadline, a container that ends some day) does not count. In a virtual world this moves time on
   * as far as pods need to start and stop, and no further.
   */
  settle(): Promise<void>
  /** In a virtual world: lets this much time pass, and then settles. */
  advance(ms: number): Promise<void>
  /**
   * A cluster of its own that begins with this one's state, now or at an earlier revision, and shares no change with it.
   * Its simulated nodes go on with the pods they have. It ends with its own `[Symbol.asyncDispose]`.
   */
  fork(options?: ForkOptions): Promise<Cluster>
}

export interface ForkOptions {
  /** Where to begin; default: now. */
  readonly revision?: number
  /** The fork's time and chance; default: this cluster's clock, and chance of its own. */
  readonly world?: World
}

/** Starts a cluster. Everything of it ends with `[Symbol.asyncDispose]`. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const world = options.world ?? realWorld()
  const store = options.store ?? new MemoryStore(world)
  const signingKey = options.signingKey ?? createSigningKey().private
  const controlPlane = await startControlPlane({
    world,
    store,
    signingKey,
    version: kubernetesVersion,
    serverAddress: options.serverAddress ?? '127.0.0.1:6443',
    ...(options.tokens && { tokens: options.tokens }),
  })
  const cluster = new RunningCluster(controlPlane, { ...options, world, signingKey })
  if (!options.apiOnly) await cluster.start()
  return cluster
}

class RunningCluster implements Cluster {
  readonly #controlPlane: ControlPlane
  readonly #options: ClusterOptions & { readonly world: World }
  readonly #stop = new AbortController()
  readonly caches: Caches
  readonly #running: Part[] = []
  nodes: SimulatedNodes | undefined
  #forks = 0

  constructor(controlPlane: ControlPlane, options: ClusterOptions & { readonly world: World }) {
    this.#controlPlane = controlPlane
    this.#options = options
    const { client } = controlPlane
    this.caches = toCaches(new CacheSet({ client, ...options.world, signal: this.#stop.signal }))
  }

  get client(): Client {
    return this.#controlPlane.client
  }
  get registry(): Registry {
    return this.#controlPlane.registry
  }
  get store(): Store {
    return this.#controlPlane.store
  }
  get handler(): Handler {
    return this.#controlPlane.handler
  }

  async start(): Promise<void> {
    const { world, certificateAuthority, disabledControllers, nodes = 3, simulation } = this.#options
    const parts = { client: this.client, caches: this.caches, world }
    this.#lead('kube-controller-manager', () =>
      startControllers(parts, {
        kinds: () => this.registry.kinds,
        ...(certificateAuthority && { rootCertificate: certificateAuthority }),
        ...(disabledControllers && { disabled: disabledControllers }),
      }),
    )
    this.#lead('kube-scheduler', () => new Scheduler(parts))
    this.nodes = new SimulatedNodes({
      ...parts,
      version: kubernetesVersion,
      ...(simulation && { behaviour: simulation }),
    })
    this.#running.push(this.nodes)
    await this.nodes.add(typeof nodes === 'number' ? numbered(nodes) : nodes)
  }

  #lead(name: string, start: () => Part): void {
    const { world, identity } = this.#options
    const lease = { client: this.client, world, namespace: 'kube-system', name }
    this.#running.push(identity === undefined ? start() : elected({ ...lease, identity }, start))
  }

  async settle(): Promise<void> {
    const { clock } = this.#options.world
    // One part's last act may be another's first: all must be idle at the same revision.
    for (let revision = -1; revision !== this.store.revision || this.#isBusy; ) {
      revision = this.store.revision
      if (clock instanceof VirtualClock) await this.#step(clock)
      else {
        for (const part of this.#running) await part.idle()
        await clock.after(this.#isBusy ? 5 : 0)
      }
    }
  }

  /** Lets happen what can happen now; when that leaves somebody busy, he waits for the next timer. */
  async #step(clock: VirtualClock): Promise<void> {
    await clock.advance(0)
    if (!this.#isBusy) return
    const { next } = clock
    if (next === undefined) throw new Error('the cluster is busy, but nothing that it could wait for will ever happen')
    await clock.advance(next - clock.now())
  }

  get #isBusy(): boolean {
    return this.#running.some((part) => part.busy || part.catchesUp)
  }

  async advance(ms: number): Promise<void> {
    const { clock } = this.#options.world
    if (!(clock instanceof VirtualClock)) throw new Error('only a cluster in a VirtualWorld can be advanced')
    await clock.advance(ms)
    await this.settle()
  }

  async fork({ revision, world: given }: ForkOptions = {}): Promise<Cluster> {
    const { world: own, serverAddress: _, identity: __, ...options } = this.#options
    const world = given ?? { ...own, random: own.random.fork(`fork ${++this.#forks}`) }
    const store = await this.store.fork(revision, world)
    return startCluster({ ...options, world, store, nodes: options.apiOnly ? [] : this.#nodesIn(store) })
  }

  /** The simulated nodes of a fork: those that are down here stay down there. */
  #nodesIn(store: Store): SimulatedNodeSpec[] {
    const nodes = clusterReader(store).list(Node, '')
    return nodes.flatMap((node) => this.nodes?.specOf(node) ?? [])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running.map((part) => part.stop()))
    this.#stop.abort()
    await this.#controlPlane[Symbol.asyncDispose]()
    await this.store[Symbol.asyncDispose]()
  }
}

const numbered = (count: number): SimulatedNodeSpec[] =>
  Array.from({ length: count }, (_, index) => ({ name: `node-${index + 1}` }))
