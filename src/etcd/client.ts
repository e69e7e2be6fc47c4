/**
 * A client of a real etcd (3.4 and later): gRPC on node:http2, without and with TLS.
 *
 * Several endpoints are tried in turn: a call that never reached one goes on to the next, and so does one that only
 * reads and met an endpoint that cannot serve. A write whose connection broke is not repeated, since it may have
 * happened. A watch whose stream breaks goes on, at another endpoint if need be, behind the last change it delivered.
 */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2'
import { decodeMessage, encodeMessage } from '../schema/protobuf.ts'
import type { Infer, ObjectType } from '../schema/types.ts'
import type { Clock } from '../world/world.ts'
import { FrameBuffer } from './frame-buffer.ts'
import { type Event, type Method, methods, type WatchCreateRequest } from './messages.ts'

export interface EtcdClientOptions {
  /** URLs, such as `https://10.0.0.1:2379`. */
  readonly endpoints: readonly string[]
  readonly tls?: EtcdTls
  readonly clock: Clock
  /** How long a call may take; default 10 seconds. */
  readonly timeoutMs?: number
}

/** PEM. */
export interface EtcdTls {
  readonly ca?: string | Uint8Array
  readonly cert?: string | Uint8Array
  readonly key?: string | Uint8Array
}

/** The status codes of gRPC that are told apart here. */
export const grpcCode = { ok: 0, cancelled: 1, unknown: 2, deadlineExceeded: 4, unavailable: 14 } as const

