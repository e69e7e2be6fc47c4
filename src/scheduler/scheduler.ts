import type { Client } from '../client/client.ts'
import { Pod } from '../kinds/core/pod.ts'
import { Activity } from '../reconciler/activity.ts'
import type { Caches } from '../reconciler/caches.ts'
import type { Gate } from '../reconciler/gate.ts'
import type { Running } from '../reconciler/runtime.ts'
import { SeriesRecorder } from '../reconciler/series-recorder.ts'
import type { Kind } from '../schema/kind.ts'
import type { Network, Random, World } from '../world/world.ts'
import { ClusterState, type NodeState } from './cluster-state.ts'
import { Cycle, nobodyLeft, type Placement } from './cycle.ts'
import { EventHandlers } from './event-handlers.ts'
import { ExtenderError } from './extenders/extender.ts'
import { Extenders } from './extenders/extenders.ts'
import type { ExtenderConfiguration } from './extenders/settings.ts'
import { Known, Memory } from './memory.ts'
import { isForDevices, unschedulable } from './messages.ts'
import { type SchedulerMeter, StepTimer } from './meter.ts'
import { Nominations } from './nominations.ts'
import type { ClusterView, Reservation } from './plugin.ts'
import { defaultPlugins } from './plugins/index.ts'
import { type PodState, podState } from './pod-state.ts'
import { candidatesFor, type Found, leastHarm, type Preemption, type PreemptionContext, preempt } from './preemption.ts'
import { defaultSchedulerName, type Profile, profileOf } from './profile.ts'
import { type BackOffLimits, SchedulingQueue } from './queue.ts'
import { Reports } from './reports.ts'

export interface SchedulerOptions {
  readonly client: Client
  readonly caches: Caches
  readonly world: World
  /** Pods that name another scheduler than one of these are left alone. */
  readonly profiles?: readonly Profile[]
  readonly backOff?: BackOffLimits
  /** Programs that are asked beside the plugins, by way of the network. */
  readonly extenders?: readonly ExtenderConfiguration[]
  readonly network?: Network
  readonly meter?: SchedulerMeter
  /** The machine that its events come from. */
  readonly host?: string
  /** Where its events wait for their turn. Absent: they have it at once. */
  readonly events?: Gate
}

/** As many bindings and reports may be on their way to the API server. */
const writesAtOnce = 256

const refusal = { kind: Pod, type: 'Warning', reason: 'FailedScheduling', action: 'Scheduling' } as const
const placed = { kind: Pod, type: 'Normal', reason: 'Scheduled', action: 'Binding' } as const
const preempted = { kind: Pod, type: 'Normal', reason: 'Preempted', action: 'Preempting' } as const

/** A profile at work. */
interface Seat {
  readonly cycle: Cycle
  readonly events: SeriesRecorder
  readonly timer: StepTimer | undefined
  /** What preemption has found out about nodes. */
  readonly memory: Memory<Known<Found>>
}

/**
 * Gives every pod without a node one. Choosing is synchronous and looks at nothing but memory, so no two pods are ever
 * given the same place; telling the API server happens beside it, with the place counted as taken meanwhile.
 */
export class Scheduler implements Running {
  readonly name = 'scheduler'
  readonly #client: Client
  readonly #caches: Caches
  readonly #world: World
  readonly #random: Random
  readonly #state = new ClusterState()
  readonly #cluster: ClusterView
  readonly #nominations = new Nominations((node) => this.#state.touch(node))
  readonly #seats: ReadonlyMap<string, Seat>
  readonly #queue: SchedulingQueue
  readonly #news: EventHandlers
  readonly #reports: Reports
  readonly #activity = new Activity()
  readonly #stop = new AbortController()
  readonly #meter: SchedulerMeter | undefined
  readonly #extenders: Extenders
  #writes = 0
  /** Somebody else is being asked about a pod: the next one waits, so that no place is given away twice. */
  #isAsking = false

