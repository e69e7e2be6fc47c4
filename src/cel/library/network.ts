/** Addresses and ranges: `cidr('10.0.0.0/8').containsIP('10.1.2.3')`. */
import {
  type Cidr,
  cidrContains,
  formatIp,
  type IpAddress,
  isMappedIpv4,
  parseCidr,
  parseInterfaceAddress,
  parseIp,
} from '../../base/cidr.ts'
import { type Library, member, overload } from '../declarations.ts'
import { Failure } from '../failure.ts'
import { bool, int, opaqueType, string } from '../types.ts'
import { Opaque } from '../values.ts'

const ipType = opaqueType('net.IP')
const cidrType = opaqueType('net.CIDR')

class Ip extends Opaque {
  readonly typeName = ipType.name
  readonly address: IpAddress

  constructor(address: IpAddress) {
    super()
    this.address = address
  }

  override get size(): number {
    return this.address.family === 4 ? 4 : 16
  }

  override equals(other: Opaque): boolean {
    return (
      other instanceof Ip && other.address.family === this.address.family && other.address.bits === this.address.bits
    )
  }

  override toString(): string {
    return formatIp(this.address)
  }
}

/** A range as it was written: its address may have bits beyond the prefix. */
class Range extends Opaque {
  readonly typeName = cidrType.name
  readonly cidr: Cidr

  constructor(cidr: Cidr) {
    super()
    this.cidr = cidr
  }

  override get size(): number {
    return Math.ceil(this.cidr.prefixLength / 8)
  }

  get masked(): Cidr {
    return parseCidr(this.toString())!
  }

  override equals(other: Opaque): boolean {
    return (
      other instanceof Range &&
      other.cidr.prefixLength === this.cidr.prefixLength &&
      new Ip(other.cidr.address).equals(new Ip(this.cidr.address))
    )
  }

  override toString(): string {
    return `${formatIp(this.cidr.address)}/${this.cidr.prefixLength}`
  }
}

const highBits = ({ family, bits }: IpAddress, count: number): bigint =>
  bits >> BigInt((family === 4 ? 32 : 128) - count)

const isLoopback = (address: IpAddress) => (address.family === 4 ? highBits(address, 8) === 127n : address.bits === 1n)
const isUnspecified = (address: IpAddress) => address.bits === 0n
const isLinkLocalMulticast = (address: IpAddress) =>
  address.family === 4 ? highBits(address, 24) === 0xe00000n : (highBits(address, 16) & 0xff0fn) === 0xff02n
const isLinkLocalUnicast = (address: IpAddress) =>
  address.family === 4 ? highBits(address, 16) === 0xa9fen : highBits(address, 10) === 0x3fan
const isMulticast = (address: IpAddress) =>
  address.family === 4 ? highBits(address, 4) === 0xen : highBits(address, 8) === 0xffn
const isBroadcast = (address: IpAddress) => address.family === 4 && address.bits === 0xffff_ffffn
const isGlobalUnicast = (address: IpAddress) =>
  !isBroadcast(address) &&
  !isUnspecified(address) &&
  !isLoopback(address) &&
  !isMulticast(address) &&
  !isLinkLocalUnicast(address)

const question = (id: string, holds: (address: IpAddress) => boolean) =>
  member(id, [ipType], bool, ({ address }: Ip) => holds(address))

