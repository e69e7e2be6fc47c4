import { type Cidr, cidrContains, cidrSize, formatCidr, nthSubnet, parseCidr } from '../../base/cidr.ts'

/** A range that is cut into ranges of one size: who has which is not its business, but whether one is free. */
export class CidrSet {
  readonly #range: Cidr
  readonly #prefixLength: number
  readonly #count: number
  readonly #taken = new Set<number>()
  /** Where the search begins: ranges that were given back rest for a while. */
  #next = 0

  /** @throws Error when the range is none, or is smaller than what is to be cut from it */
  constructor(range: string, prefixLength: number) {
    const parsed = parseCidr(range)
    if (parsed === undefined || parsed.prefixLength > prefixLength) {
      throw new Error(`${range} cannot be cut into ranges of /${prefixLength}`)
    }
    this.#range = parsed
    this.#prefixLength = prefixLength
    this.#count = 2 ** (prefixLength - parsed.prefixLength)
  }

  /** A free range, which is taken from now on; undefined when there is none. */
  take(): string | undefined {
    if (this.#taken.size >= this.#count) return undefined
    while (this.#taken.has(this.#next)) this.#next = (this.#next + 1) % this.#count
    const index = this.#next
    this.#taken.add(index)
    this.#next = (index + 1) % this.#count
    return formatCidr(nthSubnet(this.#range, this.#prefixLength, BigInt(index)))
  }

  /** Notes that somebody has a range, maybe one of another size. One from elsewhere is nobody's business here. */
  occupy(range: string): void {
    for (const index of this.#indexesOf(range)) this.#taken.add(index)
  }

  release(range: string): void {
    for (const index of this.#indexesOf(range)) this.#taken.delete(index)
  }

  *#indexesOf(text: string): Generator<number> {
    const range = parseCidr(text, 'sloppy')
    if (range === undefined || !cidrContains(this.#range, range.address)) return
    const size = cidrSize({ ...this.#range, prefixLength: this.#prefixLength })
    const first = Number((range.address.bits - this.#range.address.bits) / size)
    const covered = Number(cidrSize(range) / size) || 1
    for (let index = first; index < Math.min(first + covered, this.#count); index++) yield index
  }
}
