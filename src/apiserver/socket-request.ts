/** What comes in over a socket: a request, its body, and whether who asked is still there. */
import type { IncomingMessage } from 'node:http'
import type * as http2 from 'node:http2'
import { Member } from '../base/linked-list.ts'
import { ApiError } from '../schema/status.ts'
import { bodyTooLarge } from './body.ts'
import type { PeerCertificate } from './peer-certificate.ts'
import type { ApiRequest, ClientCertificate } from './request.ts'

const goneReason = new Error('the client is gone')

/** One exchange that is under way. The signal is made when somebody asks for it: most never do. */
export class Gone extends Member {
  #controller: AbortController | undefined
  #aborted = false

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#aborted) this.#controller.abort(goneReason)
    }
    return this.#controller.signal
  }

  abort(): void {
    this.#aborted = true
    // With a reason at hand: to make one costs more than many a request.
    this.#controller?.abort(goneReason)
  }

  end(): void {
    this.unlink()
    this.abort()
  }
}

/** A request as it came over a socket. */
export class SocketRequest implements ApiRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly rawHeaders: readonly string[]
  readonly remoteAddress: string
  readonly certificate: ClientCertificate | undefined
  readonly frontProxy: ClientCertificate | undefined
  readonly hasUnverifiedCertificate: boolean
  readonly #body: IncomingBody | undefined
  readonly #gone: Gone

  constructor(
    method: string,
    url: string,
    headers: Readonly<Record<string, string | undefined>>,
    rawHeaders: readonly string[],
    body: IncomingBody | undefined,
    gone: Gone,
    remoteAddress: string,
    certificate: PeerCertificate,
  ) {
    this.method = method
    this.url = url
    this.headers = headers
    this.rawHeaders = rawHeaders
    this.#body = body
    this.#gone = gone
    this.remoteAddress = remoteAddress
    this.certificate = certificate.ofClient
    this.frontProxy = certificate.ofFrontProxy
    this.hasUnverifiedCertificate = certificate.isShown && certificate.ofClient === undefined
  }

  body(limit: number): Promise<Buffer> {
    return this.#body === undefined ? noBody : this.#body.read(limit)
  }

  get signal(): AbortSignal {
    return this.#gone.signal
  }
}

const noBody = Promise.resolve(Buffer.alloc(0))

type Readable = http2.ServerHttp2Stream | IncomingMessage

const leftToRead = Buffer.alloc(1)

const clientGone = () => new ApiError('BadRequest', 'the client went away while it sent the request')

/** A body that is read when somebody wants it. */
export class IncomingBody {
  readonly #from: Readable
  readonly #length: string | undefined
  readonly #timeoutMs: number
  #read: Promise<Buffer> | undefined

  constructor(from: Readable, length: string | undefined, timeoutMs: number) {
    this.#from = from
    this.#length = length
    this.#timeoutMs = timeoutMs
  }

  read(limit: number): Promise<Buffer> {
    this.#read ??= this.#collect(limit)
    return this.#read
  }

  #collect(limit: number): Promise<Buffer> {
    if (this.#length !== undefined && Number(this.#length) > limit) return Promise.reject(bodyTooLarge(limit))
    // Who waited for their turn may have gone meanwhile, and nothing more is heard of them.
    if (this.#from.destroyed) return Promise.reject(clientGone())
    // Of an empty body the end is told whether or not anybody listens yet.
    if (this.#from.readableEnded) return noBody
    return new Promise((resolve, reject) => {
      const from = this.#from
      // HTTP/1 reads on by itself, and sees to it that nothing comes behind.
      const expected = 'session' in from ? Number(this.#length) : Number.NaN
      const chunks: Buffer[] = []
      let size = 0
      const timer = setTimeout(
        () => finish(new ApiError('Timeout', 'the request body did not arrive in time')),
        this.#timeoutMs,
      )
      const onData = (chunk: Buffer) => {
        size += chunk.length
        if (size > limit) return finish(bodyTooLarge(limit))
        chunks.push(chunk)
        if (size !== expected) return
        // All that was announced is there. Something left to read keeps the stream from ending: see `passOver`.
        from.pause()
        from.unshift(leftToRead)
        finish(undefined)
      }
      const onEnd = () => finish(undefined)
      const onGone = () => finish(clientGone())
      const finish = (error: Error | undefined) => {
        clearTimeout(timer)
        from.off('data', onData)
        from.off('end', onEnd)
        from.off('close', onGone)
        from.off('aborted', onGone)
        if (error !== undefined) reject(error)
        else resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size))
      }
      from.on('data', onData)
      from.on('end', onEnd)
      from.on('close', onGone)
      from.on('aborted', onGone)
    })
  }
}
