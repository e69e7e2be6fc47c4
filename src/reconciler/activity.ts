import { type Deferred, deferred } from '../base/deferred.ts'

/** Counts what is under way, and tells when nothing is. */
export class Activity {
  #count = 0
  #idle: Deferred<void> | undefined

  get busy(): boolean {
    return this.#count > 0
  }

  /** Counts a piece of work until it ends, however it ends. Gives it back. */
  track<T>(work: Promise<T>): Promise<T> {
    this.#count++
    work.then(this.#ended, this.#ended)
    return work
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve()
    this.#idle ??= deferred()
    return this.#idle.promise
  }

  readonly #ended = (): void => {
    if (--this.#count > 0) return
    this.#idle?.resolve()
    this.#idle = undefined
  }
}
