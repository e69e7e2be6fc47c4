import { formatAddress, parseAddress } from './ipv4.ts'

/** Addresses of an IPv4 range, the longest unused first, so that an address does not come back at once. */
export class AddressPool {
  readonly #first: number
  readonly #size: number
  readonly #taken = new Set<number>()
  readonly #returned: number[] = []
  /** The first address is the network's, the second its gateway's, the last the broadcast. */
  #next = 2

  constructor(cidr: string) {
    const [base = '', bits = '24'] = cidr.split('/')
    this.#first = parseAddress(base)
    this.#size = 2 ** (32 - Number(bits))
  }

  /** @throws Error when none is left */
  take(): string {
    for (;;) {
      const host = this.#next < this.#size - 1 ? this.#next++ : this.#returned.shift()
      if (host === undefined) throw new Error('no address is left in the range of this node')
      if (this.#taken.has(host)) continue
      this.#taken.add(host)
      return formatAddress(this.#first + host)
    }
  }

  /** Marks an address that is in use already. One of another range is nobody's here. */
  reserve(address: string): void {
    const host = parseAddress(address) - this.#first
    if (host > 0 && host < this.#size) this.#taken.add(host)
  }

  giveBack(address: string): void {
    const host = parseAddress(address) - this.#first
    if (this.#taken.delete(host)) this.#returned.push(host)
  }
}
