import type { Requirement } from '../../schema/selectors.ts'
import type { UserInfo } from '../context.ts'

/** What somebody wants to do, as the API server understood the request. */
export interface Attributes {
  readonly user: UserInfo
  /** `get`, `list`, `watch`, `create`, …; for paths outside resources the HTTP method in lower case. */
  readonly verb: string
  readonly namespace: string
  readonly apiGroup: string
  readonly apiVersion: string
  readonly resource: string
  readonly subresource: string
  readonly name: string
  /** false: only `path` counts. */
  readonly isResource: boolean
  readonly path: string
  /**
   * To what a list, watch or deletecollection is limited (KEP-4601). What could not be read is left out: the request is
   * then judged as if it asked for more.
   */
  readonly fieldSelector?: readonly FieldRequirement[]
  readonly labelSelector?: readonly Requirement[]
}

/** `field=value` or, when not `equal`, `field!=value`. */
export interface FieldRequirement {
  readonly field: string
  readonly value: string
  readonly equal: boolean
}

export interface Decision {
  readonly allowed: boolean
  /** Refused whatever others say. */
  readonly denied?: boolean
  /** For the one who asks why; not a secret, but empty in most cases. */
  readonly reason: string
  /** What went wrong while it was being decided. */
  readonly evaluationError?: string
}

/**
 * Answers at once wherever it can, because it stands in the way of every request: from what watches keep in memory.
 * Only who has to ask a server of somebody else's, or begins to watch when it is first asked, gives a promise. It never rejects.
 */
export interface Authorizer {
  authorize(attributes: Attributes): Decision | Promise<Decision>
}

/** An authorizer that never has to wait. */
export interface InstantAuthorizer extends Authorizer {
  authorize(attributes: Attributes): Decision
}

/** What an authorizer says that leaves the question to the next. */
export const noOpinion = (reason = ''): Decision => (reason === '' ? nothingToSay : { allowed: false, reason })

const nothingToSay: Decision = { allowed: false, reason: '' }
