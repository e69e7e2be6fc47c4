import { ApiError } from '../../../schema/status.ts'
import type { Clock, Network } from '../../../world/world.ts'
import type { UserInfo } from '../../context.ts'
import type { Authenticator } from '../authn.ts'
import { bearerToken, withAuthenticated } from '../static-token.ts'
import { ClaimsError } from './claims.ts'
import type { JwtIssuer } from './configuration.ts'
import { sourceOf, tokenAt } from './distributed-claims.ts'
import { parseToken, type UnverifiedToken } from './jws.ts'
import { KeySet, KeySetError } from './key-set.ts'

/** How far the clocks of issuers may be ahead of ours. */
const leewayMs = 5 * 60_000

const mostOthers = 64

interface Tools {
  readonly network: Network
  readonly clock: Clock
}

type KnownIssuer = JwtIssuer & { readonly keys: KeySet }
type Claims = UnverifiedToken['claims']

/**
 * Tokens of other issuers (OpenID Connect): signed by one of the issuer's keys, meant for one of the configured audiences,
 * not expired, and with claims that the rules let through. A token of no configured issuer is somebody else's to judge.
 */
export class JwtAuthenticator implements Authenticator {
  readonly name = 'jwt'
  readonly #issuers: ReadonlyMap<string, KnownIssuer>
  readonly #tools: Tools
  /** Of those who sign claims that are elsewhere, by the certificate authority and the issuer. */
  readonly #others = new Map<string, KeySet>()

  constructor(issuers: readonly JwtIssuer[], tools: Tools) {
    this.#tools = tools
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

  async #judge(token: UnverifiedToken, issuer: KnownIssuer): Promise<UserInfo> {
    try {
      await this.#verify(token, issuer, issuer.keys)
      const user = issuer.claims.userOf(await this.#expanded(token.claims, issuer))
      return withoutEmpty({ ...user, groups: withAuthenticated(user.groups) }, token.claims)
    } catch (error) {
      if (!(error instanceof ClaimsError || error instanceof KeySetError)) throw error
      throw new ApiError('Unauthorized', 'Unauthorized', { cause: error })
    }
  }

  async #verify(token: UnverifiedToken, issuer: KnownIssuer, keys: KeySet): Promise<void> {
    this.#checkAudience(token, issuer.configuration.issuer.audiences)
    this.#checkTime(token)
    checkAlgorithm(token, issuer)
    if (!(await keys.verifies(token))) throw new ClaimsError('oidc: verify token: failed to verify signature')
  }

  /** With the groups, where the token says that they are elsewhere: in another token, which is to hold in the same way. */
  async #expanded(claims: Claims, issuer: KnownIssuer): Promise<Claims> {
    const { claim } = issuer.configuration.claimMappings.groups ?? {}
    if (!claim) return claims
    try {
      const source = sourceOf(claims, claim)
      if (source === undefined) return claims
      const token = await tokenAt(source, this.#tools.network, issuer.configuration.issuer.certificateAuthority)
      await this.#verify(token, issuer, this.#keysOfOther(token, issuer))
      if (Object.hasOwn(token.claims, claim)) return { ...claims, [claim]: token.claims[claim] }
      throw new ClaimsError(
        `jwt returned by distributed claim endpoint ${JSON.stringify(source.endpoint)} did not contain claim: ${claim}`,
      )
    } catch (error) {
      if (!(error instanceof ClaimsError || error instanceof KeySetError)) throw error
      throw new ClaimsError(`oidc: could not expand distributed claims: ${error.message}`)
    }
  }

  #keysOfOther({ claims: { iss } }: UnverifiedToken, issuer: KnownIssuer): KeySet {
    const { url, certificateAuthority } = issuer.configuration.issuer
    if (iss === url) return issuer.keys
    if (typeof iss !== 'string') throw new ClaimsError('getting untrusted issuer failed: it is no text')
    const name = `${certificateAuthority} ${iss}`
    const known = this.#others.get(name)
    if (known !== undefined) return known
    if (this.#others.size >= mostOthers) this.#others.delete(this.#others.keys().next().value!)
    const keys = new KeySet({ issuer: iss, ...(certificateAuthority && { certificateAuthority }) }, this.#tools)
    this.#others.set(name, keys)
    return keys
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
    const now = this.#tools.clock.now()
    const { exp, nbf } = claims
    if (typeof exp !== 'number' || exp * 1000 <= now)
      throw new ClaimsError('oidc: verify token: oidc: token is expired')
    if (nbf !== undefined && (typeof nbf !== 'number' || nbf * 1000 > now + leewayMs)) {
      throw new ClaimsError('oidc: verify token: oidc: current time before the nbf (not before) time')
    }
  }
}

function checkAlgorithm({ algorithm }: UnverifiedToken, { algorithms }: JwtIssuer): void {
  if (algorithms === undefined || algorithms.includes(algorithm)) return
  const expected = `[${algorithms.map((name) => JSON.stringify(name)).join(' ')}]`
  throw new ClaimsError(
    `oidc: verify token: oidc: id token signed with unsupported algorithm, expected ${expected} got ${JSON.stringify(algorithm)}`,
  )
}

function keysOf({ configuration }: JwtIssuer, tools: Tools): KeySet {
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
