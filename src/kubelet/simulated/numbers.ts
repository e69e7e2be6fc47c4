import { formatAddress, parseAddress } from './ipv4.ts'

/**
 * Every simulated node has a number, from which its addresses follow: 10.244.0.0/24, 10.244.1.0/24, … for its pods (as
 * the reference hands them out) and 172.18.0.2, 172.18.0.3, … for itself. After 10.255.255.0/24 comes 10.128.0.0/24.
 */
const firstRange = parseAddress('10.244.0.0')
const lowestRange = parseAddress('10.128.0.0')
const ranges = parseAddress('11.0.0.0') / 256 - lowestRange / 256
const firstHost = parseAddress('172.18.0.2')

export function podRange(number: number): string {
  const offset = (firstRange - lowestRange) / 256 + number
  return `${formatAddress(lowestRange + (offset % ranges) * 256)}/24`
}

export const hostAddress = (number: number): string => formatAddress(firstHost + number)

/** The number of the node that has this range; nothing when it is none of ours. */
export function numberOfRange(cidr: string | undefined): number | undefined {
  const [base = '', bits] = cidr?.split('/') ?? []
  const value = parseAddress(base)
  const offset = (value - lowestRange) / 256
  if (bits !== '24' || !Number.isInteger(offset) || offset < 0 || offset >= ranges) return undefined
  return (offset - (firstRange - lowestRange) / 256 + ranges) % ranges
}

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
