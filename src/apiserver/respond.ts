import { goYaml } from '../base/go-yaml.ts'
import { Status } from '../kinds/meta/status.ts'
import { ApiError } from '../schema/status.ts'
import type { ObjectType } from '../schema/types.ts'
import { StoreUnreachableError } from '../store/store.ts'
import type { Exchange } from './exchange.ts'
import { type Accepted, errorFormat } from './negotiate.ts'
import { toProtobuf } from './protobuf-body.ts'
import type { ApiRequest, ApiResponse, ResponseBody } from './request.ts'
import { warningHeaders } from './warnings.ts'

type Headers = ApiResponse['headers']

/** Headers that most answers share; the socket side keeps what it makes of them by identity. */
const plainHeaders: Readonly<Record<string, Headers>> = Object.fromEntries(
  ['application/json', 'application/yaml', 'text/plain; charset=utf-8'].map((type) => [
    type,
    Object.freeze({ 'cache-control': 'no-cache, private', 'content-type': type }),
  ]),
)

export function headersOf(contentType: string, warnings: readonly string[] = [], more?: Headers): Headers {
  const plain = plainHeaders[contentType] ?? { 'cache-control': 'no-cache, private', 'content-type': contentType }
  if (warnings.length === 0 && more === undefined) return plain
  return { ...plain, ...(warnings.length > 0 && { warning: warningHeaders(warnings) }), ...more }
}

/** An answer with an object that exists as JSON already. It is sent as it is unless the client wants it otherwise. */
export function answerJson(exchange: Exchange, status: number, body: Buffer, accepted: Accepted): ApiResponse {
  const headers = headersOf(accepted.contentType, exchange.warnings)
  if (accepted.format === 'json' && !isPretty(exchange)) return { status, headers, body }
  return { status, headers, body: encode(JSON.parse(body.toString('utf8')), accepted, isPretty(exchange)) }
}

/** An answer with an object that is made for this request. `schema`: its type, where it is no `Status`. */
export function answerObject(
  exchange: Exchange,
  status: number,
  object: unknown,
  accepted: Accepted,
  schema?: ObjectType,
): ApiResponse {
  const headers = headersOf(accepted.contentType, exchange.warnings)
  return { status, headers, body: encode(object, accepted, isPretty(exchange), schema) }
}

/** An answer with bytes that are in the accepted format already. */
export function answerBytes(exchange: Exchange, status: number, body: Buffer, accepted: Accepted): ApiResponse {
  return { status, headers: headersOf(accepted.contentType, exchange.warnings), body }
}

export function answerText(status: number, text: ResponseBody, more?: Headers): ApiResponse {
  return { status, headers: headersOf('text/plain; charset=utf-8', [], more), body: text }
}

export const pageNotFound = (): ApiResponse =>
  answerText(404, '404 page not found\n', { 'x-content-type-options': 'nosniff' })

/** The `Status` of a request that failed. What is not an `ApiError` is told as an internal error. */
export function answerError(request: ApiRequest, error: unknown, warnings: readonly string[]): ApiResponse {
  const known = error instanceof ApiError ? error : internalError(error)
  const accepted = errorFormat(request.headers['accept'])
  const retry = known.details?.retryAfterSeconds
  const more = retry === undefined || retry <= 0 ? undefined : { 'retry-after': String(retry) }
  return {
    status: known.code,
    headers: headersOf(accepted.contentType, warnings, more),
    body: encode(known.toStatus(), accepted, wantsPretty(request, undefined)),
  }
}

/** A store that cannot answer is a matter of time: 504 as for whatever takes too long, 503 when nobody is there. */
function storeError({ message, isTimeout }: StoreUnreachableError): ApiError {
  return new ApiError(isTimeout ? 'Timeout' : 'ServiceUnavailable', message, { details: { retryAfterSeconds: 1 } })
}

export function internalError(error: unknown): ApiError {
  if (error instanceof StoreUnreachableError) return storeError(error)
  const message = `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`
  const details = { causes: [{ message: error instanceof Error ? error.message : String(error) }] }
  return new ApiError('InternalError', message, { details, cause: error })
}

function encode(object: unknown, accepted: Accepted, pretty: boolean, schema?: ObjectType): string | Buffer {
  if (accepted.format === 'yaml') return goYaml(object)
  if (accepted.format === 'protobuf') {
    const known = object as { readonly kind?: string; readonly apiVersion?: string }
    return toProtobuf(known, known.kind === 'Status' || schema === undefined ? Status : schema)
  }
  return pretty ? JSON.stringify(object, undefined, 2) : `${JSON.stringify(object)}\n`
}

/** Whether the client wants what people can read. */
export const isPretty = ({ request, info }: Exchange) => wantsPretty(request, info.query.get('pretty'))

/** People read what `curl`, `wget` and browsers fetch. */
function wantsPretty(request: ApiRequest, asked: string | undefined): boolean {
  if (asked !== undefined && asked !== '') return asked === 'true' || asked === '1'
  const agent = request.headers['user-agent']
  return agent !== undefined && /^(curl|Wget|Mozilla\/5\.0)/.test(agent)
}
