import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import * as der from '../../src/base/der.ts'

export interface Wish {
  readonly commonName: string
  readonly organizations?: readonly string[]
  readonly dns?: readonly string[]
  readonly ip?: readonly string[]
}

/** A certificate signing request (PKCS #10) with a new key, as the API wants it: PEM in base64. */
export function certificateRequest(wish: Wish): { readonly request: string; readonly key: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const info = der.sequence(
    der.integer(Buffer.from([0])),
    subject(wish),
    publicKey.export({ type: 'spki', format: 'der' }),
    der.tagged(0, attributes(wish)),
  )
  const algorithm = der.sequence(der.oid('1.2.840.10045.4.3.2'))
  const whole = der.sequence(info, algorithm, der.bits(sign('sha256', info, privateKey)))
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? []
  const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`
  return { request: Buffer.from(pem).toString('base64'), key: privateKey }
}

function subject({ commonName, organizations = [] }: Wish): Buffer {
  const attribute = (type: string, value: string) => der.set(der.sequence(der.oid(type), der.utf8(value)))
  return der.sequence(...organizations.map((name) => attribute('2.5.4.10', name)), attribute('2.5.4.3', commonName))
}

function attributes({ dns = [], ip = [] }: Wish): Buffer {
  if (dns.length + ip.length === 0) return Buffer.alloc(0)
  const names = [
    ...dns.map((name) => der.tagged(2, Buffer.from(name), false)),
    ...ip.map((address) => der.tagged(7, Buffer.from(address.split('.').map(Number)), false)),
  ]
  const extension = der.sequence(der.oid('2.5.29.17'), der.octets(der.sequence(...names)))
  return der.sequence(der.oid('1.2.840.113549.1.9.14'), der.set(der.sequence(extension)))
}
