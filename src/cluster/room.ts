import type { Client } from '../client/client.ts'
import type { Node } from '../kinds/core/node.ts'
import type { Pod } from '../kinds/core/pod.ts'
import type { Place, Room } from '../lifecycle/drain/room.ts'
import type { ClusterState, NodeState } from '../scheduler/cluster-state.ts'
import { explainIn, type NodeVerdict, stateOf } from '../scheduler/explain.ts'
import { readObjects } from './why.ts'

const unschedulable = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const

/** Reads the cluster once; each call gives it anew, as it was then, with the scheduler's rules for who fits where. */
export async function readRoom(client: Client): Promise<() => Room> {
  const objects = await readObjects(client)
  return () => {
    const state = stateOf(objects)
    const opened = new Map<string, Node>()
    return {
      close(name) {
        const node = state.node(name)?.node
        if (!node || node.spec?.unschedulable) return
        opened.set(name, node)
        const taints = [...(node.spec?.taints ?? []), unschedulable]
        state.setNode({ ...node, spec: { ...node.spec, unschedulable: true, taints } })
      },
      open(name) {
        const node = opened.get(name)
        if (node) state.setNode(node)
        opened.delete(name)
      },
      move(pod) {
        state.remove(pod.metadata.uid!)
        const place = placeFor(withoutNode(pod), state, objects)
        if (place.node !== undefined) state.place(pod, place.node)
        return place
      },
    }
  }
}

function placeFor(pod: Pod, state: ClusterState, objects: Parameters<typeof explainIn>[1]['objects']): Place {
  const explanation = explainIn(pod, { state, objects })
  switch (explanation.type) {
    case 'no nodes':
      return { node: undefined, because: 'there are no nodes', remedy: 'add a node' }
    case 'nowhere':
      return { node: undefined, because: explanation.reason, remedy: 'change the pod' }
    case 'refused': {
      const fitting = explanation.nodes.filter(({ objections }) => objections.length === 0)
      const [first, ...others] = fitting.map(({ node }) => state.node(node)!)
      if (!first) return refused(explanation.nodes, state)
      return { node: others.reduce((best, next) => (load(next) < load(best) ? next : best), first).name }
    }
    default:
      return explanation satisfies never
  }
}

/** Closed nodes say nothing: it is known that they will not do. */
function refused(verdicts: readonly NodeVerdict[], state: ClusterState): Place {
  const others = verdicts.filter(({ node }) => !state.node(node)?.node?.spec?.unschedulable)
  const [first, ...rest] = others
  if (!first) return { node: undefined, because: 'all nodes are cordoned', remedy: 'uncordon a node, or add one' }
  const effort = ({ objections }: NodeVerdict) => objections.reduce((sum, one) => sum + one.effort, 0)
  const nearest = rest.reduce((least, next) => (effort(next) < effort(least) ? next : least), first)
  const reasons = new Set(others.flatMap(({ objections }) => objections.flatMap((one) => one.reasons)))
  const remedy = `for ${nearest.node}: ${nearest.objections.map((one) => one.remedy).join('; and ')}`
  return { node: undefined, because: [...reasons].join(', '), remedy }
}

/** How much of it is taken: the largest share of what pods request most. */
function load({ allocatable, requested }: NodeState): number {
  const share = (taken: number, of: number) => (of === 0 ? 1 : taken / of)
  return (
    share(requested.cpu, allocatable.cpu) +
    share(requested.memory, allocatable.memory) +
    share(requested.pods, allocatable.pods)
  )
}

/** As its successor will be: not yet anywhere. */
function withoutNode(pod: Pod): Pod {
  const { nodeName: _, ...spec } = pod.spec
  return { ...pod, spec }
}
