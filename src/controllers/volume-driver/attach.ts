import { CSIDriver } from '../../kinds/storage/csi-driver.ts'
import { VolumeAttachment } from '../../kinds/storage/volume-attachment.ts'
import { setStatus } from '../../reconciler/changes.ts'
import { type Controller, defineController, watch } from '../../reconciler/controller.ts'
import { isBeingDeleted } from '../shared/owner.ts'
import type { VolumeDriver } from './driver.ts'

/** Says of every attachment that is asked of the driver that it is there. */
export function volumeAttacher(driver: VolumeDriver): Controller {
  return defineController<VolumeAttachment>({
    name: driver.controller,
    serviceAccount: 'attachdetach-controller',
    reconciles: VolumeAttachment,
    watches: [
      watch(CSIDriver, ({ object }, { list }) =>
        object === undefined
          ? []
          : list(VolumeAttachment)
              .filter(({ spec }) => spec.attacher === object.metadata.name)
              .map(({ metadata }) => ({ name: metadata.name! })),
      ),
    ],

    *reconcile(attachment, context) {
      const { status, spec } = attachment
      if (status?.attached || isBeingDeleted(attachment) || !driver.plays(spec.attacher, context)) return
      yield setStatus(VolumeAttachment, attachment, { attached: true })
    },
  })
}
