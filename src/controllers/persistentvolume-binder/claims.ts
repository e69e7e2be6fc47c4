import { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../kinds/core/persistent-volume-claim.ts'
import { Pod } from '../../kinds/core/pod.ts'
import {
  bestVolumeFor,
  bindCompleted,
  boundByController,
  classOfClaim,
  classOfVolume,
  faultOfVolume,
  isKeptFor,
  selectedNode,
} from '../../kinds/core/volume-matching.ts'
import { StorageClass } from '../../kinds/storage/storage-class.ts'
import { type CacheChange, defineIndex } from '../../reconciler/caches.ts'
import { event, type Steps, update } from '../../reconciler/changes.ts'
import {
  type Context,
  type Controller,
  defineController,
  nobody,
  type Wake,
  type WatchContext,
  watch,
} from '../../reconciler/controller.ts'
import { isBeingDeleted } from '../shared/owner.ts'
import { isTerminal, podCondition } from '../shared/pods.ts'
import {
  claimKeysOf,
  claimsByVolume,
  defaultClass,
  isDefaultClass,
  keyOfObject,
  podsByClaim,
  refOfKey,
  storageClassOf,
  volumesByClaim,
} from '../shared/storage.ts'
import { bind, tellPhase } from './binding.ts'
import { askForVolume } from './provisioning.ts'

/** Volumes that nobody has or is promised, by class. */
const freeByClass = defineIndex(PersistentVolume, 'free', (volume) =>
  volume.spec.claimRef === undefined && volume.status.phase === 'Available' ? [classOfVolume(volume)] : [],
)

/** Claims that take what they get, and have got nothing, by class. */
const waitingByClass = defineIndex(PersistentVolumeClaim, 'waiting', (claim) =>
  claim.spec.volumeName ? [] : [classOfClaim(claim)],
)

/** The half that looks at claims. */
export function claimBinder(): Controller {
  /** Volumes of which a binding is being written: another claim must not choose them meanwhile. */
  const taken = new Set<string>()
  return defineController<PersistentVolumeClaim>({
    name: 'persistentvolume-binder-controller',
    serviceAccount: 'persistent-volume-binder',
    eventSource: 'persistentvolume-controller',
    reconciles: PersistentVolumeClaim,
    writes: [PersistentVolume],
    watches: [watch(PersistentVolume, claimsFor), watch(StorageClass, claimsOfClass), watch(Pod, claimsOfRefused)],

    *reconcile(claim, context) {
      if (isCompleted(claim)) yield* keepBound(claim, context)
      else if (isBeingDeleted(claim)) return
      else if (claim.spec.volumeName) yield* bindToNamed(claim, claim.spec.volumeName, context)
      else yield* bindToAny(claim, taken, context)
    },
  })
}

const isCompleted = ({ metadata }: PersistentVolumeClaim) => metadata.annotations?.[bindCompleted] !== undefined

/** A volume concerns the claim that it is kept for, those that name it, and, once it is free, those that it may suit. */
function* claimsFor({ object, old }: CacheChange<PersistentVolume>, { by }: WatchContext) {
  const keys = new Set([...keyOfClaim(object), ...keyOfClaim(old)])
  for (const claim of by(claimsByVolume, (object ?? old!).metadata.name!)) keys.add(keyOfObject(claim))
  if (object !== undefined && object.spec.claimRef === undefined && object.status.phase === 'Available') {
    for (const claim of by(waitingByClass, classOfVolume(object)))
      if (faultOfVolume(object, claim) === undefined) keys.add(keyOfObject(claim))
  }
  for (const key of keys) yield refOfKey(key)
}

const keyOfClaim = (volume: PersistentVolume | undefined) =>
  volume?.spec.claimRef ? [`${volume.spec.claimRef.namespace}/${volume.spec.claimRef.name}`] : []

/** Claims that name the class, and those that name none when it is the default one. */
function* claimsOfClass({ object }: CacheChange<StorageClass>, { by }: WatchContext) {
  if (object === undefined) return
  for (const claim of by(waitingByClass, object.metadata.name!)) yield refOfKey(keyOfObject(claim))
  if (!isDefaultClass(object)) return
  for (const claim of by(waitingByClass, ''))
    if (claim.spec.storageClassName === undefined) yield refOfKey(keyOfObject(claim))
}

/** The scheduler has looked at a pod and found no place: what its claims wait for is another thing now. */
function claimsOfRefused({ object, old }: CacheChange<Pod>): readonly Wake[] {
  if (object === undefined || !isRefused(object) || (old !== undefined && isRefused(old))) return nobody
  return claimKeysOf(object).map(refOfKey)
}

const isRefused = (pod: Pod) => podCondition(pod, 'PodScheduled')?.status === 'False'

function* bindToAny(claim: PersistentVolumeClaim, taken: Set<string>, context: Context): Steps {
  const storageClass = storageClassOf(claim, context)
  const isDelayed = storageClass?.volumeBindingMode === 'WaitForFirstConsumer'
  const candidates = [
    ...context.by(volumesByClaim, keyOfObject(claim)),
    ...(isDelayed ? [] : context.by(freeByClass, classOfClaim(claim))),
  ]
  const volume = bestVolumeFor(
    claim,
    candidates.filter(({ metadata }) => !taken.has(metadata.name!)),
    { isDelayed },
  )
  if (volume === undefined) return yield* wait(claim, isDelayed, context)
  const name = volume.metadata.name!
  taken.add(name)
  try {
    yield* bind(claim, volume, context.now)
  } finally {
    taken.delete(name)
  }
}

/** There is no volume: somebody makes one, or the claim waits, and says for what. */
function* wait(claim: PersistentVolumeClaim, isDelayed: boolean, context: Context): Steps {
  if (yield* assignDefaultClass(claim, context)) return
  if (isDelayed && claim.metadata.annotations?.[selectedNode] === undefined) yield* tellWhatFor(claim, context)
  else if (classOfClaim(claim) !== '') return yield* askForVolume(claim, context)
  else yield event('FailedBinding', 'no persistent volumes available for this claim and no storage class is set')
  yield* tellPhase(claim, 'Pending')
}

/** A claim may be older than the default class (KEP-3333). */
function* assignDefaultClass(claim: PersistentVolumeClaim, context: Context): Steps<boolean> {
  if (claim.spec.storageClassName !== undefined || classOfClaim(claim) !== '') return false
  const storageClassName = defaultClass(context)?.metadata.name
  if (storageClassName === undefined) return false
  yield update(PersistentVolumeClaim, { ...claim, spec: { ...claim.spec, storageClassName } })
  return true
}

function* tellWhatFor(claim: PersistentVolumeClaim, { by }: Context): Steps {
  const pods = by(podsByClaim, keyOfObject(claim))
    .filter((pod) => !pod.spec.nodeName && !isTerminal(pod))
    .map(({ metadata }) => metadata.name!)
  if (pods.length === 0) yield event('WaitForFirstConsumer', 'waiting for first consumer to be created before binding')
  else
    yield event('WaitForPodScheduled', `waiting for pod${pods.length > 1 ? 's' : ''} ${pods.join(',')} to be scheduled`)
}

/** The claim wants this volume and no other. */
function* bindToNamed(claim: PersistentVolumeClaim, name: string, context: Context): Steps {
  const volume = context.get(PersistentVolume, { name })
  if (volume === undefined) return void (yield* tellPhase(claim, 'Pending'))
  if (isKeptFor(volume, claim)) return yield* bind(claim, volume, context.now)
  if (volume.spec.claimRef !== undefined) {
    yield event('FailedBinding', `volume ${JSON.stringify(name)} already bound to a different claim.`, 'Warning')
    if (claim.metadata.annotations?.[boundByController] === undefined) yield* tellPhase(claim, 'Pending')
    return
  }
  const fault = faultOfVolume(volume, claim)
  if (fault === undefined) return yield* bind(claim, volume, context.now)
  const message = `Cannot bind to requested volume ${JSON.stringify(name)}: ${fault}`
  yield event('VolumeMismatch', message, 'Warning')
  yield* tellPhase(claim, 'Pending')
}

function* keepBound(claim: PersistentVolumeClaim, context: Context): Steps {
  const { volumeName } = claim.spec
  if (!volumeName)
    return yield* lose(
      claim,
      'ClaimLost',
      'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!',
    )
  const volume = context.get(PersistentVolume, { name: volumeName })
  if (volume === undefined)
    return yield* lose(claim, 'ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!')
  const { claimRef } = volume.spec
  if (claimRef === undefined || claimRef.uid === claim.metadata.uid) return yield* bind(claim, volume, context.now)
  yield* lose(claim, 'ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly')
}

function* lose(claim: PersistentVolumeClaim, reason: string, message: string): Steps {
  if (yield* tellPhase(claim, 'Lost')) yield event(reason, message, 'Warning')
}
