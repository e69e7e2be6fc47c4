import { compareQuantities } from '../../base/quantity.ts'
import type { PersistentVolumeClaim } from '../../kinds/core/persistent-volume-claim.ts'
import { StorageClass } from '../../kinds/storage/storage-class.ts'
import { forbidden } from '../../schema/status.ts'
import type { AdmissionPlugin, ClusterReader } from '../admission.ts'

const oldClassAnnotation = 'volume.beta.kubernetes.io/storage-class'

/** A claim may ask for more only where its class says that volumes can grow (`PersistentVolumeClaimResize`). */
export function claimResize(reader: ClusterReader): AdmissionPlugin {
  return {
    name: 'PersistentVolumeClaimResize',
    handles: ({ kind, operation, subresource }) =>
      kind.plural === 'persistentvolumeclaims' && kind.group === '' && operation === 'UPDATE' && subresource === '',
    validate({ object, oldObject, name }) {
      const claim = object as PersistentVolumeClaim
      const old = oldObject as PersistentVolumeClaim
      // Less than before is for validation to judge, and what is not bound cannot change at all.
      if (compareQuantities(size(claim), size(old)) <= 0 || old.status.phase !== 'Bound') return
      if (mayGrow(reader, old)) return
      const why =
        'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize'
      throw forbidden({ group: '', resource: 'persistentvolumeclaims' }, name, why)
    },
  }
}

const size = ({ spec }: PersistentVolumeClaim) => spec.resources.requests?.storage ?? '0'

function mayGrow(reader: ClusterReader, { metadata, spec }: PersistentVolumeClaim): boolean {
  const name = metadata.annotations?.[oldClassAnnotation] ?? spec.storageClassName ?? ''
  return name !== '' && reader.get(StorageClass, '', name)?.allowVolumeExpansion === true
}
