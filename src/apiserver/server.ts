import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import * as http2 from 'node:http2'
import { type AddressInfo, isIPv6, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { DEFAULT_CIPHERS, type TLSSocket } from 'node:tls'
import { setFlagsFromString } from 'node:v8'
import { LinkedList, Member } from '../base/linked-list.ts'
import { ApiError } from '../schema/status.ts'
import { bodyTooLarge } from './body.ts'
import { endWhenLost } from './lost-connections.ts'
import { keepStreamsInLists } from './open-streams.ts'
import { type PeerCertificate, readCertificate } from './peer-certificate.ts'
import type { ApiRequest, ApiResponse, ClientCertificate, Sink } from './request.ts'

export interface ServerOptions {
  readonly handler: (request: ApiRequest) => Promise<ApiResponse>
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly certificates: Certificates
  /** Takes over connections that leave HTTP (`exec`, `port-forward`, by WebSocket or SPDY). Absent: they are refused. */
  readonly upgrade?: (request: ApiRequest, socket: Duplex, head: Buffer) => void
  readonly limits?: Partial<Limits>
}

/** All in PEM. */
export interface Certificates {
  readonly certificate: string
  readonly key: string
  /** Client certificates that one of these signed are believed. Absent: none is. */
  readonly clientCa?: string
  /** Front proxies that one of these signed may say for whom they ask (`--requestheader-client-ca-file`). */
  readonly requestHeaderCa?: string
}

export interface Limits {
  /** Bytes of all headers of a request. */
  readonly headerBytes: number
  /** HTTP/2: requests that one connection may have open. */
  readonly streams: number
  /** How long the headers of a request may take (HTTP/1), in milliseconds. */
  readonly headersTimeoutMs: number
  /** How long a body may take to come. */
  readonly bodyTimeoutMs: number
  /** How long a connection without a request lives (HTTP/1). */
  readonly keepAliveMs: number
  /** How long a connection may take for its TLS handshake. */
  readonly handshakeTimeoutMs: number
}

const defaultLimits: Limits = {
  headerBytes: 1024 * 1024,
  streams: 250,
  headersTimeoutMs: 32_000,
  bodyTimeoutMs: 60_000,
  keepAliveMs: 90_000,
  handshakeTimeoutMs: 30_000,
}

/** The API on a socket. */
export interface ApiServer extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** Uses other certificates for connections from now on. */
  setCertificates(certificates: Certificates): void
  /**
   * Stops: no new connections, watches end at once, other requests get `graceMs` to finish, then everything is cut.
   */
  close(graceMs?: number): Promise<void>
}

/**
 * Loads what of Node.js a server needs, which a server would do otherwise. Whoever has something else to do before it starts
 * one calls this first: Node.js then reads, in a thread of its own, the authorities of the web, for which every server
 * that names authorities waits, though it knows none but its own.
 */
export function prepareToServe(): void {
  http2.getDefaultSettings()
  prepareAddressPattern()
}

/**
 * Node.js holds each address on which it listens against a pattern of addresses, which V8 takes 6 ms to make something fast
 * of, and a tenth of that to make something slow, which will do. The second use is the one for which it makes machine code.
 */
function prepareAddressPattern(): void {
  setFlagsFromString('--no-regexp-optimization')
  for (let use = 1; use <= 2; use++) isIPv6('::1')
  setFlagsFromString('--regexp-optimization')
}

/** Starts to listen. Rejects when the address is taken or the certificates cannot be used. */
export async function startServer(options: ServerOptions): Promise<ApiServer> {
  const server = new SocketServer(options)
  await server.listen()
  return server
}

class SocketServer implements ApiServer {
  readonly host: string
  readonly #options: ServerOptions
  readonly #limits: Limits
  readonly #server: http2.Http2SecureServer
  readonly #sessions = new Set<http2.ServerHttp2Session>()
  readonly #sockets = new Set<Socket>()
  readonly #open = new LinkedList<Gone>()
  readonly #company = new Company()
  readonly #certificates = new WeakMap<object, PeerCertificate>()
  #trusted: Certificates
  #isClosing = false
  #closing: Promise<void> | undefined

