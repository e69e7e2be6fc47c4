import { Pod } from '../../kinds/core/pod.ts'
import { attempt, create, event, remove, type Steps } from '../../reconciler/changes.ts'
import type { ApiError } from '../../schema/status.ts'
import type { Draft } from '../../schema/types.ts'

/** Creates pods beside one another, with an event for each. Answers the first failure, if it matters. */
export function* createPods(drafts: readonly Draft<Pod>[]): Steps<ApiError | undefined> {
  const { done, failed } = yield* attempt(drafts.map((draft) => create(Pod, draft)))
  for (const { result } of done) yield event('SuccessfulCreate', `Created pod: ${result.metadata.name}`)
  const [first] = failed
  if (first === undefined || isNamespaceTerminating(first.error)) return undefined
  for (const { error } of failed) yield event('FailedCreate', `Error creating: ${error.message}`, 'Warning')
  return first.error
}

/** Deletes pods beside one another, with an event for each. Answers the first failure. */
export function* deletePods(pods: readonly Pod[]): Steps<ApiError | undefined> {
  const { done, failed } = yield* attempt(pods.map((pod) => remove(Pod, pod)))
  for (const { change } of done)
    if (change.type === 'remove') yield event('SuccessfulDelete', `Deleted pod: ${change.ref.name}`)
  for (const { error } of failed) yield event('FailedDelete', `Error deleting: ${error.message}`, 'Warning')
  return failed[0]?.error
}

/** What a namespace that is being deleted answers to every creation: nothing to retry, nothing to report. */
export function isNamespaceTerminating(error: ApiError): boolean {
  return error.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') ?? false
}
