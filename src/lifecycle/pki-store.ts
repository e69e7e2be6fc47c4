import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { Clock, Disk, Random } from '../world/world.ts'
import { mendPair } from './pki/files.ts'
import { createAuthority, createSigningKey, issueCertificate, type KeyPair, publicKeyOf } from './pki.ts'

/** What a cluster needs to know itself by: kubeadm's set, as far as one host needs it. */
export interface ClusterPki {
  readonly authority: KeyPair
  readonly server: KeyPair
  /** A client in `system:masters`. */
  readonly admin: KeyPair
  /** Who signs what the server shows to aggregated ones, and that: they believe its holder whom it asks for. */
  readonly frontProxy: { readonly authority: KeyPair; readonly client: KeyPair }
  /** PEM of the key that signs service account tokens. */
  readonly serviceAccountKey: string
}

export interface PkiRequest {
  /** Names and addresses under which the API server is reached. */
  readonly hosts: readonly string[]
  readonly tools: { readonly clock: Clock; readonly random: Random }
}

/** A file of the set that cannot be used. */
export class PkiFileError extends Error {}

/** A whole new set, in memory. */
export function createPki(request: PkiRequest): ClusterPki {
  const authority = createAuthority('kubernetes', request.tools)
  return {
    authority,
    server: issueServer(authority, request),
    admin: issueAdmin(authority, request),
    frontProxy: createFrontProxy(request),
    serviceAccountKey: createSigningKey().private,
  }
}

function createFrontProxy({ tools }: PkiRequest): ClusterPki['frontProxy'] {
  const authority = createAuthority('front-proxy-ca', tools)
  return { authority, client: issueFrontProxyClient(authority, tools) }
}

function issueFrontProxyClient(authority: KeyPair, tools: PkiRequest['tools']): KeyPair {
  return issueCertificate(authority, { commonName: 'front-proxy-client', usages: ['client'] }, tools)
}

function issueServer(authority: KeyPair, { hosts, tools }: PkiRequest): KeyPair {
  return issueCertificate(authority, { commonName: 'kube-apiserver', hosts, usages: ['server'] }, tools)
}

function issueAdmin(authority: KeyPair, { tools }: PkiRequest): KeyPair {
  const request = { commonName: 'kubernetes-admin', organizations: ['system:masters'], usages: ['client'] as const }
  return issueCertificate(authority, request, tools)
}

/**
 * The set in a folder, under kubeadm's names (`ca.crt`, `apiserver.key`, `sa.key`); what is missing is made. A
 * certificate without its key, or a file that is none, is a `PkiFileError`: nothing is overwritten.
 */
export async function loadOrCreatePki(disk: Disk, folder: string, request: PkiRequest): Promise<ClusterPki> {
  const { tools } = request
  await disk.makeFolder(folder)
  // What an authority has signed never lies there without it. Nothing else has to wait: twelve trips to the disk take long.
  const authority = pair(disk, folder, 'ca', () => createAuthority('kubernetes', tools))
  const front = pair(disk, folder, 'front-proxy-ca', () => createAuthority('front-proxy-ca', tools))
  const signedBy = async (signer: Promise<KeyPair>, name: string, issue: (signer: KeyPair) => KeyPair) => {
    const known = await signer
    return pair(disk, folder, name, () => issue(known))
  }
  const set = [
    authority,
    signedBy(authority, 'apiserver', (signer) => issueServer(signer, request)),
    signedBy(authority, 'admin', (signer) => issueAdmin(signer, request)),
    front,
    signedBy(front, 'front-proxy-client', (signer) => issueFrontProxyClient(signer, tools)),
    signingKey(disk, folder),
  ] as const
  // Nothing is written any more once the caller hears that something is wrong.
  await Promise.allSettled(set)
  const [ca, server, admin, frontAuthority, client, serviceAccountKey] = await Promise.all(set)
  return { authority: ca, server, admin, frontProxy: { authority: frontAuthority, client }, serviceAccountKey }
}

async function pair(disk: Disk, folder: string, name: string, make: () => KeyPair): Promise<KeyPair> {
  // A renewal may have been interrupted.
  await mendPair(disk, folder, name)
  const [certificateFile, keyFile] = [`${folder}/${name}.crt`, `${folder}/${name}.key`]
  const [certificate, key] = await Promise.all([disk.read(certificateFile), disk.read(keyFile)])
  if (certificate !== undefined && key !== undefined) {
    requireKey(key, keyFile)
    requirePair(certificate, certificateFile, key, keyFile)
    return { certificate, key }
  }
  if (certificate !== undefined) throw new PkiFileError(`${certificateFile} is there, but its key ${keyFile} is not`)
  if (key !== undefined) throw new PkiFileError(`${keyFile} is there, but its certificate ${certificateFile} is not`)
  const made = make()
  await disk.write(keyFile, made.key)
  await disk.write(certificateFile, made.certificate, 0o644)
  return made
}

async function signingKey(disk: Disk, folder: string): Promise<string> {
  const file = `${folder}/sa.key`
  const existing = await disk.read(file)
  if (existing !== undefined) {
    requireKey(existing, file)
    return existing
  }
  const made = createSigningKey()
  await disk.write(file, made.private)
  await disk.write(`${folder}/sa.pub`, made.public, 0o644)
  return made.private
}

function requireKey(pem: string, file: string): void {
  try {
    publicKeyOf(pem)
  } catch (error) {
    throw new PkiFileError(`${file} holds no private key that can be read: ${(error as Error).message}`)
  }
}

function requirePair(certificate: string, certificateFile: string, key: string, keyFile: string): void {
  let parsed: X509Certificate
  try {
    parsed = new X509Certificate(certificate)
  } catch (error) {
    throw new PkiFileError(`${certificateFile} holds no certificate that can be read: ${(error as Error).message}`)
  }
  if (!parsed.checkPrivateKey(createPrivateKey(key)))
    throw new PkiFileError(`${certificateFile} and ${keyFile} do not belong together`)
}

/** What a server on `address` is called by clients on this host and in the cluster. */
export function serverHosts(address: string, serviceAddress: string): readonly string[] {
  const names = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local']
  const hosts = [...names, 'localhost', '127.0.0.1', '::1', serviceAddress, address]
  return [...new Set(hosts)].filter((host) => host !== '0.0.0.0' && host !== '::')
}
