import type { Pod } from '../../kinds/core/pod.ts'
import type { AdmissionPlugin } from '../admission.ts'
import { isFor, isWrite } from './is.ts'
import { refuse } from './refuse.ts'

const hostname = 'kubernetes.io/hostname'

/** A pod may keep others off its node, and not off a whole zone (`LimitPodHardAntiAffinityTopology`). */
export const antiAffinityTopology: AdmissionPlugin = {
  name: 'LimitPodHardAntiAffinityTopology',
  handles: (attributes) => isFor(attributes, 'pods') && isWrite(attributes),
  validate(attributes) {
    const { affinity } = (attributes.object as Pod).spec
    for (const { topologyKey } of affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
      if (topologyKey === hostname) continue
      const why = `affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey ${topologyKey} but only key ${hostname} is allowed`
      throw refuse(attributes, why)
    }
  },
}
