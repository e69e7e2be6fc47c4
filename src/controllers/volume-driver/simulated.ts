import { Node } from '../../kinds/core/node.ts'
import { CSINode } from '../../kinds/storage/csi-node.ts'
import type { Context } from '../../reconciler/controller.ts'
import type { Place, VolumeOrder } from './driver.ts'

/** A volume that exists in the API alone. It can be reached from where the node's driver says that its own can. */
export function simulatedPlace({ storageClass, name, nodeName }: VolumeOrder, context: Context): Place {
  const { provisioner: driver, parameters } = storageClass
  const fsType = parameters?.['csi.storage.k8s.io/fstype']
  const topology = nodeName === undefined ? [] : topologyOf(driver, nodeName, context)
  return {
    csi: { driver, volumeHandle: name, ...(fsType && { fsType }) },
    ...(topology.length > 0 && {
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: topology }] } },
    }),
  }
}

function topologyOf(driver: string, nodeName: string, { get }: Context) {
  const keys = get(CSINode, { name: nodeName })?.spec.drivers.find(({ name }) => name === driver)?.topologyKeys ?? []
  const labels = get(Node, { name: nodeName })?.metadata.labels ?? {}
  return keys.flatMap((key) => (labels[key] ? [{ key, operator: 'In' as const, values: [labels[key]] }] : []))
}
