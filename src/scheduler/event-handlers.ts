import { Namespace } from '../kinds/core/namespace.ts'
import { Node } from '../kinds/core/node.ts'
import { Pod } from '../kinds/core/pod.ts'
import { ResourceClaim } from '../kinds/resource/resource-claim.ts'
import { ResourceSlice } from '../kinds/resource/resource-slice.ts'
import type { CacheChange, Caches, ObjectCache } from '../reconciler/caches.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import type { ClusterState } from './cluster-state.ts'
import { claimsOfPod } from './devices/pod-claims.ts'
import type { Nominations } from './nominations.ts'
import { type ClusterEvent, changedAspects } from './plugin.ts'
import { deviceKinds } from './plugins/dynamic-resources.ts'
import { storageKinds } from './plugins/volume-claims.ts'
import { type PodState, podState } from './pod-state.ts'
import type { SchedulingQueue } from './queue.ts'
import { readKinds } from './reads.ts'

export interface EventHandlersOptions {
  readonly caches: Caches
  readonly state: ClusterState
  readonly queue: SchedulingQueue
  readonly nominations: Nominations
  /** Whether a pod names this scheduler. */
  readonly isMine: (pod: Pod) => boolean
}

/**
 * What the scheduler makes of the news: changes of the caches become places that are taken and freed, pods that wait, and
 * events that may help those who were refused.
 */
export class EventHandlers {
  readonly #caches: Caches
  readonly #read: readonly ObjectCache<ApiObject>[]
  readonly #state: ClusterState
  readonly #queue: SchedulingQueue
  readonly #nominations: Nominations
  readonly #isMine: (pod: Pod) => boolean
  readonly #stops: (() => void)[] = []
  /** UIDs of pods whose binding the cache has not shown yet. */
  readonly #assumed = new Set<string>()
  /** Pods whose claims of devices cannot be used yet, by UID. */
  readonly #withoutClaims = new Map<string, Pod>()

  constructor({ caches, state, queue, nominations, isMine }: EventHandlersOptions) {
    this.#caches = caches
    this.#read = readKinds.map((kind) => caches.of(kind))
    this.#state = state
    this.#queue = queue
    this.#nominations = nominations
    this.#isMine = isMine
  }

  /** How many pods have been given a node that the cache does not show yet. */
  get assumed(): number {
    return this.#assumed.size
  }

  /** How many pods wait for their claims, and are not tried. */
  get gated(): number {
    return this.#withoutClaims.size
  }

  /** The pod has been given a node, and is about to be bound. */
  assume(uid: string): void {
    this.#assumed.add(uid)
  }

  /** Whether it has been, and nothing that the cache has shown since says otherwise. */
  isAssumed(uid: string): boolean {
    return this.#assumed.has(uid)
  }

