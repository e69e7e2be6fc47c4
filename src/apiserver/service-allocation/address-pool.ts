import {
  type Cidr,
  cidrContains,
  cidrSize,
  formatCidr,
  formatIp,
  type IpAddress,
  nthAddress,
  parseCidr,
  parseIp,
} from '../../base/cidr.ts'
import type { IpFamily } from '../../kinds/ip-rules.ts'
import type { Random } from '../../world/world.ts'
import { firstFree } from './first-free.ts'

/** IPv6 ranges are larger than a number can count; the reference never uses more of them than this either. */
const maxSize = 2n ** 32n

/**
 * The addresses of one range, and who has them. Those that nobody asks for by name come from its upper part, so that
 * the lower part stays free for addresses that people choose (KEP-3070).
 */
export class AddressPool {
  readonly family: IpFamily
  readonly #cidr: Cidr
  readonly #random: Random
  readonly #owners: Map<bigint, string>
  /** Numbers of the first address that may be used, and of the one after the last. */
  readonly #from: number
  readonly #to: number
  readonly #staticSize: number

  /** `owners`: who has which address of the family, also beyond this range. */
  constructor(cidr: string, random: Random, owners: Map<bigint, string>) {
    const parsed = parseCidr(cidr)
    if (parsed === undefined) throw new Error(`not a range of addresses: ${cidr}`)
    this.#cidr = parsed
    this.#random = random
    this.#owners = owners
    this.family = parsed.address.family === 4 ? 'IPv4' : 'IPv6'
    const size = cidrSize(parsed)
    const counted = Number(size < maxSize ? size : maxSize)
    // The first address is the network's own; the last of an IPv4 range is for broadcasts.
    this.#from = counted > 2 ? 1 : 0
    this.#to = this.family === 'IPv4' && counted > 2 ? counted - 1 : counted
    this.#staticSize = counted < 32 ? 0 : Math.min(Math.max(16, Math.floor(counted / 16)), 256)
  }

  get range(): string {
    return formatCidr(this.#cidr)
  }

  contains(address: string): boolean {
    const parsed = this.#parse(address)
    return parsed !== undefined && cidrContains(this.#cidr, parsed)
  }

  /** Whether an address has an owner. */
  isTaken(address: string): boolean {
    const parsed = this.#parse(address)
    return parsed !== undefined && this.#owners.has(parsed.bits)
  }

  /** A free address; undefined when there is none. */
  next(): string | undefined {
    const first = this.#cidr.address.bits
    const isFree = (index: number) => !this.#owners.has(first + BigInt(index))
    const range = { from: this.#from, to: this.#to, staticTo: this.#from + this.#staticSize }
    const index = firstFree(range, isFree, this.#random)
    return index === undefined ? undefined : formatIp(nthAddress(this.#cidr, BigInt(index)))
  }

  /**
   * What a dry run is shown: the first address of the range, free or not (the reference does not look for a free one
   * either).
   */
  get example(): string {
    return formatIp(nthAddress(this.#cidr, BigInt(this.#from)))
  }

  #parse(address: string): IpAddress | undefined {
    return parseIp(address, 'sloppy')
  }
}
