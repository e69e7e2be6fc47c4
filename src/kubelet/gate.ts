import type { Clock } from '../world/world.ts'

/**
 * Lets a number of things happen at once; whoever comes later waits for his turn, in order. What a pod has to say while
 * it waits is said in one go when its turn comes, so that many pods at once cost fewer writes, not more.
 */
export class Gate {
  #free: number
  readonly #pace: Pace | undefined
  readonly #waiting: (() => void)[] = []
  #next = 0

  /**
   * `pace`: how many may begin before others have their turn; while those have much to do, it is one. Absent: as many as may
   * happen at once.
   */
  constructor(atOnce: number, pace?: { readonly clock: Clock; readonly inOneGo: number }) {
    this.#free = atOnce
    this.#pace = pace && new Pace(pace.clock, pace.inOneGo, () => this.#admit())
  }

  /** Resolves when it is the caller's turn, which lasts until `leave`; nothing when that is at once. */
  enter(): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#mayBegin()) return undefined
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  leave(): void {
    this.#free++
    this.#admit()
  }

  #mayBegin(): boolean {
    if (this.#free === 0 || this.#pace?.take() === false) return false
    this.#free--
    return true
  }

  #admit(): void {
    while (this.#waiting.length > 0 && this.#mayBegin()) {
      this.#waiting[this.#next++]!()
      // The front of a long line is cut off from time to time, not at each step.
      if (this.#next * 2 > this.#waiting.length) this.#next -= this.#waiting.splice(0, this.#next).length
    }
  }
}

/** A round of the event loop that takes longer has others to serve. */
const busyMs = 4

/**
 * So many beginnings in one go; then the event loop goes round once. While it has much to do, there is one in each round:
 * who is simulated gives way to everybody else.
 */
class Pace {
  readonly #clock: Clock
  readonly #inOneGo: number
  readonly #again: () => void
  #begun = 0
  #mayBegin: number

  constructor(clock: Clock, inOneGo: number, again: () => void) {
    this.#clock = clock
    this.#inOneGo = inOneGo
    this.#mayBegin = inOneGo
    this.#again = again
  }

  take(): boolean {
    if (this.#begun >= this.#mayBegin) return false
    if (this.#begun++ === 0) {
      const at = this.#clock.monotonic()
      this.#clock.timer(0, () => {
        this.#mayBegin = this.#clock.monotonic() - at > busyMs ? 1 : this.#inOneGo
        this.#begun = 0
        this.#again()
      })
    }
    return true
  }
}