  constructor(options: SchedulerOptions) {
    const { world, caches } = options
    this.#client = options.client.as({ name: 'system:kube-scheduler', userAgent: 'kube-scheduler' })
    this.#caches = caches
    this.#world = world
    this.#meter = options.meter
    this.#random = world.random.fork('scheduler')
    this.#extenders = new Extenders(options.extenders ?? [], options.network, world.log, this.#stop.signal)
    this.#cluster = { state: this.#state, objects: caches }
    this.#queue = new SchedulingQueue(world.clock, this.#cluster, () => this.#wake(), options.backOff, options.meter)
    this.#reports = new Reports(this.#client, world)
    const profiles = options.profiles ?? [profileOf(defaultPlugins)]
    this.#seats = new Map(profiles.map((profile) => [profile.schedulerName, this.#seatOf(profile, options)]))
    const isMine = ({ spec }: Pod) => this.#seats.has(nameOf(spec))
    const known = { caches, state: this.#state, queue: this.#queue, nominations: this.#nominations }
    this.#news = new EventHandlers({ ...known, isMine })
    void this.#activity.track(this.#news.begin(this.#stop.signal))
  }

  #seatOf(profile: Profile, { world, host = 'coracle', meter, events: gate }: SchedulerOptions): Seat {
    const timer = meter && new StepTimer(meter, world.clock, profile.schedulerName)
    return {
      timer,
      cycle: new Cycle(profile, this.#cluster, this.#nominations, this.#random.fork(profile.schedulerName), timer),
      memory: new Memory(() => new Known()),
      events: new SeriesRecorder(profile.schedulerName, {
        client: this.#client,
        ...world,
        host,
        ...(gate && { gate }),
      }),
    }
  }

  get busy(): boolean {
    return this.#activity.busy || this.#isAwake || this.#recorders.some((events) => events.busy)
  }

  async idle(): Promise<void> {
    await this.#activity.idle()
    for (const events of this.#recorders) await events.idle
  }

  get #recorders(): SeriesRecorder[] {
    return [...this.#seats.values()].map(({ events }) => events)
  }

  /** How many pods wait, and for what. */
  get counts(): SchedulingQueue['counts'] & { readonly gated: number } {
    return { ...this.#queue.counts, gated: this.#news.gated }
  }

  /** What is known. */
  get sizes(): { readonly nodes: number; readonly pods: number; readonly assumed_pods: number } {
    return { nodes: this.#state.nodes.length, pods: this.#state.podCount, assumed_pods: this.#news.assumed }
  }

  /** `PLUGIN PROFILE` → how many pods wait that it has refused. */
  get refusals(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { pod, plugin } of this.#queue.refusals()) {
      const key = `${plugin.name} ${nameOf(pod.spec)}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    return counts
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    this.#news.end()
    this.#queue.close()
    for (const events of this.#recorders) events.stop()
    await this.idle()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #isAwake = false

  /** Begins to work through the queue, after whatever is happening now has happened. */
  #wake(): void {
    if (this.#isAwake) return
    this.#isAwake = true
    queueMicrotask(() => {
      this.#isAwake = false
      this.#work()
    })
  }

  #work(): void {
    while (!this.#stop.signal.aborted && !this.#isAsking && this.#writes < writesAtOnce) {
      const behind = this.#news.behind
      if (behind) return void behind.then(() => this.#wake())
      const pod = this.#queue.take()
      if (!pod) return
      this.#schedule(pod, this.#seats.get(nameOf(pod.spec))!)
    }
  }

  #schedule(pod: Pod, seat: Seat): void {
    if (this.#extenders.isInterestedIn(pod)) return this.#scheduleAsking(pod, seat)
    const { clock } = this.#world
    const began = clock.monotonic()
    const placement = seat.cycle.place(pod)
    const seconds = (clock.monotonic() - began) / 1000
    const result = placement.node ? 'scheduled' : 'unschedulable'
    this.#meter?.attempted(seat.cycle.profile.schedulerName, result, seconds)
    if (placement.node) this.#take(pod, placement, seat)
    else this.#refuse(pod, placement, seat)
  }

  #scheduleAsking(pod: Pod, seat: Seat): void {
    this.#isAsking = true
    const asked = this.#askOthers(pod, seat)
      .catch((error: unknown) => {
        if (!(error instanceof ExtenderError)) throw error
        if (!this.#stop.signal.aborted) this.#failed(pod, error.message, seat)
      })
      .finally(() => {
        this.#isAsking = false
        this.#wake()
      })
    void this.#activity.track(asked)
  }

  /** As `#schedule`, with what extenders say. While they are asked, everything may change. */
  async #askOthers(pod: Pod, seat: Seat): Promise<void> {
    const { cycle } = seat
    const uid = pod.metadata.uid!
    const isGone = () => this.#stop.signal.aborted || !this.#queue.isTaken(uid)
    const found = cycle.find(pod)
    const asked = 'fitting' in found ? await this.#extenders.filter(pod, found.fitting) : undefined
    if (isGone()) return
    if ('fitting' in found && asked!.fitting.length > 0) {
      const nodes = asked!.fitting
      const extra = nodes.length > 1 ? await this.#extenders.scores(pod, nodes) : undefined
      if (isGone()) return
      const node = cycle.choose(found, nodes, extra)
      const isStillRight = this.#state.node(node.name) === node && !cycle.refusal(found.pod, node, found.prepared)
      this.#meter?.attempted(cycle.profile.schedulerName, isStillRight ? 'scheduled' : 'unschedulable', 0)
      if (isStillRight) this.#take(pod, { node, prepared: found.prepared }, seat)
      else this.#queue.failed(uid)
      return
    }
    const refused = 'fitting' in found ? nobodyLeft(found, asked!.refused) : found
    const preemption = await this.#preemptAsking(podState(pod), refused, seat)
    if (isGone()) return
    this.#meter?.attempted(cycle.profile.schedulerName, 'unschedulable', 0)
    this.#refuse(pod, refused, seat, preemption)
  }

  /** Something went wrong that has nothing to do with nodes. */
  #failed(pod: Pod, message: string, { cycle, events }: Seat): void {
    if (!this.#queue.isTaken(pod.metadata.uid!)) return
    this.#meter?.attempted(cycle.profile.schedulerName, 'error', 0)
    this.#queue.failed(pod.metadata.uid!)
    events.record({ ...refusal, object: pod, message })
    this.#write(this.#reports.unschedulable(pod, message, undefined, 'SchedulerError'))
  }

  #take(pod: Pod, { node, prepared }: Extract<Placement, { node: NodeState }>, seat: Seat): void {
    const state = podState(pod)
    this.#news.assume(state.uid)
    this.#nominations.delete(state.uid)
    const reserveEnds = seat.timer?.begin('Reserve')
    const reservations = prepared.flatMap(
      ({ plugin, data }) => plugin.reserve?.(state, node, data, this.#cluster) ?? [],
    )
    reserveEnds?.('Success')
    this.#state.place(pod, node.name)
    if (reservations.length === 0) this.#write(this.#bind(pod, node.name, seat))
    else void this.#bindReserved(pod, node.name, reservations, seat)
  }

  #refuse(
    pod: Pod,
    refused: Extract<Placement, { node: undefined }>,
    seat: Seat,
    preemption: Preemption | undefined = this.#preempt(podState(pod), refused, seat),
  ): void {
    const state = podState(pod)
    const relief = this.#relieve(pod, refused)
    const failure = preemption?.node ? undefined : preemption?.message
    const message = unschedulable(this.#state.nodes.length, refused, failure, relief)
    this.#queue.refused(state.uid, refused.refusedBy)
    seat.events.record({ ...refusal, object: pod, message })
    let nominated: string | undefined
    if (preemption?.node) {
      nominated = preemption.node.name
      this.#makeRoom(state, preemption.node, preemption.victims, seat)
    } else if (preemption && !preemption.waits) {
      nominated = ''
      this.#nominations.delete(state.uid)
    }
    this.#write(this.#reports.unschedulable(pod, message, nominated))
  }

  /** What plugins do for the pod, and what they say of that. */
  #relieve(pod: Pod, { prepared }: Placement): string | undefined {
    const reliefs = prepared.flatMap(({ plugin, data }) => plugin.relieve?.(pod, data) ?? [])
    for (const { write } of reliefs) if (write) this.#write(this.#reports.relieve(pod, write))
    return reliefs[0]?.message
  }

  #preempt(pod: PodState, refused: Extract<Placement, { node: undefined }>, seat: Seat): Preemption | undefined {
    if (!this.#mayPreempt(refused, seat)) return undefined
    const ends = seat.timer?.begin('PostFilter')
    const preemption = preempt(pod, refused, this.#preemptionContext(seat))
    ends?.(preemption.node ? 'Success' : 'Unschedulable')
    return preemption
  }

  async #preemptAsking(pod: PodState, refused: Extract<Placement, { node: undefined }>, seat: Seat) {
    if (!this.#mayPreempt(refused, seat)) return undefined
    const ends = seat.timer?.begin('PostFilter')
    const found = candidatesFor(pod, refused, this.#preemptionContext(seat))
    const preemption =
      'candidates' in found ? leastHarm(await this.#extenders.preempt(pod.pod, found.candidates)) : found
    ends?.(preemption.node ? 'Success' : 'Unschedulable')
    return preemption
  }

  #mayPreempt(refused: Extract<Placement, { node: undefined }>, { cycle }: Seat): boolean {
    const isLost = refused.nowhere !== undefined && !isForDevices(refused)
    return cycle.profile.preempts && !isLost && this.#state.nodes.length > 0
  }

  #preemptionContext({ cycle, memory }: Seat): PreemptionContext {
    return { cycle, memory, random: this.#random, cluster: this.#cluster, nominations: this.#nominations }
  }

  #makeRoom(pod: PodState, node: NodeState, victims: readonly PodState[], { cycle, events }: Seat): void {
    for (const lesser of this.#nominations.lessThan(node.name, pod.priority)) {
      this.#nominations.delete(lesser.uid)
      this.#write(this.#reports.notNominated(lesser.pod))
    }
    this.#meter?.preempted(victims.length)
    const uids = victims.map(({ uid }) => uid)
    this.#nominations.set(pod, node.name, uids)
    const message = `Preempted by pod ${pod.uid} on node ${node.name}`
    for (const { pod: victim } of victims) {
      events.record({ ...preempted, object: victim, related: pod.pod, message })
      this.#write(this.#evict(victim, node.name, cycle.profile.schedulerName))
    }
  }

  /** Who cannot be made to go is waited for no longer. */
  async #evict(victim: Pod, nodeName: string, schedulerName: string): Promise<void> {
    if (await this.#reports.evict(victim, schedulerName)) return
    this.#nominations.left(victim.metadata.uid!, nodeName)
    this.#news.happened({ type: 'room', pod: victim, node: nodeName })
  }

  #write(work: Promise<void>): void {
    this.#writes++
    const written = work.finally(() => {
      this.#writes--
      this.#wake()
    })
    void this.#activity.track(written)
  }

  /** Volumes may take their time: waiting for them keeps nobody from calling the cluster settled. */
  async #bindReserved(pod: Pod, nodeName: string, reservations: readonly Reservation[], seat: Seat): Promise<void> {
    const { clock } = this.#world
    const onChange = (kind: Kind, changed: () => void) => this.#caches.of(kind).onChange(changed)
    const ends = seat.timer?.begin('PreBind')
    try {
      for (const reservation of reservations) await this.#activity.track(reservation.write(this.#client))
      for (const reservation of reservations)
        await reservation.untilDone({ clock, onChange, signal: this.#stop.signal })
      ends?.('Success')
    } catch (error) {
      ends?.('Error')
      if (!this.#stop.signal.aborted) this.#notBound(pod, error)
      return
    } finally {
      for (const reservation of reservations) reservation.release()
    }
    if (this.#news.isAssumed(pod.metadata.uid!)) this.#write(this.#bind(pod, nodeName, seat))
  }

  async #bind(pod: Pod, nodeName: string, { events, timer }: Seat): Promise<void> {
    const ends = timer?.begin('Bind')
    try {
      const binder = this.#extenders.binderOf(pod)
      const wait = this.#queue.waitOf(pod.metadata.uid!)
      await (binder ? binder.bind(nodeName) : this.#reports.bind(pod, nodeName))
      ends?.('Success')
      if (wait) this.#meter?.placed(wait.attempts, wait.seconds)
      const { namespace, name } = pod.metadata
      const message = `Successfully assigned ${namespace}/${name} to ${nodeName}`
      events.record({ ...placed, object: pod, message })
    } catch (error) {
      ends?.('Error')
      this.#notBound(pod, error)
    }
  }

  /** What the cache has shown meanwhile (it is gone, somebody else has placed it) counts more than this failure. */
  #notBound(pod: Pod, error: unknown): void {
    const uid = pod.metadata.uid!
    if (!this.#news.isAssumed(uid)) return
    this.#news.takeBack(pod)
    this.#queue.failed(uid)
    this.#reports.complain('a pod could not be bound', pod, error)
  }
}

const nameOf = ({ schedulerName }: Pod['spec']) => schedulerName ?? defaultSchedulerName
