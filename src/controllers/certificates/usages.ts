/** Positions in the extension "key usage" (RFC 5280, section 4.2.1.3). */
const positions: Readonly<Record<string, number>> = {
  signing: 0,
  'digital signature': 0,
  'content commitment': 1,
  'key encipherment': 2,
  'data encipherment': 3,
  'key agreement': 4,
  'cert sign': 5,
  'crl sign': 6,
  'encipher only': 7,
  'decipher only': 8,
}

/** Identifiers in the extension "extended key usage", in the order in which they are written. */
const purposes: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  'server auth': '1.3.6.1.5.5.7.3.1',
  'client auth': '1.3.6.1.5.5.7.3.2',
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
}

/** What the usages of the API are called in a certificate. */
export function usagesIn(usages: readonly string[]): {
  readonly keyUsages: readonly number[]
  readonly purposes: readonly string[]
} {
  const wanted = Object.keys(purposes).filter((usage) => usages.includes(usage))
  return {
    keyUsages: [...new Set(usages.flatMap((usage) => positions[usage] ?? []))].sort((a, b) => a - b),
    purposes: [...new Set(wanted.map((usage) => purposes[usage]!))],
  }
}
