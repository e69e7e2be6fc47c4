import type { Clock } from '../world/world.ts'
import type { QueueMeter } from './queue-metrics.ts'

/** The first failure of a key is retried after this, each further one after twice as long. */
const firstRetryMs = 5
const longestRetryMs = 1_000_000
const outdatedTries = 8

/**
 * Keys that wait for work. A key is there at most once, in the order of its first arrival; a key that is being worked
 * on is not handed out again until it is done, but not forgotten either.
 */
export class WorkQueue {
  readonly #clock: Clock
  readonly #onReady: () => void
  readonly #meter: QueueMeter | undefined
  readonly #waiting = new Set<string>()
  /** Stands behind the last key that was taken: to begin anew each time is to pass the gaps of all that have gone. */
  #front: Iterator<string> | undefined
  readonly #running = new Set<string>()
  readonly #again = new Set<string>()
  readonly #failures = new Map<string, number>()
  readonly #outdated = new Set<string>()
  readonly #later = new Map<string, { readonly at: number; readonly cancel: () => void }>()
  readonly #soon = new Map<string, () => void>()
  #closed = false

  /** Calls `onReady` whenever there is a key to take. */
  constructor(clock: Clock, onReady: () => void, meter?: QueueMeter) {
    this.#clock = clock
    this.#onReady = onReady
    this.#meter = meter
  }

  /** No key waits and none is being worked on. Keys that wait for a time do not count. */
  get idle(): boolean {
    return this.#waiting.size === 0 && this.#running.size === 0 && this.#soon.size === 0
  }

  /** Whether a key waits to be tried again whose last try failed only because its view was behind. It will be soon. */
  get catchesUp(): boolean {
    return this.#outdated.size > 0
  }

  get size(): number {
    return this.#waiting.size
  }

  add(key: string): void {
    if (this.#closed) return
    if (this.#running.has(key)) {
      this.#again.add(key)
      return
    }
    if (!this.#waiting.has(key)) {
      this.#waiting.add(key)
      this.#meter?.added(key, this.#waiting.size)
    }
    this.#onReady()
  }

  /**
   * Adds the key after a short time, so that what happens until then is worked on together. In contrast to `addAfter`
   * this counts as waiting.
   */
  addSoon(key: string, delayMs: number): void {
    if (this.#closed || this.#soon.has(key) || this.#waiting.has(key)) return
    const cancel = this.#clock.timer(delayMs, () => {
      this.#soon.delete(key)
      this.add(key)
    })
    this.#soon.set(key, cancel)
  }

  /** Adds the key after a time, unless an earlier time is set already. */
  addAfter(key: string, delayMs: number): void {
    if (this.#closed) return
    if (delayMs <= 0) return this.add(key)
    const at = this.#clock.monotonic() + delayMs
    const present = this.#later.get(key)
    if (present !== undefined && present.at <= at) return
    present?.cancel()
    const cancel = this.#clock.timer(delayMs, () => {
      this.#later.delete(key)
      this.add(key)
    })
    this.#later.set(key, { at, cancel })
  }

  /** Adds the key after a time that doubles with each failure in a row. Returns that time. */
  retry(key: string): number {
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    const delayMs = Math.min(firstRetryMs * 2 ** failures, longestRetryMs)
    this.#meter?.retried()
    this.addAfter(key, delayMs)
    return delayMs
  }

  /** Like `retry`, after a failure that says no more than that others have written meanwhile. */
  retryOutdated(key: string): void {
    // What is behind again and again has another reason.
    if (this.failures(key) < outdatedTries) this.#outdated.add(key)
    this.retry(key)
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0
  }

  succeeded(key: string): void {
    this.#failures.delete(key)
  }

  take(): string | undefined {
    this.#front ??= this.#waiting.values()
    const { value: key, done } = this.#front.next()
    if (done) {
      this.#front = undefined
      return undefined
    }
    this.#waiting.delete(key)
    this.#outdated.delete(key)
    this.#running.add(key)
    this.#soon.get(key)?.()
    this.#soon.delete(key)
    this.#meter?.taken(key, this.#waiting.size)
    return key
  }

  done(key: string): void {
    this.#running.delete(key)
    this.#meter?.done(key)
    if (this.#again.delete(key)) this.add(key)
  }

  close(): void {
    this.#closed = true
    this.#waiting.clear()
    for (const { cancel } of this.#later.values()) cancel()
    this.#later.clear()
    for (const cancel of this.#soon.values()) cancel()
    this.#soon.clear()
    this.#outdated.clear()
  }
}
