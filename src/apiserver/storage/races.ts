/**
 * Who lost a race for an object tries again when those who lost before him are through. Requests that go their way together
 * all read before the first of them writes: if the losers raced again each time, only one of them would ever win, and of
 * a hundred the last would try a hundred times.
 */
export class Races {
  readonly #last = new Map<string, Promise<void>>()

  /** Runs `again` when it is the caller's turn, which lasts until it is through. */
  async inTurn<T>(key: string, again: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#last.set(key, promise)
    try {
      await before
      return await again()
    } finally {
      if (this.#last.get(key) === promise) this.#last.delete(key)
      resolve()
    }
  }
}
