import type { Part } from '../elected.ts'

/** A part that can be begun anew while it works: what it was made of has changed. */
export class Restartable {
  readonly #begin: () => Part
  #part: Part | undefined
  #stopping: Promise<void> = Promise.resolve()

  constructor(begin: () => Part) {
    this.#begin = begin
  }

  start(): Part {
    this.#part = this.#begin()
    const current = () => this.#part
    return {
      get busy() {
        return current()?.busy ?? false
      },
      get catchesUp() {
        return current()?.catchesUp ?? false
      },
      idle: async () => current()?.idle(),
      stop: async () => {
        await this.#stopping
        const part = this.#part
        this.#part = undefined
        await part?.stop()
      },
    }
  }

  /** Does nothing while it does not work. */
  restart(): void {
    const old = this.#part
    if (old === undefined) return
    this.#stopping = this.#stopping
      .then(() => old.stop())
      .then(() => {
        if (this.#part === old) this.#part = this.#begin()
      })
  }
}
