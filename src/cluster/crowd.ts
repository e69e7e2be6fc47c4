import type { Handler } from '../apiserver/handler.ts'

/** Sees how many clients want to write at once. What this process wants of itself does not come this way. */
export class Crowd {
  /** The same as the given one. */
  readonly handler: Handler
  readonly #lookers: { most: number }[] = []
  #now = 0

  constructor(handler: Handler) {
    this.handler = async (request) => {
      if (request.method === 'GET' || request.method === 'HEAD') return handler(request)
      this.#now++
      for (const looker of this.#lookers) looker.most = Math.max(looker.most, this.#now)
      try {
        return await handler(request)
      } finally {
        this.#now--
      }
    }
  }

  /** Gives what tells the most writes that were under way together since it was last asked. */
  looker(): () => number {
    const looker = { most: this.#now }
    this.#lookers.push(looker)
    return () => {
      const { most } = looker
      looker.most = this.#now
      return most
    }
  }
}
