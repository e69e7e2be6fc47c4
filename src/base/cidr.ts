/**
 * IP addresses and ranges, IPv4 and IPv6, as numbers that can be counted with, and their canonical text (RFC 5952).
 *
 * ```ts
 * const range = parseCidr('10.96.0.0/12')!
 * formatIp(nthAddress(range, 10n))                // '10.96.0.10'
 * cidrContains(range, parseIp('10.97.1.1')!)      // true
 * ```
 */

export interface IpAddress {
  readonly family: 4 | 6
  readonly bits: bigint
}

export interface Cidr {
  /** The first address of the range: all bits beyond the prefix are zero. */
  readonly address: IpAddress
  readonly prefixLength: number
}

/** How numbers may be written: `sloppy` reads `010.0.0.1` as 10.0.0.1, as Kubernetes did for long; `strict` refuses it. */
export type IpSyntax = 'strict' | 'sloppy'

const mappedPrefix = 0xffffn << 32n

const widthOf = (family: 4 | 6) => (family === 4 ? 32 : 128)

/** Reads an address; undefined when it is none. */
export function parseIp(text: string, syntax: IpSyntax = 'strict'): IpAddress | undefined {
  const bits = text.includes(':') ? parseIpv6(text, syntax) : parseIpv4(text, syntax)
  return bits === undefined ? undefined : { family: text.includes(':') ? 6 : 4, bits }
}

function parseIpv4(text: string, syntax: IpSyntax): bigint | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let bits = 0n
  for (const part of parts) {
    if (!/^\d+$/.test(part) || Number(part) > 255) return undefined
    if (syntax === 'strict' && part.length > 1 && part.startsWith('0')) return undefined
    bits = (bits << 8n) | BigInt(part)
  }
  return bits
}

function parseIpv6(text: string, syntax: IpSyntax): bigint | undefined {
  const expanded = withTailAsHex(text, syntax)
  if (expanded === undefined) return undefined
  const halves = expanded.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const given = [...(head ?? []), ...(tail ?? [])]
  if (tail === undefined ? given.length !== 8 : given.length > 7) return undefined
  const groups = [...(head ?? []), ...Array<string>(8 - given.length).fill('0'), ...(tail ?? [])]
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined
  return BigInt(`0x${groups.map((group) => group.padStart(4, '0')).join('')}`)
}

/** Rewrites a dotted end (`::ffff:10.0.0.1`) as two groups. */
function withTailAsHex(text: string, syntax: IpSyntax): string | undefined {
  if (!text.includes('.')) return text
  const start = text.lastIndexOf(':') + 1
  const bits = parseIpv4(text.slice(start), syntax)
  if (bits === undefined) return undefined
  return `${text.slice(0, start)}${(bits >> 16n).toString(16)}:${(bits & 0xffffn).toString(16)}`
}

/** The canonical text. An IPv4 address inside IPv6 (`::ffff:10.0.0.1`) is written as IPv4, as Go does. */
export function formatIp({ family, bits }: IpAddress): string {
  if (family === 4 || bits >> 32n === 0xffffn) return formatIpv4(bits & 0xffff_ffffn)
  const digits = bits.toString(16).padStart(32, '0')
  const groups = Array.from({ length: 8 }, (_, index) => digits.slice(index * 4, index * 4 + 4).replace(/^0{1,3}/, ''))
  const [start, length] = longestZeros(groups)
  if (length < 2) return groups.join(':')
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`
}

function formatIpv4(bits: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 0xffn).join('.')
}

/** Where the first of the longest runs of zero groups starts, and how long it is. */
function longestZeros(groups: readonly string[]): [number, number] {
  let [bestStart, bestLength, length] = [0, 0, 0]
  groups.forEach((group, index) => {
    length = group === '0' ? length + 1 : 0
    if (length > bestLength) [bestStart, bestLength] = [index - length + 1, length]
  })
  return [bestStart, bestLength]
}

/** Whether this is an IPv4 address written as IPv6 (`::ffff:10.0.0.1`). */
export function isMappedIpv4({ family, bits }: IpAddress): boolean {
  return family === 6 && bits >> 32n === 0xffffn
}

/** The IPv6 form under which an IPv4 address is stored where both kinds share one space. */
export function toMappedIpv4(address: IpAddress): IpAddress {
  return address.family === 6 ? address : { family: 6, bits: mappedPrefix | address.bits }
}

/** Reads a range such as `10.0.0.0/8`; bits beyond the prefix are taken off. Undefined when it is none. */
export function parseCidr(text: string, syntax: IpSyntax = 'strict'): Cidr | undefined {
  const parsed = parseInterfaceAddress(text, syntax)
  return parsed && { address: mask(parsed.address, parsed.prefixLength), prefixLength: parsed.prefixLength }
}

/** Reads an address with the length of its network's prefix (`10.1.2.3/8`), keeping all its bits. */
export function parseInterfaceAddress(text: string, syntax: IpSyntax = 'strict'): Cidr | undefined {
  const slash = text.indexOf('/')
  if (slash < 0) return undefined
  const address = parseIp(text.slice(0, slash), syntax)
  const length = text.slice(slash + 1)
  if (!address || !(syntax === 'strict' ? /^(?:0|[1-9]\d*)$/ : /^\d+$/).test(length)) return undefined
  return Number(length) > widthOf(address.family) ? undefined : { address, prefixLength: Number(length) }
}

/** The canonical text of a range. */
export function formatCidr({ address, prefixLength }: Cidr): string {
  return `${formatIp(address)}/${prefixLength}`
}

export function cidrContains(cidr: Cidr, address: IpAddress): boolean {
  return address.family === cidr.address.family && mask(address, cidr.prefixLength).bits === cidr.address.bits
}

/** Whether two ranges have an address in common. */
export function cidrsOverlap(left: Cidr, right: Cidr): boolean {
  return left.prefixLength <= right.prefixLength ? cidrContains(left, right.address) : cidrContains(right, left.address)
}

/** How many addresses a range has, its first and last included. */
export function cidrSize({ address, prefixLength }: Cidr): bigint {
  return 1n << BigInt(widthOf(address.family) - prefixLength)
}

/** The address `index` after the first one. */
export function nthAddress(cidr: Cidr, index: bigint): IpAddress {
  if (index < 0n || index >= cidrSize(cidr)) throw new RangeError(`${formatCidr(cidr)} has no address number ${index}`)
  return { family: cidr.address.family, bits: cidr.address.bits + index }
}

/** The range of `prefixLength` that comes `index` after the first such one inside `cidr`: how nodes get their pod ranges. */
export function nthSubnet(cidr: Cidr, prefixLength: number, index: bigint): Cidr {
  const width = widthOf(cidr.address.family)
  const bits = cidr.address.bits + (index << BigInt(width - prefixLength))
  const address: IpAddress = { family: cidr.address.family, bits }
  if (prefixLength > width || prefixLength < cidr.prefixLength || index < 0n || !cidrContains(cidr, address)) {
    throw new RangeError(`${formatCidr(cidr)} has no range number ${index} of length ${prefixLength}`)
  }
  return { address, prefixLength }
}

function mask({ family, bits }: IpAddress, prefixLength: number): IpAddress {
  const hostBits = BigInt(widthOf(family) - prefixLength)
  return { family, bits: (bits >> hostBits) << hostBits }
}
