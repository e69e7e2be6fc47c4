import { Node } from '../kinds/core/node.ts'
import type { EventRecorder } from '../reconciler/events.ts'
import type { Budget } from './budget.ts'

/** What a kubelet tells of its own node. */
export interface NodeEvents {
  /** The kubelet itself has begun. */
  started(): void
  /** Its node is registered, with this status. */
  registered(node: Node): void
  changed(node: Node, old: Node): void
}

/**
 * With the reasons and the words of the reference, for which the node's name is its UID in such events. As of pods, what is
 * beyond the budget is left out.
 */
export function nodeEvents(recorder: Pick<EventRecorder, 'record'>, budget: Budget, name: string): NodeEvents {
  const object = { metadata: { name, uid: name } } as Node
  const tell = (reason: string, message: string) => {
    if (budget.take()) recorder.record({ kind: Node, object, type: 'Normal', reason, message, host: name })
  }
  const become = (reason: string) => tell(reason, `Node ${name} status is now: ${reason}`)
  return {
    started() {
      tell('Starting', 'Starting kubelet.')
      for (const reason of ['NodeHasSufficientMemory', 'NodeHasNoDiskPressure', 'NodeHasSufficientPID']) become(reason)
      tell('NodeAllocatableEnforced', 'Updated Node Allocatable limit across pods')
    },
    registered(node) {
      const ready = readyOf(node)
      if (ready && ready.lastTransitionTime === ready.lastHeartbeatTime) become('NodeReady')
    },
    changed(node, old) {
      if (readyOf(node)?.status === 'True' && readyOf(old)?.status !== 'True') become('NodeReady')
      const isClosed = node.spec?.unschedulable ?? false
      if (isClosed !== (old.spec?.unschedulable ?? false)) become(isClosed ? 'NodeNotSchedulable' : 'NodeSchedulable')
    },
  }
}

const readyOf = ({ status }: Node) => status?.conditions?.find(({ type }) => type === 'Ready')
