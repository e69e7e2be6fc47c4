import type { Change, Steps } from '../../reconciler/changes.ts'
import { ApiError, isAlreadyExists } from '../../schema/status.ts'
import { isNamespaceTerminating } from './pod-control.ts'

/** A creation that is no loss where somebody else was faster, or where the namespace is on its way out. */
export function* ifWelcome(change: Change): Steps {
  try {
    yield change
  } catch (error) {
    if (isAlreadyExists(error)) return
    if (error instanceof ApiError && isNamespaceTerminating(error)) return
    throw error
  }
}
