import { ApiError } from '../../schema/status.ts'
import type { Exchange } from '../exchange.ts'
import { parseAccept } from '../negotiate.ts'
import type { ApiResponse } from '../request.ts'
import { headersOf } from '../respond.ts'
import { methodNotAllowed, type SystemServices } from './system.ts'

/** Whoever signs service account tokens. */
export interface TokenIssuer {
  readonly issuer: string
  keySet(): { readonly keys: readonly { readonly alg: string; readonly [name: string]: unknown }[] }
}

/** What others need to verify service account tokens (OpenID Connect discovery). `address` is where they find the keys. */
export function openIdDocuments(tokens: TokenIssuer, address: string): NonNullable<SystemServices['documents']> {
  return {
    '/.well-known/openid-configuration': (exchange) =>
      answer(exchange, 'application/json', {
        issuer: tokens.issuer,
        jwks_uri: `https://${address}/openid/v1/jwks`,
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: [...new Set(tokens.keySet().keys.map((key) => key.alg))],
      }),
    '/openid/v1/jwks': (exchange) => answer(exchange, 'application/jwk-set+json', tokens.keySet()),
  }
}

/** These documents come in one type alone, and are refused to those who would not read it. */
function answer({ request }: Exchange, type: string, document: object): ApiResponse {
  if (request.method !== 'GET') throw methodNotAllowed()
  const accept = request.headers['accept'] ?? '*/*'
  const takes = parseAccept(accept).some((clause) => {
    const range = `${clause.type}/${clause.subtype}`
    return range === '*/*' || range === 'application/*' || range === type
  })
  if (!takes) throw new ApiError('NotAcceptable', `only the following media types are accepted: ${type}`)
  return {
    status: 200,
    headers: { ...headersOf(type), 'cache-control': 'public, max-age=3600' },
    body: JSON.stringify(document),
  }
}