export const networkLibrary: Library = {
  types: { [ipType.name]: ipType, [cidrType.name]: cidrType },
  functions: {
    ip: [
      overload('string_to_ip', [string], ipType, toIp),
      member('cidr_ip', [cidrType], ipType, ({ cidr }: Range) => new Ip(cidr.address)),
    ],
    isIP: [overload('is_ip', [string], bool, (text: string) => !(ipOrFault(text) instanceof Failure))],
    'ip.isCanonical': [overload('ip_is_canonical', [string], bool, (text: string) => toIp(text).toString() === text)],
    family: [member('ip_family', [ipType], int, ({ address }: Ip) => address.family)],
    isUnspecified: [question('ip_is_unspecified', isUnspecified)],
    isLoopback: [question('ip_is_loopback', isLoopback)],
    isLinkLocalMulticast: [question('ip_is_link_local_multicast', isLinkLocalMulticast)],
    isLinkLocalUnicast: [question('ip_is_link_local_unicast', isLinkLocalUnicast)],
    isGlobalUnicast: [question('ip_is_global_unicast', isGlobalUnicast)],
    cidr: [overload('string_to_cidr', [string], cidrType, toRange)],
    isCIDR: [overload('is_cidr', [string], bool, (text: string) => !(rangeOrFault(text) instanceof Failure))],
    containsIP: [
      member('cidr_contains_ip_string', [cidrType, string], bool, (range: Range, text: string) =>
        containsIp(range, toIp(text)),
      ),
      member('cidr_contains_ip_ip', [cidrType, ipType], bool, containsIp),
    ],
    containsCIDR: [
      member('cidr_contains_cidr_string', [cidrType, string], bool, (range: Range, text: string) =>
        containsRange(range, toRange(text)),
      ),
      member('cidr_contains_cidr', [cidrType, cidrType], bool, containsRange),
    ],
    prefixLength: [member('cidr_prefix_length', [cidrType], int, ({ cidr }: Range) => cidr.prefixLength)],
    masked: [member('cidr_masked', [cidrType], cidrType, (range: Range) => new Range(range.masked))],
    string: [
      overload('ip_to_string', [ipType], string, String),
      overload('cidr_to_string', [cidrType], string, String),
    ],
  },
}

const quoted = (text: string) => JSON.stringify(text)

/** Zones and IPv4 in IPv6 are not taken. */
function ipOrFault(text: string): Ip | Failure {
  if (/^[^%]*:[^%]*%./.test(text)) return new Failure(`IP address ${quoted(text)} with zone value is not allowed`)
  const address = parseIp(text)
  if (!address)
    return new Failure(
      `IP Address ${quoted(text)} parse error during conversion from string: ParseAddr(${quoted(text)}): unable to parse IP`,
    )
  if (isMappedIpv4(address)) return new Failure(`IPv4-mapped IPv6 address ${quoted(text)} is not allowed`)
  return new Ip(address)
}

function toIp(text: string): Ip {
  const ip = ipOrFault(text)
  if (ip instanceof Failure) throw ip
  return ip
}

const rangeFault = 'network address parse error during conversion from string: '

function rangeOrFault(text: string): Range | Failure {
  const cidr = parseInterfaceAddress(text)
  if (!cidr) return new Failure(`${rangeFault}${rangeFault}netip.ParsePrefix(${quoted(text)}): ${rangeReason(text)}`)
  if (isMappedIpv4(cidr.address))
    return new Failure(`${rangeFault}IPv4-mapped IPv6 address ${quoted(text)} is not allowed`)
  return new Range(cidr)
}

function rangeReason(text: string): string {
  const slash = text.lastIndexOf('/')
  if (slash < 0) return "no '/'"
  if (!parseIp(text.slice(0, slash))) return `ParseAddr(${quoted(text.slice(0, slash))}): unable to parse IP`
  const bits = text.slice(slash + 1)
  return /^(?:0|[1-9]\d*)$/.test(bits) ? 'prefix length out of range' : `bad bits after slash: ${quoted(bits)}`
}

function toRange(text: string): Range {
  const range = rangeOrFault(text)
  if (range instanceof Failure) throw range
  return range
}

function containsIp(range: Range, { address }: Ip): boolean {
  return cidrContains(range.masked, address)
}

/** A range inside another one: the inner one must lie at the very start, as the reference compares whole addresses. */
function containsRange(range: Range, { cidr }: Range): boolean {
  return range.cidr.prefixLength <= cidr.prefixLength && cidrContains(range.masked, cidr.address)
}
