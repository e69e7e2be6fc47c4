import type { Clock } from '../world/world.ts'

/** The reference's kubelet writes 50 events a second and drops the rest. */
const perSecond = 50
const burst = 300

/** May something happen once more, at a rate of 50 a second with some to spare? */
export class Budget {
  readonly #clock: Clock
  #left = burst
  #since: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#since = clock.monotonic()
  }

  take(): boolean {
    const now = this.#clock.monotonic()
    this.#left = Math.min(burst, this.#left + ((now - this.#since) * perSecond) / 1000)
    this.#since = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
