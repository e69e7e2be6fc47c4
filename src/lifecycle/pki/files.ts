import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { Clock, Disk } from '../../world/world.ts'
import { LifecycleError } from '../failure.ts'
import type { KeyPair } from '../pki.ts'

/** Certificates and keys as files: `NAME.crt` and `NAME.key` below one folder. */
export const certificateFile = (folder: string, baseName: string): string => `${folder}/${baseName}.crt`
export const keyFile = (folder: string, baseName: string): string => `${folder}/${baseName}.key`
export const requestFile = (folder: string, baseName: string): string => `${folder}/${baseName}.csr`

/** What lies there, read and checked: a key that is there belongs to the certificate that is there. */
export interface StoredPair {
  /** PEM; several where one authority is about to replace another. */
  readonly certificate: string | undefined
  /** PEM; absent where somebody else keeps it. */
  readonly key: string | undefined
}

/**
 * Reads a pair, or as much of it as there is.
 * @throws LifecycleError when a file is half written, or when both do not belong together, with what to do about it
 */
export async function readPair(disk: Disk, folder: string, baseName: string): Promise<StoredPair> {
  const [certificatePath, keyPath] = [certificateFile(folder, baseName), keyFile(folder, baseName)]
  const [certificate, key] = await Promise.all([disk.read(certificatePath), disk.read(keyPath)])
  const privateKey = key === undefined ? undefined : parseKey(key, keyPath)
  const parsed = certificate === undefined ? undefined : parseCertificate(certificate, certificatePath)
  if (parsed && privateKey && !parsed.checkPrivateKey(privateKey)) {
    throw new LifecycleError(`${certificatePath} and ${keyPath} do not belong together`, {
      hint: 'put back the one that was replaced; or move both away, and both are made anew',
    })
  }
  return { certificate, key }
}

/** The key first: a certificate never lies there without it. */
export async function writePair(disk: Disk, folder: string, baseName: string, pair: KeyPair): Promise<void> {
  await disk.write(keyFile(folder, baseName), pair.key, 0o600)
  await disk.write(certificateFile(folder, baseName), pair.certificate, 0o644)
}

/**
 * Puts a file in place of another without a moment in which neither is whole, in two steps: `stage` needs room on the
 * disk and changes nothing that is used, `commit` needs none.
 */
export async function stageFile(disk: Disk, path: string, content: string, mode: number): Promise<void> {
  await disk.write(path + stagedEnding, content, mode)
}

export async function commitFile(disk: Disk, path: string): Promise<void> {
  await disk.rename(path + stagedEnding, path)
}

export async function dropStaged(disk: Disk, path: string): Promise<void> {
  await disk.remove(path + stagedEnding)
}

const stagedEnding = '.new'

/** The key becomes the new one first: `mendPair` can tell by it how far an interruption has let it come. */
export async function stagePair(disk: Disk, folder: string, baseName: string, pair: KeyPair): Promise<void> {
  await stageFile(disk, certificateFile(folder, baseName), pair.certificate, 0o644)
  await stageFile(disk, keyFile(folder, baseName), pair.key, 0o600)
}

export async function commitPair(disk: Disk, folder: string, baseName: string): Promise<void> {
  await commitFile(disk, keyFile(folder, baseName))
  await commitFile(disk, certificateFile(folder, baseName))
}

/** Finishes the replacement of a pair that was interrupted half way, and clears away one that had not begun. */
export async function mendPair(disk: Disk, folder: string, baseName: string): Promise<void> {
  const [certificate, key] = [certificateFile(folder, baseName), keyFile(folder, baseName)]
  const [stagedCertificate, stagedKey] = await Promise.all(
    [certificate, key].map((path) => disk.read(path + stagedEnding)),
  )
  if (stagedCertificate !== undefined && stagedKey === undefined && (await belong(disk, stagedCertificate, key))) {
    await commitFile(disk, certificate)
  }
  if (stagedCertificate !== undefined) await dropStaged(disk, certificate)
  if (stagedKey !== undefined) await dropStaged(disk, key)
}

async function belong(disk: Disk, certificate: string, keyPath: string): Promise<boolean> {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey((await disk.read(keyPath)) ?? ''))
  } catch {
    // Half a file was staged: it counts for nothing.
    return false
  }
}

/** The first certificate of a file. */
export function parseCertificate(pem: string, path: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (error) {
    throw new LifecycleError(`${path} holds no certificate that can be read: ${(error as Error).message}`, {
      hint: 'it may be half written: put it back from a backup; or move it and its key away, and both are made anew',
      cause: error,
    })
  }
}

export function parseKey(pem: string, path: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (error) {
    throw new LifecycleError(`${path} holds no private key that can be read: ${(error as Error).message}`, {
      hint: 'it may be half written: put it back from a backup; or move it and its certificate away, and both are made anew',
      cause: error,
    })
  }
}

/** All certificates of a file. */
export function parseBundle(pem: string, path = 'the bundle'): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) return [parseCertificate(pem, path)]
  return blocks.map((block) => parseCertificate(block, path))
}

/** Whether one of the authorities of a bundle has signed it. */
export function isSignedBy(certificate: X509Certificate, authorities: string): boolean {
  return parseBundle(authorities).some(
    (authority) => certificate.issuer === authority.subject && certificate.verify(authority.publicKey),
  )
}

/** Throws when a certificate does not hold now, with what to do about it. */
export function requireValid(certificate: X509Certificate, path: string, clock: Clock, mend: string): void {
  const now = clock.now()
  if (certificate.validFromDate.getTime() > now) {
    throw new LifecycleError(
      `${path} is not valid yet: it begins at ${utc(certificate.validFromDate)}, and this host's clock says ${utc(new Date(now))}`,
      { hint: 'set the clock of this host, or that of the host that made it: certificates need both to agree' },
    )
  }
  if (certificate.validToDate.getTime() <= now) {
    throw new LifecycleError(`${path} has expired at ${utc(certificate.validToDate)}`, { hint: mend })
  }
}

/** `2026-01-31T12:00:00Z` */
export const utc = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, 'Z')

/** A key in the form that kubeadm writes it in: SEC 1 or PKCS #1. */
export function kubeadmKey(pem: string): string {
  const key = createPrivateKey(pem)
  return key.export({ type: key.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'sec1', format: 'pem' }).toString()
}
