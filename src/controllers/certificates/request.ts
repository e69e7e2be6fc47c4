import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { type DerValue, readDer, readOid, readText } from '../../base/der-reader.ts'

/** What a certificate signing request (PKCS #10, RFC 2986) asks for. */
export interface ParsedRequest {
  readonly commonName: string
  readonly organizations: readonly string[]
  /** The subject, byte for byte. */
  readonly subject: Buffer
  readonly publicKey: KeyObject
  /** Names and addresses, as one DER value (RFC 5280, GeneralNames); absent when there are none. */
  readonly alternativeNames: Buffer | undefined
  readonly alternatives: Readonly<Record<'dns' | 'email' | 'ip' | 'uri', number>>
  /** Whether it is signed with the key that it carries. */
  readonly isSigned: boolean
}

const commonNameType = '2.5.4.3'
const organizationType = '2.5.4.10'
const extensionRequest = '1.2.840.113549.1.9.14'
const subjectAltName = '2.5.29.17'
const generalNames: Readonly<Record<number, keyof ParsedRequest['alternatives']>> = {
  129: 'email',
  130: 'dns',
  134: 'uri',
  135: 'ip',
}

/** Hash by the algorithm of a signature; Ed25519 has none of its own. */
const hashes: Readonly<Record<string, string | null>> = {
  '1.2.840.113549.1.1.5': 'sha1',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.3.101.112': null,
}

/** Reads the request of a CertificateSigningRequest: PEM, in base64. Nothing when it cannot be read. */
export function parseRequest(base64: string): ParsedRequest | undefined {
  const pem = Buffer.from(base64, 'base64').toString('latin1')
  const body = /-----BEGIN CERTIFICATE REQUEST-----([^-]*)-----END/.exec(pem)?.[1]
  if (body === undefined) return undefined
  try {
    return parseDer(Buffer.from(body, 'base64'))
  } catch {
    // Whatever is wrong with it, it is no request.
    return undefined
  }
}

function parseDer(der: Buffer): ParsedRequest {
  const [outer] = readDer(der)
  const [info, algorithm, signature] = readDer(outer!.content) as [DerValue, DerValue, DerValue]
  const [, subject, keyInfo, ...attributes] = readDer(info.content) as [DerValue, DerValue, DerValue, ...DerValue[]]
  const names = readDer(subject.content).flatMap(({ content }) => readDer(content).map(toAttribute))
  const valuesOf = (type: string) => names.filter((name) => name.type === type).map(({ value }) => value)
  const publicKey = createPublicKey({ key: keyInfo.whole, format: 'der', type: 'spki' })
  const alternativeNames = extensionIn(attributes, subjectAltName)
  const hash = hashes[readOid(readDer(algorithm.content)[0]!)]
  return {
    commonName: valuesOf(commonNameType).at(-1) ?? '',
    organizations: valuesOf(organizationType),
    subject: subject.whole,
    publicKey,
    alternativeNames,
    alternatives: countNames(alternativeNames),
    // The first byte of a bit string tells how many bits of its last one do not count.
    isSigned: hash !== undefined && verify(hash, info.whole, publicKey, signature.content.subarray(1)),
  }
}

function toAttribute({ content }: DerValue): { readonly type: string; readonly value: string } {
  const [type, value] = readDer(content) as [DerValue, DerValue]
  return { type: readOid(type), value: readText(value) }
}

/** The content of one of the extensions that the request asks for. */
function extensionIn(attributes: readonly DerValue[], wanted: string): Buffer | undefined {
  for (const attribute of attributes.flatMap(({ content }) => readDer(content))) {
    const [type, values] = readDer(attribute.content) as [DerValue, DerValue]
    if (readOid(type) !== extensionRequest) continue
    for (const extension of readDer(readDer(values.content)[0]!.content)) {
      const parts = readDer(extension.content)
      if (readOid(parts[0]!) === wanted) return parts.at(-1)!.content
    }
  }
  return undefined
}

function countNames(alternativeNames: Buffer | undefined): ParsedRequest['alternatives'] {
  const counts = { dns: 0, email: 0, ip: 0, uri: 0 }
  if (alternativeNames === undefined) return counts
  for (const { tag } of readDer(readDer(alternativeNames)[0]!.content)) {
    const kind = generalNames[tag]
    if (kind !== undefined) counts[kind]++
  }
  return counts
}
