import { createHash } from 'node:crypto'
import { ApiError } from '../../schema/status.ts'
import type { Clock } from '../../world/world.ts'
import type { UserInfo } from '../context.ts'
import type { Authenticator } from './authn.ts'
import { bearerToken } from './static-token.ts'

const size = 4096

/**
 * Remembers for a while whom a token stands for, so that not every request costs a signature or a question to somebody
 * else. What an authenticator does not know it is asked again, unless `missesMs` says otherwise; failures are never kept.
 */
export function cachedTokens(
  authenticator: Authenticator,
  clock: Clock,
  { hitsMs, missesMs = 0 }: { readonly hitsMs: number; readonly missesMs?: number },
): Authenticator {
  const known = new Map<string, { readonly user: UserInfo | undefined; readonly untilMs: number }>()
  // Requests with the same token at the same time ask once.
  const asked = new Map<string, Promise<UserInfo | undefined>>()

  const keep = (key: string, user: UserInfo | undefined) => {
    const forMs = user ? hitsMs : missesMs
    if (forMs <= 0) return
    if (known.size >= size) known.delete(known.keys().next().value!)
    known.set(key, { user, untilMs: clock.monotonic() + forMs })
  }

  return {
    name: authenticator.name,
    authenticate(request) {
      const token = bearerToken(request.headers.authorization)
      if (token === undefined) return undefined
      const key = createHash('sha256').update(token).digest('base64')
      const found = known.get(key)
      if (found && found.untilMs > clock.monotonic()) return found.user
      known.delete(key)
      const running = asked.get(key)
      if (running) return running
      const answer = authenticator.authenticate(request)
      if (!(answer instanceof Promise)) {
        keep(key, answer)
        return answer
      }
      const answered = answer
        .then((user) => {
          keep(key, user)
          return user
        })
        .finally(() => asked.delete(key))
      asked.set(key, answered)
      return answered
    },
  }
}

/** A token that somebody knew and refused. */
export const refusedToken = (cause: unknown): ApiError => new ApiError('Unauthorized', 'Unauthorized', { cause })
