import type { Pod } from '../../kinds/core/pod.ts'
import type { Taint, Toleration } from '../../kinds/core/scheduling.ts'
import { definePlugin, never, nodeChanged } from '../plugin.ts'

const refusal = never('node(s) had untolerated taint(s)')

/** Keeps pods off tainted nodes, and prefers nodes with the fewest soft taints. */
export const taintToleration = definePlugin({
  name: 'TaintToleration',
  isLocal: true,
  listens: ['node'],
  wakes: (event) => nodeChanged(event, 'taints'),

  filter({ pod }, { node }) {
    for (const taint of node?.spec?.taints ?? []) if (isHard(taint) && !tolerates(pod, taint)) return refusal
    return undefined
  },

  scorer({ pod }, _nodes, _prepared, { state }) {
    if (state.softlyTainted === 0) return undefined
    // Only these tolerations count for soft taints.
    const tolerations = (pod.spec.tolerations ?? []).filter(({ effect }) => !effect || effect === 'PreferNoSchedule')
    return ({ node }) => {
      let untolerated = 0
      for (const taint of node?.spec?.taints ?? []) {
        if (!isHard(taint) && !tolerations.some((toleration) => matches(toleration, taint))) untolerated++
      }
      return untolerated
    }
  },
  best: 'lowest',
  weight: 3,
})

type TaintLike = Pick<Taint, 'key' | 'value' | 'effect'>

const isHard = ({ effect }: TaintLike) => effect !== 'PreferNoSchedule'

/** Whether a pod puts up with a taint. */
export const tolerates = (pod: Pod, taint: TaintLike): boolean =>
  pod.spec.tolerations?.some((toleration) => matches(toleration, taint)) ?? false

/** Whether a pod puts up with all taints that would keep it off a node. */
export const toleratesAll = (pod: Pod, taints: readonly TaintLike[] | undefined): boolean =>
  taints?.every((taint) => !isHard(taint) || tolerates(pod, taint)) ?? true

function matches(toleration: Toleration, taint: TaintLike): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false
  if (toleration.key && toleration.key !== taint.key) return false
  // No key means every key, and is allowed with Exists alone.
  if (toleration.operator === 'Exists') return true
  return (toleration.value ?? '') === (taint.value ?? '') && toleration.key !== undefined
}
