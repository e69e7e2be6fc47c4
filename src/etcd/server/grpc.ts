/**
 * gRPC for servers, on node:http2: each message with five bytes in front, the outcome in the trailers. The same port
 * answers plain HTTP/1.1, since etcd's does (`/health`, `/version`).
 */
import { createServer as createHttp1Server, type IncomingMessage, type ServerResponse } from 'node:http'
import {
  constants,
  createServer as createHttp2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { type AddressInfo, createServer as createPlainServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { decodeMessage, encodeMessage } from '../../schema/protobuf.ts'
import type { Infer, ObjectType } from '../../schema/types.ts'
import { FrameBuffer } from '../frame-buffer.ts'
import type { Method } from '../messages.ts'
import { RepairedConnection } from './authority.ts'
import { GrpcError, grpcStatus, toGrpcError } from './errors.ts'

/** One call as the server has it: what comes is handed to `onMessage`, what is sent goes behind what was sent before. */
export interface ServerCall<Q, A> {
  /** Aborted when the client is gone or the call is over. */
  readonly signal: AbortSignal
  /** Bytes that were sent and that the client has not taken yet. */
  readonly pendingBytes: number
  /** Set both at once, before anything else happens. */
  listen(onMessage: (message: Q, bytes: number) => void, onFinished: () => void): void
  send(message: A): void
  /** Resolves when the client has taken what was sent, or is gone. */
  drained(): Promise<void>
  /** Ends the call: well, or with what went wrong. */
  end(error?: unknown): void
}

/** What answers a method. */
export interface Route {
  readonly method: Method
  serve(call: ServerCall<unknown, unknown>): void
}

/** One request, one answer. `bytes` is how large the request was. */
export function unary<Q extends ObjectType, A extends ObjectType>(
  method: Method<Q, A>,
  answer: (request: Infer<Q>, bytes: number) => Promise<Infer<A>>,
): Route {
  const serve = (call: ServerCall<Infer<Q>, Infer<A>>) => {
    call.listen(
      (request, bytes) => {
        answer(request, bytes).then(
          (message) => {
            call.send(message)
            call.end()
          },
          (error: unknown) => call.end(error),
        )
      },
      () => {},
    )
  }
  return { method, serve: serve as Route['serve'] }
}

/** Any number of messages, either way. */
export function streaming<Q extends ObjectType, A extends ObjectType>(
  method: Method<Q, A>,
  serve: (call: ServerCall<Infer<Q>, Infer<A>>) => void,
): Route {
  return { method, serve: serve as Route['serve'] }
}

/** PEM. */
export interface ServerTls {
  readonly certificate: string
  readonly key: string
  /** Clients must show a certificate that one of these signed. Absent: any client is let in. */
  readonly clientCa?: string
}

export interface GrpcServerOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly tls?: ServerTls
  readonly routes: readonly Route[]
  /** Larger messages are refused as gRPC refuses them. */
  readonly messageBytesMax: number
  /** Answers what is plain HTTP: a path, and the status and the text for it. */
  readonly plain: (path: string) => { readonly status: number; readonly body: string }
}

export interface GrpcServer extends AsyncDisposable {
  readonly port: number
}

const windowBytes = 4 << 20
const sessionMemoryMegabytes = 256
/** The connection preface of HTTP/2 begins so, and no HTTP/1.1 request does. */
const prefaceStart = 'PRI '

/** Starts to listen. Rejects when the address is taken or the certificate cannot be used. */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const sockets = new Set<Socket>()
  const connect = connectionsOf(options)
  const server: Server = options.tls
    ? createTlsServer(tlsOptions(options.tls), (socket) => connect.secure(socket))
    : createPlainServer((socket) => connect.plain(socket))
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    socket.setNoDelay(true)
  })
  await new Promise<void>((listening, failed) => {
    server.once('error', failed)
    server.listen(options.port, options.host, listening)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((done) => server.close(done))
      connect.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function tlsOptions({ certificate, key, clientCa }: ServerTls) {
  return {
    cert: certificate,
    key,
    ALPNProtocols: ['h2', 'http/1.1'],
    minVersion: 'TLSv1.2',
    ...(clientCa !== undefined && { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
  } as const
}

/** Hands a connection to the protocol that it speaks. */
function connectionsOf({ routes, messageBytesMax, plain }: GrpcServerOptions) {
  const sessions = new Set<ServerHttp2Session>()
  const table = new Map(routes.map((route) => [route.method.path, route]))
  const http2 = createHttp2Server({
    settings: { initialWindowSize: windowBytes },
    maxSessionMemory: sessionMemoryMegabytes,
  })
  http2.on('session', (session) => {
    session.setLocalWindowSize(windowBytes)
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
    session.on('error', () => session.destroy())
  })
  http2.on('stream', (stream, headers) => {
    stream.on('error', () => {})
    if (headers[':method'] === 'GET') answerPlainly(stream, plain(headers[':path'] ?? '/'))
    else answer(stream, headers, table, messageBytesMax)
  })
  const http1 = createHttp1Server((request: IncomingMessage, response: ServerResponse) => {
    const { status, body } = plain(request.url ?? '/')
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  })
  return {
    secure: (socket: TLSSocket) => (socket.alpnProtocol === 'h2' ? http2 : http1).emit('connection', socket),
    plain(socket: Socket) {
      socket.once('data', (first: Buffer) => {
        socket.pause()
        socket.unshift(first)
        if (first.toString('latin1', 0, prefaceStart.length) === prefaceStart) {
          http2.emit('connection', new RepairedConnection(socket))
          return
        }
        http1.emit('connection', socket)
        socket.resume()
      })
    },
    close() {
      for (const session of sessions) session.destroy()
      http1.closeAllConnections()
    },
  }
}

function answerPlainly(stream: ServerHttp2Stream, { status, body }: { status: number; body: string }): void {
  stream.respond({ ':status': status, 'content-type': 'application/json' })
  stream.end(body)
}

function answer(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  table: ReadonlyMap<string, Route>,
  messageBytesMax: number,
): void {
  if (!String(headers['content-type'] ?? '').startsWith('application/grpc')) {
    stream.respond({ ':status': 415 }, { endStream: true })
    return
  }
  const path = headers[':path'] ?? ''
  const route = table.get(path)
  if (route === undefined) {
    refuse(stream, unknownMethod(path, table))
    return
  }
  route.serve(new HttpCall(stream, route.method, messageBytesMax))
}

function unknownMethod(path: string, table: ReadonlyMap<string, Route>): GrpcError {
  const [, service = '', method = ''] = path.split('/')
  const isKnown = [...table.keys()].some((known) => known.startsWith(`/${service}/`))
  return new GrpcError(
    'unimplemented',
    isKnown ? `unknown method ${method} for service ${service}` : `unknown service ${service}`,
  )
}

/** An answer without messages is one block of headers. */
function refuse(stream: ServerHttp2Stream, error: GrpcError): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...trailersOf(error) }, { endStream: true })
}

function trailersOf(error: GrpcError | undefined): Record<string, string> {
  if (error === undefined) return { 'grpc-status': '0', 'grpc-message': '' }
  return { 'grpc-status': String(grpcStatus[error.code]), 'grpc-message': percentEncoded(error.message) }
}

/** As gRPC has it: printable ASCII but for `%` stands for itself. */
function percentEncoded(text: string): string {
  return Array.from(Buffer.from(text), (byte) =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('')
}

class HttpCall implements ServerCall<unknown, unknown> {
  readonly #stream: ServerHttp2Stream
  readonly #method: Method
  readonly #messageBytesMax: number
  readonly #ended = new AbortController()
  readonly #frames = new FrameBuffer()
  #outcome: GrpcError | undefined
  #isOver = false

  constructor(stream: ServerHttp2Stream, method: Method, messageBytesMax: number) {
    this.#stream = stream
    this.#method = method
    this.#messageBytesMax = messageBytesMax
    stream.on('close', () => this.#gone())
    stream.on('wantTrailers', () => stream.sendTrailers(trailersOf(this.#outcome)))
  }

  get signal(): AbortSignal {
    return this.#ended.signal
  }

  get pendingBytes(): number {
    return this.#stream.writableLength
  }

  listen(onMessage: (message: unknown, bytes: number) => void, onFinished: () => void): void {
    this.#stream.on('data', (chunk: Buffer) => this.#receive(chunk, onMessage))
    this.#stream.on('end', onFinished)
  }

  send(message: unknown): void {
    if (this.#isOver || this.#stream.destroyed) return
    this.#respond()
    const bytes = encodeMessage(this.#method.response, message as never)
    const head = Buffer.alloc(5)
    head.writeUInt32BE(bytes.length, 1)
    this.#stream.cork()
    this.#stream.write(head)
    this.#stream.write(bytes)
    this.#stream.uncork()
  }

  async drained(): Promise<void> {
    while (!this.#isOver && !this.#stream.destroyed && this.#stream.writableNeedDrain) {
      await new Promise<void>((done) => {
        const go = () => {
          this.#stream.off('drain', go)
          this.#stream.off('close', go)
          done()
        }
        this.#stream.on('drain', go)
        this.#stream.on('close', go)
      })
    }
  }

  end(error?: unknown): void {
    if (this.#isOver || this.#stream.destroyed) return
    this.#outcome = error === undefined ? undefined : toGrpcError(error)
    if (!this.#stream.headersSent && this.#outcome !== undefined) {
      this.#isOver = true
      refuse(this.#stream, this.#outcome)
    } else {
      this.#respond()
      this.#isOver = true
      this.#stream.end()
    }
    this.#ended.abort()
  }

  #respond(): void {
    if (this.#stream.headersSent) return
    this.#stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  }

  #gone(): void {
    this.#isOver = true
    this.#ended.abort()
  }

  #receive(chunk: Buffer, onMessage: (message: unknown, bytes: number) => void): void {
    let data = this.#frames.take(chunk)
    while (data.length >= 5 && !this.#isOver) {
      const length = data.readUInt32BE(1)
      const fault = this.#faultOf(data[0]!, length)
      if (fault !== undefined) {
        this.#fail(fault)
        return
      }
      if (data.length < 5 + length) break
      this.#take(data.subarray(5, 5 + length), onMessage)
      data = data.subarray(5 + length)
    }
    this.#frames.keep(data)
  }

  #faultOf(flags: number, length: number): GrpcError | undefined {
    if (flags !== 0) return new GrpcError('unimplemented', 'grpc: compressed messages are not supported')
    if (length <= this.#messageBytesMax) return undefined
    return new GrpcError(
      'resourceExhausted',
      `grpc: received message larger than max (${length} vs. ${this.#messageBytesMax})`,
    )
  }

  #take(bytes: Buffer, onMessage: (message: unknown, bytes: number) => void): void {
    let message: unknown
    try {
      message = decodeMessage(this.#method.request, bytes)
    } catch (error) {
      this.#fail(new GrpcError('internal', `grpc: error unmarshalling request: ${(error as Error).message}`))
      return
    }
    onMessage(message, bytes.length)
  }

  /** What still comes is of no use. */
  #fail(error: GrpcError): void {
    this.end(error)
    this.#stream.removeAllListeners('data')
    this.#stream.resume()
    if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_NO_ERROR)
  }
}
