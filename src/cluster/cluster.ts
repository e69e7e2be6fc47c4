import type { AccessSettings } from '../apiserver/access/settings.ts'
import { signSecretToken } from '../apiserver/authn/service-account-tokens.ts'
import { clusterReader } from '../apiserver/cluster-reader.ts'
import type { Component } from '../apiserver/component-statuses.ts'
import type { UserInfo } from '../apiserver/context.ts'
import type { Handler } from '../apiserver/handler.ts'
import type { Registry } from '../apiserver/registry.ts'
import type { HealthCheck } from '../apiserver/routes/health.ts'
import type { IsServed } from '../apiserver/runtime-config.ts'
import { CacheSet } from '../client/cache.ts'
import type { Client } from '../client/client.ts'
import type { CertificateSignerOptions } from '../controllers/certificate-signer.ts'
import type { AutoscalerOptions } from '../controllers/horizontal-pod-autoscaler.ts'
import { type RunningControllers, startControllers } from '../controllers/index.ts'
import { Node } from '../kinds/core/node.ts'
import type { SimulatedBehaviour } from '../kubelet/simulated/behaviour.ts'
import { type SimulatedNodeSpec, SimulatedNodes } from '../kubelet/simulated/nodes.ts'
import { SimulatedUsage } from '../kubelet/simulated/usage.ts'
import { createSigningKey, signRequest } from '../lifecycle/pki.ts'
import { PrometheusAdapter } from '../metrics/prometheus/adapter.ts'
import { Prometheus } from '../metrics/prometheus/prometheus.ts'
import { parseRules } from '../metrics/prometheus/rules.ts'
import { ResourceMetrics } from '../metrics/resource-metrics.ts'
import { type Caches, toCaches } from '../reconciler/caches.ts'
import { Gate } from '../reconciler/gate.ts'
import type { SchedulerSettings } from '../scheduler/configuration.ts'
import { Scheduler } from '../scheduler/scheduler.ts'
import { MemoryStore } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import { lateNetwork } from '../world/late-network.ts'
import { realWorld } from '../world/real.ts'
import { VirtualClock, VirtualWorld } from '../world/virtual.ts'
import type { Disk, Network, World } from '../world/world.ts'
import { ComponentMetrics } from './component-metrics.ts'
import { Restartable } from './components/restartable.ts'
import { type ControlPlane, startControlPlane } from './control-plane.ts'
import { Crowd } from './crowd.ts'
import { elected, type Part } from './elected.ts'
import { prometheusApis } from './prometheus-metrics.ts'
import { resourceMetricsApi } from './resource-metrics.ts'

/** The minor of Kubernetes that this server is. */
export const kubernetesVersion = 'v1.36.2'

