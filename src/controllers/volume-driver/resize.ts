import { compareQuantities } from '../../base/quantity.ts'
import { secondsTime } from '../../base/seconds-time.ts'
import { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import {
  PersistentVolumeClaim,
  type PersistentVolumeClaimCondition,
  type PersistentVolumeClaimStatus,
} from '../../kinds/core/persistent-volume-claim.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { CSIDriver } from '../../kinds/storage/csi-driver.ts'
import { event, eventOn, made, type Steps, setStatus, update } from '../../reconciler/changes.ts'
import { type Context, type Controller, defineController, nobody, watch } from '../../reconciler/controller.ts'
import type { Mutable } from '../../schema/types.ts'
import { isTerminal } from '../shared/pods.ts'
import { claimKeysOf, keyOfObject, podsByClaim, refOfKey } from '../shared/storage.ts'
import { ownVolumeOf, type VolumeDriver } from './driver.ts'

/** Makes volumes larger whose claims have grown, as the external resizer does (KEP-284, KEP-1790). */
export function volumeResizer(driver: VolumeDriver): Controller {
  return defineController<PersistentVolumeClaim>({
    name: driver.controller,
    serviceAccount: 'expand-controller',
    eventSource: `external-resizer ${driver.controller}`,
    reconciles: PersistentVolumeClaim,
    reads: [PersistentVolume, CSIDriver],
    writes: [PersistentVolume],
    watches: [
      watch(Pod, ({ object, old }) =>
        object?.spec.nodeName && !old?.spec.nodeName ? claimKeysOf(object).map(refOfKey) : nobody,
      ),
    ],
    wakes: ({ object }) => object !== undefined && hasGrown(object),

    *reconcile(claim, context) {
      const volume = ownVolumeOf(claim, driver, context)
      if (volume === undefined || !hasGrown(claim)) return
      const isWaiting = compareQuantities(volume.spec.capacity?.['storage'] ?? '0', wishOf(claim)) >= 0
      const present = isWaiting ? claim : yield* enlarge(claim, volume, context)
      yield* finish(present, volume, driver, context)
    },
  })
}

const wishOf = ({ spec }: PersistentVolumeClaim) => spec.resources.requests?.['storage'] ?? '0'

const hasGrown = (claim: PersistentVolumeClaim) =>
  claim.status.phase === 'Bound' && compareQuantities(wishOf(claim), claim.status.capacity?.['storage'] ?? '0') > 0

function* enlarge(
  claim: PersistentVolumeClaim,
  volume: PersistentVolume,
  { now }: Context,
): Steps<PersistentVolumeClaim> {
  const storage = wishOf(claim)
  yield event('Resizing', `External resizer is resizing volume ${volume.metadata.name}`)
  const status: Mutable<PersistentVolumeClaimStatus> = {
    ...(claim.status as Mutable<PersistentVolumeClaimStatus>),
    conditions: withCondition(claim, { type: 'Resizing' }, now),
    allocatedResources: { ...claim.status.allocatedResources, storage },
    allocatedResourceStatuses: { ...claim.status.allocatedResourceStatuses, storage: 'ControllerResizeInProgress' },
  }
  const marked = yield* made<PersistentVolumeClaim>(setStatus(PersistentVolumeClaim, claim, status))
  const spec = { ...volume.spec, capacity: { ...volume.spec.capacity, storage } }
  yield update(PersistentVolume, { ...volume, spec })
  return marked
}

/** The file system grows where it is mounted: without a pod it waits for one. */
function* finish(
  claim: PersistentVolumeClaim,
  volume: PersistentVolume,
  driver: VolumeDriver,
  context: Context,
): Steps {
  const needsNode = driver.needsNode && volume.spec.volumeMode !== 'Block'
  const pod = context.by(podsByClaim, keyOfObject(claim)).find((each) => each.spec.nodeName && !isTerminal(each))
  if (needsNode && pod === undefined) return yield* waitForPod(claim, context)
  const { allocatedResourceStatuses: _, conditions: __, ...others } = claim.status
  const storage = wishOf(claim)
  yield setStatus(PersistentVolumeClaim, claim, {
    ...others,
    capacity: { ...claim.status.capacity, storage },
    allocatedResources: { ...claim.status.allocatedResources, storage },
  })
  if (!needsNode) return void (yield event('VolumeResizeSuccessful', 'Resize volume succeeded'))
  const name = JSON.stringify(volume.metadata.name)
  const message = `MountVolume.NodeExpandVolume succeeded for volume ${name} ${pod!.spec.nodeName}`
  yield event('FileSystemResizeSuccessful', message)
  yield eventOn(Pod, pod!, 'FileSystemResizeSuccessful', message)
}

function* waitForPod(claim: PersistentVolumeClaim, { now }: Context): Steps {
  if (claim.status.conditions?.some(({ type }) => type === pending)) return
  const message = 'Waiting for user to (re-)start a pod to finish file system resize of volume on node.'
  yield setStatus(PersistentVolumeClaim, claim, {
    ...claim.status,
    conditions: withCondition(claim, { type: pending, message }, now),
    allocatedResourceStatuses: { ...claim.status.allocatedResourceStatuses, storage: 'NodeResizePending' },
  })
  yield event('FileSystemResizeRequired', 'Require file system resize of volume on node')
}

const pending = 'FileSystemResizePending'
const stages = ['Resizing', pending]

/** One stage of growing takes the place of the other. */
function withCondition(
  { status }: PersistentVolumeClaim,
  stage: { readonly type: string; readonly message?: string },
  now: number,
): PersistentVolumeClaimCondition[] {
  const others = (status.conditions ?? []).filter(({ type }) => !stages.includes(type))
  const condition = { ...stage, status: 'True', lastTransitionTime: secondsTime(now) }
  return [...others, condition as PersistentVolumeClaimCondition]
}
