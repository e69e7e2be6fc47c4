import type { ObjectMetaLike } from '../../schema/kind.ts'
import type { Mutable } from '../../schema/types.ts'
import type { AdmissionPlugin } from '../admission.ts'

const finalizers: Readonly<Record<string, string>> = {
  'persistentvolumeclaims.': 'kubernetes.io/pvc-protection',
  'persistentvolumes.': 'kubernetes.io/pv-protection',
  'volumeattributesclasses.storage.k8s.io': 'kubernetes.io/vac-protection',
}

/** Storage that is in use does not go: a finalizer keeps it until the last user is gone (`StorageObjectInUseProtection`). */
export const storageProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  completes: true,
  handles: ({ kind, operation, subresource }) =>
    operation === 'CREATE' && subresource === '' && `${kind.plural}.${kind.group}` in finalizers,
  admit({ kind, object }) {
    const metadata = object.metadata as Mutable<ObjectMetaLike>
    const finalizer = finalizers[`${kind.plural}.${kind.group}`]!
    if (!metadata.finalizers?.includes(finalizer)) metadata.finalizers = [...(metadata.finalizers ?? []), finalizer]
  },
}