export interface ClusterOptions {
  /** Clock, chance and log; default: the machine's. */
  readonly world?: World
  /** `virtual`: a world whose clock moves only with `settle` and `advance`, instead of the machine's. */
  readonly time?: 'virtual'
  /** Of all chance in virtual time: one seed, one history. Default 1. */
  readonly seed?: number
  /** Where the state lies; default: in memory. It is closed with the cluster. */
  readonly store?: Store
  /** How many simulated nodes, or which; default three. */
  readonly nodes?: number | readonly SimulatedNodeSpec[]
  /** Store and API alone: no controller, no scheduler, no node. */
  readonly apiOnly?: boolean
  /** Which controllers run: `['*', '-deployment-controller']` is all but one; default all. */
  readonly controllers?: readonly string[]
  /** Those of them that work only when they are told to: see `Cluster.step`. */
  readonly stepped?: readonly string[]
  /** Stands between the server and the parts of the cluster that use it: with this, a simulation lets calls fail. */
  readonly connect?: (client: Client) => Client
  readonly simulation?: Partial<SimulatedBehaviour>
  /** Where pods get their addresses from, and services: one range, or one of each family. Default: as kubeadm sets it. */
  readonly podCidrs?: readonly string[]
  readonly serviceCidrs?: readonly string[]
  /** Profiles of the scheduler, as `readConfiguration` makes them; default: the usual one. */
  readonly scheduler?: SchedulerSettings
  /** What the controller manager has flags for (`--horizontal-pod-autoscaler-sync-period` …). */
  readonly autoscaler?: AutoscalerOptions
  /** Whether something measures what pods and nodes use (`kubectl top`, autoscalers); default true. */
  readonly metrics?: boolean
  /** A Prometheus from which custom and external metrics come, and the text of a rules file that says which. */
  readonly prometheus?: { readonly url: string; readonly rules: string }
  /** PEM of the key that signs service account tokens; default: a new one. */
  readonly signingKey?: string
  /** PEM of the authority that pods find in `kube-root-ca.crt`. */
  readonly certificateAuthority?: string
  /** PEM of its key, with which approved certificate requests are signed; absent: nobody signs. */
  readonly certificateAuthorityKey?: string
  readonly tokens?: ReadonlyMap<string, UserInfo>
  /**
   * Who the controllers and the scheduler are in their leases; given, they work only while they lead. A cluster that
   * comes back under the same identity goes on at once. Absent: they do not compete.
   */
  readonly identity?: string
  /** `host:port` under which clients reach the API, where there is a socket. */
  readonly serverAddress?: string
  /** Who is let in, and what they may do; default: as kubeadm sets a server up. */
  readonly access?: AccessSettings
  /** Where the files lie that `access` names. */
  readonly disk?: Disk
  /**
   * By which the API server asks others (webhooks, aggregated servers); default: the machine's, and in a world that was
   * handed in or has virtual time none, so that nobody can be asked.
   */
  readonly network?: Network
  /** Which of what is built in is served: see `readRuntimeConfig`. Absent: all. */
  readonly isServed?: IsServed
  /** What the API server shows to aggregated servers, and who signed it; all in PEM. */
  readonly frontProxy?: { readonly authority: string; readonly certificate: string; readonly key: string }
  /** What the API server's `/healthz` and its sisters ask besides. */
  readonly healthChecks?: Readonly<Record<string, HealthCheck>>
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
   * Lets a controller look at one object, and settles: `await cluster.step('replicaset-controller')`. Gives the object's
   * namespace and name (`default/web`); undefined: nothing waits for this controller. Only those in `stepped` can be told.
   */
  step(controller: string): Promise<string | undefined>
  /**
   * From now on this authority (PEM; of a bundle the first) signs approved requests, and pods and aggregated servers are
   * told to trust all of the bundle.
   */
  useAuthority(authority: Authority): Promise<void>
  /**
   * A cluster of its own that begins with this one's state, now or at an earlier revision, and shares no change with it.
   * Its simulated nodes go on with the pods they have. It reaches nobody outside (webhooks, aggregated servers, a
   * Prometheus), who would take what is only tried for what is meant, and writes no audit log. It ends with its own
   * `[Symbol.asyncDispose]`.
   */
  fork(options?: ForkOptions): Promise<Cluster>
}

export interface Authority {
  readonly certificate: string
  readonly key: string
}

export interface ForkOptions {
  /** Where to begin; default: now. */
  readonly revision?: number
  /** The fork's time and chance; default: this cluster's clock, and chance of its own. */
  readonly world?: World
  /** By which it asks others after all. */
  readonly network?: Network
}

