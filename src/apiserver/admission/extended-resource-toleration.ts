import type { Pod } from '../../kinds/core/pod.ts'
import { isExtendedResource } from '../../kinds/core/resource-names.ts'
import type { Toleration } from '../../kinds/core/scheduling.ts'
import type { Mutable } from '../../schema/types.ts'
import type { AdmissionPlugin } from '../admission.ts'
import { isFor, isWrite } from './is.ts'
import { addOrReplace } from './tolerations.ts'

/**
 * Pods that ask for a special device may go where nobody else is let (`ExtendedResourceToleration`): nodes with such
 * devices are tainted with the device's name.
 */
export const extendedResourceToleration: AdmissionPlugin = {
  name: 'ExtendedResourceToleration',
  handles: (attributes) => isFor(attributes, 'pods') && isWrite(attributes),
  admit({ object }) {
    const { spec } = object as Mutable<Pod>
    const names = [...(spec.containers ?? []), ...(spec.initContainers ?? [])]
      .flatMap(({ resources }) => Object.keys(resources?.requests ?? {}))
      .filter(isExtendedResource)
    for (const key of [...new Set(names)].sort()) {
      const toleration: Toleration = { key, operator: 'Exists', effect: 'NoSchedule' }
      spec.tolerations = addOrReplace(spec.tolerations ?? [], toleration)
    }
  },
}
