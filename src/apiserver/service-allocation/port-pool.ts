import type { Random } from '../../world/world.ts'
import { firstFree } from './first-free.ts'

/** The node ports, and who has them; the lower ones are left for those that people choose (KEP-3668). */
export class PortPool {
  readonly #from: number
  readonly #to: number
  readonly #random: Random
  readonly #owners = new Map<number, string>()

  /** Both ends are included. */
  constructor(from: number, to: number, random: Random) {
    this.#from = from
    this.#to = to
    this.#random = random
  }

  /** Why a port cannot be had, in the reference's words; undefined when it can. */
  faultOf(port: number): string | undefined {
    if (port < this.#from || port > this.#to) {
      return `provided port is not in the valid range. The range of valid ports is ${this.#from}-${this.#to}`
    }
    return this.#owners.has(port) ? 'provided port is already allocated' : undefined
  }

  /** A free port that is not among `others`; undefined when there is none. */
  next(others: readonly number[]): number | undefined {
    const size = this.#to - this.#from + 1
    const staticSize = size < 32 ? 0 : Math.min(Math.max(16, Math.floor(size / 32)), 128)
    const range = { from: this.#from, to: this.#to + 1, staticTo: this.#from + staticSize }
    return firstFree(range, (port) => !this.#owners.has(port) && !others.includes(port), this.#random)
  }

  adopt(port: number, owner: string): void {
    if (port >= this.#from && port <= this.#to) this.#owners.set(port, owner)
  }

  /** Frees a port, unless it has another owner by now. */
  release(port: number, owner: string): void {
    if (this.#owners.get(port) === owner) this.#owners.delete(port)
  }
}
