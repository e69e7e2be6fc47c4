const firstMs = 10_000
const longestMs = 300_000
/** Who has run for this long begins anew: twice the longest wait, as in the reference. */
const forgivenAfterMs = 2 * longestMs

/** How long to wait before something that failed is tried again: 10 s, doubled each time up to five minutes. */
export class BackOff {
  readonly #free: number
  #failures = 0
  #triedAt = 0

  /** The first `free` failures cost nothing. */
  constructor(free = 0) {
    this.#free = free
  }

  /** It failed now. Gives the milliseconds to wait. */
  next(nowMs: number): number {
    if (this.#failures > 0 && nowMs - this.#triedAt > forgivenAfterMs) this.#failures = 0
    const counted = this.#failures++ - this.#free
    const waitMs = counted < 0 ? 0 : Math.min(longestMs, firstMs * 2 ** counted)
    this.#triedAt = nowMs + waitMs
    return waitMs
  }
}
