import { createPublicKey, type X509Certificate } from 'node:crypto'
import type { Clock, Disk, Random } from '../../world/world.ts'
import { LifecycleError } from '../failure.ts'
import { authorityOfKey, type KeyPair, newKeys, signPublicKey } from '../pki.ts'
import {
  certificateFile,
  isSignedBy,
  keyFile,
  kubeadmKey,
  mendPair,
  parseCertificate,
  parseKey,
  readPair,
  requireValid,
  utc,
  writePair,
} from './files.ts'
import type { PkiSettings } from './settings.ts'
import {
  type AuthoritySpec,
  authoritiesOf,
  authorityOf,
  type CertificateSpec,
  certificatesOf,
  serviceAccountKey,
} from './specs.ts'

/** What the making of certificates needs of the world. */
export interface PkiWorld {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
}

/** An authority as it lies on the disk; without its key it belongs to somebody else, and nothing is signed. */
export interface Authority {
  /** PEM, a bundle while one authority replaces another: the first signs. */
  readonly certificate: string
  readonly key: string | undefined
}

type Print = (line: string) => void

/**
 * The whole set of a control plane: what is there is checked and used, what is missing is made, and what was
 * interrupted is finished. Prints what kubeadm prints.
 * @throws LifecycleError when a file cannot be used; with an authority whose key is elsewhere, when files are missing
 */
export async function createCertificates(settings: PkiSettings, world: PkiWorld, print: Print): Promise<void> {
  print(`[certs] Using certificateDir folder "${settings.certificatesDir}"`)
  await requireExternallyManaged(settings, world.disk)
  for (const authority of authoritiesOf(settings)) {
    await loadOrCreateAuthority(authority, settings, world, print)
    for (const certificate of certificatesOf(settings)) {
      if (certificate.authority === authority.name) await loadOrCreateCertificate(certificate, settings, world, print)
    }
  }
  await loadOrCreateServiceAccountKey(settings, world, print)
}

/** One authority: `init phase certs ca` and its sisters. */
export async function loadOrCreateAuthority(
  spec: AuthoritySpec,
  settings: PkiSettings,
  world: PkiWorld,
  print: Print,
): Promise<Authority> {
  const { certificatesDir: folder, algorithm, caCertificateValidityMs } = settings
  await mendPair(world.disk, folder, spec.baseName)
  const { certificate, key } = await readPair(world.disk, folder, spec.baseName)
  if (certificate !== undefined) {
    requireAuthority(parseCertificate(certificate, certificateFile(folder, spec.baseName)), spec.baseName)
    const keyless = key === undefined ? 'keyless ' : ''
    print(`[certs] Using existing ${spec.baseName} ${keyless}certificate authority`)
    return { certificate, key }
  }
  print(`[certs] Generating "${spec.baseName}" certificate and key`)
  // A key without its certificate is what an interruption leaves.
  const pair = authorityOfKey(spec.commonName, key ?? newKey(algorithm), world, caCertificateValidityMs)
  await writePair(world.disk, folder, spec.baseName, pair)
  return pair
}

/** One certificate: `init phase certs apiserver` and its sisters. Its authority must be there. */
export async function loadOrCreateCertificate(
  spec: CertificateSpec,
  settings: PkiSettings,
  world: PkiWorld,
  print: Print,
): Promise<void> {
  const { certificatesDir: folder } = settings
  await mendPair(world.disk, folder, spec.baseName)
  const authority = await readAuthority(authorityOf(spec), settings, world.disk)
  const { certificate, key } = await readPair(world.disk, folder, spec.baseName)
  if (certificate !== undefined) {
    requireUsable(spec, certificate, key, authority, settings, world.clock)
    print(`[certs] Using existing ${spec.baseName} certificate and key on disk`)
    return
  }
  print(`[certs] Generating "${spec.baseName}" certificate and key`)
  const made = issue(spec, settings, authority, world, key ?? newKey(settings.algorithm))
  await writePair(world.disk, folder, spec.baseName, made)
  const hosts = spec.hosts?.(settings)
  if (hosts) print(servingLine(spec.baseName, hosts))
}

