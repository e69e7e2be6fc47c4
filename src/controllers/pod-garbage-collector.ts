import { Node } from '../kinds/core/node.ts'
import { Pod } from '../kinds/core/pod.ts'
import type { CacheChange } from '../reconciler/caches.ts'
import { defineIndex } from '../reconciler/caches.ts'
import { again, remove, type Steps } from '../reconciler/changes.ts'
import { type Context, type Controller, defineController, type WatchContext, watch } from '../reconciler/controller.ts'
import { disruptionTarget } from './shared/conditions.ts'
import { podsByNode } from './shared/indexes.ts'
import { isBeingDeleted, timeOf } from './shared/owner.ts'
import { isTerminal } from './shared/pods.ts'

/** A node may be registered anew: its pods get this long before they count as lost. */
const quarantineMs = 40_000
const outOfService = 'node.kubernetes.io/out-of-service'

export interface PodGarbageOptions {
  /** From this many pods that have come to their end on, the oldest go. 0: they never do. */
  readonly terminatedPodsAtMost?: number
}

const terminated = defineIndex(Pod, 'terminated', (pod) => (isTerminal(pod) && !isBeingDeleted(pod) ? ['yes'] : []))

/** Deletes pods that nobody else will: of nodes that are gone or out of service, never scheduled and going, finished and many. */
export function podGarbageCollector({ terminatedPodsAtMost = 12_500 }: PodGarbageOptions = {}): Controller {
  const missingSince = new Map<string, number>()
  return defineController<Pod>({
    name: 'pod-garbage-collector-controller',
    serviceAccount: 'pod-garbage-collector',
    reconciles: Pod,
    watches: [
      watch(Node, (change, context) => {
        if (change.object !== undefined) missingSince.delete(change.object.metadata.name!)
        return podsOn(change, context)
      }),
    ],
    wakes: ({ object, old }, { get }) =>
      object !== undefined && (old === undefined || hasMoved(object, old)) && isLost(object, get),

    *reconcile(pod, context) {
      const { nodeName } = pod.spec
      if (!nodeName) {
        if (isBeingDeleted(pod)) yield* end(pod)
      } else {
        const node = context.get(Node, { name: nodeName })
        if (node === undefined) yield* endOrphan(pod, nodeName, context, missingSince)
        else if (isBeingDeleted(pod) && isOutOfService(node)) yield* endOutOfService(pod, context)
      }
      if (terminatedPodsAtMost > 0 && isTerminal(pod)) yield* thinOut(terminatedPodsAtMost, context)
    },
  })
}

/** Whether something may be to be done for the pod. Of its node's changes it is told, and asked again then. */
function isLost(pod: Pod, get: WatchContext['get']): boolean {
  const { nodeName } = pod.spec
  if (isTerminal(pod)) return true
  if (!nodeName) return isBeingDeleted(pod)
  const node = get(Node, { name: nodeName })
  return node === undefined || (isBeingDeleted(pod) && isOutOfService(node))
}

const hasMoved = (pod: Pod, old: Pod) =>
  pod.spec.nodeName !== old.spec.nodeName ||
  isBeingDeleted(pod) !== isBeingDeleted(old) ||
  isTerminal(pod) !== isTerminal(old)

function* podsOn({ object, old }: CacheChange<Node>, { by }: WatchContext) {
  if (object !== undefined && !isOutOfService(object)) return
  for (const { metadata } of by(podsByNode, (object ?? old!).metadata.name!))
    yield { namespace: metadata.namespace, name: metadata.name! }
}

const isOutOfService = ({ spec, status }: Node) =>
  status.conditions?.find(({ type }) => type === 'Ready')?.status !== 'True' &&
  (spec.taints?.some(({ key }) => key === outOfService) ?? false)

function* end(pod: Pod): Steps {
  yield remove(Pod, pod, { gracePeriodSeconds: 0 })
}

function* endOrphan(pod: Pod, nodeName: string, { now }: Context, missingSince: Map<string, number>): Steps {
  const since = missingSince.get(nodeName) ?? now
  missingSince.set(nodeName, since)
  if (now < since + quarantineMs) return void (yield again(since + quarantineMs - now))
  yield* markFailed(pod, now, 'PodGC: node no longer exists')
  yield* end(pod)
}

function* endOutOfService(pod: Pod, { now }: Context): Steps {
  yield* markFailed(pod, now, undefined)
  yield* end(pod)
}

/** Nobody is left to report how the pod ended; without an end its Job would wait for ever. */
function* markFailed(pod: Pod, now: number, message: string | undefined): Steps {
  if (isTerminal(pod)) return
  yield disruptionTarget(pod, 'DeletionByPodGC', message ?? 'PodGC: node is out of service', now, 'Failed')
}

function* thinOut(atMost: number, { by }: Context): Steps {
  const pods = by(terminated, 'yes')
  if (pods.length <= atMost) return
  const isEvicted = ({ status }: Pod) => status.reason === 'Evicted'
  const byAge = (a: Pod, b: Pod) =>
    Number(isEvicted(b)) - Number(isEvicted(a)) ||
    timeOf(a.metadata.creationTimestamp) - timeOf(b.metadata.creationTimestamp)
  for (const pod of pods.toSorted(byAge).slice(0, pods.length - atMost)) yield* end(pod)
}
