import { formatIp, nthAddress, parseCidr, parseIp } from '../../base/cidr.ts'
import { formatAddress, parseAddress } from './ipv4.ts'

/** Addresses of a range, the longest unused first, so that an address does not come back at once. */
export class AddressPool {
  readonly #hosts: Hosts
  readonly #taken = new Set<number>()
  readonly #returned: number[] = []
  /** The first address is the network's, the second its gateway's, the last the broadcast. */
  #next = 2

  constructor(cidr: string) {
    this.#hosts = cidr.includes(':') ? ipv6Hosts(cidr) : ipv4Hosts(cidr)
  }

  /** @throws Error when none is left */
  take(): string {
    for (;;) {
      const host = this.#next < this.#hosts.size - 1 ? this.#next++ : this.#returned.shift()
      if (host === undefined) throw new Error('no address is left in the range of this node')
      if (this.#taken.has(host)) continue
      this.#taken.add(host)
      return this.#hosts.addressOf(host)
    }
  }

  /** Marks an address that is in use already. One of another range is nobody's here. */
  reserve(address: string): void {
    const host = this.#hosts.hostOf(address)
    if (host > 0 && host < this.#hosts.size) this.#taken.add(host)
  }

  giveBack(address: string): void {
    const host = this.#hosts.hostOf(address)
    if (this.#taken.delete(host)) this.#returned.push(host)
  }
}

/** The addresses of a range as numbers from 0 on. */
interface Hosts {
  readonly size: number
  addressOf(host: number): string
  /** No number of a host when the address is of another range or family. */
  hostOf(address: string): number
}

function ipv4Hosts(cidr: string): Hosts {
  const [base = '', bits = '24'] = cidr.split('/')
  const first = parseAddress(base)
  return {
    size: 2 ** (32 - Number(bits)),
    addressOf: (host) => formatAddress(first + host),
    hostOf: (address) => (address.includes(':') ? Number.NaN : parseAddress(address) - first),
  }
}

/** Of such a range no more is used than of the largest IPv4 one. */
const largestBits = 32

function ipv6Hosts(text: string): Hosts {
  const range = parseCidr(text)
  if (range === undefined) throw new Error(`not a range of addresses: ${text}`)
  return {
    size: 2 ** Math.min(128 - range.prefixLength, largestBits),
    addressOf: (host) => formatIp(nthAddress(range, BigInt(host))),
    hostOf(address) {
      const parsed = parseIp(address)
      return parsed?.family === 6 ? Number(parsed.bits - range.address.bits) : Number.NaN
    },
  }
}
