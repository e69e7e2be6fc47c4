import { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../kinds/core/persistent-volume-claim.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { CSIDriver } from '../../kinds/storage/csi-driver.ts'
import { CSINode } from '../../kinds/storage/csi-node.ts'
import { CSIStorageCapacity } from '../../kinds/storage/csi-storage-capacity.ts'
import { StorageClass } from '../../kinds/storage/storage-class.ts'
import type { Kind } from '../../schema/kind.ts'
import { Nowhere, type Objects } from '../plugin.ts'
import { type ClaimUse, claimsOf } from '../pod-claims.ts'

/** Kinds on whose objects it depends which node has a pod's volumes. */
export const storageKinds: readonly Kind[] = [
  PersistentVolumeClaim,
  PersistentVolume,
  StorageClass,
  CSINode,
  CSIDriver,
  CSIStorageCapacity,
]

/** The claims of a pod, or why it can run nowhere: one of them is not as it has to be. */
export function usableClaims(pod: Pod, objects: Objects): PersistentVolumeClaim[] | Nowhere {
  const claims: PersistentVolumeClaim[] = []
  for (const use of claimsOf(pod)) {
    const claim = objects.of(PersistentVolumeClaim).get(pod.metadata.namespace ?? '', use.name)
    const fault = faultOf(use, claim, pod)
    if (fault !== undefined) return new Nowhere(fault)
    claims.push(claim!)
  }
  return claims
}

function faultOf(
  { name, isEphemeral }: ClaimUse,
  claim: PersistentVolumeClaim | undefined,
  pod: Pod,
): string | undefined {
  const quoted = JSON.stringify(name)
  if (!claim) {
    if (isEphemeral) return `waiting for ephemeral volume controller to create the persistentvolumeclaim ${quoted}`
    return `persistentvolumeclaim ${quoted} not found`
  }
  const { metadata, spec, status } = claim
  if (status?.phase === 'Lost')
    return `persistentvolumeclaim ${quoted} bound to non-existent persistentvolume ${JSON.stringify(spec.volumeName ?? '')}`
  if (metadata.deletionTimestamp !== undefined) return `persistentvolumeclaim ${quoted} is being deleted`
  const isOwn = metadata.ownerReferences?.some(({ uid, controller }) => controller && uid === pod.metadata.uid)
  if (isEphemeral && !isOwn)
    return `PVC ${metadata.namespace}/${name} was not created for pod ${metadata.namespace}/${pod.metadata.name} (pod is not owner)`
  return undefined
}

export const keyOf = ({ metadata }: PersistentVolumeClaim): string => `${metadata.namespace}/${metadata.name}`

/** The volume that a claim has, or is to have. */
export const volumeOf = (claim: PersistentVolumeClaim, objects: Objects): PersistentVolume | undefined =>
  claim.spec.volumeName ? objects.of(PersistentVolume).get('', claim.spec.volumeName) : undefined
