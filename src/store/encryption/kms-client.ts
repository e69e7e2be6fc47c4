import { Buffer } from 'node:buffer'
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import { connect as connectSocket } from 'node:net'
import { decodeMessage, encodeMessage } from '../../schema/protobuf.ts'
import type { Infer, ObjectType } from '../../schema/types.ts'
import type { Clock } from '../../world/world.ts'
import {
  DecryptRequest,
  DecryptResponse,
  EncryptRequest,
  EncryptResponse,
  StatusRequest,
  StatusResponse,
} from './kms-messages.ts'

/** What a plugin did not do. The message is what gRPC's own clients print. */
export class KmsError extends Error {
  constructor(code: number, text: string) {
    super(`rpc error: code = ${codes[code] ?? `Code(${code})`} desc = ${text}`)
  }
}

export interface KmsClientOptions {
  /** `unix:///run/kms.sock`; a path that begins with `@` is in the abstract namespace. */
  readonly endpoint: string
  readonly timeoutMs: number
  readonly clock: Clock
}

/** Answers of a plugin are a few kilobytes; what sends more is no plugin. */
const answerBytesMax = 4 << 20

/** Asks a KMS plugin over its unix socket: gRPC, one question and one answer. Connects when it is asked to ask. */
export class KmsClient implements Disposable {
  readonly #path: string
  readonly #timeoutMs: number
  readonly #clock: Clock
  #session: ClientHttp2Session | undefined
  #asking = 0

  constructor({ endpoint, timeoutMs, clock }: KmsClientOptions) {
    const path = endpoint.replace(/^unix:(\/\/)?/, '').replace(/^\/@/, '@')
    this.#path = path.replace(/^@/, '\0')
    this.#timeoutMs = timeoutMs
    this.#clock = clock
  }

  status(): Promise<Infer<typeof StatusResponse>> {
    return this.#ask('Status', StatusRequest, StatusResponse, {})
  }

  encrypt(request: Infer<typeof EncryptRequest>): Promise<Infer<typeof EncryptResponse>> {
    return this.#ask('Encrypt', EncryptRequest, EncryptResponse, request)
  }

  decrypt(request: Infer<typeof DecryptRequest>): Promise<Infer<typeof DecryptResponse>> {
    return this.#ask('Decrypt', DecryptRequest, DecryptResponse, request)
  }

  /** Ends all questions. */
  [Symbol.dispose](): void {
    this.#session?.destroy()
  }

  async #ask<Q extends ObjectType, A extends ObjectType>(
    name: string,
    requestType: Q,
    answerType: A,
    request: Infer<Q>,
  ): Promise<Infer<A>> {
    const session = this.#live()
    this.#asking++
    session.ref()
    try {
      const answer = await this.#exchange(session, name, encodeMessage(requestType, request))
      return decodeAnswer(answerType, answer)
    } finally {
      // A connection that nobody waits for keeps no process alive.
      if (--this.#asking === 0 && !session.destroyed) session.unref()
    }
  }

  #live(): ClientHttp2Session {
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed) return this.#session
    const session = connect('http://localhost', { createConnection: () => connectSocket(this.#path) })
    // Told by the streams that break with it; unheard, it would end the process.
    session.on('error', () => {})
    this.#session = session
    return session
  }

  #exchange(session: ClientHttp2Session, name: string, message: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const path = `/v2.KeyManagementService/${name}`
      const timeout = `${Math.max(1, Math.ceil(this.#timeoutMs))}m`
      const stream = session.request({
        ...{ ':method': 'POST', ':path': path, te: 'trailers' },
        ...{ 'content-type': 'application/grpc', 'grpc-timeout': timeout },
      })
      const expire = this.#clock.timer(this.#timeoutMs, () => {
        reject(new KmsError(4, 'context deadline exceeded'))
        // A plugin that hangs may have lost the connection, too.
        session.destroy()
      })
      let whyLost: string | undefined
      session.once('error', (error: Error) => {
        whyLost = error.message
      })
      stream.once('close', expire)
      collect(stream, () => whyLost).then(resolve, reject)
      stream.end(framed(message))
    })
  }
}

/** The message of the answer, or why there is none. */
function collect(stream: ClientHttp2Stream, whyLost: () => string | undefined): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    let bytes = 0
    let failure: KmsError | undefined
    let isWell = false
    const note = (headers: Readonly<Record<string, unknown>>) => {
      const code = headers['grpc-status']
      if (code === undefined) {
        const status = headers[':status']
        if (status !== undefined && Number(status) !== 200) failure ??= new KmsError(14, `HTTP status ${status}`)
      } else if (Number(code) === 0) isWell = true
      else failure ??= new KmsError(Number(code), unescaped(String(headers['grpc-message'] ?? '')))
    }
    stream.on('response', note)
    stream.on('trailers', note)
    stream.on('data', (part: Buffer) => {
      bytes += part.length
      parts.push(part)
      if (bytes <= answerBytesMax) return
      failure ??= new KmsError(8, `the answer has more than ${answerBytesMax} bytes`)
      stream.close(constants.NGHTTP2_CANCEL)
    })
    let broken: Error | undefined
    stream.on('error', (error) => {
      broken = error
    })
    stream.on('close', () => {
      if (failure === undefined && isWell) resolve(Buffer.concat(parts))
      else reject(failure ?? new KmsError(14, whyLost() ?? broken?.message ?? 'the connection was closed'))
    })
  })
}

/** Each message has five bytes in front: not compressed, and its length. */
function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

function decodeAnswer<A extends ObjectType>(type: A, answer: Buffer): Infer<A> {
  if (answer.length < 5 || answer[0] !== 0 || answer.readUInt32BE(1) !== answer.length - 5) {
    throw new KmsError(13, 'the answer is not one message')
  }
  try {
    return decodeMessage(type, answer.subarray(5))
  } catch (error) {
    throw new KmsError(13, `the answer cannot be read: ${(error as Error).message}`)
  }
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const codes: Readonly<Record<number, string>> = {
  ...{ 1: 'Canceled', 2: 'Unknown', 3: 'InvalidArgument', 4: 'DeadlineExceeded', 5: 'NotFound', 6: 'AlreadyExists' },
  ...{ 7: 'PermissionDenied', 8: 'ResourceExhausted', 9: 'FailedPrecondition', 10: 'Aborted', 11: 'OutOfRange' },
  ...{ 12: 'Unimplemented', 13: 'Internal', 14: 'Unavailable', 15: 'DataLoss', 16: 'Unauthenticated' },
}
