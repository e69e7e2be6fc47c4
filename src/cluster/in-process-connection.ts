import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import type { UserInfo } from '../apiserver/context.ts'
import type { Handler } from '../apiserver/handler.ts'
import type { Sink } from '../apiserver/request.ts'
import type { Answer, Carrier, IncomingAnswer, Outgoing } from '../client/http-connection.ts'

/** What a client over HTTP sends, handed to the server in this process as what this user asks, without a socket. */
export class InProcessConnection implements Carrier {
  readonly #handler: Handler
  readonly #user: UserInfo
  readonly #closed = new AbortController()

  constructor(handler: Handler, user: UserInfo) {
    this.#handler = handler
    this.#user = user
  }

  async request(outgoing: Outgoing): Promise<Answer> {
    const { status, headers, stream } = await this.open(outgoing)
    const chunks: Buffer[] = []
    for await (const chunk of stream) chunks.push(chunk)
    return { status, headers, body: Buffer.concat(chunks) }
  }

  async open({ method, path, headers, body = '' }: Outgoing): Promise<IncomingAnswer> {
    const gone = new AbortController()
    const signal = AbortSignal.any([gone.signal, this.#closed.signal])
    const answer = await this.#handler({
      method,
      url: path,
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
      rawHeaders: Object.entries(headers).flatMap(([name, values]) =>
        [values].flat().flatMap((value) => [name, `${value}`]),
      ),
      body: async () => Buffer.from(body),
      signal,
      remoteAddress: '127.0.0.1',
      user: this.#user,
    })
    const stream = new PassThrough()
    stream.on('error', () => {})
    const written = typeof answer.body === 'function' ? answer.body(sinkOf(stream, signal)) : stream.write(answer.body)
    Promise.resolve(written).then(
      () => stream.end(),
      (error: Error) => stream.destroy(error),
    )
    return {
      status: answer.status,
      headers: answer.headers as Answer['headers'],
      stream: Object.assign(stream, {
        aborted: false,
        close() {
          gone.abort()
          stream.destroy()
        },
      }),
    }
  }

  async close(): Promise<void> {
    this.#closed.abort()
  }
}

function sinkOf(stream: PassThrough, signal: AbortSignal): Sink {
  return {
    // Whoever reads gets the chunk itself, so its memory is never free for something else.
    write: (chunk) => void (stream.destroyed || stream.write(chunk)),
    get backlog() {
      return stream.writableLength
    },
    drained: async () => void (stream.writableNeedDrain && (await once(stream, 'drain', { signal }))),
    signal,
  }
}
