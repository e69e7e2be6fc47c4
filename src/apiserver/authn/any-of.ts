import { ApiError } from '../../schema/status.ts'
import type { UserInfo } from '../context.ts'
import type { ApiRequest } from '../request.ts'
import type { Authenticator } from './authn.ts'

/** Asks one after another until somebody knows who asks. What one of them refuses the others may still know. */
export function anyOf(authenticators: readonly Authenticator[]): Authenticator {
  return {
    name: authenticators.map(({ name }) => name).join(' or '),
    async authenticate(request) {
      const refusals: ApiError[] = []
      for (const authenticator of authenticators) {
        const user = await tried(authenticator, request, refusals)
        if (user !== undefined) return user
      }
      if (refusals.length > 0) throw refusals[0]!
      return undefined
    },
  }
}

async function tried(
  authenticator: Authenticator,
  request: ApiRequest,
  refusals: ApiError[],
): Promise<UserInfo | undefined> {
  try {
    return await authenticator.authenticate(request)
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== 'Unauthorized') throw error
    refusals.push(error)
    return undefined
  }
}
