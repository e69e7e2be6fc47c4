import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  X509Certificate,
} from 'node:crypto'
import { type IpAddress, isMappedIpv4, parseIp } from '../base/cidr.ts'
import * as der from '../base/der.ts'
import { readDer, readOid } from '../base/der-reader.ts'
import type { Clock, Random } from '../world/world.ts'

/**
 * Certificates as kubeadm makes them: authorities, and server and client certificates signed by them. Keys are
 * ECDSA P-256 (kubeadm's `encryptionAlgorithm: ECDSA-P256`): they are made in a fraction of a millisecond, where an
 * RSA key of 2048 bits takes up to half a second, and every client of Kubernetes takes them.
 */
export interface KeyPair {
  /** PEM. */
  readonly certificate: string
  /** PEM, PKCS #8. Secret: files that hold it are 0600. */
  readonly key: string
}

export interface CertificateRequest {
  readonly commonName: string
  readonly organizations?: readonly string[]
  /** DNS names and IP addresses for which a server certificate holds. */
  readonly hosts?: readonly string[]
  readonly usages: readonly ('client' | 'server')[]
  readonly validityMs?: number
  /** Default: ECDSA-P256. */
  readonly algorithm?: KeyAlgorithm
}

/** What kubeadm's `encryptionAlgorithm` may be. */
export const keyAlgorithms = ['ECDSA-P256', 'ECDSA-P384', 'RSA-2048', 'RSA-3072', 'RSA-4096'] as const
export type KeyAlgorithm = (typeof keyAlgorithms)[number]

type Tools = { readonly clock: Clock; readonly random: Random }

const hourMs = 3_600_000
const yearMs = 365 * 24 * hourMs
/** Certificates are valid from a little before now, as clocks of hosts differ (kubeadm: five minutes). */
const backdateMs = 5 * 60_000

/** A new self-signed authority, valid for ten years. */
export function createAuthority(
  commonName: string,
  tools: Tools,
  validityMs = 10 * yearMs,
  algorithm: KeyAlgorithm = 'ECDSA-P256',
): KeyPair {
  return authorityOfKey(commonName, exportKey(newKeys(algorithm).privateKey), tools, validityMs)
}

/** An authority with a key that is there already: what the old one has signed stays good. */
export function authorityOfKey(commonName: string, key: string, tools: Tools, validityMs = 10 * yearMs): KeyPair {
  const privateKey = createPrivateKey(key)
  const publicKey = createPublicKey(privateKey)
  const subject = distinguishedName(commonName, [])
  const text = certificate({
    subject,
    issuer: subject,
    publicKey,
    signWith: privateKey,
    notBefore: tools.clock.now() - backdateMs,
    notAfter: tools.clock.now() + validityMs,
    serial: tools.random.bytes(8),
    extensions: [
      extension('2.5.29.15', keyUsage(['digitalSignature', 'keyEncipherment', 'keyCertSign']), true),
      extension('2.5.29.19', der.sequence(der.boolean(true)), true),
      subjectKeyIdentifier(publicKey),
      subjectAltName([commonName]),
    ],
  })
  return { certificate: text, key }
}

/** A certificate signed by `authority`, valid for one year unless the request says otherwise. */
export function issueCertificate(authority: KeyPair, request: CertificateRequest, tools: Tools): KeyPair {
  const { publicKey, privateKey } = newKeys(request.algorithm)
  return { certificate: signPublicKey(authority, publicKey, request, tools), key: exportKey(privateKey) }
}

/** A new private key and its public half. */
export function newKeys(algorithm: KeyAlgorithm = 'ECDSA-P256'): { publicKey: KeyObject; privateKey: KeyObject } {
  const [family, size] = algorithm.split('-') as ['ECDSA' | 'RSA', string]
  if (family === 'RSA') return generateKeyPairSync('rsa', { modulusLength: Number(size) })
  return generateKeyPairSync('ec', { namedCurve: size === 'P384' ? 'P-384' : 'P-256' })
}

