import type { Pod } from '../../kinds/core/pod.ts'
import type { Toleration } from '../../kinds/core/scheduling.ts'
import type { Mutable } from '../../schema/types.ts'
import type { AdmissionPlugin } from '../admission.ts'
import type { Fields } from './configuration.ts'
import { isFor, isWrite } from './is.ts'

/** The taints, and the flag that says how long they are borne, in seconds. */
const taints = [
  ['node.kubernetes.io/not-ready', 'default-not-ready-toleration-seconds'],
  ['node.kubernetes.io/unreachable', 'default-unreachable-toleration-seconds'],
] as const

/** Pods stay for five minutes on a node that is not ready or cannot be reached, unless they or the flags say otherwise. */
export function defaultTolerationSeconds(configuration: Fields = {}): AdmissionPlugin {
  const defaults = taints.map(([key, flag]): Toleration => {
    return { key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: Number(configuration[flag] ?? 300) }
  })
  return {
    name: 'DefaultTolerationSeconds',
    completes: true,
    handles: (attributes) => isFor(attributes, 'pods') && isWrite(attributes),
    admit({ object }) {
      const { spec } = object as Mutable<Pod>
      const missing = defaults.filter(({ key }) => !spec.tolerations?.some((toleration) => covers(toleration, key)))
      if (missing.length > 0) spec.tolerations = [...(spec.tolerations ?? []), ...missing.map((each) => ({ ...each }))]
    },
  }
}

const covers = ({ key, effect }: Toleration, taint: string | undefined) =>
  (key === taint || !key) && (effect === 'NoExecute' || !effect)
