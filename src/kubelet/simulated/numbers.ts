import {
  type Cidr,
  cidrContains,
  cidrSize,
  formatCidr,
  formatIp,
  nthAddress,
  nthSubnet,
  parseCidr,
} from '../../base/cidr.ts'
import { formatAddress, parseAddress } from './ipv4.ts'

/**
 * Every simulated node has a number, from which its addresses follow: 10.244.0.0/24, 10.244.1.0/24, … for its pods (as
 * the reference hands them out) and 172.18.0.2, 172.18.0.3, … or fd00:172:18::2, … for itself. After 10.255.255.0/24
 * comes 10.128.0.0/24.
 */
const firstRange = parseAddress('10.244.0.0')
const lowestRange = parseAddress('10.128.0.0')
const ranges = parseAddress('11.0.0.0') / 256 - lowestRange / 256
const firstHost = parseAddress('172.18.0.2')
const hosts6 = parseCidr('fd00:172:18::/64')!

export function podRange(number: number): string {
  const offset = (firstRange - lowestRange) / 256 + number
  return `${formatAddress(lowestRange + (offset % ranges) * 256)}/24`
}

export const hostAddress = (number: number, family: 4 | 6 = 4): string =>
  family === 4 ? formatAddress(firstHost + number) : formatIp(nthAddress(hosts6, BigInt(number + 2)))

/** The number of the node that has this range; nothing when it is none of ours. */
export function numberOfRange(cidr: string | undefined): number | undefined {
  const [base = '', bits] = cidr?.split('/') ?? []
  const value = parseAddress(base)
  const offset = (value - lowestRange) / 256
  if (bits !== '24' || !Number.isInteger(offset) || offset < 0 || offset >= ranges) return undefined
  return (offset - (firstRange - lowestRange) / 256 + ranges) % ranges
}

/** The ranges of pods of numbered nodes. */
export interface PodRanges {
  of(number: number): readonly string[]
  /** What the node itself has, of the families of its pods. */
  hosts(number: number): readonly string[]
  /** The number of the node that has these; nothing when they are none of ours. */
  numberOf(ranges: readonly string[]): number | undefined
}

/** Those of a cluster that has not been told where its pods are: see `podRange`. */
export const usualRanges: PodRanges = {
  of: (number) => [podRange(number)],
  hosts: (number) => [hostAddress(number)],
  numberOf: ([first]) => numberOfRange(first),
}

const nodeMask = { 4: 24, 6: 64 } as const

/** Parts of given ranges, a /24 of an IPv4 one and a /64 of an IPv6 one. @throws Error when one is none */
export function rangesWithin(podCidrs: readonly string[]): PodRanges {
  const wholes = podCidrs.map((text) => {
    const whole = parseCidr(text)
    if (whole === undefined) throw new Error(`not a range of addresses: ${text}`)
    return whole
  })
  return {
    of: (number) => wholes.map((whole) => formatCidr(nthSubnet(whole, maskOf(whole), BigInt(number)))),
    hosts: (number) => wholes.map(({ address: { family } }) => hostAddress(number, family)),
    numberOf([text = '']) {
      const [whole] = wholes
      const part = parseCidr(text)
      if (whole === undefined || part === undefined || !cidrContains(whole, part.address)) return undefined
      if (part.prefixLength !== maskOf(whole)) return undefined
      return Number((part.address.bits - whole.address.bits) / cidrSize(part))
    },
  }
}

const maskOf = ({ address: { family } }: Cidr) => nodeMask[family]

/** Hands out numbers, the lowest first; a name always gets the same one. */
export class Numbers {
  readonly #used = new Set<number>()
  readonly #given = new Map<string, number>()
  #lowest = 0

  use(number: number): void {
    this.#used.add(number)
  }

  of(name: string): number {
    const given = this.#given.get(name)
    if (given !== undefined) return given
    while (this.#used.has(this.#lowest)) this.#lowest++
    this.#used.add(this.#lowest)
    this.#given.set(name, this.#lowest)
    return this.#lowest
  }
}