/** What etcd answered instead of what was asked for; `message` is etcd's own. */
export class EtcdError extends Error {
  readonly code: number
  constructor(code: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The changes from where a watch was to begin on are compacted. */
export class WatchCompactedError extends Error {
  readonly compactRevision: number
  constructor(compactRevision: number) {
    super('etcdserver: mvcc: required revision has been compacted')
    this.compactRevision = compactRevision
  }
}

export interface WatchHandlers {
  /** The watch stands (again). `revision` is etcd's at that moment. */
  onCreated?(revision: number): void
  /** Changes of whole revisions; with none, all up to `revision` has been delivered. */
  onEvents(events: readonly Infer<typeof Event>[], revision: number): void
  /** The watch is over: `WatchCompactedError`, or an `EtcdError` that trying again cannot help. */
  onError(error: Error): void
}

/** One side of a call that goes on: what is sent, and what comes is handed to the callbacks given to `open`. */
export interface Call<Q> {
  send(request: Q): void
  /** Nothing more will be sent. */
  finish(): void
  cancel(): void
  /** Nothing is to arrive until `resume`: whoever takes it is slower than the network. */
  pause(): void
  resume(): void
}

interface Receiver<A> {
  onMessage(message: A): void
  /** Called once. Without an error the call ended well. */
  onEnd(error: EtcdError | undefined): void
}

interface CallOptions {
  readonly timeoutMs?: number
  readonly metadata?: Readonly<Record<string, string>>
}

const defaultTimeoutMs = 10_000
const windowBytes = 8 << 20
/** So many messages of a stream may wait to be taken. */
const aheadMax = 64
const reconnectMs = { first: 50, most: 2_000 }
/** A connection that does not come about by then will not: the next endpoint is tried. */
const connectMs = 2_000
/** Whoever is gone without a word is found out before those who wait give up. */
const keepAliveMs = { every: 2_000, patience: 2_000 }

export class EtcdClient implements Disposable {
  readonly #channels: readonly Channel[]
  readonly #clock: Clock
  readonly #timeoutMs: number
  #current = 0
  #closed = false

  constructor({ endpoints, tls, clock, timeoutMs = defaultTimeoutMs }: EtcdClientOptions) {
    if (endpoints.length === 0) throw new Error('etcd: no endpoints')
    this.#channels = endpoints.map((endpoint) => new Channel(endpoint, tls, clock))
    this.#clock = clock
    this.#timeoutMs = timeoutMs
  }

  /** Asks for something that changes nothing; tries the other endpoints when one cannot serve. Throws `EtcdError`. */
  read<Q extends ObjectType, A extends ObjectType>(method: Method<Q, A>, request: Infer<Q>, options?: CallOptions) {
    return this.#call(method, request, ({ code }) => code === grpcCode.unavailable, options)
  }

  /** Asks for a change; when the connection breaks, it may have been made all the same. Throws `EtcdError`. */
  write<Q extends ObjectType, A extends ObjectType>(method: Method<Q, A>, request: Infer<Q>, options?: CallOptions) {
    return this.#call(method, request, (error) => error instanceof NotSentError, options)
  }

  /** Opens a call with any number of messages either way, at the endpoint in use. */
  open<Q extends ObjectType, A extends ObjectType>(
    method: Method<Q, A>,
    receiver: Receiver<Infer<A>>,
    options: CallOptions = {},
  ): Call<Infer<Q>> {
    return this.#channels[this.#current]!.open(method, receiver, options)
  }

  /** The parts of a call that answers with many messages, such as a snapshot. Throws `EtcdError`. */
  async *stream<Q extends ObjectType, A extends ObjectType>(
    method: Method<Q, A>,
    request: Infer<Q>,
  ): AsyncGenerator<Infer<A>> {
    const arrived: Infer<A>[] = []
    let ended = false
    let failure: EtcdError | undefined
    let wake = () => {}
    const call = this.open(method, {
      onMessage: (message) => {
        arrived.push(message)
        if (arrived.length >= aheadMax) call.pause()
        wake()
      },
      onEnd: (error) => {
        ended = true
        failure = error
        wake()
      },
    })
    try {
      call.send(request)
      call.finish()
      for (;;) {
        while (arrived.length > 0) yield arrived.shift()!
        if (ended) break
        call.resume()
        await new Promise<void>((done) => {
          wake = done
        })
      }
      if (failure !== undefined) throw failure
    } finally {
      call.cancel()
    }
  }

  /** Delivers every change from `startRevision` on (0: from now on) until the signal aborts, across broken connections. */
  watch(request: Infer<typeof WatchCreateRequest>, handlers: WatchHandlers, signal: AbortSignal): void {
    void new Watch(this, this.#clock, request, handlers, signal).run()
  }

  /** Goes on to the next endpoint: the one in use does not serve. */
  failOver(): void {
    this.#current = (this.#current + 1) % this.#channels.length
  }

  /** Ends all calls. */
  [Symbol.dispose](): void {
    this.#closed = true
    for (const channel of this.#channels) channel.close()
  }

  get closed(): boolean {
    return this.#closed
  }

  async #call<Q extends ObjectType, A extends ObjectType>(
    method: Method<Q, A>,
    request: Infer<Q>,
    mayGoOn: (error: EtcdError) => boolean,
    { timeoutMs = this.#timeoutMs, metadata }: CallOptions = {},
  ): Promise<Infer<A>> {
    const deadline = this.#clock.monotonic() + timeoutMs
    let refusal: EtcdError | undefined
    for (let tried = 1; ; tried++) {
      try {
        return await this.#ask(method, request, { timeoutMs: deadline - this.#clock.monotonic(), metadata })
      } catch (error) {
        if (!(error instanceof EtcdError) || this.#closed || !mayGoOn(error)) throw error
        this.failOver()
        // What one that was reached says tells more than that another cannot be reached.
        if (!(error instanceof NotSentError)) refusal ??= error
        if (tried >= this.#channels.length) throw refusal ?? error
      }
    }
  }

  #ask<Q extends ObjectType, A extends ObjectType>(
    method: Method<Q, A>,
    request: Infer<Q>,
    options: CallOptions,
  ): Promise<Infer<A>> {
    return new Promise((resolve, reject) => {
      let answer: Infer<A> | undefined
      const onMessage = (message: Infer<A>) => {
        answer = message
      }
      const onEnd = (error: EtcdError | undefined) => {
        if (error !== undefined) reject(error)
        else if (answer === undefined) reject(new EtcdError(grpcCode.unknown, 'etcd: the answer is missing'))
        else resolve(answer)
      }
      const call = this.open(method, { onMessage, onEnd }, options)
      call.send(request)
      call.finish()
    })
  }
}

/** The endpoint was never reached, so nothing has happened. */
class NotSentError extends EtcdError {
  constructor(endpoint: string, cause: Error) {
    super(
      grpcCode.unavailable,
      `etcd: cannot reach ${endpoint}: ${cause.message || (cause as NodeJS.ErrnoException).code}`,
      { cause },
    )
  }
}

/** One endpoint and the connection to it, which is made when it is needed. */
class Channel {
  readonly #endpoint: string
  readonly #tls: EtcdTls | undefined
  readonly #clock: Clock
  #session: Session | undefined

  constructor(endpoint: string, tls: EtcdTls | undefined, clock: Clock) {
    this.#endpoint = endpoint
    this.#tls = tls
    this.#clock = clock
  }

  open<Q extends ObjectType, A extends ObjectType>(
    method: Method<Q, A>,
    receiver: Receiver<Infer<A>>,
    options: CallOptions,
  ): Call<Infer<Q>> {
    const session = this.#live()
    return new GrpcCall(this.#endpoint, session, method, receiver, options, this.#clock)
  }

  close(): void {
    this.#session?.http2.destroy()
  }

  #live(): Session {
    if (this.#session !== undefined && !this.#session.http2.closed && !this.#session.http2.destroyed)
      return this.#session
    this.#session = new Session(this.#endpoint, this.#tls, this.#clock)
    return this.#session
  }
}

/** An HTTP/2 connection that finds out when the other side is gone without a word. */
class Session {
  readonly http2: ClientHttp2Session
  connected = false
  error: Error | undefined

  constructor(endpoint: string, tls: EtcdTls | undefined, clock: Clock) {
    this.http2 = connect(endpoint, {
      ...tls,
      settings: { initialWindowSize: windowBytes, enablePush: false },
    } as Parameters<typeof connect>[1])
    const giveUp = clock.timer(connectMs, () => this.http2.destroy(new Error(`no connection within ${connectMs} ms`)))
    this.http2.on('close', giveUp)
    this.http2.on('connect', () => {
      giveUp()
      // It may have been given up in the same turn.
      if (this.http2.destroyed) return
      this.connected = true
      this.http2.setLocalWindowSize(windowBytes)
      this.#keepAlive(clock)
    })
    this.http2.on('error', (error) => {
      this.error = error
    })
    this.http2.setMaxListeners(0)
  }

  #keepAlive(clock: Clock): void {
    clock.timer(keepAliveMs.every, () => {
      if (this.http2.destroyed || this.http2.closed) return
      const giveUp = clock.timer(keepAliveMs.patience, () => this.http2.destroy(new Error('no answer to a ping')))
      this.http2.ping((error) => {
        giveUp()
        if (!error) this.#keepAlive(clock)
      })
    })
  }
}

/** A call as gRPC has it on HTTP/2: each message with five bytes in front, the outcome in the trailers. */
class GrpcCall<Q extends ObjectType, A extends ObjectType> implements Call<Infer<Q>> {
  readonly #stream: ClientHttp2Stream
  readonly #method: Method<Q, A>
  readonly #receiver: Receiver<Infer<A>>
  readonly #endpoint: string
  readonly #session: Session
  readonly #cancelTimer: () => void
  readonly #frames = new FrameBuffer()
  #status: EtcdError | 'ok' | undefined
  #ended = false

  constructor(
    endpoint: string,
    session: Session,
    method: Method<Q, A>,
    receiver: Receiver<Infer<A>>,
    { timeoutMs, metadata }: CallOptions,
    clock: Clock,
  ) {
    this.#endpoint = endpoint
    this.#session = session
    this.#method = method
    this.#receiver = receiver
    const timeout = timeoutMs === undefined ? {} : { 'grpc-timeout': `${Math.max(1, Math.ceil(timeoutMs))}m` }
    this.#stream = session.http2.request(
      {
        ':method': 'POST',
        ':path': method.path,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...timeout,
        ...metadata,
      },
      { endStream: false },
    )
    this.#cancelTimer = timeoutMs === undefined ? () => {} : clock.timer(timeoutMs, () => this.#expire(timeoutMs))
    this.#listen()
  }

  send(request: Infer<Q>): void {
    if (this.#ended || this.#stream.destroyed) return
    const message = encodeMessage(this.#method.request, request)
    const frame = Buffer.allocUnsafe(5 + message.length)
    frame[0] = 0
    frame.writeUInt32BE(message.length, 1)
    message.copy(frame, 5)
    this.#stream.write(frame)
  }

  finish(): void {
    if (!this.#stream.destroyed) this.#stream.end()
  }

  pause(): void {
    this.#stream.pause()
  }

  resume(): void {
    this.#stream.resume()
  }

  cancel(): void {
    this.#status ??= new EtcdError(grpcCode.cancelled, 'etcd: the call was cancelled')
    this.#stream.close(constants.NGHTTP2_CANCEL)
  }

  #expire(timeoutMs: number): void {
    this.#status ??= new EtcdError(
      grpcCode.deadlineExceeded,
      `etcd: ${this.#endpoint} did not answer within ${Math.ceil(timeoutMs)} ms`,
    )
    this.#stream.close(constants.NGHTTP2_CANCEL)
    this.#end()
  }

  #listen(): void {
    const onHeaders = (headers: IncomingHttpHeaders) => this.#noteStatus(headers)
    this.#stream.on('response', onHeaders)
    this.#stream.on('trailers', onHeaders)
    this.#stream.on('data', (chunk: Buffer) => this.#receive(chunk))
    // Why it broke is told by `close` below; unheard, an error would end the process.
    this.#stream.on('error', () => {})
    this.#stream.on('close', () => this.#end())
  }

  #noteStatus(headers: IncomingHttpHeaders): void {
    const code = headers['grpc-status']
    if (code !== undefined) {
      const message = decodeURIComponent(String(headers['grpc-message'] ?? ''))
      this.#status ??= Number(code) === grpcCode.ok ? 'ok' : new EtcdError(Number(code), message)
    } else if (headers[':status'] !== undefined && Number(headers[':status']) !== 200) {
      this.#status ??= new EtcdError(
        grpcCode.unavailable,
        `etcd: ${this.#endpoint} answered with HTTP ${headers[':status']}`,
      )
    }
  }

  #receive(chunk: Buffer): void {
    let data = this.#frames.take(chunk)
    while (data.length >= 5) {
      const end = 5 + data.readUInt32BE(1)
      if (data.length < end) break
      this.#deliver(data.subarray(5, end))
      data = data.subarray(end)
    }
    this.#frames.keep(data)
  }

  #deliver(bytes: Buffer): void {
    if (this.#ended) return
    try {
      this.#receiver.onMessage(decodeMessage(this.#method.response, bytes))
    } catch (error) {
      this.#status ??= new EtcdError(grpcCode.unknown, `etcd: ${(error as Error).message}`, { cause: error })
      this.#stream.close(constants.NGHTTP2_CANCEL)
    }
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#cancelTimer()
    this.#receiver.onEnd(this.#status === 'ok' ? undefined : (this.#status ?? this.#broken()))
  }

  #broken(): EtcdError {
    // What the stream died of is often only the cause of what the stream says.
    const { errored } = this.#stream
    const cause = this.#session.error ?? (errored?.cause as Error | undefined) ?? errored ?? new Error('it was closed')
    if (!this.#session.connected) return new NotSentError(this.#endpoint, cause)
    return new EtcdError(grpcCode.unavailable, `etcd: lost the connection to ${this.#endpoint}: ${cause.message}`, {
      cause,
    })
  }
}

/** A watch that outlives its streams. */
class Watch {
  readonly #client: EtcdClient
  readonly #clock: Clock
  readonly #request: Infer<typeof WatchCreateRequest>
  readonly #handlers: WatchHandlers
  readonly #signal: AbortSignal
  #nextRevision: number
  #delayMs = reconnectMs.first