/** The pair that signs the tokens of service accounts. */
export async function loadOrCreateServiceAccountKey(
  { certificatesDir, algorithm }: PkiSettings,
  { disk }: PkiWorld,
  print: Print,
): Promise<void> {
  const path = keyFile(certificatesDir, serviceAccountKey)
  const existing = await disk.read(path)
  if (existing !== undefined) {
    parseKey(existing, path)
    print('[certs] Using the existing "sa" key')
  } else {
    print('[certs] Generating "sa" key and public key')
    await disk.write(path, newKey(algorithm), 0o600)
  }
  const publicPath = `${certificatesDir}/${serviceAccountKey}.pub`
  if ((await disk.read(publicPath)) === undefined) {
    const key = (await disk.read(path))!
    await disk.write(publicPath, createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString(), 0o600)
  }
}

/** The authority that is there. */
export async function readAuthority(spec: AuthoritySpec, settings: PkiSettings, disk: Disk): Promise<Authority> {
  const { certificatesDir: folder } = settings
  const { certificate, key } = await readPair(disk, folder, spec.baseName)
  if (certificate === undefined) {
    throw new LifecycleError(`couldn't load ${spec.baseName} certificate authority from ${folder}`, {
      hint: `make it first: coracle init phase certs ${spec.name}`,
    })
  }
  requireAuthority(parseCertificate(certificate, certificateFile(folder, spec.baseName)), spec.baseName)
  return { certificate, key }
}

/** A new certificate of the set, with a key that is there already or a new one. */
export function issue(
  spec: CertificateSpec,
  settings: PkiSettings,
  authority: Authority,
  world: Pick<PkiWorld, 'clock' | 'random'>,
  key: string = newKey(settings.algorithm),
): KeyPair {
  const hosts = spec.hosts?.(settings)
  const request = {
    commonName: spec.commonName(settings),
    usages: spec.usages,
    validityMs: settings.certificateValidityMs,
    ...(spec.organizations && { organizations: spec.organizations }),
    ...(hosts && { hosts }),
  }
  return issueFor(spec.baseName, request, authority, world, key)
}

/**
 * A certificate for a key. It ends with its authority at the latest.
 * @throws LifecycleError when the authority cannot sign
 */
export function issueFor(
  name: string,
  request: Parameters<typeof signPublicKey>[2] & { readonly validityMs: number },
  authority: Authority,
  world: Pick<PkiWorld, 'clock' | 'random'>,
  key: string,
): KeyPair {
  if (authority.key === undefined) {
    throw new LifecycleError(`the key of the authority that signs ${name} is not on this host`, {
      hint: 'make a request with "coracle certs generate-csr", have it signed, and put the certificate beside its key',
    })
  }
  const { validToDate } = parseCertificate(authority.certificate, 'the authority')
  const left = validToDate.getTime() - world.clock.now()
  if (left <= 0) {
    throw new LifecycleError(`the authority that signs ${name} has expired at ${utc(validToDate)}`, {
      hint: 'make a new one, and everything below it: coracle certs rescue',
    })
  }
  const validityMs = Math.min(request.validityMs, left)
  const signing = { certificate: authority.certificate, key: authority.key }
  return { certificate: signPublicKey(signing, createPublicKey(key), { ...request, validityMs }, world), key }
}

/** A private key in PEM, in the form in which kubeadm writes it. */
export const newKey = (algorithm: PkiSettings['algorithm']): string =>
  kubeadmKey(newKeys(algorithm).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())

export function servingLine(baseName: string, hosts: readonly string[]): string {
  const isAddress = (host: string) => host.includes(':') || /^[\d.]+$/.test(host)
  const names = hosts.filter((host) => !isAddress(host)).join(' ')
  return `[certs] ${baseName} serving cert is signed for DNS names [${names}] and IPs [${hosts.filter(isAddress).join(' ')}]`
}

