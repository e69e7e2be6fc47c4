import { Node } from '../kinds/core/node.ts'
import { patch } from '../reconciler/changes.ts'
import { type Controller, defineController, watch } from '../reconciler/controller.ts'
import { isBeingDeleted } from './shared/owner.ts'

/** How long a kubelet may keep Secrets and ConfigMaps without looking at them again, in seconds. */
const annotation = 'node.alpha.kubernetes.io/ttl'

/** From how many nodes to how many: the ranges overlap, so that a node that comes and goes changes nothing. */
const steps = [
  { least: 0, most: 100, seconds: 0 },
  { least: 90, most: 500, seconds: 15 },
  { least: 450, most: 1000, seconds: 30 },
  { least: 900, most: 2000, seconds: 60 },
  { least: 1800, most: Infinity, seconds: 300 },
] as const

/** Tells every node how long its kubelet may trust what it has read: the longer, the more nodes there are. */
export function nodeTtlController(): Controller {
  let count = 0
  let step = 0
  const isOther = (): boolean => {
    const before = step
    while (count > steps[step]!.most) step++
    while (count < steps[step]!.least) step--
    return step !== before
  }
  return defineController<Node>({
    name: 'ttl-controller',
    reconciles: Node,
    watches: [
      watch(Node, (_change, { list }) =>
        isOther() ? list(Node).map(({ metadata }) => ({ name: metadata.name! })) : [],
      ),
    ],
    // All nodes come by here, the first time before anything is done.
    wakes({ object, old }) {
      if (object === undefined) count--
      else if (old === undefined) count++
      return object !== undefined && (!old || object.metadata.annotations !== old.metadata.annotations)
    },

    *reconcile(node) {
      const wanted = `${steps[step]!.seconds}`
      if (isBeingDeleted(node) || node.metadata.annotations?.[annotation] === wanted) return
      yield patch(Node, node, { type: 'strategic', body: { metadata: { annotations: { [annotation]: wanted } } } })
    },
  })
}