  end(): void {
    for (const stop of this.#stops) stop()
  }

  /**
   * Who sees pods again after the server was away, but not yet that a node is cordoned, would give it to them. Undefined:
   * all is known.
   */
  get behind(): Promise<void> | undefined {
    return this.#read.find(({ behind }) => behind !== undefined)?.behind
  }

  /** Waits for all caches: who knows only half of the nodes or pods finds wrong reasons and wrong places. */
  async begin(signal: AbortSignal): Promise<void> {
    const caches = this.#caches
    await Promise.all(this.#read.map(({ synced }) => synced))
    if (signal.aborted) return
    this.#stops.push(
      ...deviceKinds.map((kind) => caches.of(kind).onChange((change) => this.#devicesChanged(kind, change))),
      caches.of(Node).onChange((change) => this.#nodeChanged(change)),
      caches.of(Pod).onChange((change) => this.#podChanged(change)),
      caches.of(Namespace).onChange((change) => this.#namespaceChanged(change)),
      ...storageKinds.map((kind) => caches.of(kind).onChange((change) => this.#storageChanged(change))),
    )
  }

  /** Room is for those first for whom it was made, and for them it counts when all have left. */
  happened(event: ClusterEvent): void {
    if (event.type !== 'room') return this.#queue.happened(event)
    this.#queue.happened(event, (uid) => {
      const node = this.#nominations.nodeOf(uid)
      if (node === undefined) return undefined
      return node === event.node && this.#nominations.isReady(uid) ? 'at once' : 'not yet'
    })
  }

  /** Frees the place of a pod, also one that was only meant for it. */
  takeBack(pod: Pod): void {
    const uid = pod.metadata.uid!
    this.#assumed.delete(uid)
    const place = this.#state.placeOf(uid)
    if (!place) return
    this.#state.remove(uid)
    this.#nominations.left(uid, place.name)
    this.happened({ type: 'room', pod, node: place.name })
  }

  #nodeChanged({ object: node, old }: CacheChange<Node>): void {
    if (!node) return this.#nodeWent(old!.metadata.name!)
    this.#state.setNode(node)
    const changed = changedAspects(node, old)
    if (changed.size > 0) this.happened({ type: 'node', node, isNew: !old, changed })
  }

  #nodeWent(name: string): void {
    this.#state.removeNode(name)
    for (const { uid } of this.#nominations.comingTo(name)) {
      this.#nominations.delete(uid)
      this.#queue.retry(uid)
    }
  }

  #namespaceChanged({ object, old }: CacheChange<Namespace>): void {
    const name = (object ?? old)!.metadata.name!
    if (JSON.stringify(object?.metadata.labels) === JSON.stringify(old?.metadata.labels)) return
    this.#state.topology.namespaceChanged()
    this.happened({ type: 'namespace', name })
  }

  #storageChanged({ object }: CacheChange<ApiObject>): void {
    if (object) this.happened({ type: 'storage', object })
  }

  #devicesChanged(kind: Kind, { object, old }: CacheChange<ApiObject>): void {
    const { devices } = this.#state
    if (kind === ResourceSlice)
      devices.sliceChanged(object as ResourceSlice | undefined, old as ResourceSlice | undefined)
    if (kind === ResourceClaim) {
      devices.claimChanged(object as ResourceClaim | undefined, old as ResourceClaim | undefined)
      for (const pod of [...this.#withoutClaims.values()]) this.#waits(pod)
    }
    this.happened({ type: 'devices', kind, object, old })
  }

  #podChanged({ object: pod, old }: CacheChange<Pod>): void {
    const known = (pod ?? old)!
    // A name that was given to another pod between two looks at the server.
    if (pod && old && pod.metadata.uid !== old.metadata.uid) this.#podLeft(old)
    if (!pod || hasEnded(pod)) return this.#podLeft(known)
    if (pod.spec.nodeName) {
      this.#assumed.delete(known.metadata.uid!)
      this.#forget(known.metadata.uid!)
      return this.#placed(pod, pod.spec.nodeName, old)
    }
    if (this.#isForMe(pod)) this.#waits(pod)
    else this.#forget(known.metadata.uid!)
  }

  #waits(pod: Pod): void {
    const uid = pod.metadata.uid!
    // Claims are made for it, or will be: it is not refused before they are there.
    if (pod.spec.resourceClaims?.length && typeof claimsOfPod(pod, this.#caches) === 'string') {
      this.#queue.remove(uid)
      this.#withoutClaims.set(uid, pod)
      return
    }
    this.#withoutClaims.delete(uid)
    const { nominatedNodeName: node } = pod.status ?? {}
    // Known from before this scheduler was started; what it has decided itself since is newer.
    if (node && !this.#queue.has(pod.metadata.uid!)) this.#nominations.set(podState(pod), node)
    this.#queue.put(pod)
  }

  #forget(uid: string): void {
    this.#withoutClaims.delete(uid)
    this.#queue.remove(uid)
    this.#nominations.delete(uid)
  }

  /** A pod that asks for less than before makes room as one that leaves does. */
  #placed(pod: Pod, nodeName: string, old: Pod | undefined): void {
    const before = this.#state.podState(pod.metadata.uid!)
    this.#state.place(pod, nodeName)
    if (this.#queue.counts.unschedulable === 0) return
    if (before && before.pod !== pod && asksForLess(podState(pod), before))
      this.happened({ type: 'room', pod, node: nodeName })
    if (!old?.spec.nodeName || hasOtherLabels(pod, old)) this.happened({ type: 'placed', pod })
  }

  #podLeft(pod: Pod): void {
    this.#forget(pod.metadata.uid!)
    this.takeBack(pod)
  }

  #isForMe(pod: Pod): boolean {
    const isGated = (pod.spec.schedulingGates?.length ?? 0) > 0
    return this.#isMine(pod) && pod.metadata.deletionTimestamp === undefined && !isGated
  }
}

const hasEnded = ({ status }: Pod) => status?.phase === 'Succeeded' || status?.phase === 'Failed'

const hasOtherLabels = ({ metadata }: Pod, old: Pod) =>
  metadata.labels !== old.metadata.labels && JSON.stringify(metadata.labels) !== JSON.stringify(old.metadata.labels)

function asksForLess({ requests }: PodState, before: PodState): boolean {
  if (requests.cpu < before.requests.cpu || requests.memory < before.requests.memory) return true
  for (const [name, amount] of before.requests.others) if ((requests.others.get(name) ?? 0) < amount) return true
  return false
}
