import { compareQuantities } from '../../base/quantity.ts'
import { toLabelSelector } from '../../schema/selectors.ts'
import type { PersistentVolume } from './persistent-volume.ts'
import type { PersistentVolumeClaim } from './persistent-volume-claim.ts'

/**
 * Which volume suits which claim: shared by the controller that binds them and by the scheduler, which chooses volumes
 * for claims that wait for their first pod. The rules are the reference's (`component-helpers/storage/volume`).
 */

/** On a claim: binding is through. On it hangs whether a claim without its volume is pending or has lost it. */
export const bindCompleted = 'pv.kubernetes.io/bind-completed'
/** On either side: it was us who chose the other one, so we may undo it. */
export const boundByController = 'pv.kubernetes.io/bound-by-controller'
/** On a volume: who made it, and will delete it. */
export const provisionedBy = 'pv.kubernetes.io/provisioned-by'
/** On a claim: who is to make a volume for it. */
export const storageProvisioner = 'volume.kubernetes.io/storage-provisioner'
export const betaStorageProvisioner = 'volume.beta.kubernetes.io/storage-provisioner'
/** On a claim: the node that the scheduler chose for its first pod. */
export const selectedNode = 'volume.kubernetes.io/selected-node'

/** How the class was said before `storageClassName`. */
const classAnnotation = 'volume.beta.kubernetes.io/storage-class'

/** The class that the claim asks for; empty: none. */
export const classOfClaim = ({ metadata, spec }: PersistentVolumeClaim): string =>
  metadata.annotations?.[classAnnotation] ?? spec.storageClassName ?? ''

export const classOfVolume = ({ metadata, spec }: PersistentVolume): string =>
  metadata.annotations?.[classAnnotation] ?? spec.storageClassName ?? ''

/** Whether the volume is the claim's, or is kept for one of its name. */
export function isKeptFor({ spec: { claimRef } }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  if (claimRef === undefined || claimRef.name !== metadata.name || claimRef.namespace !== metadata.namespace) {
    return false
  }
  return !claimRef.uid || claimRef.uid === metadata.uid
}

/** Why a volume that the claim names cannot be its own, in the reference's words; undefined when it can. */
export function faultOfVolume(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (volume.metadata.deletionTimestamp !== undefined) {
    return `the volume is marked for deletion ${JSON.stringify(volume.metadata.name)}`
  }
  if (!isLargeEnough(volume, claim)) return 'requested PV is too small'
  if (classOfVolume(volume) !== classOfClaim(claim)) return 'storageClassName does not match'
  if (hasOtherMode(volume, claim)) return 'incompatible volumeMode'
  if (!hasAccessModes(volume, claim)) return 'incompatible accessMode'
  return undefined
}

/** Whether one is a file system and the other a bare device. */
export const hasOtherMode = ({ spec }: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  (spec.volumeMode ?? 'Filesystem') !== (claim.spec.volumeMode ?? 'Filesystem')

export interface VolumeSearch {
  /** The claim waits for its first pod: only what is kept for it will do. */
  readonly isDelayed?: boolean
  /** Whether the volume can be used where the pod is to run; absent: that does not matter yet. */
  readonly isReachable?: (volume: PersistentVolume) => boolean
}

/**
 * The volume that suits the claim best: one that is kept for it; else, of the free ones of its class, one with as few
 * access modes beyond those asked for as there is, and of these the smallest.
 */
export function bestVolumeFor(
  claim: PersistentVolumeClaim,
  volumes: Iterable<PersistentVolume>,
  { isDelayed = false, isReachable = () => true }: VolumeSearch = {},
): PersistentVolume | undefined {
  const isSelected = selectorOf(claim)
  let best: PersistentVolume | undefined
  for (const volume of volumes) {
    if (!isPossible(volume, claim)) continue
    if (volume.spec.claimRef !== undefined) {
      if (isKeptFor(volume, claim)) return isReachable(volume) ? volume : undefined
      continue
    }
    if (isDelayed || volume.status.phase !== 'Available' || classOfVolume(volume) !== classOfClaim(claim)) continue
    if (!isSelected(volume) || !isReachable(volume)) continue
    if (best === undefined || compareFit(volume, best) < 0) best = volume
  }
  return best
}

/** What even a volume that is kept for the claim must fulfil. */
function isPossible(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (
    volume.metadata.deletionTimestamp === undefined &&
    isLargeEnough(volume, claim) &&
    !hasOtherMode(volume, claim) &&
    hasAccessModes(volume, claim) &&
    (volume.spec.volumeAttributesClassName ?? '') === (claim.spec.volumeAttributesClassName ?? '')
  )
}

function isLargeEnough({ spec }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const wished = claim.spec.resources.requests?.['storage'] ?? '0'
  return compareQuantities(spec.capacity?.['storage'] ?? '0', wished) >= 0
}

const hasAccessModes = ({ spec }: PersistentVolume, claim: PersistentVolumeClaim) =>
  (claim.spec.accessModes ?? []).every((mode) => spec.accessModes?.includes(mode))

function selectorOf({ spec: { selector } }: PersistentVolumeClaim): (volume: PersistentVolume) => boolean {
  if (selector === undefined) return () => true
  const { matches } = toLabelSelector(selector)
  return ({ metadata }) => matches(metadata.labels)
}

function compareFit(a: PersistentVolume, b: PersistentVolume): number {
  const byModes = (a.spec.accessModes?.length ?? 0) - (b.spec.accessModes?.length ?? 0)
  const size = ({ spec }: PersistentVolume) => spec.capacity?.['storage'] ?? '0'
  return byModes || compareQuantities(size(a), size(b)) || (a.metadata.name! < b.metadata.name! ? -1 : 1)
}
