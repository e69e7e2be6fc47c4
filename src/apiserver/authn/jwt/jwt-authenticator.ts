import { ApiError } from '../../../schema/status.ts'
import type { Clock, Network } from '../../../world/world.ts'
import type { UserInfo } from '../../context.ts'
import type { Authenticator } from '../authn.ts'
import { bearerToken, withAuthenticated } from '../static-token.ts'
import { ClaimsError } from './claims.ts'
import type { JwtIssuer } from './configuration.ts'
import { parseToken, type UnverifiedToken } from './jws.ts'
import { KeySet, KeySetError } from './key-set.ts'

/** How far the clocks of issuers may be ahead of ours. */
const leewayMs = 5 * 60_000

/**
 * Tokens of other issuers (OpenID Connect): signed by one of the issuer's keys, meant for one of the configured audiences,
 * not expired, and with claims that the rules let through. A token of no configured issuer is somebody else's to judge.
 */
export class JwtAuthenticator implements Authenticator {
  readonly name = 'jwt'
  readonly #issuers: ReadonlyMap<string, JwtIssuer & { readonly keys: KeySet }>
  readonly #clock: Clock

  constructor(issuers: readonly JwtIssuer[], tools: { readonly network: Network; readonly clock: Clock }) {
    this.#clock = tools.clock
    this.#issuers = new Map(
      issuers.map((issuer) => [issuer.configuration.issuer.url, { ...issuer, keys: keysOf(issuer, tools) }]),
    )
  }

  authenticate(request: Parameters<Authenticator['authenticate']>[0]): Promise<UserInfo> | undefined {
    const text = bearerToken(request.headers.authorization)
    const token = text === undefined ? undefined : parseToken(text)
    const issuer = token?.claims['iss']
    const known = typeof issuer === 'string' ? this.#issuers.get(issuer) : undefined
    return token && known ? this.#judge(token, known) : undefined
  }

  async #judge(token: UnverifiedToken, issuer: JwtIssuer & { readonly keys: KeySet }): Promise<UserInfo> {
    try {
      this.#checkAudience(token, issuer.configuration.issuer.audiences)
      this.#checkTime(token)
      if (!(await issuer.keys.verifies(token))) throw new ClaimsError('oidc: verify token: failed to verify signature')
      const user = issuer.claims.userOf(token.claims)
      return withoutEmpty({ ...user, groups: withAuthenticated(user.groups) }, token.claims)
    } catch (error) {
      if (!(error instanceof ClaimsError || error instanceof KeySetError)) throw error
      throw new ApiError('Unauthorized', 'Unauthorized', { cause: error })
    }
  }

  #checkAudience({ claims }: UnverifiedToken, wanted: readonly string[]): void {
    const audiences = [claims['aud']].flat()
    if (!audiences.some((audience) => typeof audience === 'string' && wanted.includes(audience))) {
      throw new ClaimsError(
        `oidc: verify token: oidc: expected audience in ${JSON.stringify(wanted)} got ${JSON.stringify(audiences)}`,
      )
    }
  }

  #checkTime({ claims }: UnverifiedToken): void {
    const now = this.#clock.now()
    const { exp, nbf } = claims
    if (typeof exp !== 'number' || exp * 1000 <= now)
      throw new ClaimsError('oidc: verify token: oidc: token is expired')
    if (nbf !== undefined && (typeof nbf !== 'number' || nbf * 1000 > now + leewayMs)) {
      throw new ClaimsError('oidc: verify token: oidc: current time before the nbf (not before) time')
    }
  }
}

function keysOf({ configuration }: JwtIssuer, tools: { readonly network: Network; readonly clock: Clock }): KeySet {
  const { url, discoveryURL, certificateAuthority } = configuration.issuer
  return new KeySet(
    {
      issuer: url,
      ...(discoveryURL && { discoveryUrl: discoveryURL }),
      ...(certificateAuthority && { certificateAuthority }),
    },
    tools,
  )
}

/** What the token is called in records, so that its use can be followed. */
function withoutEmpty({ name, uid, groups, extra = {} }: UserInfo, { jti }: UnverifiedToken['claims']): UserInfo {
  const marked = {
    ...extra,
    ...(typeof jti === 'string' && jti !== '' && { 'authentication.kubernetes.io/credential-id': [`JTI=${jti}`] }),
  }
  return { name, groups, ...(uid && { uid }), ...(Object.keys(marked).length > 0 && { extra: marked }) }
}
