import { Node } from '../kinds/core/node.ts'
import { tolerates } from '../kinds/core/node-fit.ts'
import { Pod } from '../kinds/core/pod.ts'
import type { Taint, Toleration } from '../kinds/core/scheduling.ts'
import type { CacheChange } from '../reconciler/caches.ts'
import { again, event, remove } from '../reconciler/changes.ts'
import { type Controller, defineController, type WatchContext, watch } from '../reconciler/controller.ts'
import { disruptionTarget } from './shared/conditions.ts'
import { isEqual } from './shared/equal.ts'
import { podsByNode } from './shared/indexes.ts'
import { isBeingDeleted } from './shared/owner.ts'

/** Deletes pods from nodes whose `NoExecute` taints they do not tolerate, or not any longer. */
export function taintEvictionController(): Controller {
  /** When pods go whose time runs, by uid. It runs from the first look, as in the reference, whenever the taint came. */
  const doomed = new Map<string, number>()
  return defineController<Pod>({
    name: 'taint-eviction-controller',
    reconciles: Pod,
    watches: [watch(Node, podsOn)],
    concurrency: 8,
    wakes: ({ object, old }, { get }) => {
      if (object === undefined) doomed.delete(old?.metadata.uid ?? '')
      // Where nobody is driven away nothing is to be done for a pod that comes; for those that are there, `podsOn` wakes.
      return object !== undefined && isConcerned(object, old) && noExecute(nodeOf(object, get)).length > 0
    },

    *reconcile(pod, { get, now }) {
      const { uid, namespace, name } = pod.metadata
      if (isBeingDeleted(pod) || !pod.spec.nodeName) return void doomed.delete(uid!)
      const taints = noExecute(nodeOf(pod, get))
      const grace = graceOf(pod.spec.tolerations ?? [], taints)
      if (grace === Number.POSITIVE_INFINITY) {
        const wasDoomed = doomed.delete(uid!)
        if (wasDoomed) yield event('TaintManagerEviction', `Cancelling deletion of Pod ${namespace}/${name}`)
        return
      }
      const at = grace === 0 ? now : (doomed.get(uid!) ?? now + grace)
      if (at > now) {
        doomed.set(uid!, at)
        return void (yield again(at - now))
      }
      doomed.delete(uid!)
      yield event('TaintManagerEviction', `Marking for deletion Pod ${namespace}/${name}`)
      const message = 'Taint manager: deleting due to NoExecute taint'
      yield disruptionTarget(pod, 'DeletionByTaintManager', message, now)
      yield remove(Pod, pod)
    },
  })
}

const isConcerned = ({ spec }: Pod, old: Pod | undefined) =>
  !!spec.nodeName && (old?.spec.nodeName !== spec.nodeName || !isEqual(old.spec.tolerations, spec.tolerations))

const nodeOf = ({ spec }: Pod, get: WatchContext['get']) => get(Node, { name: spec.nodeName! })

const noExecute = (node: Node | undefined): readonly Taint[] =>
  node?.spec.taints?.filter(({ effect }) => effect === 'NoExecute') ?? []

function* podsOn({ object, old }: CacheChange<Node>, { by }: WatchContext) {
  if (object === undefined || isEqual(noExecute(object), noExecute(old))) return
  for (const { metadata } of by(podsByNode, object.metadata.name!))
    yield { namespace: metadata.namespace, name: metadata.name! }
}

/** For how many milliseconds all of the taints are tolerated; of several tolerations of a taint the first counts. */
function graceOf(tolerations: readonly Toleration[], taints: readonly Taint[]): number {
  let grace = Number.POSITIVE_INFINITY
  for (const taint of taints) {
    const toleration = tolerations.find((each) => tolerates(each, taint))
    if (toleration === undefined) return 0
    const { tolerationSeconds = Number.POSITIVE_INFINITY } = toleration
    grace = Math.min(grace, Math.max(0, tolerationSeconds) * 1000)
  }
  return grace
}
