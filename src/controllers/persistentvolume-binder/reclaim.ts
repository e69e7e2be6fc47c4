import { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import { provisionedBy } from '../../kinds/core/volume-matching.ts'
import { remove, type Steps } from '../../reconciler/changes.ts'
import type { Context } from '../../reconciler/controller.ts'
import { isBeingDeleted } from '../shared/owner.ts'
import { fail } from './binding.ts'
import { recycle } from './recycler.ts'

/** Does with a volume whose claim is gone what its policy says. */
export function* reclaim(volume: PersistentVolume, context: Context): Steps {
  switch (volume.spec.persistentVolumeReclaimPolicy) {
    case 'Delete':
      return yield* erase(volume, context.now)
    case 'Recycle':
      return yield* recycle(volume, context)
    default:
  }
}

/** What a driver made, the driver deletes. */
function* erase(volume: PersistentVolume, now: number): Steps {
  if (isBeingDeleted(volume) || hasDriver(volume)) return
  const fault = faultOfErasing(volume)
  if (fault === undefined) yield remove(PersistentVolume, volume)
  else yield* fail(volume, 'VolumeFailedDelete', fault, now)
}

const hasDriver = ({ metadata, spec }: PersistentVolume) => {
  const by = metadata.annotations?.[provisionedBy]
  return (by !== undefined && !by.startsWith('kubernetes.io/')) || spec.csi !== undefined
}

/** Of the sources that Kubernetes knows itself, paths below /tmp alone are ever deleted. */
function faultOfErasing({ metadata, spec }: PersistentVolume): string | undefined {
  const path = spec.hostPath?.path
  if (path === undefined) {
    const name = JSON.stringify(metadata.name)
    return `error getting deleter volume plugin for volume ${name}: no deletable volume plugin matched`
  }
  return /^\/tmp\/.+/.test(path) ? undefined : `host_path deleter only supports /tmp/.+ but received provided ${path}`
}
