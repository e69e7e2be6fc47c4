import { createHash } from 'node:crypto'
import type { Node } from '../../kinds/core/node.ts'
import { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../kinds/core/persistent-volume-claim.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { CSIDriver } from '../../kinds/storage/csi-driver.ts'
import type { Context } from '../../reconciler/controller.ts'
import { podsByNode } from '../shared/indexes.ts'
import { isTerminal } from '../shared/pods.ts'
import { claimKeysOf, refOfKey } from '../shared/storage.ts'

/** A volume that must be attached to a node before its pods can use it. */
export interface Attachable {
  readonly volume: PersistentVolume
  readonly driver: string
  readonly handle: string
  readonly pods: Pod[]
}

/** Volumes that the pods of a node need, by name. */
export function attachableVolumesOf({ metadata }: Node, context: Context): Map<string, Attachable> {
  const found = new Map<string, Attachable>()
  for (const pod of context.by(podsByNode, metadata.name!)) {
    if (isTerminal(pod)) continue
    for (const key of claimKeysOf(pod)) {
      const volume = volumeOfClaim(key, context)
      const name = volume?.metadata.name ?? ''
      const known = found.get(name)
      if (known !== undefined) known.pods.push(pod)
      else if (volume !== undefined && isAttachable(volume, context)) {
        const { driver, volumeHandle: handle } = volume.spec.csi!
        found.set(name, { volume, driver, handle, pods: [pod] })
      }
    }
  }
  return found
}

function volumeOfClaim(key: string, { get }: Context): PersistentVolume | undefined {
  const claim = get(PersistentVolumeClaim, refOfKey(key))
  const volume =
    claim?.status.phase === 'Bound' && claim.spec.volumeName
      ? get(PersistentVolume, { name: claim.spec.volumeName })
      : undefined
  return volume?.spec.claimRef?.uid === claim?.metadata.uid ? volume : undefined
}

/** Volumes of drivers are, unless their driver says that there is nothing to attach. */
const isAttachable = ({ spec: { csi } }: PersistentVolume, { get }: Context) =>
  csi !== undefined && get(CSIDriver, { name: csi.driver })?.spec.attachRequired !== false

/** As the reference calls it, so that neither makes a second one beside the other's. */
export function attachmentName({ spec }: PersistentVolume, driver: string, nodeName: string): string {
  const digest = createHash('sha256').update(`${spec.csi?.volumeHandle}${driver}${nodeName}`).digest('hex')
  return `csi-${digest}`
}

export const isAttachmentName = (name: string): boolean => /^csi-[0-9a-f]{64}$/.test(name)

/** How the volume is called in a node's status. */
export const uniqueName = ({ driver, handle }: Attachable): string => `kubernetes.io/csi/${driver}^${handle}`