/**
 * The files that a control plane needs of others of its kind, and why each of those that are missing cannot be used, in
 * the words of kubeadm's `join`.
 */
export async function sharedCertificateFaults(settings: PkiSettings, disk: Disk): Promise<readonly string[]> {
  const names: Readonly<Record<string, string>> = { ca: 'CA', 'front-proxy-ca': 'front-proxy CA', 'etcd-ca': 'etcd CA' }
  const needed = authoritiesOf(settings).map(
    ({ name, baseName }) =>
      [
        [`failure loading certificate for ${names[name]}: couldn't load the certificate file`, `${baseName}.crt`],
        [`failure loading key for ${names[name]}: couldn't load the private key file`, `${baseName}.key`],
      ] as const,
  )
  const serviceAccounts = [
    ["failure loading key for service account: couldn't load the private key file", 'sa.key'],
    ["failure loading key for service account: couldn't load the public key file", 'sa.pub'],
  ] as const
  const faults: string[] = []
  for (const files of [needed[0]!, serviceAccounts, ...needed.slice(1)]) {
    for (const [what, file] of files) {
      const path = `${settings.certificatesDir}/${file}`
      if ((await disk.read(path)) !== undefined) continue
      faults.push(`${what} ${path}: open ${path}: no such file or directory`)
      // As the reference, one complaint for each pair.
      break
    }
  }
  return faults
}

function requireAuthority(certificate: X509Certificate, baseName: string): void {
  if (certificate.ca) return
  throw new LifecycleError(`certificate ${baseName} is not a CA`, {
    hint: `put the authority's certificate into ${baseName}.crt; a certificate that it has signed does not do`,
  })
}

function requireUsable(
  spec: CertificateSpec,
  pem: string,
  key: string | undefined,
  authority: Authority,
  { certificatesDir }: PkiSettings,
  clock: Clock,
): void {
  const path = certificateFile(certificatesDir, spec.baseName)
  if (key === undefined) {
    throw new LifecycleError(`${path} is there, but its key ${keyFile(certificatesDir, spec.baseName)} is not`, {
      hint: `put the key back; or remove ${path}, and both are made anew`,
    })
  }
  const certificate = parseCertificate(pem, path)
  if (!isSignedBy(certificate, authority.certificate)) {
    const signer = authorityOf(spec).baseName
    throw new LifecycleError(`[certs] certificate ${spec.baseName} not signed by CA certificate ${signer}`, {
      hint: `${certificatesDir}/${signer}.crt belongs to another cluster than ${path}: put the right one there; or remove ${path} and its key, and both are made anew`,
    })
  }
  requireValid(certificate, path, clock, `renew it: coracle certs renew ${spec.name}`)
}

/** With an authority whose key is elsewhere everything must be there: says all that is not. */
async function requireExternallyManaged(settings: PkiSettings, disk: Disk): Promise<void> {
  const missing: string[] = []
  for (const spec of authoritiesOf(settings)) {
    const { certificate, key } = await readPair(disk, settings.certificatesDir, spec.baseName)
    if (certificate === undefined || key !== undefined) continue
    for (const { baseName, authority } of certificatesOf(settings)) {
      if (authority !== spec.name) continue
      const files = [certificateFile(settings.certificatesDir, baseName), keyFile(settings.certificatesDir, baseName)]
      for (const file of files) if ((await disk.read(file)) === undefined) missing.push(file)
    }
  }
  if (missing.length === 0) return
  throw new LifecycleError(
    `an authority is managed elsewhere (its key is not on this host), and what it must have signed is missing: ${missing.join(', ')}`,
    {
      hint: 'make keys and requests with "coracle certs generate-csr", have them signed, and put the certificates beside the keys',
    },
  )
}
