import * as http2 from 'node:http2'
import type { Socket } from 'node:net'
import type { Clock } from '../world/world.ts'

/** How to reach an API server, and as whom. */
export interface Endpoint {
  /** `https://host:port`; what stands behind it is put before every path. */
  readonly server: string
  /** PEM of whoever signed the server's certificate. Absent: the authorities that the host trusts. */
  readonly certificateAuthority?: string
  /** PEM, both or neither. */
  readonly clientCertificate?: string
  readonly clientKey?: string
  /** The name that the server's certificate must hold for, where it is not that of the URL. */
  readonly tlsServerName?: string
  /** Believes any server. For clusters of a test on the same host. */
  readonly skipServerVerification?: boolean
}

export interface ConnectionOptions extends Endpoint {
  readonly clock: Clock
  readonly patience?: Partial<Patience>
}

/** How long to wait for what, in milliseconds. */
export interface Patience {
  /** For a connection, its handshake included. */
  readonly connectMs: number
  /** For the whole answer to a request that is no watch. */
  readonly answerMs: number
  /** A connection is asked for a sign of life so often ... */
  readonly pingMs: number
  /** ... and given up when it takes this long (both are client-go's `HTTP2_READ_IDLE_TIMEOUT` and `_PING_TIMEOUT`). */
  readonly pongMs: number
}

const defaultPatience: Patience = { connectMs: 10_000, answerMs: 60_000, pingMs: 30_000, pongMs: 15_000 }

export interface Outgoing {
  readonly method: string
  /** With the query, escaped. */
  readonly path: string
  readonly headers: http2.OutgoingHttpHeaders
  readonly body?: string
}

export interface Answer {
  readonly status: number
  readonly headers: http2.IncomingHttpHeaders
  readonly body: Buffer
}

/** An answer as it comes. */
export interface AnswerStream extends AsyncIterable<Buffer> {
  /** Nobody wants the rest. `code`: why, in HTTP/2's terms. */
  close(code: number): void
  /** Ended before all was said ... */
  readonly aborted: boolean
  /** ... and why. */
  readonly rstCode?: number | undefined
}

export interface IncomingAnswer extends Omit<Answer, 'body'> {
  readonly stream: AnswerStream
}

/** Takes requests to a server and brings its answers. `Connection` does it over a network. */
export interface Carrier {
  request(outgoing: Outgoing): Promise<Answer>
  open(outgoing: Outgoing): Promise<IncomingAnswer>
  close(): Promise<void>
}

/** The server could not be reached, or was lost before it had answered. */
export class ConnectionError extends Error {}

/** Times that a request is sent again which the server has certainly not begun to carry out. */
const attempts = 3

/**
 * A connection to one server over HTTP/2: made when it is first needed, and made anew when it is lost. A server that
 * is about to stop says so (GOAWAY) and refuses what it has not begun; that is sent again on a new connection, and so
 * is a GET that was lost with an old one. Any other request that was on its way may have been carried out, so its
 * loss is for the caller to know.
 */
