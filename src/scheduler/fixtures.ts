import type { Node } from '../kinds/core/node.ts'
import type { Pod } from '../kinds/core/pod.ts'
import type { Draft } from '../schema/types.ts'
import { ClusterState, type NodeState } from './node-state.ts'

/** For tests: a pod as the server would have it, of what a test cares about. */
export function pod(name: string, spec: Draft<Pod['spec']> = {}, rest: Draft<Pod> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    ...rest,
    metadata: { name, namespace: 'default', uid: name, ...rest.metadata },
    spec: { containers: [{ name: 'main', image: 'i' }], schedulerName: 'default-scheduler', ...spec },
  } as unknown as Pod
}

export function node(name: string, rest: Draft<Node> = {}): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    ...rest,
    metadata: { name, uid: name, ...rest.metadata },
    status: { allocatable: { cpu: '2', memory: '2Gi', pods: '10' }, ...rest.status },
  } as unknown as Node
}

/** The containers of a pod that requests this much. */
export const requesting = (requests: Readonly<Record<string, string>>): Draft<Pod['spec']> => ({
  containers: [{ name: 'main', image: 'i', resources: { requests } }],
})

/** Nodes with the pods that are on them. */
export function clusterState(...nodes: readonly (readonly [Node, ...(readonly Pod[])])[]): ClusterState {
  const state = new ClusterState()
  for (const [node, ...pods] of nodes) {
    state.setNode(node)
    for (const pod of pods) state.place(pod, node.metadata.name!)
  }
  return state
}

export const nodeState = (node: Node, ...pods: readonly Pod[]): NodeState => clusterState([node, ...pods]).nodes[0]!
