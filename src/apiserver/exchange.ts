import type { AuditRecord } from './audit/audit.ts'
import type { UserInfo } from './context.ts'
import type { ApiRequest } from './request.ts'
import type { RequestInfo } from './request-info.ts'

/** One request on its way through the server: what came, how it was understood, who asks, what there is to warn of. */
export interface Exchange {
  readonly request: ApiRequest
  readonly info: RequestInfo
  readonly user: UserInfo
  /** Collected on the way; they become `Warning` headers, each text once. */
  readonly warnings: string[]
  /** Where the request is written down, if it is. */
  readonly audit?: AuditRecord | undefined
}

export const anonymous: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] }