export class Connection implements Carrier {
  readonly #options: ConnectionOptions
  readonly #patience: Patience
  #session: Session | undefined
  readonly #all = new Set<Session>()
  #isClosed = false

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#patience = { ...defaultPatience, ...options.patience }
  }

  /** Sends a request and waits for all of the answer. Throws ConnectionError. */
  request(outgoing: Outgoing): Promise<Answer> {
    return this.#insist(outgoing, async (stream) => ({ ...(await headOf(stream)), body: await bodyOf(stream) }))
  }

  /** Sends a request and gives its answer as it comes. Whoever has it must read it to its end, or close it. */
  open(outgoing: Outgoing): Promise<IncomingAnswer> {
    return this.#insist(outgoing, async (stream) => ({ ...(await headOf(stream)), stream }))
  }

  /** What is asked from now on goes over a new connection: who we are, or how to get there, has changed. */
  renew(): void {
    this.#session?.retire()
    this.#session = undefined
  }

  /** Ends everything that is under way. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#all].map((session) => session.end()))
  }

  async #insist<T>(outgoing: Outgoing, read: (stream: http2.ClientHttp2Stream) => Promise<T>): Promise<T> {
    for (let left = attempts; ; left--) {
      const session = this.#current()
      const isOld = session.isConnected
      session.take()
      try {
        await session.connected
        return await this.#inTime(session.send(outgoing), read)
      } catch (error) {
        const isLost = outgoing.method === 'GET' && isOld && session.isOver
        if (left <= 1 || this.#isClosed || !(isRefused(error) || isLost)) throw explained(error, this.#options.server)
      }
    }
  }

  async #inTime<T>(stream: http2.ClientHttp2Stream, read: (stream: http2.ClientHttp2Stream) => Promise<T>): Promise<T> {
    const { answerMs } = this.#patience
    const late = () => stream.destroy(new ConnectionError(`no answer within ${answerMs} ms`))
    const cancel = this.#options.clock.timer(answerMs, late)
    try {
      return await read(stream)
    } finally {
      cancel()
    }
  }

  #current(): Session {
    if (this.#isClosed) throw new ConnectionError('the client is closed')
    if (this.#session === undefined || !this.#session.hasRoom) {
      this.#session?.retire()
      const session = new Session(this.#options, this.#patience)
      this.#all.add(session)
      session.over.then(() => this.#all.delete(session))
      this.#session = session
    }
    return this.#session
  }
}

/** One TLS connection. */
class Session {
  /** Rejects when it does not come about. */
  readonly connected: Promise<void>
  readonly over: Promise<void>
  isConnected = false
  isOver = false
  readonly #session: http2.ClientHttp2Session
  #socket: Socket | undefined
  #open = 0
  #isLeaving = false
  #cancelPing: () => void = () => {}

  constructor(options: ConnectionOptions, patience: Patience) {
    const session = http2.connect(new URL(options.server).origin, tlsOptions(options))
    this.#session = session
    const connected = Promise.withResolvers<void>()
    const over = Promise.withResolvers<void>()
    this.connected = connected.promise
    this.over = over.promise
    this.connected.catch(() => {})
    const cancel = options.clock.timer(patience.connectMs, () =>
      session.destroy(new ConnectionError(`no connection within ${patience.connectMs} ms`)),
    )
    // The server's settings come first of all that it says. Not before is known how many requests it takes at a time.
    session.once('remoteSettings', () => {
      cancel()
      this.isConnected = true
      this.#ping(options.clock, patience)
      connected.resolve()
    })
    session.once('connect', (_session, socket) => {
      this.#socket = socket as Socket
    })
    session.once('goaway', () => {
      this.#isLeaving = true
    })
    session.on('error', (error: Error) => connected.reject(error))
    session.once('close', () => {
      cancel()
      this.#cancelPing()
      this.isOver = true
      connected.reject(new ConnectionError('the connection was closed'))
      over.resolve()
    })
    // A connection that nobody uses keeps no program alive.
    session.unref()
  }

