import { type Network, NetworkError } from '../../../world/world.ts'
import { ClaimsError } from './claims.ts'
import { parseToken, type UnverifiedToken } from './jws.ts'

/** Where a claim is that stands not in the token itself (OpenID Connect Core 1.0, section 5.6.2). */
export interface ClaimSource {
  readonly endpoint: string
  /** What is shown there. */
  readonly accessToken?: string
}

type Claims = UnverifiedToken['claims']

/** Where a claim of a token is to be had; undefined when it is in the token, or nowhere. Throws `ClaimsError`. */
export function sourceOf(claims: Claims, claim: string): ClaimSource | undefined {
  const { _claim_names: names, _claim_sources: sources } = claims
  if (Object.hasOwn(claims, claim) || names === undefined) return undefined
  if (!isMap(names)) throw new ClaimsError('oidc: error parsing distributed claim names: they are no object')
  if (sources === undefined) throw new ClaimsError('oidc: no claim sources')
  if (!isMap(sources)) throw new ClaimsError('oidc: could not parse claim sources: they are no object')
  if (!Object.hasOwn(names, claim)) return undefined
  const name = String(names[claim])
  const source = Object.hasOwn(sources, name) ? sources[name] : undefined
  if (!isMap(source))
    throw new ClaimsError(`id token _claim_names contained a source ${name} missing in _claims_sources`)
  const { endpoint, access_token: accessToken } = source
  // Without an endpoint the claim may stand in the source itself, signed, which nobody reads.
  if (typeof endpoint !== 'string' || endpoint === '') return undefined
  return { endpoint, ...(typeof accessToken === 'string' && accessToken !== '' && { accessToken }) }
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const timeoutMs = 30_000
const tokenBytes = 1024 * 1024

/** The token at a source, of which nothing is to be believed yet. Throws `ClaimsError`. */
export async function tokenAt(
  { endpoint, accessToken }: ClaimSource,
  network: Network,
  certificateAuthority: string | undefined,
): Promise<UnverifiedToken> {
  // The access token is a secret.
  if (!endpoint.startsWith('https://')) throw new ClaimsError(`${endpoint} is no https URL`)
  const credential = accessToken === undefined ? {} : { headers: { authorization: `Bearer ${accessToken}` } }
  const tls = certificateAuthority === undefined ? {} : { ca: certificateAuthority }
  try {
    const answer = await network.request({ url: endpoint, timeoutMs, tls, ...credential })
    const text = await answer.text(tokenBytes)
    if (answer.status !== 200) throw new ClaimsError(`error while getting distributed claim JWT: ${answer.status}`)
    const token = parseToken(text.trim())
    if (token === undefined) throw new ClaimsError(`what ${endpoint} answers is no token`)
    return token
  } catch (error) {
    throw error instanceof NetworkError ? new ClaimsError(error.message) : error
  }
}
