import { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import { provisionedBy } from '../../kinds/core/volume-matching.ts'
import { CSIDriver } from '../../kinds/storage/csi-driver.ts'
import { VolumeAttachment } from '../../kinds/storage/volume-attachment.ts'
import { made, remove, type Steps, update } from '../../reconciler/changes.ts'
import { type Context, type Controller, defineController, watch } from '../../reconciler/controller.ts'
import { isBeingDeleted } from '../shared/owner.ts'
import { attachmentsByVolume } from '../shared/storage.ts'
import { driverFinalizer, type VolumeDriver } from './driver.ts'

/** Deletes the driver's volumes when their claims are gone, unless they are to be retained. */
export function volumeEraser(driver: VolumeDriver): Controller {
  return defineController<PersistentVolume>({
    name: driver.controller,
    serviceAccount: 'persistent-volume-binder',
    reconciles: PersistentVolume,
    reads: [CSIDriver],
    watches: [
      watch(VolumeAttachment, ({ object, old }) => {
        const name = object === undefined ? old?.spec.source.persistentVolumeName : undefined
        return name ? [{ name }] : []
      }),
    ],
    wakes: ({ object }) => object?.metadata.annotations?.[provisionedBy] !== undefined,

    *reconcile(volume, context) {
      const provisioner = volume.metadata.annotations?.[provisionedBy]
      if (provisioner === undefined || !driver.plays(provisioner, context)) return
      // Somebody has decided since to retain it: then nobody waits for the driver.
      if (volume.spec.persistentVolumeReclaimPolicy !== 'Delete') return void (yield* letGo(volume))
      if (!isToBeErased(volume, context)) return
      const present = yield* letGo(volume)
      if (!isBeingDeleted(volume)) yield remove(PersistentVolume, present)
    },
  })
}

/** Takes the driver's guard away. Gives the volume as it is then. */
function* letGo(volume: PersistentVolume): Steps<PersistentVolume> {
  const { finalizers = [] } = volume.metadata
  if (!finalizers.includes(driverFinalizer)) return volume
  const metadata = { ...volume.metadata, finalizers: finalizers.filter((each) => each !== driverFinalizer) }
  return yield* made<PersistentVolume>(update(PersistentVolume, { ...volume, metadata }))
}

/** Nobody has it any more, and no node either. */
const isToBeErased = ({ metadata, status }: PersistentVolume, { by }: Context) =>
  status.phase === 'Released' && by(attachmentsByVolume, metadata.name!).length === 0
