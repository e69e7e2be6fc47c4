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
}

export interface Decision {
  readonly allowed: boolean
  /** Refused whatever others say. */
  readonly denied?: boolean
  /** For the one who asks why; not a secret, but empty in most cases. */
  readonly reason: string
}

/** Synchronous, because it stands in the way of every request: answers come from caches that watches keep. */
export interface Authorizer {
  authorize(attributes: Attributes): Decision
}
