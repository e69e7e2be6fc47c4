import { Pod } from '../../kinds/core/pod.ts'
import { attempt, create, event, remove, type Steps } from '../../reconciler/changes.ts'
import type { ApiError } from '../../schema/status.ts'
import type { Draft } from '../../schema/types.ts'

/** Creates pods beside one another, with an event for each. Answers the first failure, if it matters. */
export function* createPods(drafts: readonly Draft<Pod>[]): Steps<ApiError | undefined> {
  return (yield* createCounted(drafts)).error
}

/** The same, and tells how many there are now. */
export function* createCounted(
  drafts: readonly Draft<Pod>[],
): Steps<{ readonly count: number; readonly error: ApiError | undefined }> {
  const { done, failed } = yield* attempt(drafts.map((draft) => create(Pod, draft)))
  for (const { result } of done) yield event('SuccessfulCreate', `Created pod: ${result.metadata.name}`)
  const [first] = failed
  if (first === undefined || isNamespaceTerminating(first.error)) return { count: done.length, error: undefined }
  for (const { error } of failed) yield event('FailedCreate', `Error creating: ${error.message}`, 'Warning')
  return { count: done.length, error: first.error }
}

/** Deletes pods beside one another, with an event for each. Answers the first failure. */
export function* deletePods(pods: readonly Pod[]): Steps<ApiError | undefined> {
  return (yield* deleteCounted(pods)).error
}

/** The same, and tells which are gone or going now. */
export function* deleteCounted(
  pods: readonly Pod[],
): Steps<{ readonly deleted: readonly Pod[]; readonly error: ApiError | undefined }> {
  const podOf = new Map(pods.map((pod) => [remove(Pod, pod), pod]))
  const { done, failed } = yield* attempt([...podOf.keys()])
  const deleted = done.map(({ change }) => podOf.get(change)!)
  for (const { metadata } of deleted) yield event('SuccessfulDelete', `Deleted pod: ${metadata.name}`)
  for (const { error } of failed) yield event('FailedDelete', `Error deleting: ${error.message}`, 'Warning')
  return { deleted, error: failed[0]?.error }
}

/** What a namespace that is being deleted answers to every creation: nothing to retry, nothing to report. */
export function isNamespaceTerminating(error: ApiError): boolean {
  return error.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') ?? false
}
