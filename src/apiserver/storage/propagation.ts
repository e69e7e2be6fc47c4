import type { Kind, ObjectMetaLike } from '../../schema/kind.ts'
import type { DeleteOptions } from '../resource.ts'

/** With it the garbage collector takes this owner out of its dependents, then lets the owner go. */
export const orphanFinalizer = 'orphan'
/** With it the garbage collector deletes the dependents first. */
export const foregroundFinalizer = 'foregroundDeletion'

/**
 * The finalizers of an object that is to be deleted: its own, and one for the garbage collector when dependents are to
 * be orphaned or deleted first (`deletionFinalizersForGarbageCollection`).
 */
export function propagationFinalizers(kind: Kind, metadata: ObjectMetaLike, options: DeleteOptions): readonly string[] {
  const current = metadata.finalizers ?? []
  const wanted = wantedFinalizer(kind, current, options)
  const own = current.filter((finalizer) => finalizer !== orphanFinalizer && finalizer !== foregroundFinalizer)
  const isAsWanted = wanted === undefined ? own.length === current.length : current.includes(wanted)
  if (isAsWanted && own.length + (wanted === undefined ? 0 : 1) === current.length) return current
  return wanted === undefined ? own : [...own, wanted]
}

/** What was asked wins, then what an earlier delete left, then the kind's habit. Events have no dependents. */
function wantedFinalizer(kind: Kind, current: readonly string[], options: DeleteOptions): string | undefined {
  if (kind.kind === 'Event') return undefined
  if (options.orphanDependents !== undefined) return options.orphanDependents ? orphanFinalizer : undefined
  switch (options.propagationPolicy) {
    case 'Orphan':
      return orphanFinalizer
    case 'Foreground':
      return foregroundFinalizer
    case 'Background':
      return undefined
    case undefined:
      return (
        current.find((finalizer) => finalizer === orphanFinalizer || finalizer === foregroundFinalizer) ??
        (kind.defaultPropagation === 'Orphan' ? orphanFinalizer : undefined)
      )
  }
}
