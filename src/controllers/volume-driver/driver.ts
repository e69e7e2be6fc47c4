import { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import type { PersistentVolumeClaim } from '../../kinds/core/persistent-volume-claim.ts'
import { provisionedBy } from '../../kinds/core/volume-matching.ts'
import type { StorageClass } from '../../kinds/storage/storage-class.ts'
import type { Context } from '../../reconciler/controller.ts'
import type { Draft } from '../../schema/types.ts'

/** Somebody who makes volumes, as an external driver does: he goes by what claims and volumes say, and nobody calls him. */
export interface VolumeDriver {
  /** Name of its controllers. */
  readonly controller: string
  /** A volume that has grown must be told to the file system, on the node on which it is mounted. */
  readonly needsNode: boolean
  /** Whether this provisioner, by the name that a class gives, is he. */
  plays(provisioner: string, context: Pick<Context, 'get'>): boolean
  /** Where the volume of a claim lies, or in words why there can be none. */
  place(order: VolumeOrder, context: Context): Place | string
}

export interface VolumeOrder {
  readonly claim: PersistentVolumeClaim
  readonly storageClass: StorageClass
  /** What the volume will be called. */
  readonly name: string
  /** The node of the claim's first pod, where the class waits for it. */
  readonly nodeName: string | undefined
}

/** The members of the volume's spec that say what it is and where it can be reached. */
export type Place = NonNullable<Draft<PersistentVolume>['spec']>

/** Keeps a volume that is deleted until what lies behind it is deleted too (KEP-2644). */
export const driverFinalizer = 'external-provisioner.volume.kubernetes.io/finalizer'

/** The volume of a claim, if it is the driver's; those that were made for him by hand are too. */
export function ownVolumeOf(
  { spec, metadata }: PersistentVolumeClaim,
  driver: VolumeDriver,
  context: Context,
): PersistentVolume | undefined {
  const volume = spec.volumeName ? context.get(PersistentVolume, { name: spec.volumeName }) : undefined
  if (volume?.spec.claimRef?.uid !== metadata.uid) return undefined
  const name = volume?.metadata.annotations?.[provisionedBy] ?? volume?.spec.csi?.driver
  return name !== undefined && driver.plays(name, context) ? volume : undefined
}
