import { formatCidr, parseCidr, parseIp } from '../../base/cidr.ts'
import type { IpFamily } from '../../kinds/ip-rules.ts'
import type { Random } from '../../world/world.ts'
import { AddressPool } from './address-pool.ts'

/**
 * The addresses of one family, from one range or several (KEP-1880). Who has an address is known whether or not it lies in
 * a range at the moment: ranges come and go, services stay.
 */
export class AddressRanges {
  readonly family: IpFamily
  readonly #random: Random
  readonly #owners = new Map<bigint, string>()
  #pools: readonly AddressPool[] = []

  /** @throws Error when the first range is none */
  constructor(first: string, random: Random) {
    this.#random = random
    this.#pools = [new AddressPool(first, random, this.#owners)]
    this.family = this.#pools[0]!.family
  }

  /** From now on addresses are given from these ranges alone; those of the other family, and what is no range, are left out. */
  use(ranges: readonly string[]): void {
    const own = new Set(ranges.flatMap((range) => canonical(range) ?? []))
    const present = new Map(this.#pools.map((pool) => [pool.range, pool]))
    this.#pools = [...own]
      .map((range) => present.get(range) ?? new AddressPool(range, this.#random, this.#owners))
      .filter(({ family }) => family === this.family)
  }

  /** Why an address cannot be had, in the reference's words; undefined when it can. */
  faultOf(address: string): string | undefined {
    const pool = this.#pools.find((each) => each.contains(address))
    if (pool !== undefined) return pool.isTaken(address) ? 'provided IP is already allocated' : undefined
    const ranges = this.#pools.map(({ range }) => range).join(', ')
    return `the provided IP (${address}) is not in the valid range. The range of valid IPs is ${ranges}`
  }

  /** A free address; undefined when there is none. */
  next(): string | undefined {
    for (const pool of this.#pools) {
      const address = pool.next()
      if (address !== undefined) return address
    }
    return undefined
  }

  /** What a dry run is shown. */
  get example(): string | undefined {
    return this.#pools[0]?.example
  }

  /** Notes who has an address, be it in a range or not. */
  adopt(address: string, owner: string): void {
    const parsed = parseIp(address, 'sloppy')
    if (parsed !== undefined) this.#owners.set(parsed.bits, owner)
  }

  /** Frees an address, unless it has another owner by now. */
  release(address: string, owner: string): void {
    const parsed = parseIp(address, 'sloppy')
    if (parsed !== undefined && this.#owners.get(parsed.bits) === owner) this.#owners.delete(parsed.bits)
  }
}

function canonical(range: string): string | undefined {
  const parsed = parseCidr(range)
  return parsed && formatCidr(parsed)
}
