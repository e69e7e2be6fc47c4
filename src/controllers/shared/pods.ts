import type { Pod, PodCondition } from '../../kinds/core/pod.ts'
import type { PodTemplateSpec } from '../../kinds/core/pod-spec.ts'
import type { OwnerReference } from '../../kinds/meta/object-meta.ts'
import type { Draft } from '../../schema/types.ts'
import { timeOf } from './owner.ts'

export const isTerminal = ({ status }: Pod): boolean => status.phase === 'Succeeded' || status.phase === 'Failed'

/** Counts towards a controller's replicas. */
export const isActive = (pod: Pod): boolean => !isTerminal(pod) && pod.metadata.deletionTimestamp === undefined

/** Was told to stop and has not. */
export const isTerminating = (pod: Pod): boolean => !isTerminal(pod) && pod.metadata.deletionTimestamp !== undefined

export function podCondition({ status }: Pod, type: string): PodCondition | undefined {
  return status.conditions?.find((condition) => condition.type === type)
}

/**
 * Whether a pod is ready. Asked of every pod of a set whenever one of them changes, and a version of a pod never changes
 * its answer, so it is remembered.
 */
export function isReady(pod: Pod): boolean {
  let ready = readiness.get(pod)
  if (ready === undefined) {
    ready = saysReady(pod)
    readiness.set(pod, ready)
  }
  return ready
}

const saysReady = (pod: Pod): boolean => podCondition(pod, 'Ready')?.status === 'True'

/** Whether two versions of a pod are as ready. Asked of each change once, so that nothing is remembered. */
export const areAsReady = (a: Pod, b: Pod): boolean =>
  a.status.conditions === b.status.conditions || saysReady(a) === saysReady(b)

const readiness = new WeakMap<Pod, boolean>()

/** Has been ready for `minReadySeconds`. */
export function isAvailable(pod: Pod, minReadySeconds: number, now: number): boolean {
  const at = availableAt(pod, minReadySeconds)
  return at !== undefined && at <= now
}

/** When a ready pod becomes available; undefined for one that is not ready. */
export function availableAt(pod: Pod, minReadySeconds: number): number | undefined {
  if (!isReady(pod)) return undefined
  if (minReadySeconds === 0) return 0
  const ready = podCondition(pod, 'Ready')
  return ready?.lastTransitionTime ? timeOf(ready.lastTransitionTime) + minReadySeconds * 1000 : undefined
}

/** In how many milliseconds the next ready pod becomes available; undefined when none is on the way. */
export function untilNextAvailable(pods: readonly Pod[], minReadySeconds: number, now: number): number | undefined {
  let next: number | undefined
  if (minReadySeconds === 0) return next
  for (const pod of pods) {
    const at = availableAt(pod, minReadySeconds)
    if (at !== undefined && at > now && (next === undefined || at < next)) next = at
  }
  return next === undefined ? undefined : next - now
}

/** The pod that a controller makes of its template. */
export function podFrom(
  template: PodTemplateSpec,
  parent: { readonly name: string; readonly namespace: string },
  owner: OwnerReference,
): Draft<Pod> {
  const { labels, annotations, finalizers } = template.metadata
  return {
    metadata: {
      generateName: `${parent.name}-`,
      namespace: parent.namespace,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(finalizers && { finalizers }),
      ownerReferences: [owner],
    },
    spec: template.spec,
  }
}
