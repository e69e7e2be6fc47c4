/** Rules for addresses beyond their form, which `schema/names.ts` checks. */

import {
  cidrContains,
  formatCidr,
  formatIp,
  type IpAddress,
  isMappedIpv4,
  parseCidr,
  parseInterfaceAddress,
  parseIp,
} from '../base/cidr.ts'
import type { Faults } from '../schema/names.ts'
import { ipFaults, legacyIpFaults } from '../schema/names.ts'

export type IpFamily = 'IPv4' | 'IPv6'

/** The family of an address; undefined when it is none. */
export function familyOf(address: string): IpFamily | undefined {
  const parsed = parseIp(address, 'sloppy')
  return parsed && (parsed.family === 4 ? 'IPv4' : 'IPv6')
}

/** The family of a range; undefined when it is none. */
export function familyOfCidr(cidr: string): IpFamily | undefined {
  const parsed = parseCidr(cidr, 'sloppy')
  return parsed && (parsed.address.family === 4 ? 'IPv4' : 'IPv6')
}

/** An address at which others may be sent traffic: not one that means something else on every machine. */
export function endpointIpFaults(address: string): Faults {
  const faults = legacyIpFaults(address)
  return faults.length > 0 ? faults : nonSpecialIpFaults(address)
}

const special: readonly (readonly [range: readonly string[], detail: string])[] = [
  [['127.0.0.0/8', '::1/128'], 'may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  [['169.254.0.0/16', 'fe80::/10'], 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
  [['224.0.0.0/24', 'ff02::/16'], 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'],
]
const specialRanges = special.map(([ranges, detail]) => ({ ranges: ranges.map((text) => parseCidr(text)!), detail }))

export function nonSpecialIpFaults(address: string): Faults {
  const parsed = parseIp(address, 'sloppy')
  if (parsed === undefined) return ['must be a valid IP address']
  if (parsed.bits === 0n) return [`may not be unspecified (${address})`]
  return specialRanges.filter(({ ranges }) => isInOne(ranges, parsed)).map(({ detail }) => detail)
}

function isInOne(ranges: readonly NonNullable<ReturnType<typeof parseCidr>>[], address: IpAddress): boolean {
  return ranges.some((range) => cidrContains(range, address))
}

/** The name of an IPAddress is the address itself, in canonical form. */
export const ipNameRule = (name: string): Faults => ipFaults(name)

/** What the client should know about an address that is right but not written as it should be. */
export function addressWarnings(path: string, address: string): string[] {
  const parsed = parseIp(address, 'sloppy')
  if (parsed === undefined) return []
  const canonical = formatIp(parsed)
  if (parseIp(address) === undefined) {
    return [
      `${path}: non-standard IP address "${address}" will be considered invalid in a future Kubernetes release: use "${canonical}"`,
    ]
  }
  if (isMappedIpv4(parsed)) {
    return [
      `${path}: IPv4-mapped IPv6 address "${address}" will be considered invalid in a future Kubernetes release: use "${canonical}"`,
    ]
  }
  const isCanonical = parsed.family === 4 || canonical === address
  return isCanonical
    ? []
    : [`${path}: IPv6 address "${address}" should be in RFC 5952 canonical format ("${canonical}")`]
}

/** The same for a range. */
export function cidrWarnings(path: string, text: string): string[] {
  const parsed = parseInterfaceAddress(text, 'sloppy')
  if (parsed === undefined) return []
  const range = parseCidr(text, 'sloppy')!
  const canonical = formatCidr(range)
  const later = 'will be considered invalid in a future Kubernetes release'
  if (parsed.address.bits !== range.address.bits) {
    const single = `${formatIp(parsed.address)}/${parsed.address.family === 4 ? 32 : 128}`
    return [`${path}: CIDR value "${text}" is ambiguous in this context (should be "${canonical}" or "${single}"?)`]
  }
  if (parseInterfaceAddress(text) === undefined) {
    return [`${path}: non-standard CIDR value "${text}" ${later}: use "${canonical}"`]
  }
  if (isMappedIpv4(parsed.address)) return [`${path}: IPv4-mapped IPv6 CIDR "${text}" ${later}: use "${canonical}"`]
  const isCanonical = parsed.address.family === 4 || canonical === text
  return isCanonical
    ? []
    : [`${path}: IPv6 CIDR value "${text}" should be in RFC 5952 canonical format ("${canonical}")`]
}
