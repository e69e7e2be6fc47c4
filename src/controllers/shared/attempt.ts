import type { Steps } from '../../reconciler/changes.ts'

/** Takes the steps and answers what kept it from their end, if anything: a failure must not keep a status from being told. */
export function* attemptTo(steps: Steps): Steps<unknown> {
  try {
    yield* steps
    return undefined
  } catch (error) {
    return error
  }
}
