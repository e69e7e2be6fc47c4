import type { Clock } from '../world/world.ts'

/**
 * Lets a number of things happen at once; whoever comes later waits for his turn, in order. What a pod has to say while
 * it waits is said in one go when its turn comes, so that many pods at once cost fewer writes, not more.
 */
export class Gate {
  #free: number
  #pace: Pace | undefined
  #isClosed = false
  readonly #waiting: (() => void)[] = []
  #next = 0

  /** Without `pace` as many may begin in one go as may happen at once. */
  constructor(atOnce: number, pace?: PaceOptions) {
    this.#free = atOnce
    this.#pace = pace && new Pace(pace, () => this.#admit())
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

  /** From now on nobody waits: all is to end. */
  open(): void {
    this.#free = Number.POSITIVE_INFINITY
    this.#pace?.end()
    this.#pace = undefined
    this.#admit()
  }

  /** From now on it is too late to begin anything: who waits has his turn at once, to see that. */
  close(): void {
    this.#isClosed = true
    this.open()
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  #mayBegin(): boolean {
    if (this.#free === 0 || this.#pace?.take(this.#waiting.length - this.#next) === false) return false
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

export interface PaceOptions {
  readonly clock: Clock
  /** How many may begin before others have their turn. */
  readonly inOneGo: number
  /** The most clients whose writes were under way together since this was last asked. Absent: there are no clients. */
  readonly crowd?: () => number
}

/** A round of the event loop that takes longer has others to serve. */
const busyMs = 4
/** It may be busy with what has just begun: with fewer it would run out of work before the next round. */
const whenBusy = 1 / 4
/** So many clients wait for one another. */
const isCrowd = 8
const crowdedMs = 10
/** However many clients there are, what waits must not become more and more. */
const tooMany = 4096

/**
 * So many beginnings in one go; then the event loop goes round once. While it has much to do, there is a quarter of them in
 * each round, and while clients stand in line, one every ten milliseconds: what nobody waits for gives way to them.
 */
class Pace {
  readonly #options: PaceOptions
  readonly #again: () => void
  readonly #end = new AbortController()
  #begun = 0
  #mayBegin: number

  constructor(options: PaceOptions, again: () => void) {
    this.#options = options
    this.#again = again
    this.#mayBegin = options.inOneGo
  }

  /** Whether one may begin now, while so many wait. */
  take(waiting: number): boolean {
    if (this.#begun >= this.#mayBegin) return false
    if (this.#begun++ === 0) this.#goRound(waiting)
    return true
  }

  /** Called when all is to end. */
  end(): void {
    this.#end.abort()
  }

  #goRound(waiting: number): void {
    this.#round(waiting).then(
      (mayBegin) => {
        this.#mayBegin = mayBegin
        this.#begun = 0
        this.#again()
      },
      () => {},
    )
  }

  /** Waits until others have had their turn; gives how many may begin then. */
  async #round(waiting: number): Promise<number> {
    const { clock, inOneGo, crowd } = this.#options
    const { signal } = this.#end
    const at = clock.monotonic()
    await clock.after(0, signal)
    const isBusy = clock.monotonic() - at > busyMs
    if (crowd === undefined || crowd() < isCrowd) return isBusy ? Math.ceil(inOneGo * whenBusy) : inOneGo
    await clock.after(crowdedMs, signal)
    return 1 + Math.floor(waiting / tooMany)
  }
}
