/** A storage with S3's protocol in memory: checks every signature, knows parts, lists a few names at a time. */
import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

export interface S3 extends AsyncDisposable {
  readonly endpoint: string
  readonly objects: Map<string, Buffer>
  /** Uploads in parts that are neither finished nor given up. */
  readonly uploads: ReadonlyMap<string, readonly Buffer[]>
  /** What was asked for, such as `PUT /bucket/name?partNumber`. */
  readonly requests: string[]
  /** Answers so many requests with 503 first. */
  failNext: number
  /** Answers every request from this part of an upload on with 403. */
  refuseFromPart: number
}

export const s3Key = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret/of+the=test' }

export async function startS3(bucket = 'backups'): Promise<S3> {
  const objects = new Map<string, Buffer>()
  const uploads = new Map<string, Buffer[]>()
  const requests: string[] = []
  const server = createServer(async (request, response) => {
    const body = await buffer(request)
    const answer = respond(request, body)
    response.writeHead(answer.status, answer.headers).end(answer.body)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const s3: S3 = {
    ...{ endpoint: `http://127.0.0.1:${port}`, objects, uploads, requests, failNext: 0, refuseFromPart: Infinity },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
  return s3

  interface Answer {
    readonly status: number
    readonly headers?: Record<string, string>
    readonly body?: string | Buffer
  }

  function respond(request: IncomingMessage, body: Buffer): Answer {
    const url = new URL(request.url!, s3.endpoint)
    const query = url.searchParams
    requests.push(`${request.method} ${url.pathname}${query.size > 0 ? `?${[...query.keys()].join('&')}` : ''}`)
    const wrong = faultOf(request, url, body)
    if (wrong) return failure(403, wrong)
    if (s3.failNext > 0) {
      s3.failNext--
      return failure(503, 'SlowDown')
    }
    const [, inBucket, ...rest] = url.pathname.split('/').map(decodeURIComponent)
    if (inBucket !== bucket) return failure(404, 'NoSuchBucket')
    const key = rest.join('/')
    if (key === '') return list(query)
    const uploadId = query.get('uploadId') ?? undefined
    if (request.method === 'POST' && query.has('uploads')) return begin(key)
    if (uploadId !== undefined) return part(request.method!, key, uploadId, query, body)
    return object(request.method!, key, body)
  }

  function object(method: string, key: string, body: Buffer): Answer {
    if (method === 'PUT') objects.set(key, body)
    else if (method === 'DELETE') objects.delete(key)
    else {
      const content = objects.get(key)
      return content ? { status: 200, body: content } : failure(404, 'NoSuchKey')
    }
    return { status: method === 'DELETE' ? 204 : 200, headers: { etag: etagOf(body) } }
  }

  function begin(key: string): Answer {
    const id = `${key}<&>${uploads.size}`
    uploads.set(id, [])
    return {
      status: 200,
      body: `<InitiateMultipartUploadResult><UploadId>${escaped(id)}</UploadId></InitiateMultipartUploadResult>`,
    }
  }

  function part(method: string, key: string, id: string, query: URLSearchParams, body: Buffer): Answer {
    const parts = uploads.get(id)
    if (!parts) return failure(404, 'NoSuchUpload')
    if (method === 'DELETE') {
      uploads.delete(id)
      return { status: 204 }
    }
    if (method === 'PUT') {
      const number = Number(query.get('partNumber'))
      if (number >= s3.refuseFromPart) return failure(403, 'QuotaExceeded')
      parts[number - 1] = body
      return { status: 200, headers: { etag: etagOf(body) } }
    }
    const tags = [...body.toString().matchAll(/<ETag>(.*?)<\/ETag>/g)].map(([, tag]) => tag!.replaceAll('&quot;', '"'))
    if (tags.join() !== parts.map(etagOf).join()) return failure(400, 'InvalidPart')
    if (parts.slice(0, -1).some(({ length }) => length < 5 << 20)) return failure(400, 'EntityTooSmall')
    objects.set(key, Buffer.concat(parts))
    uploads.delete(id)
    return { status: 200, body: '<CompleteMultipartUploadResult/>' }
  }

  function list(query: URLSearchParams): Answer {
    const names = [...objects.keys()].filter((name) => name.startsWith(query.get('prefix') ?? '')).sort()
    const from = Number(query.get('continuation-token') ?? 0)
    const shown = names.slice(from, from + 2).map((name) => {
      return `<Contents><Key>${escaped(name)}</Key><Size>${objects.get(name)!.length}</Size></Contents>`
    })
    const next = from + 2 < names.length ? `<NextContinuationToken>${from + 2}</NextContinuationToken>` : ''
    return { status: 200, body: `<ListBucketResult>${shown.join('')}${next}</ListBucketResult>` }
  }
}

const failure = (status: number, code: string) => ({
  status,
  body: `<Error><Code>${code}</Code><Message>no: ${code}</Message></Error>`,
})
const etagOf = (body: Buffer) => `"${createHash('md5').update(body).digest('hex')}"`
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** Reckons the signature from what came over the wire. */
function faultOf(request: IncomingMessage, url: URL, body: Buffer): string | undefined {
  const pattern =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/
  const [, id, day, region, names, signature] = pattern.exec(request.headers.authorization ?? '') ?? []
  if (!signature) return 'AccessDenied'
  if (id !== s3Key.accessKeyId) return 'InvalidAccessKeyId'
  const at = String(request.headers['x-amz-date'])
  if (!at.startsWith(day!)) return 'SignatureDoesNotMatch'
  const bodyHash = createHash('sha256').update(body).digest('hex')
  if (request.headers['x-amz-content-sha256'] !== bodyHash) return 'XAmzContentSHA256Mismatch'
  for (const needed of ['host', 'x-amz-date', 'x-amz-content-sha256']) {
    if (!names!.split(';').includes(needed)) return 'AccessDenied'
  }
  const query = url.search
    .slice(1)
    .split('&')
    .filter((pair) => pair !== '')
    .sort()
    .join('&')
  const headers = names!.split(';').map((name) => `${name}:${request.headers[name]}\n`)
  const canonical = `${request.method}\n${url.pathname}\n${query}\n${headers.join('')}\n${names}\n${bodyHash}`
  const scope = `${day}/${region}/s3/aws4_request`
  const text = `AWS4-HMAC-SHA256\n${at}\n${scope}\n${createHash('sha256').update(canonical).digest('hex')}`
  let key: Buffer = Buffer.from(`AWS4${s3Key.secretAccessKey}`)
  for (const word of scope.split('/')) key = createHmac('sha256', key).update(word).digest()
  return createHmac('sha256', key).update(text).digest('hex') === signature ? undefined : 'SignatureDoesNotMatch'
}
