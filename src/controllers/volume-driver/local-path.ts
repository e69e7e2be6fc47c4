import { Node } from '../../kinds/core/node.ts'
import { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import { provisionedBy } from '../../kinds/core/volume-matching.ts'
import type { StorageClass } from '../../kinds/storage/storage-class.ts'
import type { Context } from '../../reconciler/controller.ts'
import type { Place, VolumeOrder } from './driver.ts'

/** The provisioner that a StorageClass names for directories of nodes. */
export const localProvisioner = 'coracle.dev/local-path'
const hostnameLabel = 'kubernetes.io/hostname'
const defaultPath = '/var/lib/coracle/volumes'
/** A directory is where it is: what can be reached from several nodes is something else. */
const possibleModes = ['ReadWriteOnce', 'ReadWriteOncePod']

/** A directory of the node of the claim's first pod; where the class does not wait for that, of the node that has fewest. */
export function localPlace({ claim, storageClass, name, nodeName }: VolumeOrder, context: Context): Place | string {
  const impossible = claim.spec.accessModes?.find((mode) => !possibleModes.includes(mode))
  if (impossible !== undefined) return `a directory of a node cannot be ${impossible}`
  if (claim.spec.volumeMode === 'Block') return 'a directory is no block device'
  if (claim.spec.selector !== undefined) return 'claim Selector is not supported'
  const node = nodeName === undefined ? emptiestNode(storageClass, context) : context.get(Node, { name: nodeName })
  if (node === undefined) return 'no node is ready'
  const hostname = node.metadata.labels?.[hostnameLabel] ?? node.metadata.name!
  const { namespace, name: claimName } = claim.metadata
  const directory = `${storageClass.parameters?.['path'] ?? defaultPath}/${name}_${namespace}_${claimName}`
  return {
    hostPath: { path: directory, type: 'DirectoryOrCreate' },
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: hostnameLabel, operator: 'In', values: [hostname] }] }],
      },
    },
  }
}

function emptiestNode({ allowedTopologies }: StorageClass, { list }: Context): Node | undefined {
  const counts = new Map<string, number>()
  for (const volume of list(PersistentVolume)) {
    const host = hostOf(volume)
    if (host !== undefined) counts.set(host, (counts.get(host) ?? 0) + 1)
  }
  const load = ({ metadata }: Node) => counts.get(metadata.labels?.[hostnameLabel] ?? metadata.name!) ?? 0
  const isAllowed = ({ metadata }: Node) =>
    !allowedTopologies?.length ||
    allowedTopologies.some(({ matchLabelExpressions = [] }) =>
      matchLabelExpressions.every(({ key, values }) => values.includes(metadata.labels?.[key] ?? '')),
    )
  const [emptiest] = list(Node)
    .filter((node) => isUsable(node) && isAllowed(node))
    .sort((a, b) => load(a) - load(b) || (a.metadata.name! < b.metadata.name! ? -1 : 1))
  return emptiest
}

const isUsable = ({ spec, status }: Node) =>
  !spec?.unschedulable && status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')

/** The host of one of our own volumes. */
function hostOf({ metadata, spec }: PersistentVolume): string | undefined {
  if (metadata.annotations?.[provisionedBy] !== localProvisioner) return undefined
  return spec.nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.[0]?.values?.[0]
}
