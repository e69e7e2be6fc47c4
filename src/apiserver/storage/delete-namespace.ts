import { secondsTime } from '../../base/seconds-time.ts'
import type { ApiObject } from '../../schema/kind.ts'
import type { DeleteOptions } from '../resource.ts'
import { foregroundFinalizer, orphanFinalizer } from './propagation.ts'

interface NamespaceLike extends ApiObject {
  readonly spec?: { readonly finalizers?: readonly string[] }
  readonly status?: { readonly phase?: string }
}

/**
 * A namespace is deleted in two steps. The first delete makes it Terminating, without a grace period; its content then
 * goes, and whoever saw to that takes its mark from `spec.finalizers`. Until then further deletes change nothing.
 */
export function namespaceToTerminate(
  current: ApiObject,
  options: DeleteOptions,
  now: number,
): ApiObject | 'wait' | 'delete' {
  const namespace = current as NamespaceLike
  if (namespace.metadata.deletionTimestamp === undefined) return terminating(namespace, options, now)
  return (namespace.spec?.finalizers ?? []).length > 0 ? 'wait' : 'delete'
}

function terminating(namespace: NamespaceLike, options: DeleteOptions, now: number): ApiObject {
  const { finalizers: current = [] } = namespace.metadata
  const { orphanDependents, propagationPolicy } = options
  const orphans = orphanDependents ?? (propagationPolicy && propagationPolicy === 'Orphan')
  const foreground = propagationPolicy && propagationPolicy === 'Foreground'
  const wanted = new Map([
    [orphanFinalizer, orphans ?? current.includes(orphanFinalizer)],
    [foregroundFinalizer, foreground ?? current.includes(foregroundFinalizer)],
  ])
  const finalizers = current.filter((finalizer) => wanted.get(finalizer) !== false)
  for (const [finalizer, isWanted] of wanted)
    if (isWanted && !finalizers.includes(finalizer)) finalizers.push(finalizer)
  return {
    ...namespace,
    metadata: {
      ...namespace.metadata,
      deletionTimestamp: secondsTime(now),
      finalizers: finalizers.length > 0 ? finalizers : undefined,
    },
    status: { ...namespace.status, phase: 'Terminating' },
  } as ApiObject
}
