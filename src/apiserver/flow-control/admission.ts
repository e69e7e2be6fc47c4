import type { Clock } from '../../world/world.ts'
import type { UserInfo } from '../context.ts'
import type { ApiRequest, ApiResponse, Sink } from '../request.ts'
import type { RequestInfo } from '../request-info.ts'

/** Decides who is answered now, who waits, and who is turned away. */
export interface FlowAdmission {
  /**
   * A place for a request, at once or when its turn has come; undefined: it needs none. Throws a `TooBusyError`, or
   * rejects with one.
   */
  admit(request: ApiRequest, info: RequestInfo, user: UserInfo): Place | Promise<Place> | undefined
}

/** What a request holds while it is answered. */
export interface Place {
  /** The answer, with what clients are told of how the request was sorted. */
  marked(response: ApiResponse): ApiResponse
  /** Gives the place back. Once is enough. */
  leave(): void
  /** Whether it is given back as soon as the answer has begun: for watches, which last. */
  readonly isForBeginning: boolean
  /** Whether there are only so many: nobody waits for the place of one who is exempt. */
  readonly isScarce: boolean
  /** Called when the last word of the answer is out, or nobody is there to hear it. */
  readonly ended?: () => void
}

/**
 * An answer may take no longer to be written, as in the reference; a watch may. Whoever takes it more slowly is cut off:
 * what waits for them lies in memory.
 */
const mostMs = 60_000

/** Smaller answers are given to the connection, and the place back; of larger ones too many could lie there. */
const heldFrom = 64 * 1024

/** Nobody needs the place any more. */
export function release(place: Place): void {
  place.leave()
  place.ended?.()
}

/** The answer, which gives the place back: at once, or, where it is large, when the client has it. */
export function holding(place: Place, response: ApiResponse, request: ApiRequest, clock: Clock): ApiResponse {
  const { body } = response
  if (typeof body === 'function') return { ...response, body: heldBody(place, body, request, clock) }
  if (place.isScarce && body.length >= heldFrom) {
    return { ...response, isCompressible: true, body: heldBody(place, writing(body), request, clock) }
  }
  release(place)
  return response
}

const writing = (body: Uint8Array | string) => (sink: Sink) => {
  sink.write(body)
  return sink.backlog === 0 ? Promise.resolve() : sink.drained()
}

function heldBody(place: Place, write: (sink: Sink) => Promise<void>, request: ApiRequest, clock: Clock) {
  const late = Promise.withResolvers<never>()
  late.promise.catch(() => {})
  // Whoever is gone before the answer began never has it written.
  const finish = () => {
    cancel()
    request.signal.removeEventListener('abort', finish)
    release(place)
  }
  const cancel = clock.timer(mostMs, () => {
    place.leave()
    if (!place.isForBeginning) late.reject(new Error('the client takes its answer too slowly'))
  })
  request.signal.addEventListener('abort', finish, { once: true })
  if (request.signal.aborted) finish()
  return async (sink: Sink) => {
    try {
      const done = write(sink)
      // What was there when the watch began has been said.
      if (place.isForBeginning) place.leave()
      await Promise.race([done, late.promise])
    } finally {
      finish()
    }
  }
}
