/**
 * Things that one side pushes and the other takes with `for await`. What is pushed before it is taken waits.
 * Ends when it is told to; what waits is still delivered then, unless it failed.
 */
export class EventQueue<T> implements AsyncIterableIterator<T> {
  #waiting: T[] = []
  #at = 0
  #taker: PromiseWithResolvers<IteratorResult<T>> | undefined
  #ended = false
  #failure: { readonly error: unknown } | undefined
  readonly #onReturn: () => void

  /** `onReturn` is called when the taker leaves the loop. */
  constructor(onReturn: () => void = () => {}) {
    this.#onReturn = onReturn
  }

  push(item: T): void {
    if (this.#ended) return
    if (this.#taker === undefined) this.#waiting.push(item)
    else this.#answer().resolve({ value: item, done: false })
  }

  end(): void {
    this.#ended = true
    if (this.#taker !== undefined) this.#answer().resolve({ value: undefined, done: true })
  }

  fail(error: unknown): void {
    if (this.#ended) return
    this.#ended = true
    if (this.#taker !== undefined) this.#answer().reject(error)
    else this.#failure = { error }
  }

  /** The next one of what waits, as `next` would give it; undefined: one would have to wait. */
  arrived(): T | undefined {
    return this.#at < this.#waiting.length ? this.#take() : undefined
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#at < this.#waiting.length) return Promise.resolve({ value: this.#take(), done: false })
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error)
    if (this.#ended) return Promise.resolve({ value: undefined, done: true })
    this.#taker = Promise.withResolvers()
    return this.#taker.promise
  }

  return(): Promise<IteratorResult<T>> {
    this.#onReturn()
    this.#waiting = []
    this.#at = 0
    this.#failure = undefined
    this.end()
    return Promise.resolve({ value: undefined, done: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #answer(): PromiseWithResolvers<IteratorResult<T>> {
    const taker = this.#taker!
    this.#taker = undefined
    return taker
  }

  #take(): T {
    const item = this.#waiting[this.#at++]!
    if (this.#at === this.#waiting.length) {
      this.#waiting = []
      this.#at = 0
    }
    return item
  }
}
