import type { Log } from '../../world/world.ts'
import type { UserInfo } from '../context.ts'
import type { Authenticator } from './authn.ts'
import { bearerToken, withAuthenticated } from './static-token.ts'
import { refusedToken } from './token-cache.ts'

/** Asks the webhook; throws when it cannot be asked. */
export type AskTokenReviewer = (question: object) => Promise<object>

interface Answer {
  readonly status?: {
    readonly authenticated?: boolean
    readonly error?: string
    readonly user?: {
      readonly username?: string
      readonly uid?: string
      readonly groups?: readonly string[]
      readonly extra?: Readonly<Record<string, readonly string[]>>
    }
  }
}

/**
 * Somebody else judges tokens (`--authentication-token-webhook-config-file`): a `TokenReview` goes out, and what comes
 * back is believed. Who cannot be asked, or answers nonsense, lets nobody in.
 * @param version of the review: `v1` or `v1beta1`
 */
export function webhookTokens(ask: AskTokenReviewer, version: string, log: Log): Authenticator {
  return {
    name: 'token-webhook',
    authenticate(request) {
      const token = bearerToken(request.headers.authorization)
      return token === undefined ? undefined : review(token)
    },
  }

  async function review(token: string): Promise<UserInfo | undefined> {
    const apiVersion = `authentication.k8s.io/${version}`
    let answer: Answer
    try {
      answer = await ask({ kind: 'TokenReview', apiVersion, metadata: { creationTimestamp: null }, spec: { token } })
    } catch (error) {
      log('warn', 'the token webhook cannot be asked', { error: (error as Error).message })
      throw refusedToken(error)
    }
    const { authenticated, user, error } = answer.status ?? {}
    if (authenticated !== true) {
      if (error) log('debug', 'the token webhook refused a token', { error })
      return undefined
    }
    if (typeof user?.username !== 'string') throw refusedToken(new Error('the token webhook named no user'))
    return userOf(user)
  }
}

function userOf({ username = '', uid, groups, extra }: NonNullable<NonNullable<Answer['status']>['user']>): UserInfo {
  return {
    name: username,
    ...(uid && { uid }),
    groups: withAuthenticated(groups ?? []),
    ...(extra && Object.keys(extra).length > 0 && { extra }),
  }
}
