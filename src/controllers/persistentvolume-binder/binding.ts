import { secondsTime } from '../../base/seconds-time.ts'
import { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim, type PersistentVolumeClaimStatus } from '../../kinds/core/persistent-volume-claim.ts'
import { bindCompleted, boundByController, isKeptFor } from '../../kinds/core/volume-matching.ts'
import { event, made, type Steps, setStatus, update } from '../../reconciler/changes.ts'
import { isEqual } from '../shared/equal.ts'
import { withAnnotations } from '../shared/storage.ts'

type Phase = NonNullable<PersistentVolume['status']['phase']>

/** Writes what is missing of a binding. Whatever it is broken off by, the next try goes on where it was. */
export function* bind(claim: PersistentVolumeClaim, volume: PersistentVolume, now: number): Steps {
  const kept = yield* keepFor(claim, volume)
  const bound = yield* setPhase(kept, 'Bound', now)
  const named = yield* nameVolume(claim, bound)
  yield* tellPhase(named, 'Bound', bound)
}

function* keepFor(claim: PersistentVolumeClaim, volume: PersistentVolume): Steps<PersistentVolume> {
  const { claimRef } = volume.spec
  const { namespace, name = '', uid = '', resourceVersion } = claim.metadata
  if (claimRef?.name === name && claimRef.namespace === namespace && claimRef.uid === uid) return volume
  // A volume that somebody kept for this claim stays kept for the next one of its name.
  const marked = isKeptFor(volume, claim) ? volume : withAnnotations(volume, { [boundByController]: 'yes' })
  const reference = {
    kind: 'PersistentVolumeClaim',
    namespace,
    name,
    uid,
    apiVersion: 'v1',
    ...(resourceVersion && { resourceVersion }),
  }
  return yield* made(update(PersistentVolume, { ...marked, spec: { ...marked.spec, claimRef: reference } }))
}

function* nameVolume(claim: PersistentVolumeClaim, volume: PersistentVolume): Steps<PersistentVolumeClaim> {
  const volumeName = volume.metadata.name!
  const isNamed = claim.spec.volumeName === volumeName
  const isCompleted = claim.metadata.annotations?.[bindCompleted] !== undefined
  if (isNamed && isCompleted) return claim
  const annotations = { ...(!isNamed && { [boundByController]: 'yes' }), [bindCompleted]: 'yes' }
  const named = { ...withAnnotations(claim, annotations), spec: { ...claim.spec, volumeName } }
  return yield* made(update(PersistentVolumeClaim, named))
}

/** Says in which phase the volume is. Gives it as it is then. */
export function* setPhase(
  volume: PersistentVolume,
  phase: Phase,
  now: number,
  message?: string,
): Steps<PersistentVolume> {
  if (volume.status.phase === phase && (volume.status.message ?? '') === (message ?? '')) return volume
  const lastPhaseTransitionTime =
    volume.status.phase === phase ? volume.status.lastPhaseTransitionTime : secondsTime(now)
  const status = {
    phase,
    ...(message && { message }),
    ...(lastPhaseTransitionTime && { lastPhaseTransitionTime }),
  }
  return yield* made(setStatus(PersistentVolume, volume, status))
}

/** Answers whether it was news. */
export function* tellPhase(
  claim: PersistentVolumeClaim,
  phase: 'Bound' | 'Pending' | 'Lost',
  volume?: PersistentVolume,
): Steps<boolean> {
  const status = statusOf(claim, phase, volume)
  if (isEqual(claim.status, status)) return false
  yield setStatus(PersistentVolumeClaim, claim, status)
  return true
}

/** Once it is bound, a claim's capacity is changed by those who resize its volume. */
function statusOf(
  { status }: PersistentVolumeClaim,
  phase: 'Bound' | 'Pending' | 'Lost',
  volume: PersistentVolume | undefined,
): PersistentVolumeClaimStatus {
  const { accessModes: _, capacity: before, ...others } = status
  if (volume === undefined) return { ...others, phase }
  const isFresh = status.phase !== phase || before === undefined
  const storage = volume.spec.capacity?.['storage']
  const attributesClass = volume.spec.volumeAttributesClassName
  return {
    ...others,
    phase,
    ...(volume.spec.accessModes && { accessModes: volume.spec.accessModes }),
    ...(isFresh ? storage && { capacity: { ...before, storage } } : { capacity: before }),
    ...(isFresh && attributesClass && { currentVolumeAttributesClassName: attributesClass }),
  }
}

/** Takes back a binding: what we chose is free again, what somebody wished is kept for the next claim of that name. */
export function* unbind(volume: PersistentVolume, now: number): Steps {
  const { claimRef, ...spec } = volume.spec
  const isOurs = volume.metadata.annotations?.[boundByController] !== undefined
  const free = isOurs
    ? { ...withAnnotations(volume, { [boundByController]: undefined }), spec }
    : { ...volume, spec: { ...spec, ...(claimRef && { claimRef: { ...claimRef, uid: '' } }) } }
  yield* setPhase(yield* made(update(PersistentVolume, free)), 'Available', now)
}

/** Says once that reclaiming failed, and why. */
export function* fail(volume: PersistentVolume, reason: string, message: string, now: number): Steps {
  if (volume.status.phase === 'Failed' && volume.status.message === message) return
  yield* setPhase(volume, 'Failed', now, message)
  yield event(reason, message, 'Warning')
}
