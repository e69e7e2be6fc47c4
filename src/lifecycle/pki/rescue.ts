import { LifecycleError } from '../failure.ts'
import { paths } from '../paths.ts'
import { authorityOfKey } from '../pki.ts'
import { issueFor, newKey, type PkiWorld, readAuthority } from './create.ts'
import { certificateFile, commitPair, mendPair, parseCertificate, readPair, stagePair, utc } from './files.ts'
import { changeKubeconfig } from './kubeconfig-edit.ts'
import { kubeconfigs, readCluster, writeKubeconfigFiles } from './kubeconfigs.ts'
import { renewCertificates } from './renew.ts'
import { authorityNameOf, type CertificateSet, membersOf, nameOf, readMember } from './set.ts'
import type { PkiSettings } from './settings.ts'
import { type AuthoritySpec, authorities } from './specs.ts'

/**
 * What there is to do where nothing answers any more because everything has expired: it needs the files of this host
 * alone. An authority that has expired gets a new certificate for the key it has: what it has signed stays good, and
 * the hash by which hosts join stays the same.
 */
export interface Rescue {
  /** Authorities that have expired. */
  readonly authorities: readonly AuthoritySpec[]
  /** Certificates and kubeconfigs that are made anew, by name. */
  readonly names: readonly string[]
  /** Whether this host's kubelet gets a certificate, too. */
  readonly kubelet: boolean
}

/** What a rescue would do here. @throws LifecycleError when the keys that it needs are not here */
export async function planRescue(set: CertificateSet, settings: PkiSettings, world: PkiWorld): Promise<Rescue> {
  const expired: AuthoritySpec[] = []
  for (const spec of set.authorities) {
    const { certificate, key } = await readPair(world.disk, settings.certificatesDir, spec.baseName)
    if (certificate === undefined) {
      throw new LifecycleError(
        `couldn't load ${spec.baseName} certificate authority from ${settings.certificatesDir}`,
        {
          hint: 'this is done on a control plane, or with --cert-dir where its files were put back from a backup',
        },
      )
    }
    const path = certificateFile(settings.certificatesDir, spec.baseName)
    if (parseCertificate(certificate, path).validToDate.getTime() > world.clock.now()) continue
    if (key === undefined) {
      throw new LifecycleError(`${path} has expired, and its key is not on this host`, {
        hint: 'whoever keeps the key has to make a new certificate for it; then run this again',
      })
    }
    expired.push(spec)
  }
  const names: string[] = []
  for (const member of membersOf(set)) {
    const signer = authorities.find(({ name }) => name === authorityNameOf(member))!
    const { key } = await readAuthority(signer, settings, world.disk)
    if (key !== undefined) names.push(nameOf(member))
  }
  return { authorities: expired, names, kubelet: set.kubeconfigs.length > 0 && (await kubeletExpired(settings, world)) }
}

/** Does it. Run again, it does what is left. */
export async function rescue(
  set: CertificateSet,
  settings: PkiSettings,
  world: PkiWorld,
  print: (line: string) => void,
): Promise<Rescue> {
  const plan = await planRescue(set, settings, world)
  for (const spec of plan.authorities) {
    await mendPair(world.disk, settings.certificatesDir, spec.baseName)
    const { key } = await readPair(world.disk, settings.certificatesDir, spec.baseName)
    const pair = authorityOfKey(spec.commonName, key!, world, settings.caCertificateValidityMs)
    await stagePair(world.disk, settings.certificatesDir, spec.baseName, pair)
    await commitPair(world.disk, settings.certificatesDir, spec.baseName)
    const { validToDate } = parseCertificate(pair.certificate, spec.baseName)
    print(`${spec.longName} renewed with the key it had, until ${utc(validToDate)}`)
  }
  const members = membersOf(set).filter((member) => plan.names.includes(nameOf(member)))
  // super-admin.conf is on the first control plane alone.
  const meant: typeof members = []
  for (const member of members) {
    const isThere = (await readMember(member, settings, world.disk).catch(() => undefined)) !== undefined
    if (isThere || nameOf(member) !== 'super-admin.conf') meant.push(member)
  }
  await renewCertificates(meant, settings, world, { createMissing: true }, print)
  if (plan.kubelet) await rescueKubelet(settings, world, print)
  return plan
}

/** Whether the kubelet's kubeconfig is there, and no use: then it cannot ask for a certificate by itself. */
async function kubeletExpired(settings: PkiSettings, { disk, clock }: PkiWorld): Promise<boolean> {
  const path = kubeletPath(settings)
  const text = await disk.read(path)
  if (text === undefined) return false
  const { certificate = await disk.read(currentFile) } = readCluster(text, path)
  return certificate === undefined || parseCertificate(certificate, path).validToDate.getTime() <= clock.now()
}

const currentFile = `${paths.kubeletCertificates}/kubelet-client-current.pem`
const kubeletPath = ({ kubernetesDir }: PkiSettings) => `${kubernetesDir}/kubelet.conf`

async function rescueKubelet(settings: PkiSettings, world: PkiWorld, print: (line: string) => void): Promise<void> {
  const { disk, clock } = world
  const authority = await readAuthority(authorities[0]!, settings, disk)
  if (authority.key === undefined) return
  const spec = kubeconfigs.find(({ file }) => file === 'kubelet.conf')!
  const request = {
    commonName: spec.user(settings),
    organizations: spec.organizations,
    usages: ['client'] as const,
    validityMs: settings.certificateValidityMs,
  }
  const { certificate, key } = issueFor('kubelet.conf', request, authority, world, newKey(settings.algorithm))
  const stamp = new Date(clock.now())
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replace(/[T:]/g, '-')
  const dated = `${paths.kubeletCertificates}/kubelet-client-${stamp}.pem`
  await disk.write(dated, certificate + key, 0o600)
  await disk.link(dated, currentFile)
  const path = kubeletPath(settings)
  const old = (await disk.read(path))!
  const isOwn = old.includes(currentFile)
  const { certificate: certificateAuthority } = authority
  const text = isOwn
    ? changeKubeconfig(old, path, { certificateAuthority })
    : writeKubeconfigFiles({
        server: spec.server(settings),
        certificateAuthority,
        certificateFile: currentFile,
        keyFile: currentFile,
      })
  await disk.write(path, text, 0o600)
  print('certificate of the kubelet of this host made')
}

/** What remains to be done elsewhere, a line each. */
export function afterRescue(plan: Rescue, { certificatesDir }: PkiSettings): readonly string[] {
  const renewed = plan.authorities.map(({ baseName }) => `${certificatesDir}/${baseName}.crt`)
  return [
    'On this host: processes read what is new by themselves; those that had ended are started again (coracle node, or systemctl restart kubelet).',
    ...(renewed.length > 0 ? [`On every other control plane: first copy ${renewed.join(' and ')} there.`] : []),
    'On every other control plane: coracle certs rescue',
    'On workers whose kubelet certificate has expired: coracle reset, then the command that "coracle token create --print-join-command" prints; pods that run go on.',
    ...(plan.authorities.some(({ name }) => name === 'ca')
      ? ['Who keeps a kubeconfig: fetch it anew, as it names the authority that has expired.']
      : []),
  ]
}
