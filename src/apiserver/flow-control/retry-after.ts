/** Longest time for which somebody is sent away. */
const mostSeconds = 32

/**
 * When to come again, told to those who are turned away: longer while many are, as the reference has it. It doubles
 * when at least three were turned away for every second of it, at most once in its own length, and falls by one second
 * when there were fewer than one.
 */
export class RetryAfter {
  seconds = 1
  #raisedAt = 0
  #second = 0
  #count = 0
  /** Seconds with how many were turned away in them, oldest first. */
  #past: { readonly second: number; readonly count: number }[] = []

  /** Somebody is turned away. `nowMs`: wall-clock time. */
  count(nowMs: number): void {
    const second = Math.floor(nowMs / 1000)
    if (second === this.#second) {
      this.#count++
      return
    }
    this.#past.push({ second: this.#second, count: this.#count })
    this.#past = this.#past.filter((past) => second - past.second <= mostSeconds)
    this.#second = second
    this.#count = 1
    this.#adjust(second)
  }

  #adjust(second: number): void {
    let lately = 0
    for (const past of this.#past) if (second - past.second <= this.seconds) lately += past.count
    if (second - this.#raisedAt >= this.seconds && lately >= 3 * this.seconds) {
      this.seconds = Math.min(this.seconds * 2, mostSeconds)
      this.#raisedAt = second
    } else if (lately < this.seconds && this.seconds > 1) this.seconds--
  }
}
