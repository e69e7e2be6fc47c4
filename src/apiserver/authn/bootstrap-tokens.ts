import { Secret } from '../../kinds/core/secret.ts'
import type { Clock } from '../../world/world.ts'
import type { ClusterReader } from '../admission.ts'
import type { UserInfo } from '../context.ts'
import type { Authenticator } from './authn.ts'
import { isSameSecret } from './same-secret.ts'
import { bearerToken, withAuthenticated } from './static-token.ts'

const form = /^([a-z0-9]{6})\.([a-z0-9]{16})$/
const groupForm = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/

/**
 * Short-lived tokens with which new nodes join (`--enable-bootstrap-token-auth`): secrets of kube-system of their own
 * type, which can expire and can be meant for something else than asking the API.
 */
export function bootstrapTokens(reader: ClusterReader, clock: Clock): Authenticator {
  return {
    name: 'bootstrap-token',
    authenticate(request) {
      const token = bearerToken(request.headers.authorization)
      const [, id, secret] = (token && form.exec(token)) || []
      return id === undefined || secret === undefined ? undefined : userOf(id, secret)
    },
  }

  function userOf(id: string, given: string): UserInfo | undefined {
    const found = reader.get(Secret, 'kube-system', `bootstrap-token-${id}`)
    if (!found || found.metadata.deletionTimestamp !== undefined) return undefined
    if (found.type !== 'bootstrap.kubernetes.io/token') return undefined
    const field = (name: string) => Buffer.from(found.data?.[name] ?? '', 'base64').toString('utf8')
    if (!isSameSecret(field('token-secret'), given) || field('token-id') !== id) return undefined
    if (isExpired(field('expiration'), clock.now())) return undefined
    if (field('usage-bootstrap-authentication') !== 'true') return undefined
    const groups = groupsOf(field('auth-extra-groups'))
    return groups && { name: `system:bootstrap:${id}`, groups: withAuthenticated(groups) }
  }
}

/** A time that nobody can read has passed. */
function isExpired(text: string, now: number): boolean {
  if (text === '') return false
  const time = Date.parse(text)
  return Number.isNaN(time) || time <= now
}

/** Undefined when one of them is no group of bootstrappers: then the token is worth nothing. */
function groupsOf(text: string): readonly string[] | undefined {
  const extra = text === '' ? [] : text.split(',')
  if (!extra.every((group) => groupForm.test(group))) return undefined
  return [...new Set(['system:bootstrappers', ...extra])].sort()
}
