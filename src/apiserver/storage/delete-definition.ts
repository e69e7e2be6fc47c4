import { secondsTime } from '../../base/seconds-time.ts'
import {
  type CustomResourceDefinition,
  cleanupFinalizer,
} from '../../kinds/apiextensions/custom-resource-definition.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'

/**
 * The first delete of a CustomResourceDefinition marks it only: its objects go first. Undefined: it is something else, or
 * marked already.
 */
export function definitionToTerminate(kind: Kind, current: ApiObject, now: number): ApiObject | undefined {
  if (kind.plural !== 'customresourcedefinitions' || kind.group !== 'apiextensions.k8s.io') return undefined
  const { metadata, status, ...definition } = current as CustomResourceDefinition
  if (metadata.deletionTimestamp !== undefined) return undefined
  const finalizers = metadata.finalizers ?? []
  const time = secondsTime(now)
  const terminating = {
    type: 'Terminating',
    status: 'True',
    lastTransitionTime: time,
    reason: 'InstanceDeletionPending',
    message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
  }
  const others = (status.conditions ?? []).filter(({ type }) => type !== terminating.type)
  return {
    ...definition,
    metadata: {
      ...metadata,
      deletionTimestamp: time,
      finalizers: finalizers.includes(cleanupFinalizer) ? finalizers : [...finalizers, cleanupFinalizer],
    },
    status: { ...status, conditions: [...others, terminating] },
  } as ApiObject
}
