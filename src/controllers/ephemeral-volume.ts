import { PersistentVolumeClaim } from '../kinds/core/persistent-volume-claim.ts'
import { Pod } from '../kinds/core/pod.ts'
import type { Volume } from '../kinds/core/volumes.ts'
import { create, event, type Steps } from '../reconciler/changes.ts'
import { type Context, type Controller, defineController, watch } from '../reconciler/controller.ts'
import type { Draft } from '../schema/types.ts'
import { ifWelcome } from './shared/if-welcome.ts'
import { controllerReference, isBeingDeleted, isControlledBy } from './shared/owner.ts'
import { keyOfObject, podsByClaim } from './shared/storage.ts'

/** Makes the claims of generic ephemeral volumes (KEP-1698). The pod owns them: they go when it does. */
export const ephemeralVolumeController: Controller = defineController<Pod>({
  name: 'ephemeral-volume-controller',
  eventSource: 'ephemeral_volume',
  reconciles: Pod,
  writes: [PersistentVolumeClaim],
  watches: [
    // A claim that is gone, be it another's of the same name, is made (again).
    watch(PersistentVolumeClaim, ({ object, old }, { by }) =>
      object !== undefined
        ? []
        : by(podsByClaim, keyOfObject(old!)).map(({ metadata }) => ({
            namespace: metadata.namespace,
            name: metadata.name!,
          })),
    ),
  ],
  wakes: ({ object, old }) => object !== undefined && old === undefined && ephemeralOf(object).length > 0,

  *reconcile(pod, context) {
    if (isBeingDeleted(pod)) return
    for (const volume of ephemeralOf(pod)) yield* provide(pod, volume, context)
  },
})

const ephemeralOf = ({ spec }: Pod) => (spec.volumes ?? []).filter(({ ephemeral }) => ephemeral !== undefined)

function* provide(pod: Pod, volume: Volume, { get }: Context): Steps {
  const { namespace = '', name: podName } = pod.metadata
  const name = `${podName}-${volume.name}`
  const present = get(PersistentVolumeClaim, { namespace, name })
  if (present === undefined) return yield* ifWelcome(create(PersistentVolumeClaim, claimOf(pod, volume, name)))
  if (isControlledBy(present, pod)) return
  const fault = `PVC ${namespace}/${name} was not created for pod ${namespace}/${podName} (pod is not owner)`
  yield event('FailedBinding', `ephemeral volume ${volume.name}: ${fault}`, 'Warning')
}

function claimOf(pod: Pod, { ephemeral }: Volume, name: string): Draft<PersistentVolumeClaim> {
  const { metadata, spec } = ephemeral!.volumeClaimTemplate!
  const { labels, annotations } = metadata ?? {}
  return {
    metadata: {
      name,
      namespace: pod.metadata.namespace,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ownerReferences: [controllerReference(Pod, pod)],
    },
    spec,
  }
}
