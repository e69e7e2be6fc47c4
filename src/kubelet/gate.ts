/**
 * Lets a number of things happen at once; whoever comes later waits for his turn, in order. What a pod has to say while
 * it waits is said in one go when its turn comes, so that many pods at once cost fewer writes, not more.
 */
export class Gate {
  #free: number
  readonly #waiting: (() => void)[] = []
  #next = 0

  constructor(atOnce: number) {
    this.#free = atOnce
  }

  /** Resolves when it is the caller's turn, which lasts until `leave`; nothing when that is at once. */
  enter(): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free--
      return undefined
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  leave(): void {
    const next = this.#waiting[this.#next]
    if (next === undefined) {
      this.#free++
      return
    }
    this.#next++
    // The front of a long line is cut off from time to time, not at each step.
    if (this.#next * 2 > this.#waiting.length) this.#next -= this.#waiting.splice(0, this.#next).length
    next()
  }
}
