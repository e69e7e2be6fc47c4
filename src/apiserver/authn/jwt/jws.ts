import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto'

/** A signed token (JWS compact form, RFC 7515) as it came; nothing of it is to be believed yet. */
export interface UnverifiedToken {
  readonly algorithm: string
  readonly keyId: string | undefined
  readonly claims: Readonly<Record<string, unknown>>
  readonly signedPart: Buffer
  readonly signature: Buffer
}

/** Undefined when it is no such token. */
export function parseToken(text: string): UnverifiedToken | undefined {
  const parts = text.split('.')
  if (parts.length !== 3) return undefined
  const [head = '', body = '', signature = ''] = parts
  const header = parseSegment(head)
  const claims = parseSegment(body)
  // What a receiver must understand and does not (RFC 7515, section 4.1.11) makes the token useless.
  if (!header || !claims || typeof header['alg'] !== 'string' || header['crit'] !== undefined) return undefined
  return {
    algorithm: header['alg'],
    keyId: typeof header['kid'] === 'string' ? header['kid'] : undefined,
    claims,
    signedPart: Buffer.from(`${head}.${body}`),
    signature: Buffer.from(signature, 'base64url'),
  }
}

function parseSegment(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    return undefined
  }
}

interface Algorithm {
  readonly hash: string
  readonly keyType: 'rsa' | 'ec'
  /** Of elliptic curves: the only curve that may be used with it. */
  readonly curve?: string
  readonly pss?: boolean
}

/** Those with public keys alone (RFC 7518): with `none` or a shared secret anybody could sign. */
const algorithms: Readonly<Record<string, Algorithm | undefined>> = {
  RS256: { hash: 'sha256', keyType: 'rsa' },
  RS384: { hash: 'sha384', keyType: 'rsa' },
  RS512: { hash: 'sha512', keyType: 'rsa' },
  PS256: { hash: 'sha256', keyType: 'rsa', pss: true },
  PS384: { hash: 'sha384', keyType: 'rsa', pss: true },
  PS512: { hash: 'sha512', keyType: 'rsa', pss: true },
  ES256: { hash: 'sha256', keyType: 'ec', curve: 'prime256v1' },
  ES384: { hash: 'sha384', keyType: 'ec', curve: 'secp384r1' },
  ES512: { hash: 'sha512', keyType: 'ec', curve: 'secp521r1' },
}

export const signingAlgorithms: readonly string[] = Object.keys(algorithms)

/** One key of a set, and for what it may be used. */
export interface VerificationKey {
  readonly id: string | undefined
  /** Absent: any that fits the key. */
  readonly algorithm: string | undefined
  readonly key: KeyObject
}

/** The usable keys of a JSON Web Key Set (RFC 7517); keys of other kinds and uses are left out. */
export function keysOfSet(set: unknown): readonly VerificationKey[] {
  const keys = (set as { readonly keys?: unknown } | null)?.keys
  if (!Array.isArray(keys)) return []
  return keys.flatMap((jwk: JsonWebKey & { readonly kid?: string; readonly use?: string; readonly alg?: string }) => {
    if (jwk.kty !== 'RSA' && jwk.kty !== 'EC') return []
    if (jwk.use !== undefined && jwk.use !== 'sig') return []
    try {
      return [{ id: jwk.kid, algorithm: jwk.alg, key: createPublicKey({ key: jwk, format: 'jwk' }) }]
    } catch {
      return []
    }
  })
}

/** Whether a key signed a token by the algorithm that the token names, if the key may be used with it. */
export function isSignedBy(token: UnverifiedToken, { key, algorithm: only }: VerificationKey): boolean {
  const algorithm = Object.hasOwn(algorithms, token.algorithm) ? algorithms[token.algorithm] : undefined
  if (!algorithm || key.asymmetricKeyType !== algorithm.keyType) return false
  if (only !== undefined && only !== token.algorithm) return false
  if (algorithm.curve !== undefined && key.asymmetricKeyDetails?.namedCurve !== algorithm.curve) return false
  const manner = algorithm.pss
    ? { padding: rsaPssPadding, saltLength: digestLengthSalt }
    : algorithm.keyType === 'ec'
      ? { dsaEncoding: 'ieee-p1363' as const }
      : {}
  return verify(algorithm.hash, token.signedPart, { key, ...manner }, token.signature)
}

/** `RSA_PKCS1_PSS_PADDING` and `RSA_PSS_SALTLEN_DIGEST` of OpenSSL. */
const rsaPssPadding = 6
const digestLengthSalt = -1