  constructor(
    client: EtcdClient,
    clock: Clock,
    request: Infer<typeof WatchCreateRequest>,
    handlers: WatchHandlers,
    signal: AbortSignal,
  ) {
    this.#client = client
    this.#clock = clock
    this.#request = request
    this.#handlers = handlers
    this.#signal = signal
    this.#nextRevision = request.startRevision ?? 0
  }

  async run(): Promise<void> {
    while (!this.#isOver) {
      const fatal = await this.#once()
      if (this.#isOver) return
      if (fatal !== undefined) return this.#handlers.onError(fatal)
      this.#client.failOver()
      await this.#clock.after(this.#delayMs, this.#signal).catch(() => {})
      this.#delayMs = Math.min(2 * this.#delayMs, reconnectMs.most)
    }
  }

  get #isOver(): boolean {
    return this.#signal.aborted || this.#client.closed
  }

  /** One stream. Resolves when it has ended, with an error when another one would not do better. */
  #once(): Promise<Error | undefined> {
    return new Promise((resolve) => {
      let fatal: Error | undefined
      const abort = () => call.cancel()
      const call = this.#client.open(
        methods.watch,
        {
          onMessage: (message) => {
            fatal ??= this.#take(message)
            if (message.canceled) call.cancel()
          },
          onEnd: () => {
            this.#signal.removeEventListener('abort', abort)
            resolve(fatal)
          },
        },
        // A member that has lost its leader ends the stream instead of keeping quiet.
        { metadata: { hasleader: 'true' } },
      )
      this.#signal.addEventListener('abort', abort, { once: true })
      call.send({ createRequest: { ...this.#request, startRevision: this.#nextRevision } })
    })
  }

  #take(message: Infer<(typeof methods.watch)['response']>): Error | undefined {
    if (this.#signal.aborted) return undefined
    const revision = message.header?.revision ?? 0
    if (message.canceled) {
      if (message.compactRevision > 0) return new WatchCompactedError(message.compactRevision)
      return message.cancelReason === '' ? undefined : new EtcdError(grpcCode.cancelled, message.cancelReason)
    }
    this.#delayMs = reconnectMs.first
    if (message.created) {
      if (this.#nextRevision === 0) this.#nextRevision = revision + 1
      this.#handlers.onCreated?.(revision)
      return undefined
    }
    const events = message.events ?? []
    const last = events.at(-1)?.kv?.modRevision
    if (last !== undefined) this.#nextRevision = last + 1
    this.#handlers.onEvents(events, last ?? revision)
    return undefined
  }
}
