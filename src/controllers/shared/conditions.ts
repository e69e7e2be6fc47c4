import { secondsTime } from '../../base/seconds-time.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { Pod as PodKind } from '../../kinds/core/pod.ts'
import { type Change, patch } from '../../reconciler/changes.ts'

/** Says on a pod that it is about to be ended by the cluster, and why. */
export function disruptionTarget(pod: Pod, reason: string, message: string, now: number, phase?: 'Failed'): Change {
  const time = secondsTime(now)
  const observedGeneration = pod.metadata.generation
  const condition = {
    type: 'DisruptionTarget',
    ...(observedGeneration && { observedGeneration }),
    status: 'True',
    lastTransitionTime: time,
    reason,
    message,
  }
  const status = { ...(phase && { phase }), conditions: [condition] }
  return patch(PodKind, pod, { type: 'strategic', body: { status } }, 'status')
}
