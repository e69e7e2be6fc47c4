import { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../kinds/core/persistent-volume-claim.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { hasOtherMode, provisionedBy } from '../../kinds/core/volume-matching.ts'
import type { CacheChange } from '../../reconciler/caches.ts'
import { confirm, event, eventOn, type Steps } from '../../reconciler/changes.ts'
import {
  type Context,
  type Controller,
  defineController,
  nobody,
  type Wake,
  type WatchContext,
  watch,
} from '../../reconciler/controller.ts'
import { isConflict, isNotFound } from '../../schema/status.ts'
import { keyOfObject, volumesByClaim } from '../shared/storage.ts'
import { setPhase, unbind } from './binding.ts'
import { reclaim } from './reclaim.ts'
import { volumeOfRecycler } from './recycler.ts'

/** The half that looks at volumes. */
export const volumeBinder: Controller = defineController<PersistentVolume>({
  name: 'persistentvolume-binder-controller',
  serviceAccount: 'persistent-volume-binder',
  eventSource: 'persistentvolume-controller',
  reconciles: PersistentVolume,
  writes: [Pod],
  watches: [watch(PersistentVolumeClaim, volumesOf), watch(Pod, recycledBy)],

  *reconcile(volume, context) {
    const { claimRef } = volume.spec
    if (!claimRef?.uid) return void (yield* setPhase(volume, 'Available', context.now))
    const claim = yield* claimOf(volume, context)
    if (claim === 'unknown') return
    if (claim === undefined) return yield* release(volume, context)
    if (!claim.spec.volumeName) return yield* compareModes(volume, claim)
    if (claim.spec.volumeName === volume.metadata.name) return void (yield* setPhase(volume, 'Bound', context.now))
    yield* giveUp(volume, context)
  },
})

/** A claim concerns the volume that it names, and those that name it. */
function* volumesOf({ object, old }: CacheChange<PersistentVolumeClaim>, { by }: WatchContext) {
  const names = new Set([object, old].flatMap((claim) => claim?.spec.volumeName ?? []))
  for (const volume of by(volumesByClaim, keyOfObject((object ?? old)!))) names.add(volume.metadata.name!)
  for (const name of names) if (name) yield { name }
}

function recycledBy({ object, old }: CacheChange<Pod>): readonly Wake[] {
  const name = volumeOfRecycler((object ?? old)!)
  return name === undefined ? nobody : [{ name }]
}

/**
 * The claim that the volume is bound to; nothing when it is gone. The cache may not have it yet, and a volume that is
 * reclaimed cannot be had back: the server is asked first.
 */
function* claimOf(
  { spec, status }: PersistentVolume,
  { get }: Context,
): Steps<PersistentVolumeClaim | 'unknown' | undefined> {
  const { namespace, name = '', uid = '', resourceVersion } = spec.claimRef!
  const present = get(PersistentVolumeClaim, { namespace, name })
  if (present?.metadata.uid === uid) return present
  if (status.phase === 'Released' || status.phase === 'Failed') return undefined
  if (present !== undefined) return isBefore(present.metadata.resourceVersion, resourceVersion) ? 'unknown' : undefined
  try {
    yield confirm(PersistentVolumeClaim, { metadata: { namespace, name, uid } } as PersistentVolumeClaim)
    return 'unknown'
  } catch (error) {
    if (isNotFound(error)) return undefined
    if (isConflict(error)) return 'unknown'
    throw error
  }
}

/** Whether a cached claim is older than the one that was bound. */
const isBefore = (cached: string | undefined, bound: string | undefined) => Number(cached ?? 0) < Number(bound ?? 0)

function* release(volume: PersistentVolume, context: Context): Steps {
  // That reclaiming failed stays to be seen.
  const isSaid = volume.status.phase === 'Released' || volume.status.phase === 'Failed'
  yield* reclaim(isSaid ? volume : yield* setPhase(volume, 'Released', context.now), context)
}

/** The claim will never take this volume; otherwise it will, and has been woken by it. */
function* compareModes(volume: PersistentVolume, claim: PersistentVolumeClaim): Steps {
  if (!hasOtherMode(volume, claim)) return
  const to = JSON.stringify(claim.metadata.name)
  const from = JSON.stringify(volume.metadata.name)
  const reason = 'due to incompatible volumeMode.'
  yield event(
    'VolumeMismatch',
    `Cannot bind PersistentVolume to requested PersistentVolumeClaim ${to} ${reason}`,
    'Warning',
  )
  const message = `Cannot bind PersistentVolume ${from} to requested PersistentVolumeClaim ${reason}`
  yield eventOn(PersistentVolumeClaim, claim, 'VolumeMismatch', message, 'Warning')
}

/** The claim has another volume: this one is not needed. */
function* giveUp(volume: PersistentVolume, context: Context): Steps {
  const isProvisioned = volume.metadata.annotations?.[provisionedBy] !== undefined
  if (isProvisioned && volume.spec.persistentVolumeReclaimPolicy === 'Delete') yield* release(volume, context)
  else yield* unbind(volume, context.now)
}
