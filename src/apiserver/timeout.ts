import { DurationError, parseDuration } from '../base/duration.ts'
import { badRequest } from '../schema/status.ts'
import type { RequestInfo } from './request-info.ts'

/** Requests may say how long they may take; what cannot be read is refused. Throws BadRequest. */
export function checkTimeout({ query, verb }: RequestInfo): void {
  if (query.isEmpty || verb === 'watch') return
  const text = query.get('timeout')
  if (text === undefined || text === '') return
  try {
    parseDuration(text)
  } catch (error) {
    if (!(error instanceof DurationError)) throw error
    throw badRequest(`invalid timeout specified in the request URL - ${error.message}`)
  }
}
