import { untolerated } from '../../kinds/core/node-fit.ts'
import { definePlugin, never, nodeChanged } from '../plugin.ts'

const refusal = never('node(s) were unschedulable')
const cordon = [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] as const

/** Keeps pods off cordoned nodes, but for those that tolerate it (a DaemonSet's). */
export const nodeUnschedulable = definePlugin({
  name: 'NodeUnschedulable',
  isLocal: true,
  listens: ['node'],
  wakes: (event) => nodeChanged(event, 'unschedulable', 'taints'),
  filter: ({ pod }, { node }) =>
    node?.spec?.unschedulable && untolerated(cordon, pod.spec.tolerations, ['NoSchedule']) ? refusal : undefined,
})
