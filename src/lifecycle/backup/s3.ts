import type { HostWorld, IncomingAnswer } from '../../world/world.ts'
import { LifecycleError } from '../failure.ts'
import { chunksOf } from './chunks.ts'
import { type BackupPlace, backupSuffix, newestFirst, type StoredBackup } from './place.ts'
import { type Credentials, encode, signed } from './sigv4.ts'

/** A bucket of S3 or of what speaks its protocol, addressed by path. */
export interface S3Options {
  readonly world: Pick<HostWorld, 'network' | 'clock'>
  readonly endpoint: string
  readonly region: string
  readonly bucket: string
  /** In front of names; without slashes around. */
  readonly prefix: string
  readonly credentials: Credentials
}

/** What the storage answered instead of doing what was asked. */
export class S3Error extends LifecycleError {}

/** S3 takes parts from 5 MiB on, and 10,000 of them: enough for 80 GiB. */
const partBytes = 8 << 20
const timeoutMs = 60_000
const answerBytesMax = 16 << 20
const tries = 3

export function s3Place(options: S3Options): BackupPlace {
  const { bucket, prefix } = options
  const client = new S3Client(options)
  const keyOf = (name: string) => (prefix === '' ? name : `${prefix}/${name}`)
  return {
    name: `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`,
    async list() {
      const found = await client.list(prefix === '' ? '' : `${prefix}/`)
      return newestFirst(found.filter(({ name }) => name.endsWith(backupSuffix)))
    },
    put: (name, pieces) => client.put(keyOf(name), pieces),
    get: (name) => client.get(keyOf(name)),
    remove: (name) => client.remove(keyOf(name)),
  }
}

interface Request {
  readonly method: string
  readonly key?: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
}

class S3Client {
  readonly #options: S3Options

  constructor(options: S3Options) {
    this.#options = options
  }

  async list(prefix: string): Promise<StoredBackup[]> {
    const found: StoredBackup[] = []
    let token: string | undefined
    do {
      const query = { 'list-type': '2', prefix, ...(token !== undefined && { 'continuation-token': token }) }
      const text = await this.#text({ method: 'GET', query })
      for (const [, contents] of text.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
        const key = inside(contents!, 'Key') ?? ''
        found.push({ name: key.slice(prefix.length), bytes: Number(inside(contents!, 'Size')) })
      }
      token = inside(text, 'NextContinuationToken')
    } while (token !== undefined)
    return found
  }

  /** In one request when it is small, else in parts, which are thrown away when it does not come to an end. */
  async put(key: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const parts = chunksOf(pieces, partBytes)
    const first = await parts.next()
    const second = await parts.next()
    if (first.done || second.done) {
      await this.#text({ method: 'PUT', key, body: first.value ?? new Uint8Array(0) })
      return
    }
    const started = await this.#text({ method: 'POST', key, query: { uploads: '' } })
    const uploadId = inside(started, 'UploadId')
    if (uploadId === undefined) throw new S3Error('the storage began no upload in parts')
    try {
      const tags = [
        await this.#putPart(key, uploadId, 1, first.value),
        await this.#putPart(key, uploadId, 2, second.value),
      ]
      for await (const part of parts) tags.push(await this.#putPart(key, uploadId, tags.length + 1, part))
      await this.#complete(key, uploadId, tags)
    } catch (error) {
      await this.#text({ method: 'DELETE', key, query: { uploadId } }).catch(() => {})
      throw error
    }
  }

  async #putPart(key: string, uploadId: string, number: number, body: Uint8Array): Promise<string> {
    const answer = await this.#ask({ method: 'PUT', key, query: { partNumber: `${number}`, uploadId }, body })
    await answer.text(answerBytesMax)
    const tag = answer.headers['etag']
    if (typeof tag !== 'string') throw new S3Error(`the storage did not say that it has part ${number}`)
    return tag
  }

  async #complete(key: string, uploadId: string, tags: readonly string[]): Promise<void> {
    const parts = tags.map(
      (tag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escaped(tag)}</ETag></Part>`,
    )
    const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`)
    const text = await this.#text({ method: 'POST', key, query: { uploadId }, body })
    // It may begin to answer with 200 and fail after that.
    if (text.includes('<Error>'))
      throw new S3Error(`the storage could not put the parts together: ${inside(text, 'Message')}`)
  }

  async *get(key: string): AsyncGenerator<Uint8Array> {
    const answer = await this.#ask({ method: 'GET', key })
    try {
      yield* answer.body
    } finally {
      answer.close()
    }
  }

  async remove(key: string): Promise<void> {
    await this.#text({ method: 'DELETE', key })
  }

  async #text(request: Request): Promise<string> {
    return (await this.#ask(request)).text(answerBytesMax)
  }

  /** Tries again what the storage could not do just now. Throws `S3Error`, `NetworkError`. */
  async #ask(request: Request): Promise<IncomingAnswer> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#send(request)
      if (answer.status < 300) return answer
      const text = await answer.text(answerBytesMax)
      if (answer.status < 500 || attempt === tries) throw errorOf(answer.status, text, request)
      await this.#options.world.clock.after(500 * attempt)
    }
  }

  #send({ method, key, query = {}, body = new Uint8Array(0) }: Request): Promise<IncomingAnswer> {
    const { world, endpoint, bucket, region, credentials } = this.#options
    const path = [bucket, ...(key === undefined ? [] : key.split('/'))].map(encode).join('/')
    const text = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(value)}`)
    const url = new URL(`${endpoint.replace(/\/$/, '')}/${path}${text.length > 0 ? `?${text.join('&')}` : ''}`)
    const atMs = world.clock.now()
    const headers = signed({ method, url, headers: {}, body, region, service: 's3', atMs }, credentials)
    return world.network.request({ url: url.href, method, headers, ...(body.length > 0 && { body }), timeoutMs })
  }
}

function errorOf(status: number, text: string, { method, key }: Request): S3Error {
  const code = inside(text, 'Code')
  const hint = code === undefined ? undefined : hints[code]
  const what = key === undefined ? 'the bucket' : key
  return new S3Error(
    `the storage answered ${status} ${code ?? ''} to ${method} ${what}: ${inside(text, 'Message') ?? text.slice(0, 200)}`,
    {
      ...(hint && { hint }),
    },
  )
}

const hints: Readonly<Record<string, string>> = {
  SignatureDoesNotMatch: 'is $AWS_SECRET_ACCESS_KEY right?',
  InvalidAccessKeyId: 'is $AWS_ACCESS_KEY_ID right?',
  RequestTimeTooSkewed: 'the clock of this host is wrong',
  NoSuchBucket: 'make the bucket first',
  AuthorizationHeaderMalformed: 'is --s3-region right?',
}

const inside = (xml: string, name: string): string | undefined => {
  const [, text] = new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(xml) ?? []
  return text === undefined ? undefined : unescaped(text)
}

const entities: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
  '&#39;': "'",
  '&#34;': '"',
}
const unescaped = (text: string) =>
  text.replace(/&(lt|gt|quot|apos|#39|#34);/g, (entity) => entities[entity]!).replaceAll('&amp;', '&')
const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
