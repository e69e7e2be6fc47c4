import { parseDuration } from '../../base/duration.ts'
import { ApiError } from '../../schema/status.ts'
import type { Clock } from '../../world/world.ts'

export interface Patience {
  readonly clock: Clock
  /** In Go's notation. */
  readonly timeout: string
}

const pauseMs = 100
const passing = new Set([
  'ServiceUnavailable',
  'ServerTimeout',
  'Timeout',
  'TooManyRequests',
  'InternalError',
  'Conflict',
])

/** What an API says that comes up, or whose store elects a leader, and that goes by itself. */
export const isPassing = (error: unknown): boolean => error instanceof ApiError && passing.has(error.reason)

/** Does something that may be done again, as long as what is in its way goes by itself. */
export function patient<T>(work: () => Promise<T>, patience: Patience): Promise<T> {
  return insist(work, isPassing, patience)
}

/** Does something until it succeeds, fails in a way that waiting does not mend, or it has taken too long. */
export async function insist<T>(
  work: () => Promise<T>,
  mayComeGood: (error: unknown) => boolean,
  { clock, timeout }: Patience,
): Promise<T> {
  const deadline = clock.monotonic() + parseDuration(timeout)
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!mayComeGood(error) || clock.monotonic() + pauseMs > deadline) throw error
      await clock.after(pauseMs)
    }
  }
}
