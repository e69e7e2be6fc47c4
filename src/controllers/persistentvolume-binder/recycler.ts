import type { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { create, event, remove, type Steps } from '../../reconciler/changes.ts'
import type { Context } from '../../reconciler/controller.ts'
import type { Draft } from '../../schema/types.ts'
import { ifWelcome } from '../shared/if-welcome.ts'
import { isBeingDeleted } from '../shared/owner.ts'
import { fail, unbind } from './binding.ts'

const namespace = 'default'
const prefix = 'recycler-for-'
/** How long emptying a volume may take. */
const deadlineSeconds = 60

/** The volume that a pod empties; undefined for all other pods. */
export function volumeOfRecycler({ metadata }: Pod): string | undefined {
  const isOne = metadata.namespace === namespace && metadata.name!.startsWith(prefix)
  return isOne ? metadata.name!.slice(prefix.length) : undefined
}

/** Lets a pod empty the volume, and gives it back to the free ones. */
export function* recycle(volume: PersistentVolume, context: Context): Steps {
  const { hostPath, nfs } = volume.spec
  if (hostPath === undefined && nfs === undefined) {
    return yield* fail(volume, 'VolumeFailedRecycle', 'No recycler plugin found for the volume!', context.now)
  }
  const name = prefix + volume.metadata.name
  const pod = context.get(Pod, { namespace, name })
  if (pod === undefined) return yield* ifWelcome(create(Pod, recycler(name, { hostPath, nfs })))
  if (isBeingDeleted(pod)) return
  if (pod.status.phase === 'Failed') {
    // The pod stays: somebody wants to read why, and another try would fail the same way.
    const message = `Recycle failed: ${pod.status.message || `pod ${name} failed`}`
    yield* fail(volume, 'VolumeFailedRecycle', message, context.now)
  } else if (pod.status.phase === 'Succeeded') {
    yield remove(Pod, pod)
    yield event('VolumeRecycled', 'Volume recycled')
    yield* unbind(volume, context.now)
  }
}

function recycler(name: string, source: object): Draft<Pod> {
  return {
    metadata: { name, namespace },
    spec: {
      restartPolicy: 'Never',
      activeDeadlineSeconds: deadlineSeconds,
      containers: [
        {
          name: 'pv-recycler',
          image: 'registry.k8s.io/build-image/debian-base:bookworm-v1.0.6',
          command: ['/bin/sh', '-c', 'find /scrub -mindepth 1 -delete'],
          volumeMounts: [{ name: 'vol', mountPath: '/scrub' }],
        },
      ],
      volumes: [{ name: 'vol', ...source }],
    },
  }
}
