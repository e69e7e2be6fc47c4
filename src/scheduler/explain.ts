import { Node } from '../kinds/core/node.ts'
import { hardEffects, untolerated } from '../kinds/core/node-fit.ts'
import { Pod } from '../kinds/core/pod.ts'
import { ResourceClaim } from '../kinds/resource/resource-claim.ts'
import { ResourceSlice } from '../kinds/resource/resource-slice.ts'
import { ClusterState, type NodeState } from './cluster-state.ts'
import { type Prepared, prepare } from './cycle.ts'
import type { ClusterView, Objects } from './plugin.ts'
import { defaultPlugins } from './plugins/index.ts'
import { type PodState, podState } from './pod-state.ts'
import { remedyFor } from './remedies.ts'

/** Why a pod is where it is, or is nowhere. */
export type Explanation =
  | { readonly type: 'placed'; readonly node: string }
  | { readonly type: 'gated'; readonly gates: readonly string[] }
  | { readonly type: 'no nodes' }
  /** It has nothing to do with any node. */
  | { readonly type: 'nowhere'; readonly plugin: string; readonly reason: string }
  | { readonly type: 'refused'; readonly nodes: readonly NodeVerdict[]; readonly smallest: NodeVerdict | undefined }

/** What stands against a node: everything, not only what the scheduler would meet first. Nothing: the pod fits. */
export interface NodeVerdict {
  readonly node: string
  readonly objections: readonly Objection[]
}

export interface Objection {
  readonly plugin: string
  readonly reasons: readonly string[]
  /** What would take it away, for whoever reads this. */
  readonly remedy: string
  /** How hard that is, compared with others. */
  readonly effort: number
}

/** Goes through the scheduler's rules once more, for every node and to the end. `objects`: all that there are. */
export function explain(pod: Pod, objects: Objects): Explanation {
  if (pod.spec.nodeName) return { type: 'placed', node: pod.spec.nodeName }
  const gates = (pod.spec.schedulingGates ?? []).map(({ name }) => name)
  if (gates.length > 0) return { type: 'gated', gates }
  return explainIn(pod, { state: stateOf(objects), objects })
}

/** The same for a pod without a node, in a cluster as it is, or as it would be if. */
export function explainIn(pod: Pod, cluster: ClusterView): Exclude<Explanation, { type: 'placed' | 'gated' }> {
  const { state } = cluster
  if (state.nodes.length === 0) return { type: 'no nodes' }
  const { prepared, nowhere } = prepare(pod, defaultPlugins, cluster)
  if (nowhere) return { type: 'nowhere', plugin: nowhere.plugin.name, reason: nowhere.reason }
  const nodes = state.nodes
    .map((node) => ({ node: node.name, objections: objectionsOf(podState(pod), node, prepared) }))
    .sort((a, b) => a.node.localeCompare(b.node, 'en', { numeric: true }))
  return { type: 'refused', nodes, smallest: smallestOf(nodes) }
}

/** Nodes, and the pods that have one and go on. */
export function stateOf(objects: Objects): ClusterState {
  const state = new ClusterState()
  for (const node of objects.of(Node).list()) state.setNode(node)
  for (const pod of objects.of(Pod).list()) {
    const hasEnded = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
    if (pod.spec.nodeName && !hasEnded) state.place(pod, pod.spec.nodeName)
  }
  for (const slice of objects.of(ResourceSlice).list()) state.devices.sliceChanged(slice, undefined)
  for (const claim of objects.of(ResourceClaim).list()) state.devices.claimChanged(claim, undefined)
  return state
}

function objectionsOf(pod: PodState, node: NodeState, prepared: Prepared): Objection[] {
  return prepared.flatMap(({ plugin, data }) => {
    const refusal = plugin.filter?.(pod, node, data)
    if (!refusal || (plugin.name === 'TaintToleration' && isOnlyCordoned(pod, node))) return []
    return [{ plugin: plugin.name, reasons: refusal.reasons, ...remedyFor(plugin.name, pod, node, refusal) }]
  })
}

/** A cordoned node is tainted, too: that goes when it is uncordoned, and need not be said twice. */
const isOnlyCordoned = ({ pod }: PodState, { node }: NodeState): boolean =>
  node?.spec?.unschedulable === true &&
  !untolerated(
    node.spec.taints?.filter(({ key }) => key !== 'node.kubernetes.io/unschedulable'),
    pod.spec.tolerations,
    hardEffects,
  )

/** The node against which the least has to be done. */
function smallestOf(nodes: readonly NodeVerdict[]): NodeVerdict | undefined {
  const effort = ({ objections }: NodeVerdict) => objections.reduce((sum, one) => sum + one.effort, 0)
  const [first, ...others] = nodes
  return first && others.reduce((least, next) => (effort(next) < effort(least) ? next : least), first)
}
