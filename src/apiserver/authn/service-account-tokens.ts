import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { ApiError } from '../../schema/status.ts'
import type { Clock, Random } from '../../world/world.ts'
import type { UserInfo } from '../context.ts'
import type { Authenticator } from './authn.ts'
import { isSameSecret } from './same-secret.ts'
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
  /** The token that a secret holds for good; nothing when there is no such secret, or it is being deleted. */
  secretToken(namespace: string, name: string): SecretToken | undefined
}

export interface SecretToken {
  readonly token: string
  /** Nobody had used it for long, and whoever does now has to say first that it is to hold again. */
  readonly isMarkedInvalid: boolean
  /** Somebody has come with it. */
  noteUse(): void
}

/** Whom the token in a secret speaks for. */
export interface SecretTokenSubject {
  readonly namespace: string
  readonly secret: string
  readonly account: string
  readonly accountUid: string
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

/** Of tokens in secrets: they have neither an end nor an audience. */
interface SecretClaims {
  readonly iss: string
  readonly sub: string
  readonly 'kubernetes.io/serviceaccount/namespace': string
  readonly 'kubernetes.io/serviceaccount/secret.name': string
  readonly 'kubernetes.io/serviceaccount/service-account.name': string
  readonly 'kubernetes.io/serviceaccount/service-account.uid': string
}

interface ObjectClaim {
  readonly name: string
  readonly uid: string
}

/** Who signs the tokens of service accounts, unless said otherwise. */
export const defaultIssuer = 'https://kubernetes.default.svc.cluster.local'
/** Who signs the tokens that stand in secrets. */
const secretIssuer = 'kubernetes/serviceaccount'

/**
 * The token that a secret of the type `kubernetes.io/service-account-token` is given: it holds as long as the secret and the
 * account do. `signingKey`: PEM.
 */
export function signSecretToken(signingKey: string, subject: SecretTokenSubject): string {
  const { namespace, secret, account, accountUid } = subject
  const claims: SecretClaims = {
    iss: secretIssuer,
    'kubernetes.io/serviceaccount/namespace': namespace,
    'kubernetes.io/serviceaccount/secret.name': secret,
    'kubernetes.io/serviceaccount/service-account.name': account,
    'kubernetes.io/serviceaccount/service-account.uid': accountUid,
    sub: serviceAccountUser(namespace, account).name,
  }
  return signed(createPrivateKey(signingKey), claims)
}

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
  readonly #verified = new Map<string, Verified>()

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
      sub: serviceAccountUser(subject.namespace, subject.name).name,
    }
    return { token: signed(this.#key, claims, this.#publicKeys[0]!.id), expiresAtMs: claims.exp * 1000 }
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
    const verified = this.#verify(token)
    if (!verified || 'error' in verified) return verified
    const common = audiences.filter((audience) => verified.audiences.includes(audience))
    if (common.length === 0) {
      const list = (items: readonly string[]) => `[${items.map((item) => JSON.stringify(item)).join(' ')}]`
      return {
        error: `token audiences ${list(verified.audiences)} is invalid for the target audiences ${list(audiences)}`,
      }
    }
    return { user: verified.user, audiences: common }
  }

  #verify(token: string): Verified | { readonly error: string } | undefined {
    const now = this.#tools.clock.now()
    const known = this.#verified.get(token)
    if (known && known.untilMs > now) return known
    this.#verified.delete(token)
    const claims = this.#checkSignature(token)
    if (!claims) return undefined
    const verified =
      claims.iss === secretIssuer && claims['kubernetes.io'] === undefined
        ? this.#checkSecret(claims as unknown as SecretClaims, token, now)
        : this.#check(claims, now)
    if (verified === undefined || 'error' in verified) return verified
    if (this.#verified.size >= cacheSize) this.#verified.delete(this.#verified.keys().next().value!)
    this.#verified.set(token, verified)
    return verified
  }

  #check(claims: Claims, now: number): Verified | { readonly error: string } | undefined {
    if (claims.iss !== this.issuer) return undefined
    if (claims.exp * 1000 <= now) return { error: 'service account token has expired' }
    if (claims.nbf * 1000 > now + 60_000) return { error: 'service account token is not valid yet' }
    if (!this.#isStillThere(claims)) return { error: 'service account token has been invalidated' }
    const untilMs = Math.min(now + cacheMs, claims.exp * 1000)
    return { user: userOf(claims), audiences: claims.aud, untilMs }
  }

  /** It is the secret's, word for word, and the account is still the one that it was made for. */
  #checkSecret(claims: SecretClaims, token: string, now: number): Verified | { readonly error: string } {
    const namespace = claims['kubernetes.io/serviceaccount/namespace']
    const secret = claims['kubernetes.io/serviceaccount/secret.name']
    const account = claims['kubernetes.io/serviceaccount/service-account.name']
    const uid = claims['kubernetes.io/serviceaccount/service-account.uid']
    const held = this.#objects.secretToken(namespace, secret)
    const user = serviceAccountUser(namespace, account)
    if (claims.sub !== user.name) return { error: 'sub claim is invalid' }
    if (held === undefined) return { error: 'service account token has been invalidated' }
    if (!isSameSecret(held.token, token)) return { error: "service account token does not match server's copy" }
    held.noteUse()
    if (held.isMarkedInvalid) return { error: markedInvalid(claims) }
    if (this.#objects.uidOf('ServiceAccount', namespace, account) !== uid)
      return { error: `service account ${namespace}/${account} has been deleted` }
    return { user: { ...user, uid }, audiences: [this.issuer], untilMs: now + cacheMs }
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

interface Verified {
  readonly user: UserInfo
  readonly audiences: readonly string[]
  readonly untilMs: number
}

function signed(key: KeyObject, claims: object, id = keyId(createPublicKey(key))): string {
  const body = `${encode({ alg: algorithmOf(key), kid: id })}.${encode(claims)}`
  return `${body}.${sign(hashOf(key), Buffer.from(body), signatureOptions(key)).toString('base64url')}`
}

/** As whom a service account acts. */
export const serviceAccountUser = (namespace: string, name: string): UserInfo => ({
  name: `system:serviceaccount:${namespace}:${name}`,
  groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
})

function markedInvalid(claims: SecretClaims): string {
  const namespace = claims['kubernetes.io/serviceaccount/namespace']
  const secret = `${namespace}/${claims['kubernetes.io/serviceaccount/secret.name']}`
  const account = `${namespace}/${claims['kubernetes.io/serviceaccount/service-account.name']}`
  return (
    `the token in secret ${secret} for service account ${account} has been marked invalid. Use tokens from the TokenRequest ` +
    "API or manually created secret-based tokens, or remove the 'kubernetes.io/legacy-token-invalid-since' label from the " +
    'secret to temporarily allow use of this token'
  )
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
    ...serviceAccountUser(namespace, serviceaccount.name),
    uid: serviceaccount.uid,
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
