import { PersistentVolume } from '../kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../kinds/core/persistent-volume-claim.ts'
import { Pod } from '../kinds/core/pod.ts'
import { VolumeAttributesClass } from '../kinds/storage/volume-attributes-class.ts'
import { type Change, update } from '../reconciler/changes.ts'
import { type Context, type Controller, defineController, watch } from '../reconciler/controller.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import type { Draft } from '../schema/types.ts'
import { claimKeysOf, keyOfObject, podsByClaim, refOfKey } from './shared/storage.ts'

/**
 * Lets storage go that was deleted, once nobody uses it: admission gave it a finalizer, which is taken away here.
 * What was made before there was such a finalizer gets it.
 */

/** A pod that has no node yet will not start with a claim that is going. */
const claimProtection: Controller = defineController<PersistentVolumeClaim>({
  name: 'persistentvolumeclaim-protection-controller',
  serviceAccount: 'pvc-protection-controller',
  reconciles: PersistentVolumeClaim,
  watches: [watch(Pod, ({ object, old }) => claimKeysOf((object ?? old)!).map(refOfKey))],
  *reconcile(claim, { by }) {
    const users = by(podsByClaim, keyOfObject(claim))
    const isUsed = users.some(({ spec }) => Boolean(spec.nodeName))
    yield* guard(PersistentVolumeClaim, claim, 'kubernetes.io/pvc-protection', isUsed)
  },
})

const volumeProtection: Controller = defineController<PersistentVolume>({
  name: 'persistentvolume-protection-controller',
  serviceAccount: 'pv-protection-controller',
  reconciles: PersistentVolume,
  *reconcile(volume) {
    yield* guard(PersistentVolume, volume, 'kubernetes.io/pv-protection', volume.status.phase === 'Bound')
  },
})

const attributesClassProtection: Controller = defineController<VolumeAttributesClass>({
  name: 'volumeattributesclass-protection-controller',
  serviceAccount: 'volumeattributesclass-protection-controller',
  reconciles: VolumeAttributesClass,
  watches: [
    watch(PersistentVolumeClaim, ({ object, old }) =>
      [object?.spec, old?.spec, object?.status, old?.status].flatMap((part) => {
        const { volumeAttributesClassName: asked, currentVolumeAttributesClassName: current } = (part ?? {}) as Named
        return [asked, current].filter(Boolean).map((name) => ({ name: name! }))
      }),
    ),
    watch(PersistentVolume, ({ object, old }) =>
      [object, old].flatMap((volume) => volume?.spec.volumeAttributesClassName ?? []).map((name) => ({ name })),
    ),
  ],
  *reconcile(attributesClass, context) {
    const isUsed = attributesClass.metadata.deletionTimestamp === undefined || isNamed(attributesClass, context)
    yield* guard(VolumeAttributesClass, attributesClass, 'kubernetes.io/vac-protection', isUsed)
  },
})

interface Named {
  readonly volumeAttributesClassName?: string
  readonly currentVolumeAttributesClassName?: string
}

function isNamed({ metadata: { name } }: VolumeAttributesClass, { list }: Pick<Context, 'list'>): boolean {
  const byClaim = ({ spec, status }: PersistentVolumeClaim) =>
    spec.volumeAttributesClassName === name || status.currentVolumeAttributesClassName === name
  return list(PersistentVolumeClaim).some(byClaim) || list(PersistentVolume).some(byVolume)
  function byVolume({ spec }: PersistentVolume): boolean {
    return spec.volumeAttributesClassName === name
  }
}

function* guard<T extends ApiObject>(
  kind: Kind<T>,
  object: T,
  finalizer: string,
  isUsed: boolean,
): Generator<Change, void, unknown> {
  const { deletionTimestamp, finalizers = [] } = object.metadata
  const isGuarded = finalizers.includes(finalizer)
  const isGoing = deletionTimestamp !== undefined
  if (isGoing ? !isGuarded || isUsed : isGuarded) return
  const changed = isGoing ? finalizers.filter((each) => each !== finalizer) : [...finalizers, finalizer]
  yield update(kind, { ...object, metadata: { ...object.metadata, finalizers: changed } } as unknown as Draft<T>)
}

export const storageProtectionControllers: readonly Controller[] = [
  claimProtection,
  volumeProtection,
  attributesClassProtection,
]
