import { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../kinds/core/persistent-volume-claim.ts'
import { CSIDriver } from '../../kinds/storage/csi-driver.ts'
import { VolumeAttributesClass } from '../../kinds/storage/volume-attributes-class.ts'
import { event, setStatus, update } from '../../reconciler/changes.ts'
import { type Controller, defineController, watch } from '../../reconciler/controller.ts'
import { ownVolumeOf, type VolumeDriver } from './driver.ts'

/** Gives volumes the attributes of the class that their claims ask for, as the external resizer does (KEP-3751). */
export function volumeModifier(driver: VolumeDriver): Controller {
  return defineController<PersistentVolumeClaim>({
    name: driver.controller,
    serviceAccount: 'expand-controller',
    eventSource: `external-resizer-modifier ${driver.controller}`,
    reconciles: PersistentVolumeClaim,
    reads: [PersistentVolume, CSIDriver],
    writes: [PersistentVolume],
    watches: [
      watch(VolumeAttributesClass, ({ object }, { list }) =>
        object === undefined
          ? []
          : list(PersistentVolumeClaim)
              .filter((claim) => isToChange(claim) && claim.spec.volumeAttributesClassName === object.metadata.name)
              .map(({ metadata }) => ({ namespace: metadata.namespace, name: metadata.name! })),
      ),
    ],
    wakes: ({ object }) => object !== undefined && isToChange(object),

    *reconcile(claim, context) {
      const volume = ownVolumeOf(claim, driver, context)
      if (volume === undefined || !isToChange(claim)) return
      const wanted = claim.spec.volumeAttributesClassName!
      if (context.get(VolumeAttributesClass, { name: wanted }) === undefined) {
        const message = `VolumeAttributesClass ${JSON.stringify(wanted)} not found`
        if (claim.status.modifyVolumeStatus?.status === 'Pending') return
        const modifyVolumeStatus = { targetVolumeAttributesClassName: wanted, status: 'Pending' as const }
        yield setStatus(PersistentVolumeClaim, claim, { ...claim.status, modifyVolumeStatus })
        yield event('VolumeModifyFailed', message, 'Warning')
        return
      }
      const { name } = volume.metadata
      yield event('VolumeModify', `external resizer is modifying volume ${name} with vac ${wanted}`)
      yield update(PersistentVolume, { ...volume, spec: { ...volume.spec, volumeAttributesClassName: wanted } })
      const { modifyVolumeStatus: _, ...status } = claim.status
      yield setStatus(PersistentVolumeClaim, claim, { ...status, currentVolumeAttributesClassName: wanted })
      yield event('VolumeModifySuccessful', `external resizer modified volume ${name} with vac ${wanted} successfully`)
    },
  })
}

const isToChange = ({ spec, status }: PersistentVolumeClaim) =>
  status.phase === 'Bound' &&
  Boolean(spec.volumeAttributesClassName) &&
  spec.volumeAttributesClassName !== status.currentVolumeAttributesClassName
