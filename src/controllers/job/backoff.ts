import type { Pod } from '../../kinds/core/pod.ts'
import { endOf } from './pods.ts'

/** After the first failure in a row a new pod waits this long, after each further one twice as long. */
const firstMs = 10_000
const longestMs = 600_000

/** How many pods of a job have failed since one last succeeded. */
export interface Failures {
  readonly count: number
  /** When the last of them came to its end. */
  readonly lastAt: number
}

export const noFailures: Failures = { count: 0, lastAt: 0 }

/** What is known after further pods have come to their ends. */
export function withEnded(before: Failures, succeeded: readonly Pod[], failed: readonly Pod[]): Failures {
  if (succeeded.length === 0 && failed.length === 0) return before
  const lastSuccess = Math.max(Number.NEGATIVE_INFINITY, ...succeeded.map(endOf))
  const later = failed.map(endOf).filter((end) => end > lastSuccess)
  if (later.length === 0) return noFailures
  const count = (succeeded.length === 0 ? before.count : 0) + later.length
  return { count, lastAt: Math.max(...later) }
}

/** How many milliseconds a new pod has to wait. */
export function waitAfter({ count, lastAt }: Failures, now: number): number {
  if (count === 0) return 0
  const waitMs = Math.min(firstMs * 2 ** (count - 1), longestMs)
  return Math.max(0, lastAt + waitMs - now)
}
