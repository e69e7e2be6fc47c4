import { createHash, createHmac } from 'node:crypto'

/** Signatures of requests to S3 and its like: AWS Signature Version 4. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export interface ToSign {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly region: string
  readonly service: string
  readonly atMs: number
}

/** All headers that the request has to be sent with. */
export function signed(request: ToSign, credentials: Credentials): Record<string, string> {
  const at = new Date(request.atMs).toISOString().replace(/[-:]|\.\d{3}/g, '')
  const bodyHash = hex(sha256(request.body))
  const headers: Record<string, string> = {
    ...Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value.trim()])),
    host: request.url.host,
    'x-amz-content-sha256': bodyHash,
    'x-amz-date': at,
    ...(credentials.sessionToken && { 'x-amz-security-token': credentials.sessionToken }),
  }
  const names = Object.keys(headers).sort()
  const scope = `${at.slice(0, 8)}/${request.region}/${request.service}/aws4_request`
  const canonical = [
    request.method,
    request.url.pathname,
    canonicalQuery(request.url),
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    bodyHash,
  ].join('\n')
  const text = ['AWS4-HMAC-SHA256', at, scope, hex(sha256(canonical))].join('\n')
  const key = [at.slice(0, 8), request.region, request.service, 'aws4_request'].reduce<string | Buffer>(
    (before, part) => createHmac('sha256', before).update(part).digest(),
    `AWS4${credentials.secretAccessKey}`,
  )
  const signature = createHmac('sha256', key).update(text).digest('hex')
  const { host: _, ...sent } = headers
  return {
    ...sent,
    authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  }
}

function canonicalQuery({ searchParams }: URL): string {
  return [...searchParams]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&')
}

/** As the signature wants it: everything but letters, digits and `-._~`. */
export const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)

const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest()
const hex = (bytes: Buffer) => bytes.toString('hex')
