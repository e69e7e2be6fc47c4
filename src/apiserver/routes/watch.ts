import { Status } from '../../kinds/meta/status.ts'
import { zeroOf } from '../../schema/decode.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import { ApiError } from '../../schema/status.ts'
import type { Mutable, ObjectType } from '../../schema/types.ts'
import type { Clock, Random } from '../../world/world.ts'
import { identified } from '../body.ts'
import type { Exchange } from '../exchange.ts'
import { negotiate, watchOffer } from '../negotiate.ts'
import { readOptions } from '../options.ts'
import { partialObjectMetadata, watchEventToProtobuf } from '../protobuf-body.ts'
import type { ApiResponse, Sink } from '../request.ts'
import type { Entry, WatchEventType, WatchObserver } from '../resource.ts'
import { headersOf, internalError } from '../respond.ts'
import { Shape } from '../shapes.ts'
import type { ObjectServices, Target } from './services.ts'

/** How long a watch lasts that does not say: this long to twice as long, so that not all begin again at once. */
const leastSeconds = 1800
/**
 * A client that lets more than this many bytes of news wait is cut off: it lists again, which is cheaper than what it
 * missed. What was there when the watch began may be more than that, and takes its time.
 */
const backlogLimit = 10 * 1024 * 1024
/** So much is handed to the connection at a time. What waits there costs more than the lines, which all watches share. */
const handedBytes = 256 * 1024

/** GET of a collection (or one object, in the old form) with `watch`: a line of JSON for every change. */
export async function watchObjects(exchange: Exchange, services: ObjectServices, target: Target): Promise<ApiResponse> {
  const { info, request } = exchange
  const accepted = negotiate(request.headers['accept'], watchOffer)
  const options = readOptions(exchange, true)
  const shape = accepted.as === '' ? undefined : new Shape(target.kind, accepted, info.query)
  const lines = new Lines(target.kind, services.clock, shape, accepted.format === 'protobuf')
  const stop = new AbortController()
  const watching = target.resource
    .watch(info.namespace, { ...options, signal: stop.signal }, lines)
    .catch((error: unknown) => lines.error(error instanceof Error ? error : new Error(String(error))))
  // What is wrong with the question is found at once and is an answer of its own; later errors are events.
  await null
  await null
  await null
  if (lines.failure !== undefined && isFaultOfRequest(lines.failure)) throw lines.failure
  const seconds = options.timeoutSeconds || randomTimeout(services.random)
  const headers = headersOf(accepted.contentType, exchange.warnings)
  const body = async (sink: Sink) => {
    const done = lines.writeTo(sink)
    const cancel = services.clock.timer(seconds * 1000, () => lines.end())
    const onGone = () => lines.end()
    sink.signal.addEventListener('abort', onGone, { once: true })
    if (sink.signal.aborted) lines.end()
    watching.then(() => lines.end())
    try {
      await done
    } finally {
      cancel()
      sink.signal.removeEventListener('abort', onGone)
      stop.abort()
      await watching
    }
  }
  return { status: 200, headers, body }
}

const randomTimeout = (random: Random) => leastSeconds * (1 + random.next())

const isFaultOfRequest = (error: Error) =>
  error instanceof ApiError && error.code >= 400 && error.code < 500 && error.code !== 410

/** The events of one watch as lines. Until there is somebody to send them to, and while that one is slow, they wait. */
class Lines implements WatchObserver {
  readonly #kind: Kind
  readonly #clock: Clock
  readonly #shape: Shape | undefined
  readonly #inProtobuf: boolean
  readonly #waiting = new WaitingLines()
  readonly #done = Promise.withResolvers<void>()
  #sink: Sink | undefined
  #ended = false
  failure: Error | undefined

  constructor(kind: Kind, clock: Clock, shape: Shape | undefined, inProtobuf: boolean) {
    this.#kind = kind
    this.#clock = clock
    this.#shape = shape
    this.#inProtobuf = inProtobuf
  }

  /** Resolves when the watch is over; rejects when the client does not take what it is sent. */
  writeTo(sink: Sink): Promise<void> {
    this.#sink = sink
    this.#waiting.allThatWaitIsOld()
    this.#send(sink)
    return this.#done.promise
  }

