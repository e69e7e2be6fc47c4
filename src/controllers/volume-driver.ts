import { CSIDriver } from '../kinds/storage/csi-driver.ts'
import type { Controller } from '../reconciler/controller.ts'
import { volumeAttacher } from './volume-driver/attach.ts'
import type { VolumeDriver } from './volume-driver/driver.ts'
import { volumeEraser } from './volume-driver/erase.ts'
import { localPlace, localProvisioner } from './volume-driver/local-path.ts'
import { volumeModifier } from './volume-driver/modify.ts'
import { volumeProvisioner } from './volume-driver/provision.ts'
import { volumeResizer } from './volume-driver/resize.ts'
import { simulatedPlace } from './volume-driver/simulated.ts'

/** Makes volumes that are directories of a node, for classes with our own provisioner. See docs/storage.md. */
const localPath: VolumeDriver = {
  controller: 'local-path-provisioner',
  needsNode: false,
  plays: (name) => name === localProvisioner,
  place: localPlace,
}

/**
 * Does in a cluster of simulated nodes what the containers beside a storage driver do in a real one: provision, attach,
 * resize, modify and delete the volumes of every driver of which there is a CSIDriver.
 */
const simulated: VolumeDriver = {
  controller: 'simulated-volume-driver',
  needsNode: true,
  plays: (name, { get }) => get(CSIDriver, { name }) !== undefined,
  place: simulatedPlace,
}

const controllersOf = (driver: VolumeDriver): Controller[] => [
  volumeProvisioner(driver),
  volumeResizer(driver),
  volumeEraser(driver),
]

export const volumeDriverControllers: readonly Controller[] = [
  ...controllersOf(localPath),
  ...controllersOf(simulated),
  volumeAttacher(simulated),
  volumeModifier(simulated),
]
