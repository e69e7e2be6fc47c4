import type { Client } from '../client/client.ts'
import { Node } from '../kinds/core/node.ts'
import { Pod, type PodCondition } from '../kinds/core/pod.ts'
import { Activity } from '../reconciler/activity.ts'
import type { CacheChange, Caches } from '../reconciler/caches.ts'
import { EventRecorder, secondsTime } from '../reconciler/events.ts'
import type { Running } from '../reconciler/runtime.ts'
import { isConflict, isNotFound } from '../schema/status.ts'
import type { World } from '../world/world.ts'
import { Cycle } from './cycle.ts'
import { ClusterState, type PodState, podState } from './node-state.ts'
import { changedAspects, type Plugin } from './plugin.ts'
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

const defaultName = 'default-scheduler'
/** As many bindings and reports may be on their way to the API server. */
const writesAtOnce = 64

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
  /** UIDs of pods whose binding the cache has not shown yet. */
  readonly #assumed = new Set<string>()
  #writes = 0
  #stopped = false

  constructor(options: SchedulerOptions) {
    this.name = options.name ?? defaultName
    this.#client = options.client.as({ name: 'system:kube-scheduler', userAgent: 'kube-scheduler' })
    this.#world = options.world
    this.#cycle = new Cycle(options.profile ?? defaultProfile, options.world.random.fork('scheduler'))
    this.#queue = new SchedulingQueue(options.world.clock, () => this.#wake())
    this.#events = new EventRecorder(this.name, { client: this.#client, ...options.world })
    void this.#activity.track(this.#follow(options.caches))
  }

  /** Waits for both caches: who knows only half of the nodes or pods finds wrong reasons and wrong places. */
  async #follow(caches: Caches): Promise<void> {
    const nodes = caches.of(Node)
    const pods = caches.of(Pod)
    await Promise.all([nodes.synced, pods.synced])
    if (this.#stopped) return
    this.#stops.push(nodes.onChange((change) => this.#nodeChanged(change)))
    this.#stops.push(pods.onChange((change) => this.#podChanged(change)))
  }

  get busy(): boolean {
    return this.#activity.busy || this.#isAwake || this.#events.busy
  }

  async idle(): Promise<void> {
    await this.#activity.idle()
    await this.#events.idle
  }

  /** How many pods wait, and for what. */
  get counts(): SchedulingQueue['counts'] {
    return this.#queue.counts
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const stop of this.#stops) stop()
    this.#queue.close()
    await this.idle()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #nodeChanged({ object: node, old }: CacheChange<Node>): void {
    if (!node) return this.#state.removeNode(old!.metadata.name!)
    this.#state.setNode(node)
    const changed = changedAspects(node, old)
    if (changed.size > 0) this.#queue.happened({ type: 'node', node, isNew: !old, changed })
  }

  #podChanged({ object: pod, old }: CacheChange<Pod>): void {
    const known = (pod ?? old)!
    // A name that was given to another pod between two looks at the server.
    if (pod && old && pod.metadata.uid !== old.metadata.uid) this.#podLeft(old)
    if (!pod || hasEnded(pod)) return this.#podLeft(known)
    if (pod.spec.nodeName) {
      this.#assumed.delete(known.metadata.uid!)
      this.#queue.remove(known.metadata.uid!)
      return this.#placed(pod, pod.spec.nodeName)
    }
    if (this.#isMine(pod)) this.#queue.put(pod)
    else this.#queue.remove(known.metadata.uid!)
  }

  /** A pod that asks for less than before makes room as one that leaves does. */
  #placed(pod: Pod, nodeName: string): void {
    const before = this.#state.podState(pod.metadata.uid!)
    this.#state.place(pod, nodeName)
    if (before && before.pod !== pod && asksForLess(podState(pod), before)) this.#queue.happened({ type: 'room', pod })
  }

  #podLeft(pod: Pod): void {
    const uid = pod.metadata.uid!
    this.#queue.remove(uid)
    this.#takeBack(uid, pod)
  }

  /** Frees the place of a pod, also one that was only meant for it. */
  #takeBack(uid: string, pod: Pod): void {
    this.#assumed.delete(uid)
    if (!this.#state.podState(uid)) return
    this.#state.remove(uid)
    this.#queue.happened({ type: 'room', pod })
  }

  #isMine({ spec, metadata }: Pod): boolean {
    const isGated = (spec.schedulingGates?.length ?? 0) > 0
    return (spec.schedulerName ?? defaultName) === this.name && metadata.deletionTimestamp === undefined && !isGated
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
    while (!this.#stopped && this.#writes < writesAtOnce) {
      const pod = this.#queue.take()
      if (!pod) return
      this.#schedule(pod)
    }
  }

  #schedule(pod: Pod): void {
    const placement = this.#cycle.place(pod, this.#state.nodes)
    if (placement.node) {
      this.#assumed.add(pod.metadata.uid!)
      this.#state.place(pod, placement.node.name)
      this.#write(this.#bind(pod, placement.node.name))
    } else {
      const { message, refusedBy } = placement
      this.#queue.refused(pod.metadata.uid!, refusedBy)
      this.#events.record({ kind: Pod, object: pod, type: 'Warning', reason: 'FailedScheduling', message })
      this.#write(this.#reportUnschedulable(pod, message))
    }
  }

  #write(work: Promise<void>): void {
    this.#writes++
    const written = work.finally(() => {
      this.#writes--
      this.#wake()
    })
    void this.#activity.track(written)
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
      // What the cache has shown meanwhile (it is gone, somebody else has placed it) counts more than this failure.
      if (!this.#assumed.has(uid)) return
      this.#takeBack(uid, pod)
      this.#queue.failed(uid)
      this.#complain('a pod could not be bound', pod, error)
    }
  }

  async #reportUnschedulable(pod: Pod, message: string): Promise<void> {
    const before = pod.status?.conditions?.find((condition) => condition.type === 'PodScheduled')
    if (before?.reason === 'Unschedulable' && before.message === message) return
    const condition: Partial<PodCondition> = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message,
      observedGeneration: pod.metadata.generation,
      lastTransitionTime:
        (before?.status === 'False' && before.lastTransitionTime) || secondsTime(this.#world.clock.now()),
    }
    const { namespace = '', name = '', uid } = pod.metadata
    try {
      const patch = { type: 'strategic', body: { metadata: { uid }, status: { conditions: [condition] } } } as const
      await this.#client.patch(Pod, { namespace, name }, patch, { subresource: 'status' })
    } catch (error) {
      this.#complain('a pod could not be told why it waits', pod, error)
    }
  }

  /** A pod that is gone or was changed by somebody else is everyday life; the cache tells. */
  #complain(message: string, { metadata }: Pod, error: unknown): void {
    if (isNotFound(error) || isConflict(error)) return
    this.#world.log('warn', message, { pod: `${metadata.namespace}/${metadata.name}`, error: String(error) })
  }
}

const hasEnded = ({ status }: Pod) => status?.phase === 'Succeeded' || status?.phase === 'Failed'

function asksForLess({ requests }: PodState, before: PodState): boolean {
  if (requests.cpu < before.requests.cpu || requests.memory < before.requests.memory) return true
  for (const [name, amount] of before.requests.others) if ((requests.others.get(name) ?? 0) < amount) return true
  return false
}
