import { secondsTime } from '../../base/seconds-time.ts'
import type { NamespaceCondition } from '../../kinds/core/namespace.ts'

/** What stands in the way of a namespace's end. */
export interface Remaining {
  /** `configmaps.` or `deployments.apps` → how many. */
  readonly objects: ReadonlyMap<string, number>
  /** Finalizer → on how many objects. */
  readonly finalizers: ReadonlyMap<string, number>
  readonly errors: readonly string[]
  /** Versions of groups (`metrics.k8s.io/v1beta1`) of which nobody can say what they have. */
  readonly undiscovered: readonly string[]
}

type Verdict = readonly [status: 'True' | 'False', reason: string, message: string]

/** The five conditions of a namespace that is being deleted. Those that say the same as before keep their time. */
export function deletionConditions(
  present: readonly NamespaceCondition[],
  remaining: Remaining,
  now: number,
): NamespaceCondition[] {
  const verdicts: Readonly<Record<string, Verdict>> = {
    NamespaceDeletionDiscoveryFailure: discoveryFailure(remaining.undiscovered),
    NamespaceDeletionGroupVersionParsingFailure: [
      'False',
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    ],
    NamespaceDeletionContentFailure: contentFailure(remaining.errors),
    NamespaceContentRemaining: contentRemaining(remaining.objects),
    NamespaceFinalizersRemaining: finalizersRemaining(remaining.finalizers),
  }
  const others = present.filter(({ type }) => !(type in verdicts))
  const ours = Object.entries(verdicts).map(([type, [status, reason, message]]) => {
    const old = present.find((condition) => condition.type === type)
    if (old?.status === status && old.reason === reason && old.message === message) return old
    return { type, status, lastTransitionTime: secondsTime(now), reason, message }
  })
  return [...others, ...ours]
}

function discoveryFailure(versions: readonly string[]): Verdict {
  if (versions.length === 0) return ['False', 'ResourcesDiscovered', 'All resources successfully discovered']
  const list = versions.map((version) => `${version}: stale GroupVersion discovery: ${version}`)
  const why = `unable to retrieve the complete list of server APIs: ${list.sort().join(', ')}`
  return ['True', 'DiscoveryFailed', `Discovery failed for some groups, ${versions.length} failing: ${why}`]
}

function contentFailure(errors: readonly string[]): Verdict {
  if (errors.length === 0)
    return ['False', 'ContentDeleted', 'All content successfully deleted, may be waiting on finalization']
  const list = errors.toSorted().join(', ')
  const message = `Failed to delete all resource types, ${errors.length} remaining: ${list}`
  return ['True', 'ContentDeletionFailed', message]
}

function contentRemaining(objects: ReadonlyMap<string, number>): Verdict {
  if (objects.size === 0) return ['False', 'ContentRemoved', 'All content successfully removed']
  const list = [...objects].map(([resource, count]) => `${resource} has ${count} resource instances`)
  return ['True', 'SomeResourcesRemain', `Some resources are remaining: ${list.sort().join(', ')}`]
}

function finalizersRemaining(finalizers: ReadonlyMap<string, number>): Verdict {
  if (finalizers.size === 0) return ['False', 'ContentHasNoFinalizers', 'All content-preserving finalizers finished']
  const list = [...finalizers].map(([finalizer, count]) => `${finalizer} in ${count} resource instances`)
  const message = `Some content in the namespace has finalizers remaining: ${list.sort().join(', ')}`
  return ['True', 'SomeFinalizersRemain', message]
}
