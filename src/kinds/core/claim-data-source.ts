import type { Mutable } from '../../schema/types.ts'
import type { PersistentVolumeClaim } from './persistent-volume-claim.ts'

/**
 * Keeps the two fields that say what fills a new volume alike (KEP-1495). The older one only knows claims and
 * snapshots; for anything else that it names, an empty volume was always given, and still is.
 */
export function settleDataSources({ spec }: Mutable<PersistentVolumeClaim>, old?: PersistentVolumeClaim): void {
  const { dataSource } = spec
  if (dataSource !== undefined && spec.dataSourceRef === undefined && old?.spec.dataSource === undefined) {
    const isClaim = dataSource.kind === 'PersistentVolumeClaim' && !dataSource.apiGroup
    const isSnapshot = dataSource.kind === 'VolumeSnapshot' && dataSource.apiGroup === 'snapshot.storage.k8s.io'
    if (!isClaim && !isSnapshot) spec.dataSource = undefined
  }
  if (spec.dataSource !== undefined) spec.dataSourceRef ??= { ...spec.dataSource }
  else if (spec.dataSourceRef !== undefined && !spec.dataSourceRef.namespace) {
    const { apiGroup, kind, name } = spec.dataSourceRef
    spec.dataSource = { ...(apiGroup !== undefined && { apiGroup }), kind, name }
  }
}
