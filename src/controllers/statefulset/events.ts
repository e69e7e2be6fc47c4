import type { StatefulSet } from '../../kinds/apps/stateful-set.ts'
import { type Change, event, type Steps } from '../../reconciler/changes.ts'
import { ApiError, isAlreadyExists } from '../../schema/status.ts'

/** Does a write and tells in an event how it went. */
export function* tell(set: StatefulSet, verb: 'Create' | 'Delete', what: string, change: Change): Steps {
  const subject = `${verb} ${what} in StatefulSet ${set.metadata.name}`
  const success = what.startsWith('Claim') ? 'success' : 'successful'
  try {
    yield change
    yield event(`Successful${verb}`, `${subject} ${success}`)
  } catch (error) {
    if (error instanceof ApiError && !isAlreadyExists(error))
      yield event(`Failed${verb}`, `${subject} failed error: ${error.message}`, 'Warning')
    throw error
  }
}
