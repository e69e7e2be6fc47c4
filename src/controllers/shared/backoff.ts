interface Failure {
  readonly at: number
  readonly waitMs: number
}

/** How long to wait before something that keeps failing is tried again: twice as long each time, up to a limit. */
export class FailureBackoff {
  readonly #firstMs: number
  readonly #longestMs: number
  readonly #failures = new Map<string, Failure>()

  constructor(firstMs: number, longestMs: number) {
    this.#firstMs = firstMs
    this.#longestMs = longestMs
  }

  /** How many milliseconds are left to wait. At 0 the next wait, twice as long, begins. What has kept still for long is forgotten. */
  wait(key: string, now: number): number {
    const last = this.#failures.get(key)
    const left = last === undefined ? 0 : last.at + last.waitMs - now
    if (left > 0) return left
    const isForgotten = last === undefined || now - last.at > 2 * this.#longestMs
    const waitMs = isForgotten ? this.#firstMs : Math.min(last.waitMs * 2, this.#longestMs)
    this.#failures.set(key, { at: now, waitMs })
    return 0
  }
}
