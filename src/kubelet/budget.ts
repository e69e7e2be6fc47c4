import type { Clock } from '../world/world.ts'

interface Rate {
  readonly perSecond: number
  /** How often at once, when it has not happened for long. */
  readonly burst: number
}

/** The reference's kubelet writes so many events and drops the rest. */
const eventRate: Rate = { perSecond: 50, burst: 300 }

/** May something happen once more at this rate? */
export class Budget {
  readonly #clock: Clock
  readonly #rate: Rate
  #left: number
  #since: number

  constructor(clock: Clock, rate = eventRate) {
    this.#clock = clock
    this.#rate = rate
    this.#left = rate.burst
    this.#since = clock.monotonic()
  }

  take(): boolean {
    const now = this.#clock.monotonic()
    const { perSecond, burst } = this.#rate
    this.#left = Math.min(burst, this.#left + ((now - this.#since) * perSecond) / 1000)
    this.#since = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