/** Starts a cluster. Everything of it ends with `[Symbol.asyncDispose]`. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const world = options.world ?? (options.time === 'virtual' ? new VirtualWorld(options.seed) : realWorld())
  const store = options.store ?? new MemoryStore(world)
  const signingKey = options.signingKey ?? createSigningKey().private
  const controlPlane = await startControlPlane({
    world,
    store,
    signingKey,
    version: kubernetesVersion,
    serverAddress: options.serverAddress ?? '127.0.0.1:6443',
    ...(options.serviceCidrs && { serviceCidrs: options.serviceCidrs }),
    ...(options.tokens && { tokens: options.tokens }),
    ...networkOf(options),
    ...(options.access && { access: options.access }),
    ...(options.disk && { disk: options.disk }),
    ...(options.isServed && { isServed: options.isServed }),
    ...(options.frontProxy && { frontProxy: options.frontProxy }),
    ...(options.healthChecks && { healthChecks: options.healthChecks }),
    ...(options.certificateAuthority && { clientAuthority: options.certificateAuthority }),
  })
  const cluster = new RunningCluster(controlPlane, { ...options, ...networkOf(options), world, signingKey })
  try {
    if (!options.apiOnly) await cluster.start()
    await cluster.servePrometheus(networkOf(options).network)
    return cluster
  } catch (error) {
    await cluster[Symbol.asyncDispose]()
    throw error
  }
}

function networkOf({ network, world, time }: ClusterOptions): { readonly network?: Network } {
  if (network !== undefined) return { network }
  return world === undefined && time !== 'virtual' ? { network: lateNetwork } : {}
}

/** Enough to share trips to a slow disk, and few enough in one go to leave the server to others. */
const statusesAtOnce = 512
const statusesInOneGo = 32
/** Events have time: they are written beside what they are about, not before it. */
const eventsAtOnce = 64
/** After a great crowd there may be tens of thousands still to write: nobody who stops a cluster waits for them all. */
const eventPatienceMs = 1000

type RunningOptions = ClusterOptions & { readonly world: World; readonly signingKey: string }

class RunningCluster implements Cluster {
  readonly #controlPlane: ControlPlane
  readonly #options: RunningOptions
  readonly #stop = new AbortController()
  readonly #partsClient: Client
  readonly caches: Caches
  readonly handler: Handler
  /** Where what nobody waits for has its turn: what simulated nodes say of their pods, and events. */
  readonly #statuses: Gate
  readonly #events: Gate
  readonly #running: Part[] = []
  nodes: SimulatedNodes | undefined
  #controllers: RunningControllers | undefined
  readonly #manager = new Restartable(() => this.#startManager())
  #metrics: ComponentMetrics | undefined
  #authority: Partial<Authority>
  #forks = 0