/** The certificate alone, for a public key whose private half stays where it is. */
export function signPublicKey(
  authority: KeyPair,
  publicKey: KeyObject,
  request: CertificateRequest,
  tools: Tools,
): string {
  const issuer = new X509Certificate(authority.certificate)
  const purposes = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' }
  return certificate({
    subject: distinguishedName(request.commonName, request.organizations ?? []),
    issuer: subjectOf(issuer),
    publicKey,
    signWith: createPrivateKey(authority.key),
    notBefore: tools.clock.now() - backdateMs,
    notAfter: tools.clock.now() + (request.validityMs ?? yearMs),
    serial: tools.random.bytes(8),
    extensions: [
      extension('2.5.29.15', keyUsage(['digitalSignature', 'keyEncipherment']), true),
      extension('2.5.29.37', der.sequence(...request.usages.map((usage) => der.oid(purposes[usage])))),
      extension('2.5.29.19', der.sequence(), true),
      ...authorityKeyIdentifier(issuer),
      ...(request.hosts?.length ? [subjectAltName(request.hosts)] : []),
    ],
  })
}

/** What goes into a certificate for which somebody has asked with a key of his own. */
export interface RequestedCertificate {
  /** DER. */
  readonly subject: Buffer
  readonly publicKey: KeyObject
  /** DER, RFC 5280 GeneralNames. */
  readonly alternativeNames: Buffer | undefined
  /** Positions in the extension "key usage". */
  readonly keyUsages: readonly number[]
  /** Object identifiers of the extension "extended key usage". */
  readonly purposes: readonly string[]
  readonly notBefore: number
  readonly notAfter: number
}

/** A certificate, in PEM, of an approved request. It ends no later than the authority does. */
export function signRequest(
  authority: KeyPair,
  request: RequestedCertificate,
  { random }: Pick<Tools, 'random'>,
): string {
  const issuer = new X509Certificate(authority.certificate)
  const { subject, publicKey, alternativeNames, keyUsages, purposes, notBefore, notAfter } = request
  return certificate({
    subject,
    issuer: subjectOf(issuer),
    publicKey,
    signWith: createPrivateKey(authority.key),
    notBefore,
    notAfter: Math.min(notAfter, issuer.validToDate.getTime()),
    serial: random.bytes(16),
    extensions: [
      ...(keyUsages.length > 0 ? [extension('2.5.29.15', usageBits(keyUsages), true)] : []),
      ...(purposes.length > 0 ? [extension('2.5.29.37', der.sequence(...purposes.map(der.oid)))] : []),
      extension('2.5.29.19', der.sequence(), true),
      ...authorityKeyIdentifier(issuer),
      ...(alternativeNames ? [extension('2.5.29.17', alternativeNames)] : []),
    ],
  })
}

/** A key pair for signing service account tokens; `public` goes to whoever verifies them. */
export function createSigningKey(): { readonly private: string; readonly public: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { private: exportKey(privateKey), public: publicKey.export({ type: 'spki', format: 'pem' }).toString() }
}

const exportKey = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString()

interface TbsCertificate {
  readonly subject: Buffer
  readonly issuer: Buffer
  readonly publicKey: KeyObject
  readonly signWith: KeyObject
  readonly notBefore: number
  readonly notAfter: number
  readonly serial: Uint8Array
  readonly extensions: readonly Buffer[]
}

/** RFC 5280, section 4.1. */
function certificate(parts: TbsCertificate): string {
  const algorithm = signatureAlgorithm(parts.signWith)
  const body = der.sequence(
    der.tagged(0, der.integer(Buffer.from([2]))),
    der.integer(parts.serial),
    algorithm,
    parts.issuer,
    der.sequence(der.time(parts.notBefore), der.time(parts.notAfter)),
    parts.subject,
    parts.publicKey.export({ type: 'spki', format: 'der' }),
    der.tagged(3, der.sequence(...parts.extensions)),
  )
  const signature = sign('sha256', body, parts.signWith)
  return pem('CERTIFICATE', der.sequence(body, algorithm, der.bits(signature)))
}

/** How a key signs with SHA-256, in DER. An authority that somebody brought along may have an RSA key. */
export function signatureAlgorithm(key: KeyObject): Buffer {
  if (key.asymmetricKeyType === 'rsa') return der.sequence(der.oid('1.2.840.113549.1.1.11'), Buffer.from([5, 0]))
  if (key.asymmetricKeyType === 'ec') return der.sequence(der.oid('1.2.840.10045.4.3.2'))
  throw new Error(`cannot sign certificates with a key of type ${key.asymmetricKeyType}: use an RSA or ECDSA key`)
}

