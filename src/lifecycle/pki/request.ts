import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import * as der from '../../base/der.ts'
import { distinguishedName, generalNames, pem, signatureAlgorithm } from '../pki.ts'

/** What somebody wants a certificate to say. */
export interface Wish {
  readonly commonName: string
  readonly organizations?: readonly string[]
  /** DNS names and addresses. */
  readonly hosts?: readonly string[]
}

/** A certificate signing request (PKCS #10, RFC 2986) in PEM, for a private key in PEM. */
export function makeRequest({ commonName, organizations = [], hosts = [] }: Wish, key: string): string {
  const privateKey = createPrivateKey(key)
  const info = der.sequence(
    der.integer(Buffer.from([0])),
    distinguishedName(commonName, organizations),
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
    der.tagged(0, hosts.length > 0 ? wantedExtensions(hosts) : Buffer.alloc(0)),
  )
  const signature = sign('sha256', info, privateKey)
  return pem('CERTIFICATE REQUEST', der.sequence(info, signatureAlgorithm(privateKey), der.bits(signature)))
}

/** The attribute "extension request" (RFC 2985) with the names. */
function wantedExtensions(hosts: readonly string[]): Buffer {
  const names = der.sequence(der.oid('2.5.29.17'), der.octets(generalNames(hosts)))
  return der.sequence(der.oid('1.2.840.113549.1.9.14'), der.set(der.sequence(names)))
}
