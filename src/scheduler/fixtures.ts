import type { Node } from '../kinds/core/node.ts'
import type { Pod } from '../kinds/core/pod.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import type { Draft } from '../schema/types.ts'
import { ClusterState } from './cluster-state.ts'
import type { ClusterView, Objects } from './plugin.ts'

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

/** A node with the pods that are on it. */
export type Occupied = readonly [Node, ...Pod[]]

/** Nodes with the pods that are on them. */
export function clusterState(...nodes: readonly Occupied[]): ClusterState {
  const state = new ClusterState()
  for (const [node, ...pods] of nodes) {
    state.setNode(node)
    for (const pod of pods) state.place(pod, node.metadata.name!)
  }
  return state
}

/** A cluster of these nodes with these other objects in it. */
export function clusterOf(
  state: ClusterState,
  objects: readonly (readonly [Kind, ...ApiObject[]])[] = [],
): ClusterView {
  return { state, objects: objectsOf(objects) }
}

export function objectsOf(given: readonly (readonly [Kind, ...ApiObject[]])[]): Objects {
  const byKind = new Map(given.map(([kind, ...objects]) => [kind, objects]))
  return {
    of<T extends ApiObject>(kind: Kind<T>) {
      const objects = (byKind.get(kind as unknown as Kind) ?? []) as unknown as T[]
      const isIn = (namespace: string) => (object: T) => (object.metadata.namespace ?? '') === namespace
      return {
        get: (namespace, name) => objects.filter(isIn(namespace)).find(({ metadata }) => metadata.name === name),
        list: (namespace) => (namespace === undefined ? objects : objects.filter(isIn(namespace))),
      }
    },
  }
}
