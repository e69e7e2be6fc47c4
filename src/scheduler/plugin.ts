import type { Node } from '../kinds/core/node.ts'
import type { Pod } from '../kinds/core/pod.ts'
import type { NodeState } from './node-state.ts'

/**
 * One reason for or against a node. A plugin says what it refuses, in the user's words, and what could change its
 * mind; nothing here waits or reads anything but its arguments. The profile, in order, is `plugins/index.ts`.
 */
export interface Plugin<Prepared = unknown> {
  readonly name: string
  /** Whether what happened may let a pod in that this plugin refused: it is tried again then, and not before. */
  wakes(event: ClusterEvent, pod: Pod): boolean
  /** Once for each pod, before any node is looked at; what it returns reaches `filter` and `score`. */
  prepare?(pod: Pod): Prepared
  /** Names of the only nodes that can be right, where the pod itself says so: no others are looked at then. */
  narrow?(pod: Pod): ReadonlySet<string> | undefined
  /** Nothing when the pod fits. */
  filter?(pod: Pod, node: NodeState, prepared: Prepared): Refusal | undefined
  /** How good the node is, in numbers of the plugin's own; see `best`. */
  score?(pod: Pod, node: NodeState, prepared: Prepared): number
  /**
   * What the numbers mean: `percent` is a score from 0 to 100 already; `highest` and `lowest` are compared with the
   * best of the other nodes.
   */
  readonly best?: 'percent' | 'highest' | 'lowest'
  readonly weight?: number
}

/** Makes a plugin; `Prepared` follows from `prepare`. */
export function definePlugin<Prepared = undefined>(plugin: Plugin<Prepared>): Plugin {
  return plugin as Plugin
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
  | { readonly type: 'room'; readonly pod: Pod }

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
  return new Set(names.filter((name) => JSON.stringify(aspects[name](node)) !== JSON.stringify(aspects[name](old))))
}

/** Whether a node is new or different in this respect. */
export const nodeChanged = (event: ClusterEvent, aspect: NodeAspect): boolean =>
  event.type === 'node' && event.changed.has(aspect)
