import { DurationError, parseDuration } from '../base/duration.ts'
import { LinkedList, Member } from '../base/linked-list.ts'
import { ApiError, badRequest } from '../schema/status.ts'
import type { Clock } from '../world/world.ts'
import type { RequestInfo } from './request-info.ts'

/** No request may take longer, whatever it says. */
const longestMs = 60_000

/**
 * How long a request may take: as it says (`timeout=5s`), at most a minute; undefined: it is meant to last.
 * Throws BadRequest when it cannot be read.
 */
export function timeoutOf(info: RequestInfo): number | undefined {
  const { query, verb, subresource } = info
  if (verb === 'watch') return undefined
  const asked = query.isEmpty ? 0 : askedTimeout(query.get('timeout') ?? '')
  if (lasting.has(subresource)) return undefined
  return asked > 0 && asked < longestMs ? asked : longestMs
}

/** Whether what is asked for lasts as long as its client wants: a connection. (Watches are not meant.) */
export const lastsLong = ({ verb, subresource, path }: RequestInfo): boolean =>
  lasting.has(subresource) || verb === 'proxy' || path.startsWith('/debug/pprof/')

/** Connections, which end when they end. */
const lasting: ReadonlySet<string> = new Set(['attach', 'exec', 'log', 'portforward', 'proxy'])

function askedTimeout(text: string): number {
  if (text === '') return 0
  try {
    return parseDuration(text)
  } catch (error) {
    if (!(error instanceof DurationError)) throw error
    throw badRequest(`invalid timeout specified in the request URL - ${error.message}`)
  }
}

/** What those are answered whose request took too long. */
export class TooLateError extends ApiError {
  constructor() {
    super('Timeout', 'Timeout: request did not complete within the allotted timeout', { details: {} })
  }
}

class Waiting extends Member {
  readonly until: number
  readonly expire: () => void

  constructor(until: number, expire: () => void) {
    super()
    this.until = until
    this.expire = expire
  }
}

/** Sees to it that whoever asks is answered in time. What was too slow goes on, and nobody hears of it any more. */
export class Deadlines {
  readonly #clock: Clock
  /** With the usual time, so in the order in which their time is over. They share one timer, for most need none. */
  readonly #usual = new LinkedList<Waiting>()
  #hasTimer = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** What the work comes to; a Timeout (504) when that takes too long. */
  within<T>(work: Promise<T>, timeoutMs: number | undefined): Promise<T> {
    if (timeoutMs === undefined) return work
    return new Promise((resolve, reject) => {
      const expire = () => reject(new TooLateError())
      const cancel = timeoutMs === longestMs ? this.#wait(expire) : this.#clock.timer(timeoutMs, expire)
      work.then(
        (result) => {
          cancel()
          resolve(result)
        },
        (error: unknown) => {
          cancel()
          reject(error)
        },
      )
    })
  }

  #wait(expire: () => void): () => void {
    const waiting = new Waiting(this.#clock.monotonic() + longestMs, expire)
    this.#usual.push(waiting)
    if (!this.#hasTimer) this.#look(longestMs)
    return () => waiting.unlink()
  }

  #look(delayMs: number): void {
    this.#hasTimer = true
    this.#clock.timer(delayMs, () => {
      this.#hasTimer = false
      const now = this.#clock.monotonic()
      for (;;) {
        const { first } = this.#usual
        if (first === undefined) return
        if (first.until > now) return this.#look(first.until - now)
        first.unlink()
        first.expire()
      }
    })
  }
}
