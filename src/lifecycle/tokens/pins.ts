import { createHash, type X509Certificate } from 'node:crypto'
import { LifecycleError } from '../failure.ts'
import { parseBundle } from '../pki/files.ts'

/** The pin of an authority: SHA-256 of its public key (SPKI), as `--discovery-token-ca-cert-hash` takes it. */
export function pinOf(certificate: X509Certificate): string {
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' })
  return `sha256:${createHash('sha256').update(key).digest('hex')}`
}

/** Those of all authorities of a bundle. */
export const pinsOf = (bundle: string): readonly string[] => parseBundle(bundle).map(pinOf)

/** @throws LifecycleError when one has not the form of a pin */
export function parsePins(texts: readonly string[]): readonly string[] {
  return texts.map((text) => {
    const [format = '', value, ...more] = text.split(':')
    if (value === undefined || more.length > 0) throw malformed('invalid public key hash, expected "format:value"')
    if (format.toLowerCase() !== 'sha256') throw malformed(`unknown hash format ${JSON.stringify(format)}`)
    const length = Math.floor(value.length / 2)
    if (length !== 32) throw malformed(`expected a 32 byte SHA-256 hash, found ${length} bytes`)
    if (!/^[0-9a-f]{64}$/i.test(value)) throw malformed(`${JSON.stringify(value)} is not hexadecimal`)
    return `sha256:${value.toLowerCase()}`
  })
}

const malformed = (why: string) =>
  new LifecycleError(`invalid discovery token CA certificate hash: ${why}`, { hint: joinHint })

/** Where the right command line comes from. */
export const joinHint = 'on a control plane, print the whole command: coracle token create --print-join-command'

/** @throws LifecycleError when no authority of the bundle is pinned */
export function requirePinned(bundle: string, pins: readonly string[]): void {
  const found = pinsOf(bundle)
  if (found.some((pin) => pins.includes(pin))) return
  throw new LifecycleError(
    `cluster CA found in cluster-info ConfigMap is invalid: none of the public keys ${JSON.stringify(found.join(':'))} are pinned`,
    {
      hint: `the hash on the command line is another cluster's, or this is not the cluster it claims to be; ${joinHint}`,
    },
  )
}