  /** Whether another request may be sent. Beyond the server's limit it would wait until a watch ends. */
  get hasRoom(): boolean {
    if (this.#isLeaving || this.isOver || this.#session.closed || this.#session.destroyed) return false
    return this.#open < (this.isConnected ? this.#session.remoteSettings.maxConcurrentStreams! : firstRequests)
  }

  /** Takes the place of a request, which `send` or the end of the connection gives back. */
  take(): void {
    if (this.#open++ === 0) this.#session.ref()
  }

  /** Throws when the connection is going away: nothing was sent then. */
  send({ method, path, headers, body }: Outgoing): http2.ClientHttp2Stream {
    let stream: http2.ClientHttp2Stream
    try {
      stream = this.#session.request(
        { ...headers, ':method': method, ':path': path },
        { endStream: body === undefined },
      )
    } catch (error) {
      this.#giveBack()
      throw error
    }
    stream.once('close', () => this.#giveBack())
    stream.on('error', () => {})
    if (body !== undefined) stream.end(body)
    return stream
  }

  #giveBack(): void {
    if (--this.#open > 0) return
    this.#session.unref()
    if (this.#isLeaving) void this.end()
  }

  /** Takes no more requests, and ends when those that it has are done. */
  retire(): void {
    this.#isLeaving = true
    if (this.#open === 0) void this.end()
  }

  end(): Promise<void> {
    this.#session.destroy()
    // A session that is destroyed waits for the other side to hang up as well, which it may never do.
    this.#socket?.destroy()
    return this.over
  }

  /** A server that vanished without a word would otherwise be waited for until the operating system gives up. */
  #ping(clock: Clock, patience: Patience): void {
    this.#cancelPing = clock.timer(patience.pingMs, () => {
      this.#cancelPing = clock.timer(patience.pongMs, () =>
        this.#session.destroy(new ConnectionError(`no answer to a ping within ${patience.pongMs} ms`)),
      )
      if (this.isOver || this.#session.destroyed) return
      this.#session.ping((error) => {
        this.#cancelPing()
        if (error === null) this.#ping(clock, patience)
      })
    })
  }
}

/** So many requests go out on a connection before its server has said how many it takes (as in Go). */
const firstRequests = 100

/** Watches that are read slowly wait at the server, which knows what to do with them. */
const windowBytes = 1024 * 1024

function tlsOptions(options: Endpoint): http2.SecureClientSessionOptions {
  const { certificateAuthority, clientCertificate, clientKey, tlsServerName, skipServerVerification } = options
  return {
    ...(certificateAuthority !== undefined && { ca: certificateAuthority }),
    ...(clientCertificate !== undefined && { cert: clientCertificate }),
    ...(clientKey !== undefined && { key: clientKey }),
    ...(tlsServerName !== undefined && { servername: tlsServerName }),
    rejectUnauthorized: skipServerVerification !== true,
    settings: { enablePush: false, initialWindowSize: windowBytes },
  }
}

function headOf(stream: http2.ClientHttp2Stream): Promise<Omit<Answer, 'body'>> {
  return new Promise((resolve, reject) => {
    let failure: unknown
    stream.once('response', (headers) => resolve({ status: headers[':status'] ?? 0, headers }))
    stream.once('error', (error) => {
      failure = error
    })
    stream.once('close', () => reject(failure ?? lost(stream)))
  })
}

async function bodyOf(stream: http2.ClientHttp2Stream): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  // A stream that is cut off ends like any other.
  if (wasCut(stream)) throw lost(stream)
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}

/** Whether an answer ended before the server had said all. */
export const wasCut = (stream: AnswerStream): boolean =>
  stream.aborted || (stream.rstCode !== undefined && stream.rstCode !== http2.constants.NGHTTP2_NO_ERROR)

class RefusedError extends ConnectionError {}

const lost = (stream: http2.ClientHttp2Stream): ConnectionError =>
  stream.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM
    ? new RefusedError('the server refused the request')
    : new ConnectionError('the connection was lost before the answer was complete')

const refusals: readonly (string | undefined)[] = [
  // What node throws when a connection was told to go away after it was chosen and before anything was sent.
  'ERR_HTTP2_GOAWAY_SESSION',
  'ERR_HTTP2_INVALID_SESSION',
]

/** Whether the server has certainly not begun to carry the request out (RFC 9113, sections 6.8 and 8.7). */
function isRefused(error: unknown): boolean {
  if (error instanceof RefusedError) return true
  const { code, message } = error as NodeJS.ErrnoException
  return refusals.includes(code) || (code === 'ERR_HTTP2_STREAM_ERROR' && message.includes('NGHTTP2_REFUSED_STREAM'))
}

function explained(error: unknown, server: string): ConnectionError {
  const { message, code } = error as NodeJS.ErrnoException
  return new ConnectionError(`cannot reach ${server}: ${message || code}`, { cause: error })
}
