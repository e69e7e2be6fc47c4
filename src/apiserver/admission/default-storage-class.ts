import type { PersistentVolumeClaim } from '../../kinds/core/persistent-volume-claim.ts'
import { StorageClass } from '../../kinds/storage/storage-class.ts'
import type { Mutable } from '../../schema/types.ts'
import type { AdmissionPlugin, ClusterReader } from '../admission.ts'

const defaultMarks = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']
const oldClassAnnotation = 'volume.beta.kubernetes.io/storage-class'

/** Claims that say nothing of a class get the default one. An empty name says something: no class at all. */
export function defaultStorageClass(reader: ClusterReader): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
    completes: true,
    handles: ({ kind, operation, subresource }) =>
      kind.plural === 'persistentvolumeclaims' && kind.group === '' && operation === 'CREATE' && subresource === '',
    admit({ object }) {
      const { metadata, spec } = object as Mutable<PersistentVolumeClaim>
      const isSaid = spec.storageClassName !== undefined || metadata.annotations?.[oldClassAnnotation] !== undefined
      if (isSaid) return
      const name = defaultClass(reader)?.metadata.name
      if (name !== undefined) spec.storageClassName = name
    },
  }
}

/** Of several that claim to be it, the youngest; of those made in the same second, the first by name. */
function defaultClass(reader: ClusterReader): StorageClass | undefined {
  const isDefault = ({ metadata }: StorageClass) => defaultMarks.some((mark) => metadata.annotations?.[mark] === 'true')
  return reader
    .list(StorageClass, '')
    .filter(isDefault)
    .reduce<StorageClass | undefined>((best, next) => (best && made(best) >= made(next) ? best : next), undefined)
}

const made = ({ metadata }: StorageClass) => metadata.creationTimestamp ?? ''