/** A subject, in DER. */
export function distinguishedName(commonName: string, organizations: readonly string[]): Buffer {
  const attribute = (type: string, value: string) => der.sequence(der.oid(type), der.utf8(value))
  const names = organizations.map((organization) => attribute('2.5.4.10', organization))
  // Several values of one attribute are a set, which DER sorts; the reference's certificates look the same.
  const organization = names.length > 0 ? [der.set(...names.sort(Buffer.compare))] : []
  return der.sequence(...organization, der.set(attribute('2.5.4.3', commonName)))
}

/** The subject of a certificate, byte for byte: issuer and subject are compared so. */
function subjectOf(certificate: X509Certificate): Buffer {
  let position = skipInto(certificate.raw, skipInto(certificate.raw, 0))
  const fieldsBefore = certificate.raw[position] === 0xa0 ? 5 : 4
  for (let field = 0; field < fieldsBefore; field++) position = skipOver(certificate.raw, position)
  return certificate.raw.subarray(position, skipOver(certificate.raw, position))
}

const skipInto = (raw: Buffer, at: number) => at + 2 + (raw[at + 1]! & 0x80 ? raw[at + 1]! & 0x7f : 0)

function skipOver(raw: Buffer, at: number): number {
  const first = raw[at + 1]!
  const length = first & 0x80 ? raw.readUIntBE(at + 2, first & 0x7f) : first
  return skipInto(raw, at) + length
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return der.sequence(der.oid(id), ...(critical ? [der.boolean(true)] : []), der.octets(value))
}

function keyUsage(usages: readonly ('digitalSignature' | 'keyEncipherment' | 'keyCertSign')[]): Buffer {
  const bit = { digitalSignature: 0, keyEncipherment: 2, keyCertSign: 5 }
  return usageBits(usages.map((usage) => bit[usage]))
}

/** A bit string without zeros at its end. */
function usageBits(positions: readonly number[]): Buffer {
  const last = Math.max(...positions)
  const bytes = Buffer.alloc(Math.floor(last / 8) + 1)
  for (const position of positions) bytes[Math.floor(position / 8)]! |= 0x80 >> (position % 8)
  return der.bits(bytes, 7 - (last % 8))
}

function subjectAltName(hosts: readonly string[]): Buffer {
  return extension('2.5.29.17', generalNames(hosts))
}

/** DNS names and addresses as RFC 5280 has them (GeneralNames), in DER. */
export function generalNames(hosts: readonly string[]): Buffer {
  const names = hosts.map((host) => {
    const address = parseIp(host)
    return address ? der.tagged(7, addressBytes(address), false) : der.tagged(2, Buffer.from(host), false)
  })
  return der.sequence(...names)
}

/** IPv4 in four bytes, however it is written: those who connect to `::ffff:10.0.0.1` look for 10.0.0.1. */
function addressBytes(address: IpAddress): Buffer {
  const size = address.family === 4 || isMappedIpv4(address) ? 4 : 16
  const digits = BigInt.asUintN(size * 8, address.bits).toString(16)
  return Buffer.from(digits.padStart(size * 2, '0'), 'hex')
}

/** RFC 5280, section 4.2.1.2, method 2 shortened: any value does that identifies the key. */
function subjectKeyIdentifier(key: KeyObject): Buffer {
  const point = key.export({ type: 'spki', format: 'der' })
  return extension('2.5.29.14', der.octets(point.subarray(point.length - 20)))
}

/**
 * RFC 5280, section 4.2.1.1: which of several authorities of the same name it was, e.g. the old or the new one while
 * one replaces the other. Without it OpenSSL takes the first of that name.
 */
function authorityKeyIdentifier(issuer: X509Certificate): readonly Buffer[] {
  const identifier = extensionOf(issuer, '2.5.29.14')
  if (identifier === undefined) return []
  return [extension('2.5.29.35', der.sequence(der.tagged(0, readDer(identifier)[0]!.content, false)))]
}

/** What an extension of a certificate holds, in DER. */
function extensionOf(certificate: X509Certificate, id: string): Buffer | undefined {
  const fields = readDer(readDer(readDer(certificate.raw)[0]!.content)[0]!.content)
  const extensions = fields.find(({ tag }) => tag === 0xa3)
  if (extensions === undefined) return undefined
  for (const { content } of readDer(readDer(extensions.content)[0]!.content)) {
    const parts = readDer(content)
    if (readOid(parts[0]!) === id) return parts.at(-1)!.content
  }
  return undefined
}

/** RFC 7468. */
export function pem(label: string, content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/** The public half of a private key in PEM. */
export function publicKeyOf(key: string): string {
  return createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'pem' }).toString()
}
