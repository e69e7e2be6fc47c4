import type { UserInfo } from '../context.ts'
import type { ApiRequest } from '../request.ts'

/**
 * One way to find out who asks. Returns nothing when the request carries no credential of this sort; throws
 * `Unauthorized` when it carries one that does not hold. The server asks them in order; nobody's means anonymous.
 */
export interface Authenticator {
  readonly name: string
  authenticate(request: ApiRequest): Promise<UserInfo | undefined> | UserInfo | undefined
}
