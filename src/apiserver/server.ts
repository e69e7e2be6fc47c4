import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import * as http2 from 'node:http2'
import { type AddressInfo, isIPv6, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { DEFAULT_CIPHERS, type TLSSocket } from 'node:tls'
import { setFlagsFromString } from 'node:v8'
import { LinkedList } from '../base/linked-list.ts'
import { endWhenLost } from './lost-connections.ts'
import { keepStreamsInLists } from './open-streams.ts'
import { type PeerCertificate, readCertificate } from './peer-certificate.ts'
import type { ApiRequest, ApiResponse } from './request.ts'
import { Gone, IncomingBody, SocketRequest } from './socket-request.ts'
import { passOver, respond, writeBody } from './socket-response.ts'

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

/** All who ask before the event loop has gone round set out together: see `base/stage.ts`. */
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

/** What a request that cannot be read as HTTP/1 is answered with, by node's code. */
const statusOfClientError: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
}

const ignore = () => {}

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

const hasNoBody = (headers: IncomingHttpHeaders) =>
  headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0'