  event(type: WatchEventType, entry: Entry): void {
    if (this.#shape !== undefined) this.#writeShaped(type, entry.object)
    else if (!this.#inProtobuf) this.#write(entry.eventJson(type))
    else if (entry.eventProtobuf !== undefined) this.#write(entry.eventProtobuf(type))
    else this.#writeObject(type, entry.object, this.#kind.schema)
  }

  bookmark(resourceVersion: string, initialEventsEnd: boolean): void {
    const object = bookmarkObject(this.#kind, resourceVersion, initialEventsEnd)
    if (this.#shape !== undefined) this.#writeShaped('BOOKMARK', object)
    else this.#writeObject('BOOKMARK', object, this.#kind.schema)
  }

  error(error: Error): void {
    if (this.#ended) return
    this.failure = error
    const status = (error instanceof ApiError ? error : internalError(error)).toStatus()
    this.#writeObject('ERROR', status, Status)
    this.end()
  }

  end(): void {
    this.#ended = true
    if (this.#sink !== undefined && this.#waiting.isEmpty) this.#done.resolve()
  }

  #writeShaped(type: string, object: ApiObject): void {
    try {
      const shaped = this.#shape!.event(object, { now: this.#clock.now() })
      this.#writeObject(type, shaped, partialObjectMetadata)
    } catch {
      // The shape is none that single objects have. The reference ends such a watch without a word.
      this.end()
    }
  }

  #writeObject(type: string, object: object, schema: ObjectType): void {
    if (this.#inProtobuf) this.#write(watchEventToProtobuf(type, object, schema))
    else this.#write(`{"type":"${type}","object":${JSON.stringify(object)}}\n`)
  }

  #write(line: Buffer | string): void {
    if (this.#ended) return
    const sink = this.#sink
    if (sink !== undefined && this.#waiting.isEmpty && sink.backlog < handedBytes) {
      sink.write(line)
      return
    }
    this.#waiting.add(line)
    if (sink === undefined) return
    if (this.#waiting.length === 1) this.#send(sink)
    if (this.#waiting.newBytes <= backlogLimit) return
    this.#ended = true
    this.#done.reject(new Error('the client does not read what it watches'))
  }

  /** Hands over what waits, as fast as the client takes it. */
  #send(sink: Sink): void {
    while (!this.#waiting.isEmpty && sink.backlog < handedBytes) sink.write(this.#waiting.take())
    if (!this.#waiting.isEmpty) {
      sink.drained().then(
        () => this.#send(sink),
        (error: Error) => this.#done.reject(error),
      )
    } else if (this.#ended) this.#done.resolve()
  }
}

/** After so many that were taken, the others move up. */
const keptLines = 4096

/** Lines in the order in which they came. */
class WaitingLines {
  #lines: (Buffer | string)[] = []
  #at = 0
  /** So many of the lines were there before the watch began to be sent. */
  #old = 0
  #newBytes = 0

  get length(): number {
    return this.#lines.length - this.#at
  }

  get isEmpty(): boolean {
    return this.#at === this.#lines.length
  }

  /** Bytes of what came since the watch began to be sent. */
  get newBytes(): number {
    return this.#newBytes
  }

  allThatWaitIsOld(): void {
    this.#old = this.length
    this.#newBytes = 0
  }

  add(line: Buffer | string): void {
    this.#lines.push(line)
    this.#newBytes += line.length
  }

  /** The first one. */
  take(): Buffer | string {
    const line = this.#lines[this.#at++]!
    if (this.#old > 0) this.#old--
    else this.#newBytes -= line.length
    if (this.isEmpty || this.#at === keptLines) {
      this.#lines = this.#lines.slice(this.#at)
      this.#at = 0
    }
    return line
  }
}

/** An object of the kind that has nothing but a resourceVersion. */
function bookmarkObject(kind: Kind, resourceVersion: string, initialEventsEnd: boolean): ApiObject {
  const object = identified(zeroOf(kind.schema) as unknown as Mutable<ApiObject>, kind)
  object.metadata = {
    ...object.metadata,
    resourceVersion,
    ...(initialEventsEnd && { annotations: { 'k8s.io/initial-events-end': 'true' } }),
  }
  return object
}
