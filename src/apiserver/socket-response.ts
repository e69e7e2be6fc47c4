/** What goes out over a socket: an answer at once, or as it is made. */
import type { ServerResponse } from 'node:http'
import type * as http2 from 'node:http2'
import type { ApiResponse, Sink } from './request.ts'

/** HTTP/2 headers as they are to be sent, by the headers of the answer, which most answers share. */
const outgoing = new WeakMap<object, Map<number, OutgoingList>>()

/** Names and values in turn, which Node.js takes as they are. An object it would copy into a slower one. */
type OutgoingList = (string | readonly string[])[]

/** Answers with what is there already; of a body that is still to be made (`writeBody`) the headers alone. */
export function respond(
  stream: http2.ServerHttp2Stream,
  { status, headers, body }: ApiResponse,
  isHead: boolean,
): void {
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
export function passOver(stream: http2.ServerHttp2Stream): void {
  if (stream.writableFinished || stream.closed) stream.resume()
  else stream.once('finish', resume)
}

function resume(this: http2.ServerHttp2Stream): void {
  this.resume()
}

type Writable = http2.ServerHttp2Stream | ServerResponse

/** Has the body made, piece by piece. */
export async function writeBody(to: Writable, { body }: ApiResponse, signal: AbortSignal): Promise<void> {
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
