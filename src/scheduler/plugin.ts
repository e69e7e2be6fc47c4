import type { Client } from '../client/client.ts'
import type { Node } from '../kinds/core/node.ts'
import type { Pod } from '../kinds/core/pod.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import type { Clock } from '../world/world.ts'
import type { ClusterState, NodeState } from './cluster-state.ts'
import type { PodState } from './pod-state.ts'

/**
 * One reason for or against a node. A plugin says what it refuses, in the user's words, and what could change its
 * mind; nothing here waits or reads anything but its arguments. The default profile, in order, is `plugins/index.ts`.
 */
export interface Plugin<Prepared = unknown> {
  readonly name: string
  /** The only events that `wakes` needs to be asked about. */
  readonly listens: readonly ClusterEvent['type'][]
  /** Whether what happened may let a pod in that this plugin refused: it is tried again then, and not before. */
  wakes(event: ClusterEvent, pod: Pod, cluster: ClusterView): boolean
  /**
   * Once for each pod, before any node is looked at; what it returns reaches all others. `nothingToSay` leaves the
   * plugin out for this pod, `nowhere` refuses all nodes.
   */
  prepare?(pod: Pod, cluster: ClusterView): Prepared | typeof nothingToSay | Nowhere
  /** Names of the only nodes that can be right, where the pod itself says so: no others are looked at then. */
  narrow?(pod: Pod, prepared: Prepared): ReadonlySet<string> | undefined
  /** Whether `filter` looks at nothing but the node and what the pod asks for: pods of one shape get one answer. */
  readonly isLocal?: boolean
  /** The same of `scorer`, of which the numbers are `percent`. */
  readonly scoresLocally?: boolean
  /** Nothing when the pod fits. */
  filter?(pod: PodState, node: NodeState, prepared: Prepared): Refusal | undefined
  /** Once for each pod that fits more than one node: how good is a node? In numbers of the plugin's own; see `best`. */
  scorer?(
    pod: PodState,
    nodes: readonly NodeState[],
    prepared: Prepared,
    cluster: ClusterView,
  ): ((node: NodeState) => number) | undefined
  /**
   * What the numbers mean: `percent` is a score from 0 to 100 already; `highest` and `lowest` are compared with the
   * best of the other nodes, `range` with the best and the worst; a function calculates scores of all nodes at once.
   */
  readonly best?: 'percent' | 'highest' | 'lowest' | 'range' | ((numbers: Float64Array) => void)
  readonly weight?: number
  /** No node was left for the pod: what the plugin can do about that itself, before others have to go. */
  relieve?(pod: Pod, prepared: Prepared): Relief
  /** The pod has been given the node: what it uses there beside the node itself is its own from now on. */
  reserve?(pod: PodState, node: NodeState, prepared: Prepared, cluster: ClusterView): Reservation | undefined
}

/** What is done for a pod that fits nowhere. */
export interface Relief {
  /** What became of it, for the pod's event. */
  readonly message: string
  write?(client: Client): Promise<void>
}

/** What was set aside for a pod that has a node, and has to be written before it is bound. */
export interface Reservation {
  /** Writes it. */
  write(client: Client): Promise<void>
  /** Resolves when what was written has had its effect. Rejects when the pod needs another try. */
  untilDone(tools: ReservationTools): Promise<void>
  /** Sets it free for others, if it was not used. */
  release(): void
}

/** What a reservation waits with. */
export interface ReservationTools {
  readonly clock: Clock
  /** Ends all waiting. */
  readonly signal: AbortSignal
  /** Calls back at each change of an object of the kind, until the returned function is called. */
  onChange(kind: Kind, changed: () => void): () => void
}

/** What plugins may look at beside the pod and the node. */
export interface ClusterView {
  readonly state: ClusterState
  readonly objects: Objects
}

/** Reads objects of any kind, without waiting. */
export interface Objects {
  of<T extends ApiObject>(kind: Kind<T>): Reader<T>
}

export interface Reader<T> {
  /** `namespace` is empty for what has none. */
  get(namespace: string, name: string): T | undefined
  list(namespace?: string): Iterable<T>
}

export const nothingToSay: unique symbol = Symbol('nothing to say')

/** No node at all is right, whichever it is. */
export class Nowhere {
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

/** Makes a plugin; `Prepared` follows from `prepare`. */
export function definePlugin<Prepared = undefined>(plugin: Plugin<Prepared>): Plugin {
  return plugin as unknown as Plugin
}

export interface Refusal {
  /** As in the event: `Insufficient cpu`, `node(s) were unschedulable`. */
  readonly reasons: readonly string[]
  /** Whether taking other pods off the node could help. */
  readonly preemptible: boolean
}

/** A refusal that other pods have nothing to do with. */
export const never = (...reasons: string[]): Refusal => ({ reasons, preemptible: false })
/** A refusal for want of what other pods hold. */
export const notNow = (...reasons: string[]): Refusal => ({ reasons, preemptible: true })

/** What happened in the cluster that may let a waiting pod in. */
export type ClusterEvent =
  | { readonly type: 'node'; readonly node: Node; readonly isNew: boolean; readonly changed: ReadonlySet<NodeAspect> }
  /** A pod left its node: it was deleted, it ended, or it asks for less. */
  | { readonly type: 'room'; readonly pod: Pod; readonly node: string }
  /** A pod was placed, or has other labels. */
  | { readonly type: 'placed'; readonly pod: Pod }
  /** A claim, a volume, a storage class, or what a driver says of a node. */
  | { readonly type: 'storage'; readonly object: ApiObject }
  /** A claim of devices, a slice of them, or a class; `object` is absent when it is gone. */
  | {
      readonly type: 'devices'
      readonly kind: Kind
      readonly object: ApiObject | undefined
      readonly old: ApiObject | undefined
    }
  | { readonly type: 'namespace'; readonly name: string }

const aspects = {
  labels: (node: Node) => node.metadata.labels,
  taints: (node: Node) => node.spec?.taints,
  unschedulable: (node: Node) => node.spec?.unschedulable,
  allocatable: (node: Node) => node.status?.allocatable,
} as const

/** What of a node matters to pods that wait. */
export type NodeAspect = keyof typeof aspects

/** What is different about a node; everything when it is new, nothing when it has only said that it is alive. */
export function changedAspects(node: Node, old: Node | undefined): ReadonlySet<NodeAspect> {
  const names = Object.keys(aspects) as NodeAspect[]
  if (!old) return new Set(names)
  return new Set(names.filter((name) => isDifferent(aspects[name](node), aspects[name](old))))
}

const isDifferent = (a: unknown, b: unknown) => a !== b && JSON.stringify(a) !== JSON.stringify(b)

/** Whether a node is new or different in this respect. */
export const nodeChanged = (event: ClusterEvent, ...either: readonly NodeAspect[]): boolean =>
  event.type === 'node' && either.some((aspect) => event.changed.has(aspect))
