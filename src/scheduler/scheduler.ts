import type { Client } from '../client/client.ts'
import { Node } from '../kinds/core/node.ts'
import { Pod, type PodCondition } from '../kinds/core/pod.ts'
import { Activity } from '../reconciler/activity.ts'
import type { CacheChange, Caches } from '../reconciler/caches.ts'
import { EventRecorder } from '../reconciler/events.ts'
import type { Running } from '../reconciler/runtime.ts'
import { isConflict, isNotFound } from '../schema/status.ts'
import type { World } from '../world/world.ts'
import { Cycle } from './cycle.ts'
import { ClusterState } from './node-state.ts'
import type { Plugin } from './plugin.ts'
import { defaultProfile } from './plugins/index.ts'
import { SchedulingQueue } from './queue.ts'

export interface SchedulerOptions {
  readonly client: Client
  readonly caches: Caches
  readonly world: World
  /** Pods that name another scheduler are left alone. */
  readonly name?: string
  readonly profile?: readonly Plugin[]
}

/** As many bindings may be on their way to the API server. */
const bindingsAtOnce = 64

/**
 * Gives every pod without a node one. Choosing is synchronous and looks at nothing but memory, so no two pods are ever
 * given the same place; telling the API server happens beside it, with the place counted as taken meanwhile.
 */
export class Scheduler implements Running {
  readonly name: string
  readonly #client: Client
  readonly #world: World
  readonly #state = new ClusterState()
  readonly #cycle: Cycle
  readonly #queue: SchedulingQueue
  readonly #events: EventRecorder
  readonly #stops: (() => void)[] = []
  readonly #activity = new Activity()
  #bindings = 0
  #stopped = false

  constructor(options: SchedulerOptions) {
    this.name = options.name ?? 'default-scheduler'
    this.#client = options.client.as({ name: 'system:kube-scheduler', userAgent: 'kube-scheduler' })
    this.#world = options.world
    this.#cycle = new Cycle(options.profile ?? defaultProfile, options.world.random.fork('scheduler'))
    this.#queue = new SchedulingQueue(options.world.clock, () => this.#wake())
    this.#events = new EventRecorder(this.name, { client: this.#client, ...options.world })
    // Nodes first: with no node known every pod would be refused.
    this.#stops.push(options.caches.of(Node).onChange((change) => this.#nodeChanged(change)))
    this.#stops.push(options.caches.of(Pod).onChange((change) => this.#podChanged(change)))
  }

  get busy(): boolean {
    return this.#activity.busy || this.#isAwake || this.#events.busy
  }

  async idle(): Promise<void> {
    await this.#activity.idle()
    await this.#events.idle
  }

  get counts(): SchedulingQueue['counts'] {
    return this.#queue.counts
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const stop of this.#stops) stop()
    await this.idle()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #nodeChanged({ object: node, old }: CacheChange<Node>): void {
    if (!node) return this.#state.removeNode(old!.metadata.name!)
    this.#state.setNode(node)
    this.#queue.happened({ type: 'node', node, old })
  }

  #podChanged({ object: pod, old }: CacheChange<Pod>): void {
    const uid = (pod ?? old)!.metadata.uid!
    if (pod?.spec.nodeName && !hasEnded(pod)) {
      this.#queue.done(uid)
      return this.#state.place(pod, pod.spec.nodeName)
    }
    if (pod && !pod.spec.nodeName && !hasEnded(pod)) {
      if (this.#isMine(pod)) this.#queue.put(pod)
      else this.#queue.remove(uid)
      return
    }
    this.#queue.remove(uid)
    if (!this.#state.isPlaced(uid)) return
    this.#state.remove(uid)
    this.#queue.happened({ type: 'room', pod: (pod ?? old)! })
  }

  #isMine({ spec, metadata }: Pod): boolean {
    const gated = (spec.schedulingGates?.length ?? 0) > 0
    return spec.schedulerName === this.name && metadata.deletionTimestamp === undefined && !gated
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
    while (!this.#stopped && this.#bindings < bindingsAtOnce) {
      const pod = this.#queue.take()
      if (!pod) return
      // Assumed already: the cache has not seen the binding yet.
      if (!this.#state.isPlaced(pod.metadata.uid!)) this.#schedule(pod)
    }
  }

  #schedule(pod: Pod): void {
    const placement = this.#cycle.place(pod, this.#state.nodes)
    if (placement.node) {
      this.#state.place(pod, placement.node.name)
      this.#bindings++
      this.#activity.track(this.#bind(pod, placement.node.name))
    } else {
      this.#queue.refused(pod.metadata.uid!, placement.refusedBy)
      this.#events.record({
        kind: Pod,
        object: pod,
        type: 'Warning',
        reason: 'FailedScheduling',
        message: placement.message,
      })
      this.#activity.track(this.#reportUnschedulable(pod, placement.message))
    }
  }

  async #bind(pod: Pod, nodeName: string): Promise<void> {
    const { namespace = '', name = '', uid = '' } = pod.metadata
    try {
      await this.#client.createSubresource(Pod, { namespace, name }, 'binding', {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { namespace, name, uid },
        target: { kind: 'Node', name: nodeName },
      })
      const message = `Successfully assigned ${namespace}/${name} to ${nodeName}`
      this.#events.record({ kind: Pod, object: pod, type: 'Normal', reason: 'Scheduled', message })
    } catch (error) {
      this.#state.remove(uid)
      this.#queue.failed(uid)
      if (!isNotFound(error) && !isConflict(error))
        this.#world.log('warn', 'a pod could not be bound', {
          pod: `${namespace}/${name}`,
          node: nodeName,
          error: String(error),
        })
    } finally {
      this.#bindings--
      this.#wake()
    }
  }

  async #reportUnschedulable(pod: Pod, message: string): Promise<void> {
    const before = pod.status?.conditions?.find((condition) => condition.type === 'PodScheduled')
    if (before?.status === 'False' && before.message === message) return
    const condition: Partial<PodCondition> = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message,
      observedGeneration: pod.metadata.generation,
      lastTransitionTime:
        before?.status === 'False'
          ? before.lastTransitionTime
          : `${new Date(this.#world.clock.now()).toISOString().slice(0, 19)}Z`,
    }
    const { namespace = '', name = '' } = pod.metadata
    try {
      const patch = { type: 'strategic', body: { status: { conditions: [condition] } } } as const
      await this.#client.patch(Pod, { namespace, name }, patch, { subresource: 'status' })
    } catch (error) {
      if (!isNotFound(error))
        this.#world.log('warn', 'a pod could not be told why it waits', {
          pod: `${namespace}/${name}`,
          error: String(error),
        })
    }
  }
}

const hasEnded = ({ status }: Pod) => status?.phase === 'Succeeded' || status?.phase === 'Failed'
