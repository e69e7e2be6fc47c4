import { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../kinds/core/persistent-volume-claim.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { classOfClaim } from '../../kinds/core/volume-matching.ts'
import { StorageClass } from '../../kinds/storage/storage-class.ts'
import { VolumeAttachment } from '../../kinds/storage/volume-attachment.ts'
import { defineIndex, type Index } from '../../reconciler/caches.ts'
import type { Context } from '../../reconciler/controller.ts'
import type { ApiObject } from '../../schema/kind.ts'
import { timeOf } from './owner.ts'

/** `namespace/name`: how claims are found. */
export const keyOfObject = ({ metadata }: ApiObject): string => `${metadata.namespace}/${metadata.name}`

export function refOfKey(key: string): { readonly namespace: string; readonly name: string } {
  const [namespace = '', name = ''] = key.split('/')
  return { namespace, name }
}

/** Keys of the claims that a pod uses, those of its own generic ephemeral volumes included. */
export function claimKeysOf({ metadata, spec }: Pod): readonly string[] {
  let keys = none
  for (const { name, persistentVolumeClaim, ephemeral } of spec.volumes ?? []) {
    const claim = persistentVolumeClaim?.claimName ?? (ephemeral ? `${metadata.name}-${name}` : undefined)
    if (claim !== undefined) keys = [...keys, `${metadata.namespace}/${claim}`]
  }
  return keys
}

/** What most pods have; it is asked of each of a crowd by several controllers. */
const none: readonly string[] = []

/** Pods by the claims that they use. */
export const podsByClaim: Index<Pod> = defineIndex(Pod, 'claim', claimKeysOf)

/** Volumes by the claim that they are bound to, or kept for. */
export const volumesByClaim: Index<PersistentVolume> = defineIndex(
  PersistentVolume,
  'claim',
  ({ spec: { claimRef } }) => (claimRef ? [`${claimRef.namespace}/${claimRef.name}`] : []),
)

/** Claims by the volume that they name. */
export const claimsByVolume: Index<PersistentVolumeClaim> = defineIndex(
  PersistentVolumeClaim,
  'volume',
  ({ spec: { volumeName } }) => (volumeName ? [volumeName] : []),
)

/** What asks for a volume to be at a node, by the volume. */
export const attachmentsByVolume: Index<VolumeAttachment> = defineIndex(
  VolumeAttachment,
  'volume',
  ({ spec: { source } }) => (source.persistentVolumeName ? [source.persistentVolumeName] : []),
)

/** The class of a claim; undefined when it asks for none, or for one that is not there. */
export function storageClassOf(claim: PersistentVolumeClaim, { get }: Pick<Context, 'get'>): StorageClass | undefined {
  const name = classOfClaim(claim)
  return name === '' ? undefined : get(StorageClass, { name })
}

const defaultMarks = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']

export const isDefaultClass = ({ metadata }: StorageClass): boolean =>
  defaultMarks.some((mark) => metadata.annotations?.[mark] === 'true')

/** The class for claims that name none. Of several the newest, then the first by name (KEP-3333). */
export function defaultClass({ list }: Pick<Context, 'list'>): StorageClass | undefined {
  const [newest] = list(StorageClass)
    .filter(isDefaultClass)
    .sort(
      (a, b) =>
        timeOf(b.metadata.creationTimestamp) - timeOf(a.metadata.creationTimestamp) ||
        (a.metadata.name! < b.metadata.name! ? -1 : 1),
    )
  return newest
}

/** The same object with these annotations beside or, where `undefined`, without them. */
export function withAnnotations<T extends ApiObject>(
  object: T,
  changes: Readonly<Record<string, string | undefined>>,
): T {
  const annotations = Object.fromEntries(
    Object.entries({ ...object.metadata.annotations, ...changes }).filter(([, value]) => value !== undefined),
  )
  return { ...object, metadata: { ...object.metadata, annotations } }
}