  constructor(options: ServerOptions) {
    this.#options = options
    this.#trusted = options.certificates
    this.host = options.host
    this.#limits = { ...defaultLimits, ...options.limits }
    this.#server = http2.createSecureServer({
      ...tlsOptions(options.certificates),
      requestCert: true,
      // A certificate that nobody knows is no fault: its holder may have a token. It just does not count.
      rejectUnauthorized: false,
      allowHTTP1: true,
      handshakeTimeout: this.#limits.handshakeTimeoutMs,
      maxHeaderListPairs: 256,
      settings: {
        maxConcurrentStreams: this.#limits.streams,
        maxHeaderListSize: this.#limits.headerBytes,
        initialWindowSize: 1024 * 1024,
      },
      // Go's clients know no limit of one session's memory; ours is per request.
      maxSessionMemory: 1000,
      ...({
        maxHeaderSize: this.#limits.headerBytes,
        headersTimeout: this.#limits.headersTimeoutMs,
        requestTimeout: this.#limits.bodyTimeoutMs,
        keepAliveTimeout: this.#limits.keepAliveMs,
        connectionsCheckingInterval: Math.min(this.#limits.headersTimeoutMs, this.#limits.bodyTimeoutMs) / 2,
      } as object),
    })
    this.#hookUp()
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.#options.port, this.#options.host, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
  }

  setCertificates(certificates: Certificates): void {
    this.#server.setSecureContext(tlsOptions(certificates))
    this.#trusted = certificates
  }

  close(graceMs = 5000): Promise<void> {
    this.#closing ??= this.#close(graceMs)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close(0)
  }

  #hookUp(): void {
    const server = this.#server
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.setNoDelay(true)
      socket.once('close', () => this.#sockets.delete(socket))
      socket.on('error', ignore)
    })
    server.on('session', (session) => {
      keepStreamsInLists(session)
      endWhenLost(session)
      this.#sessions.add(session)
      session.once('close', () => this.#sessions.delete(session))
      session.on('error', ignore)
    })
    server.on('sessionError', ignore)
    // Node reports a handshake that fails or takes too long, and leaves the socket to us.
    server.on('tlsClientError', (_error, socket) => socket.destroy())
    server.on('clientError', ({ code = '' }: NodeJS.ErrnoException, socket: Duplex) => {
      const status = statusOfClientError[code] ?? '400 Bad Request'
      if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`)
    })
    server.on('stream', (stream, headers, ...rest: unknown[]) => {
      // The types do not know of the raw headers, which come last.
      void this.#onStream(stream, headers, rest[1] as readonly string[])
    })
    // Whoever listens to requests gets HTTP/2 streams a second time, dressed up as requests, at a third of the speed.
    // Node sets that up when the listener is added; without its own listener for that, only HTTP/1 comes here.
    server.removeAllListeners('newListener')
    server.on('request', (request, response) => {
      void this.#onRequest(request as unknown as IncomingMessage, response as unknown as ServerResponse)
    })
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#onUpgrade(request, socket, head)
    })
  }

  async #onStream(
    stream: http2.ServerHttp2Stream,
    headers: http2.IncomingHttpHeaders,
    rawHeaders: readonly string[],
  ): Promise<void> {
    stream.on('error', ignore)
    const socket = stream.session?.socket as TLSSocket | undefined
    if (socket === undefined) return
    const gone = this.#exchange()
    stream.on('close', () => gone.end())
    const method = headers[':method'] as string
    const request = new SocketRequest(
      method,
      headers[':path'] ?? '/',
      headers as Record<string, string>,
      rawHeaders,
      stream.endAfterHeaders
        ? undefined
        : new IncomingBody(stream, headers['content-length'], this.#limits.bodyTimeoutMs),
      gone,
      socket.remoteAddress ?? '',
      this.#certificateOf(socket),
    )
    await this.#company.complete()
    const response = await this.#options.handler(request)
    if (!stream.destroyed && !stream.closed) {
      respond(stream, response, method === 'HEAD')
      if (typeof response.body === 'function' && method !== 'HEAD') await writeBody(stream, response, gone.signal)
    }
    if (!stream.endAfterHeaders && !stream.readableEnded) passOver(stream)
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = this.#exchange()
    response.on('error', ignore)
    response.on('close', () => gone.end())
    const asked = this.#toRequest(request, gone)
    await this.#company.complete()
    const answer = await this.#options.handler(asked)
    if (response.destroyed) return
    const isHead = request.method === 'HEAD'
    const { body } = answer
    const length =
      typeof body === 'function' || answer.status === 304 ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    // A connection on which a body is still coming cannot be used again, unless it is read to its end.
    const close = request.complete || hasNoBody(request.headers) ? {} : { connection: 'close' }
    response.writeHead(answer.status, { ...answer.headers, ...length, ...close } as Record<string, string | string[]>)
    if (isHead || answer.status === 304) response.end()
    else if (typeof body === 'function') {
      response.flushHeaders()
      await writeBody(response, answer, gone.signal)
    } else response.end(body)
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', ignore)
    const { upgrade } = this.#options
    if (upgrade === undefined) {
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
      return
    }
    const gone = this.#exchange()
    socket.once('close', () => gone.end())
    upgrade(this.#toRequest(request, gone), socket, head)
  }

  #toRequest(request: IncomingMessage, gone: Gone): ApiRequest {
    const socket = request.socket as TLSSocket
    const { method = 'GET', url = '/', headers, rawHeaders } = request
    const body = hasNoBody(headers)
      ? undefined
      : new IncomingBody(request, headers['content-length'], this.#limits.bodyTimeoutMs)
    // Node joins repeated headers; `set-cookie` alone stays a list, and nobody sends that here.
    const joined = headers as Record<string, string | undefined>
    return new SocketRequest(
      method,
      url,
      joined,
      rawHeaders,
      body,
      gone,
      socket.remoteAddress ?? '',
      this.#certificateOf(socket),
    )
  }

  #exchange(): Gone {
    const gone = new Gone()
    this.#open.push(gone)
    // It was on its way when the server began to stop.
    if (this.#isClosing) gone.abort()
    return gone
  }

  /** The certificate of a connection is looked at once. */
  #certificateOf(socket: TLSSocket): PeerCertificate {
    let known = this.#certificates.get(socket)
    if (known === undefined) {
      known = readCertificate(socket, this.#trusted)
      this.#certificates.set(socket, known)
    }
    return known
  }

  async #close(graceMs: number): Promise<void> {
    this.#isClosing = true
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    // Ends watches, which would never end by themselves, and tells the others that time is short.
    for (const gone of this.#open.toArray()) gone.abort()
    for (const session of this.#sessions) session.close()
    const cut = setTimeout(() => {
      for (const session of this.#sessions) session.destroy()
      for (const socket of this.#sockets) socket.destroy()
    }, graceMs)
    if (this.#open.isEmpty) this.#cutIdle()
    await closed
    clearTimeout(cut)
  }

  /** Kept-alive connections of HTTP/1 have nothing to wait for. */
  #cutIdle(): void {
    const busy = new Set([...this.#sessions].map((session) => session.socket as unknown))
    for (const socket of this.#sockets) if (!busy.has(socket)) socket.destroy()
  }
}

/** One exchange that is under way. The signal is made when somebody asks for it: most never do. */
class Gone extends Member {
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

/** All who ask before the event loop has gone round set out together: see `stage`. */
class Company {
  #next: Promise<void> | undefined

  complete(): Promise<void> {
    this.#next ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#next = undefined
        resolve()
      })
    })
    return this.#next
  }
}

const goneReason = new Error('the client is gone')

class SocketRequest implements ApiRequest {
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

/** What a request that cannot be read as HTTP/1 is answered with, by node's code. */
const statusOfClientError: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
}

const ignore = () => {}
const noBody = Promise.resolve(Buffer.alloc(0))

/** As Go's servers prefer it, where OpenSSL's would take the same with 256 bits: that takes a quarter longer. */
const quickestCipher = 'TLS_AES_128_GCM_SHA256'

/** All that the runtime allows, and nothing else: whoever starts Node.js may have left some out. */
function ciphers(): string {
  const allowed = DEFAULT_CIPHERS.split(':')
  const others = allowed.filter((name) => name !== quickestCipher)
  return (others.length < allowed.length ? [quickestCipher, ...others] : others).join(':')
}

const tlsOptions = ({ certificate, key, clientCa, requestHeaderCa }: Certificates) => ({
  cert: certificate,
  key,
  ciphers: ciphers(),
  minVersion: 'TLSv1.2' as const,
  ...((clientCa ?? requestHeaderCa) !== undefined && {
    ca: [clientCa, requestHeaderCa].filter((bundle) => bundle !== undefined),
  }),
})

/** HTTP/2 headers as they are to be sent, by the headers of the answer, which most answers share. */
const outgoing = new WeakMap<object, Map<number, OutgoingList>>()

/** Names and values in turn, which Node.js takes as they are. An object it would copy into a slower one. */
type OutgoingList = (string | readonly string[])[]

function respond(stream: http2.ServerHttp2Stream, { status, headers, body }: ApiResponse, isHead: boolean): void {
  let byStatus = outgoing.get(headers)
  if (byStatus === undefined) {
    byStatus = new Map()
    outgoing.set(headers, byStatus)
  }
  let known = byStatus.get(status)
  if (known === undefined) {
    known = [':status', String(status), ...Object.entries(headers).flat(1)]
    if (headers['date'] === undefined) known.push('date', '')
    byStatus.set(status, known)
  }
  // An aggregated API server has said when it answered.
  if (headers['date'] === undefined) known[known.length - 1] = dateText()
  const list = known as readonly string[]
  if (isHead || status === 304) stream.respond(list, { endStream: true })
  else if (typeof body === 'function') stream.respond(list)
  else {
    stream.respond(list)
    stream.end(body)
  }
}

let dateSecond = 0
let dateSaid = ''

/** As the `date` header has it, put together once a second. */
function dateText(): string {
  const now = Date.now()
  if (now - dateSecond >= 1000 || now < dateSecond) {
    dateSecond = now - (now % 1000)
    dateSaid = new Date(now).toUTCString()
  }
  return dateSaid
}

/**
 * What the client still sends is thrown away, once all is written. A stream that has been read to its end goes with the
 * last frame that it sends, before Node hears that this is written, for which it makes an error that nobody gets, at the
 * cost of a fifth of a GET. So nobody reads to the end before (`IncomingBody` does not either).
 */
function passOver(stream: http2.ServerHttp2Stream): void {
  if (stream.writableFinished || stream.closed) stream.resume()
  else stream.once('finish', resume)
}

function resume(this: http2.ServerHttp2Stream): void {
  this.resume()
}

type Writable = http2.ServerHttp2Stream | ServerResponse

async function writeBody(to: Writable, { body }: ApiResponse, signal: AbortSignal): Promise<void> {
  const sink = new StreamSink(to, signal)
  try {
    await (body as (sink: Sink) => Promise<void>)(sink)
    to.end()
  } catch (error) {
    // It has begun to answer, so the client can only be told by cutting the answer off. Without an error, HTTP/2 would
    // end it like one that is complete.
    to.destroy(error as Error)
  }
}

/** What a client takes slowly waits in the stream's own buffer. */
class StreamSink implements Sink {
  readonly signal: AbortSignal
  readonly #to: Writable
  #corked = false

  constructor(to: Writable, signal: AbortSignal) {
    this.#to = to
    this.signal = signal
  }

  get backlog(): number {
    return this.#to.writableLength
  }

  write(chunk: Uint8Array | string, written?: () => void): void {
    if (this.signal.aborted || this.#to.destroyed) return
    // What is written in one go leaves in one go. HTTP/1 does so by itself, and loses what is corked when it ends.
    if (!this.#corked && 'session' in this.#to) {
      this.#corked = true
      this.#to.cork()
      process.nextTick(() => {
        this.#corked = false
        if (!this.#to.destroyed) this.#to.uncork()
      })
    }
    this.#to.write(chunk, written && ((error) => error ?? written()))
  }

  drained(): Promise<void> {
    if (this.signal.aborted || this.#to.destroyed) return Promise.reject(new Error('the client is gone'))
    // Whoever writes much lets others have their turn in between.
    if (!this.#to.writableNeedDrain) return new Promise((resolve) => setImmediate(resolve))
    return new Promise((resolve, reject) => {
      const onDrain = () => {
        this.signal.removeEventListener('abort', onAbort)
        resolve()
      }
      const onAbort = () => {
        this.#to.off('drain', onDrain)
        reject(new Error('the client is gone'))
      }
      this.#to.once('drain', onDrain)
      this.signal.addEventListener('abort', onAbort, { once: true })
    })
  }
}

type Readable = http2.ServerHttp2Stream | IncomingMessage

const leftToRead = Buffer.alloc(1)

const clientGone = () => new ApiError('BadRequest', 'the client went away while it sent the request')

/** A body that is read when somebody wants it. */
class IncomingBody {
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

const hasNoBody = (headers: IncomingHttpHeaders) =>
  headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0'
