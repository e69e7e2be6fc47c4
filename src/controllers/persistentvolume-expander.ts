import { compareQuantities } from '../base/quantity.ts'
import { PersistentVolume } from '../kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../kinds/core/persistent-volume-claim.ts'
import { event } from '../reconciler/changes.ts'
import { type Controller, defineController } from '../reconciler/controller.ts'

/**
 * Notices claims that have grown. None of the volumes that are left in Kubernetes itself can be resized by the control
 * plane, so it says that somebody else has to: the driver, see `volume-driver/resize.ts`.
 */
export const persistentVolumeExpander: Controller = defineController<PersistentVolumeClaim>({
  name: 'persistentvolume-expander-controller',
  serviceAccount: 'expand-controller',
  eventSource: 'volume_expand',
  reconciles: PersistentVolumeClaim,
  reads: [PersistentVolume],
  wakes: ({ object, old }) =>
    object !== undefined && isLarger(object) && (old === undefined || wishOf(old) !== wishOf(object)),

  *reconcile(claim, { get }) {
    const { volumeName } = claim.spec
    const volume = volumeName ? get(PersistentVolume, { name: volumeName }) : undefined
    if (!isLarger(claim) || volume?.spec.claimRef?.uid !== claim.metadata.uid) return
    yield event('ExternalExpanding', 'waiting for an external controller to expand this PVC')
  },
})

const wishOf = ({ spec }: PersistentVolumeClaim) => spec.resources.requests?.['storage'] ?? '0'

const isLarger = (claim: PersistentVolumeClaim) =>
  claim.status.phase === 'Bound' && compareQuantities(wishOf(claim), claim.status.capacity?.['storage'] ?? '0') > 0
