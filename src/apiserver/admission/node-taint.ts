import type { Node } from '../../kinds/core/node.ts'
import type { Mutable } from '../../schema/types.ts'
import type { AdmissionPlugin } from '../admission.ts'

const key = 'node.kubernetes.io/not-ready'

/** A new node gets no pods until it has said that it is ready (`TaintNodesByCondition`). */
export const nodeTaint: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  completes: true,
  handles: ({ kind, operation, subresource }) =>
    kind.plural === 'nodes' && kind.group === '' && operation === 'CREATE' && subresource === '',
  admit({ object }) {
    const { spec } = object as Mutable<Node>
    const isThere = spec.taints?.some((taint) => taint.key === key && taint.effect === 'NoSchedule')
    if (!isThere) spec.taints = [...(spec.taints ?? []), { key, effect: 'NoSchedule' }]
  },
}
