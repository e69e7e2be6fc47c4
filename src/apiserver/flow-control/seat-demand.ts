/** Of the demand that was, so much is remembered after each period: half of it after five minutes (KEP-1040). */
const remembered = 0.977

/** How many seats a level was asked for, over the time since the last period ended. */
export class SeatDemand {
  /** Most seats at any moment of the last period. */
  high = 0
  /** Rises with the demand at once and falls slowly. */
  smoothed = 0
  #value = 0
  #most = 0
  #start: number
  #since: number
  #sum = 0
  #squares = 0

  constructor(nowMs: number) {
    this.#start = this.#since = nowMs
  }

  set(value: number, nowMs: number): void {
    this.#count(nowMs)
    this.#value = value
    if (value > this.#most) this.#most = value
  }

  /** Ends a period and begins the next. `idlePeriods`: those before it in which nobody asked for anything. */
  endPeriod(nowMs: number, idlePeriods = 0): void {
    this.#count(nowMs)
    const length = nowMs - this.#start
    this.high = this.#most
    this.smoothed *= remembered ** idlePeriods
    if (length > 0) {
      const average = this.#sum / length
      const deviation = Math.sqrt(Math.max(0, this.#squares / length - average * average))
      const envelope = average + deviation
      this.smoothed = Math.max(envelope, remembered * this.smoothed + (1 - remembered) * envelope)
    }
    this.#start = nowMs
    this.#sum = this.#squares = 0
    this.#most = this.#value
  }

  #count(nowMs: number): void {
    const passed = nowMs - this.#since
    if (passed <= 0) return
    this.#sum += passed * this.#value
    this.#squares += passed * this.#value * this.#value
    this.#since = nowMs
  }
}