  constructor(controlPlane: ControlPlane, options: RunningOptions) {
    this.#controlPlane = controlPlane
    this.#options = options
    const { certificateAuthority: certificate, certificateAuthorityKey: key } = options
    this.#authority = { ...(certificate && { certificate }), ...(key && { key }) }
    const clients = new Crowd(controlPlane.handler)
    this.handler = clients.handler
    const { clock } = options.world
    this.#statuses = new Gate(statusesAtOnce, { clock, inOneGo: statusesInOneGo, crowd: clients.looker() })
    this.#events = new Gate(eventsAtOnce, { clock, inOneGo: eventsAtOnce, crowd: clients.looker() })
    this.#partsClient = options.connect?.(controlPlane.client) ?? controlPlane.client
    this.caches = toCaches(new CacheSet({ client: this.#partsClient, ...options.world, signal: this.#stop.signal }))
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

  async start(): Promise<void> {
    const { world, nodes = 3, simulation, podCidrs } = this.#options
    const parts = { client: this.#partsClient, caches: this.caches, world, events: this.#events }
    const metrics = new ComponentMetrics(this.#controlPlane.metrics, world.clock)
    this.#metrics = metrics
    const startManager = () => this.#manager.start()
    this.#lead('controller-manager', metrics.leading('kube-controller-manager', startManager))
    const { scheduler: meter } = metrics
    const startScheduler = () =>
      meter.follow(new Scheduler({ ...parts, ...networkOf(this.#options), ...this.#options.scheduler, meter }))
    this.#lead('scheduler', metrics.leading('kube-scheduler', startScheduler))
    this.nodes = new SimulatedNodes({
      ...parts,
      statuses: this.#statuses,
      version: kubernetesVersion,
      ...(simulation && { behaviour: simulation }),
      ...(podCidrs && { podCidrs }),
    })
    this.#running.push(this.nodes)
    await Promise.all([
      this.nodes.add(typeof nodes === 'number' ? numbered(nodes) : nodes),
      this.#options.metrics !== false &&
        this.#controlPlane.serveLocal(resourceMetricsApi(this.#simulatedMetrics(this.nodes))),
    ])
  }

  #startManager(): RunningControllers {
    const { world, controllers, stepped, podCidrs, autoscaler, signingKey } = this.#options
    const { certificate } = this.#authority
    const parts = { client: this.#partsClient, caches: this.caches, world, events: this.#events }
    this.#controllers = startControllers(
      { ...parts, queueMetrics: this.#metrics!.queues, ...(stepped && { stepped }) },
      {
        kinds: () => this.registry.kinds,
        ...(certificate && { rootCertificate: certificate }),
        ...this.#signing(),
        signSecretToken: (subject) => signSecretToken(signingKey, subject),
        ...(controllers && { controllers }),
        ...(podCidrs && { clusterCidrs: podCidrs }),
        ...autoscaler,
      },
    )
    return this.#controllers
  }

  async useAuthority(authority: Authority): Promise<void> {
    const { certificate, key } = this.#authority
    this.#authority = authority
    if (certificate !== authority.certificate || key !== authority.key) this.#manager.restart()
    await this.#controlPlane.publishAuthorities(authority.certificate)
  }

  /** Also where nothing but the API runs, as it is asked for. */
  async servePrometheus(network: Network | undefined): Promise<void> {
    const { prometheus, world } = this.#options
    if (prometheus === undefined || network === undefined) return
    const adapter = new PrometheusAdapter({
      client: this.client,
      prometheus: new Prometheus(prometheus.url, network),
      rules: parseRules(prometheus.rules),
      clock: world.clock,
      kinds: () => this.registry.storedKinds,
    })
    for (const api of prometheusApis(adapter)) await this.#controlPlane.serveRouted(api)
  }

  #simulatedMetrics(nodes: SimulatedNodes): ResourceMetrics {
    const { clock, log } = this.#options.world
    const meter = new SimulatedUsage({ caches: this.caches, log, isUp: (name) => nodes.isUp(name) })
    return new ResourceMetrics({ caches: this.caches, clock, meter })
  }

  #signing(): CertificateSignerOptions {
    const { world } = this.#options
    const { certificate, key } = this.#authority
    return certificate && key ? { signCertificate: (wanted) => signRequest({ certificate, key }, wanted, world) } : {}
  }

  #lead(component: Component, start: () => Part): void {
    const { world, identity } = this.#options
    this.#controlPlane.components.started(component)
    const lease = { client: this.#partsClient, world, namespace: 'kube-system', name: `kube-${component}` }
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

  async step(controller: string): Promise<string | undefined> {
    if (this.#controllers === undefined) throw new Error('no controllers run here')
    // It may take time, and time goes on only by settling.
    const [object] = await Promise.all([this.#controllers.step(controller), this.settle()])
    await this.settle()
    return object
  }

  async fork({ revision, world: given, network }: ForkOptions = {}): Promise<Cluster> {
    const { world: own, serverAddress: _, identity: __, network: ___, ...options } = this.#options
    const world = given ?? { ...own, random: own.random.fork(`fork ${++this.#forks}`) }
    const store = await this.store.fork(revision, world)
    const nodes = options.apiOnly ? [] : this.#nodesIn(store)
    return startCluster({ ...options, world, store, nodes, ...(network && { network }) })
  }

  /** The simulated nodes of a fork: those that are down here stay down there. */
  #nodesIn(store: Store): SimulatedNodeSpec[] {
    const nodes = clusterReader(store).list(Node, '')
    return nodes.flatMap((node) => this.nodes?.specOf(node) ?? [])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#events.open()
    this.#statuses.open()
    const stopTimer = this.#options.world.clock.timer(eventPatienceMs, () => this.#events.close())
    await Promise.all(this.#running.map((part) => part.stop()))
    stopTimer()
    this.#stop.abort()
    await this.#controlPlane[Symbol.asyncDispose]()
    await this.store[Symbol.asyncDispose]()
  }
}

const numbered = (count: number): SimulatedNodeSpec[] =>
  Array.from({ length: count }, (_, index) => ({ name: `node-${index + 1}` }))
