import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { ApiError } from '../../schema/status.ts'
import type { Clock, Random } from '../../world/world.ts'
import type { UserInfo } from '../context.ts'
import type { Authenticator } from './authn.ts'
import { bearerToken } from './static-token.ts'

/** What a token says about whom it was given to (the private claims under `kubernetes.io`). */
export interface TokenSubject {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  /** The object whose end is also the token's end. */
  readonly bound?: { readonly kind: 'Pod' | 'Secret' | 'Node'; readonly name: string; readonly uid: string }
  /** Of a pod: where it runs (KEP-4193). The token does not end with the node. */
  readonly node?: { readonly name: string; readonly uid?: string }
}

/** How the verifier looks up what tokens are bound to. Synchronous: answered from what the server holds anyway. */
export interface BoundObjects {
  /** The UID of an object, or nothing when it is not there (any more). */
  uidOf(kind: 'ServiceAccount' | 'Pod' | 'Secret' | 'Node', namespace: string, name: string): string | undefined
}

export interface IssuedToken {
  readonly token: string
  readonly expiresAtMs: number
}

interface Claims {
  readonly aud: readonly string[]
  readonly exp: number
  readonly iat: number
  readonly nbf: number
  readonly iss: string
  readonly sub: string
  readonly jti: string
  readonly 'kubernetes.io': {
    readonly namespace: string
    readonly serviceaccount: ObjectClaim
    readonly pod?: ObjectClaim
    readonly secret?: ObjectClaim
    readonly node?: Partial<ObjectClaim> & Pick<ObjectClaim, 'name'>
  }
}

interface ObjectClaim {
  readonly name: string
  readonly uid: string
}

/** Who signs the tokens of service accounts, unless said otherwise. */
export const defaultIssuer = 'https://kubernetes.default.svc.cluster.local'

/** How long a verified token is taken at its word again, as in the reference: so long a deleted account's token lives on. */
const cacheMs = 10_000
const cacheSize = 4096

/**
 * Signs and verifies the tokens of service accounts (KEP-1205): JSON Web Tokens with an audience, an expiry, and
 * bound to objects that must still be there.
 */
export class ServiceAccountTokens implements Authenticator {
  readonly name = 'service-account'
  readonly issuer: string
  readonly #key: KeyObject
  readonly #publicKeys: readonly { readonly id: string; readonly key: KeyObject }[]
  readonly #tools: { readonly clock: Clock; readonly random: Random }
  readonly #objects: BoundObjects
  readonly #verified = new Map<string, { readonly claims: Claims; readonly untilMs: number }>()

