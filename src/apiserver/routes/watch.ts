import { zeroOf } from '../../schema/decode.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import { ApiError } from '../../schema/status.ts'
import type { Mutable } from '../../schema/types.ts'
import type { Clock, Random } from '../../world/world.ts'
import { identified } from '../body.ts'
import type { Exchange } from '../exchange.ts'
import { negotiate, watchOffer } from '../negotiate.ts'
import { readOptions } from '../options.ts'
import type { ApiResponse, Sink } from '../request.ts'
import type { Entry, WatchEventType, WatchObserver } from '../resource.ts'
import { headersOf, internalError } from '../respond.ts'
import { Shape } from '../shapes.ts'
import type { ObjectServices, Target } from './services.ts'

/** How long a watch lasts that does not say: this long to twice as long, so that not all begin again at once. */
const leastSeconds = 1800
/** A client that lets more than this many bytes wait is cut off: it lists again, which is cheaper than what it missed. */
const backlogLimit = 10 * 1024 * 1024

/** GET of a collection (or one object, in the old form) with `watch`: a line of JSON for every change. */
export async function watchObjects(exchange: Exchange, services: ObjectServices, target: Target): Promise<ApiResponse> {
  const { info, request } = exchange
  const accepted = negotiate(request.headers['accept'], watchOffer)
  const options = readOptions(exchange, true)
  const shape = accepted.as === '' ? undefined : new Shape(target.kind, accepted, info.query)
  const lines = new Lines(target.kind, services.clock, shape)
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
    await done
    cancel()
    sink.signal.removeEventListener('abort', onGone)
    stop.abort()
    await watching
  }
  return { status: 200, headers, body }
}

const randomTimeout = (random: Random) => leastSeconds * (1 + random.next())

const isFaultOfRequest = (error: Error) =>
  error instanceof ApiError && error.code >= 400 && error.code < 500 && error.code !== 410

/** The events of one watch as lines. Until there is somebody to send them to, they wait. */
class Lines implements WatchObserver {
  readonly #kind: Kind
  readonly #clock: Clock
  readonly #shape: Shape | undefined
  readonly #waiting: (Buffer | string)[] = []
  readonly #done = Promise.withResolvers<void>()
  #sink: Sink | undefined
  #ended = false
  failure: Error | undefined

  constructor(kind: Kind, clock: Clock, shape: Shape | undefined) {
    this.#kind = kind
    this.#clock = clock
    this.#shape = shape
  }

  /** Resolves when the watch is over. */
  writeTo(sink: Sink): Promise<void> {
    this.#sink = sink
    for (const line of this.#waiting.splice(0)) sink.write(line)
    if (this.#ended) this.#done.resolve()
    return this.#done.promise
  }

  event(type: WatchEventType, entry: Entry): void {
    if (this.#shape === undefined) this.#write(entry.eventJson(type))
    else this.#writeShaped(type, entry.object)
  }

  bookmark(resourceVersion: string, initialEventsEnd: boolean): void {
    const object = bookmarkObject(this.#kind, resourceVersion, initialEventsEnd)
    if (this.#shape !== undefined) this.#writeShaped('BOOKMARK', object)
    else this.#write(`{"type":"BOOKMARK","object":${JSON.stringify(object)}}\n`)
  }

  error(error: Error): void {
    if (this.#ended) return
    this.failure = error
    const status = (error instanceof ApiError ? error : internalError(error)).toStatus()
    this.#write(`{"type":"ERROR","object":${JSON.stringify(status)}}\n`)
    this.end()
  }

  end(): void {
    this.#ended = true
    if (this.#sink !== undefined) this.#done.resolve()
  }

  #writeShaped(type: string, object: ApiObject): void {
    try {
      const shaped = this.#shape!.event(object, { now: this.#clock.now() })
      this.#write(`{"type":"${type}","object":${JSON.stringify(shaped)}}\n`)
    } catch {
      // The shape is none that single objects have. The reference ends such a watch without a word.
      this.end()
    }
  }

  #write(line: Buffer | string): void {
    if (this.#ended) return
    if (this.#sink === undefined) {
      this.#waiting.push(line)
      return
    }
    this.#sink.write(line)
    if (this.#sink.backlog > backlogLimit) this.end()
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
