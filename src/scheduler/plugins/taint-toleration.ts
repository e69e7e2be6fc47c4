import { hardEffects, tolerates, untolerated } from '../../kinds/core/node-fit.ts'
import { definePlugin, never, nodeChanged } from '../plugin.ts'

const refusal = never('node(s) had untolerated taint(s)')

/** Keeps pods off tainted nodes, and prefers nodes with the fewest soft taints. */
export const taintToleration = definePlugin({
  name: 'TaintToleration',
  isLocal: true,
  listens: ['node'],
  wakes: (event) => nodeChanged(event, 'taints'),

  filter({ pod }, { node }) {
    return untolerated(node?.spec?.taints, pod.spec.tolerations, hardEffects) ? refusal : undefined
  },

  scorer({ pod }, _nodes, _prepared, { state }) {
    if (state.softlyTainted === 0) return undefined
    // Only these tolerations count for soft taints.
    const tolerations = (pod.spec.tolerations ?? []).filter(({ effect }) => !effect || effect === 'PreferNoSchedule')
    return ({ node }) => {
      let count = 0
      for (const taint of node?.spec?.taints ?? []) {
        if (taint.effect === 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, taint)))
          count++
      }
      return count
    }
  },
  best: 'lowest',
  weight: 3,
})