  constructor(options: {
    /** PEM; signs. */
    signingKey: string
    /** PEM of further keys (old ones during a rotation) whose tokens still hold. */
    furtherPublicKeys?: readonly string[]
    issuer?: string
    objects: BoundObjects
    tools: { readonly clock: Clock; readonly random: Random }
  }) {
    this.issuer = options.issuer ?? defaultIssuer
    this.#key = createPrivateKey(options.signingKey)
    const keys = [createPublicKey(this.#key), ...(options.furtherPublicKeys ?? []).map((pem) => createPublicKey(pem))]
    this.#publicKeys = keys.map((key) => ({ id: keyId(key), key }))
    this.#objects = options.objects
    this.#tools = options.tools
  }

  issue(subject: TokenSubject, audiences: readonly string[], lifetimeSeconds: number): IssuedToken {
    const now = Math.floor(this.#tools.clock.now() / 1000)
    const { bound } = subject
    const claims: Claims = {
      aud: audiences.length > 0 ? audiences : [this.issuer],
      exp: now + lifetimeSeconds,
      iat: now,
      iss: this.issuer,
      jti: this.#tools.random.uuid(),
      'kubernetes.io': {
        namespace: subject.namespace,
        ...(bound && { [bound.kind.toLowerCase()]: { name: bound.name, uid: bound.uid } }),
        ...(subject.node && { node: subject.node }),
        serviceaccount: { name: subject.name, uid: subject.uid },
      },
      nbf: now,
      sub: `system:serviceaccount:${subject.namespace}:${subject.name}`,
    }
    const head = encode({ alg: algorithmOf(this.#key), kid: this.#publicKeys[0]!.id })
    const body = `${head}.${encode(claims)}`
    const signature = sign(hashOf(this.#key), Buffer.from(body), signatureOptions(this.#key)).toString('base64url')
    return { token: `${body}.${signature}`, expiresAtMs: claims.exp * 1000 }
  }

  authenticate(request: { readonly headers: Readonly<Record<string, string | undefined>> }): UserInfo | undefined {
    const token = bearerToken(request.headers.authorization)
    if (token === undefined || !looksLikeToken(token)) return undefined
    const review = this.review(token, [this.issuer])
    if (!review) return undefined
    if ('error' in review) throw new ApiError('Unauthorized', 'Unauthorized')
    return review.user
  }

  /**
   * Who a token speaks for, and for which of the wanted audiences; an error when it is ours but does not hold for them;
   * nothing when it is no token of ours at all.
   */
  review(
    token: string,
    audiences: readonly string[],
  ): { readonly user: UserInfo; readonly audiences: readonly string[] } | { readonly error: string } | undefined {
    const claims = this.#verify(token)
    if (!claims || 'error' in claims) return claims
    const common = audiences.filter((audience) => claims.aud.includes(audience))
    if (common.length === 0) {
      const list = (items: readonly string[]) => `[${items.map((item) => JSON.stringify(item)).join(' ')}]`
      return { error: `token audiences ${list(claims.aud)} is invalid for the target audiences ${list(audiences)}` }
    }
    return { user: userOf(claims), audiences: common }
  }

  #verify(token: string): Claims | { readonly error: string } | undefined {
    const now = this.#tools.clock.now()
    const known = this.#verified.get(token)
    if (known && known.untilMs > now) return known.claims
    this.#verified.delete(token)
    const claims = this.#checkSignature(token)
    if (!claims || claims.iss !== this.issuer) return undefined
    if (claims.exp * 1000 <= now) return { error: 'service account token has expired' }
    if (claims.nbf * 1000 > now + 60_000) return { error: 'service account token is not valid yet' }
    if (!this.#isStillThere(claims)) return { error: 'service account token has been invalidated' }
    if (this.#verified.size >= cacheSize) this.#verified.delete(this.#verified.keys().next().value!)
    this.#verified.set(token, { claims, untilMs: Math.min(now + cacheMs, claims.exp * 1000) })
    return claims
  }

  #checkSignature(token: string): Claims | undefined {
    const [head = '', body = '', signature = ''] = token.split('.')
    const header = decode<{ alg?: string; kid?: string }>(head)
    const signer = this.#publicKeys.find(({ id }) => id === header?.kid)
    // The algorithm is the key's, never what the token says of itself.
    if (!signer || header?.alg !== algorithmOf(signer.key)) return undefined
    const content = Buffer.from(`${head}.${body}`)
    if (!verify(hashOf(signer.key), content, signatureOptions(signer.key), Buffer.from(signature, 'base64url')))
      return undefined
    return decode<Claims>(body)
  }

  #isStillThere(claims: Claims): boolean {
    const { namespace, serviceaccount, pod, secret, node } = claims['kubernetes.io']
    const holds = (kind: Parameters<BoundObjects['uidOf']>[0], inside: string, claim: ObjectClaim | undefined) =>
      claim === undefined || this.#objects.uidOf(kind, inside, claim.name) === claim.uid
    return (
      holds('ServiceAccount', namespace, serviceaccount) &&
      holds('Pod', namespace, pod) &&
      holds('Secret', namespace, secret) &&
      (pod !== undefined || holds('Node', '', node as ObjectClaim | undefined))
    )
  }

  /** The public keys as a JSON Web Key Set (RFC 7517), for those who verify tokens themselves. */
  keySet(): { readonly keys: readonly { readonly alg: string; readonly [name: string]: unknown }[] } {
    return {
      keys: this.#publicKeys.map(({ id, key }) => ({
        use: 'sig',
        alg: algorithmOf(key),
        kid: id,
        ...key.export({ format: 'jwk' }),
      })),
    }
  }
}

function userOf(claims: Claims): UserInfo {
  const { namespace, serviceaccount, pod, node } = claims['kubernetes.io']
  const extra: Record<string, readonly string[]> = {
    'authentication.kubernetes.io/credential-id': [`JTI=${claims.jti}`],
    ...(pod && {
      'authentication.kubernetes.io/pod-name': [pod.name],
      'authentication.kubernetes.io/pod-uid': [pod.uid],
    }),
    ...(node && {
      'authentication.kubernetes.io/node-name': [node.name],
      ...(node.uid && { 'authentication.kubernetes.io/node-uid': [node.uid] }),
    }),
  }
  return {
    name: claims.sub,
    uid: serviceaccount.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    extra,
  }
}

const looksLikeToken = (text: string) => text.split('.').length === 3
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

function decode<T>(text: string): T | undefined {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as T
  } catch {
    return undefined
  }
}

/** By the kind of the key, as the reference signs (RFC 7518, section 3.1). */
function algorithmOf(key: KeyObject): 'RS256' | 'ES256' | 'ES384' | 'ES512' {
  if (key.asymmetricKeyType === 'rsa') return 'RS256'
  const curve = key.asymmetricKeyDetails?.namedCurve
  return curve === 'secp384r1' ? 'ES384' : curve === 'secp521r1' ? 'ES512' : 'ES256'
}

const hashOf = (key: KeyObject) => `sha${algorithmOf(key).slice(2)}`

/** JSON Web Signatures carry ECDSA signatures as two numbers side by side (RFC 7518, section 3.4). */
const signatureOptions = (key: KeyObject) => ({ key, dsaEncoding: 'ieee-p1363' as const })

/** As the reference names its keys: the hash of the public key. */
const keyId = (key: KeyObject) =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
