import type { Binding } from '../../kinds/core/binding.ts'
import { Node } from '../../kinds/core/node.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import type { Mutable } from '../../schema/types.ts'
import type { AdmissionPlugin, ClusterReader } from '../admission.ts'

const copied: ReadonlySet<string> = new Set(['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'])

/** A pod that gets a node gets the labels that say where the node is (KEP-4742), whatever it was labelled before. */
export function podTopologyLabels(reader: ClusterReader): AdmissionPlugin {
  const labelsOf = (nodeName: string | undefined): [string, string][] =>
    Object.entries(reader.get(Node, '', nodeName ?? '')?.metadata.labels ?? {}).filter(([key]) => copied.has(key))
  return {
    name: 'PodTopologyLabels',
    completes: true,
    handles: ({ kind, operation, subresource, object }) => {
      if (kind.plural !== 'pods' || kind.group !== '' || operation !== 'CREATE') return false
      return subresource === 'binding' || (subresource === '' && Boolean((object as Pod).spec.nodeName))
    },
    admit({ object, subresource }) {
      const target = subresource === 'binding' ? (object as unknown as Binding).target : undefined
      if (target && target.kind !== 'Node') return
      const labels = labelsOf(target ? target.name : (object as Mutable<Pod>).spec.nodeName)
      if (labels.length === 0) return
      const metadata = object.metadata as Mutable<Pod>['metadata']
      metadata.labels = { ...metadata.labels, ...Object.fromEntries(labels) }
    },
  }
}
