import type { Pod } from '../../kinds/core/pod.ts'
import type { Toleration } from '../../kinds/core/scheduling.ts'
import type { Mutable } from '../../schema/types.ts'
import type { AdmissionPlugin } from '../admission.ts'

const seconds = 300
const taints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'] as const

/** Pods stay for five minutes on a node that is not ready or cannot be reached, unless they say otherwise. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  handles: ({ kind, operation, subresource }) =>
    kind.plural === 'pods' &&
    kind.group === '' &&
    subresource === '' &&
    (operation === 'CREATE' || operation === 'UPDATE'),
  admit({ object }) {
    const { spec } = object as Mutable<Pod>
    const missing = taints.filter((key) => !spec.tolerations?.some((toleration) => covers(toleration, key)))
    if (missing.length === 0) return
    spec.tolerations = [
      ...(spec.tolerations ?? []),
      ...missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: seconds }) as const),
    ]
  },
}

const covers = ({ key, effect }: Toleration, taint: string) =>
  (key === taint || !key) && (effect === 'NoExecute' || !effect)
