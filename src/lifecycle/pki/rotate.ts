import { X509Certificate } from 'node:crypto'
import type { Disk } from '../../world/world.ts'
import { LifecycleError } from '../failure.ts'
import { authorityOfKey, type KeyPair } from '../pki.ts'
import { newKey, type PkiWorld } from './create.ts'
import { certificateFile, commitPair, keyFile, mendPair, parseBundle, readPair, stagePair } from './files.ts'
import { changeKubeconfig } from './kubeconfig-edit.ts'
import { kubeconfigs } from './kubeconfigs.ts'
import { renewCertificates } from './renew.ts'
import { authorityNameOf, type CertificateSet, membersOf, nameOf, readMember } from './set.ts'
import type { PkiSettings } from './settings.ts'
import type { AuthoritySpec } from './specs.ts'

/**
 * A new authority in place of an old one, with no moment in which two that should trust each other do not. Each step is
 * done on every control plane before the next begins anywhere; how far one has come can be told from its files alone:
 *
 * 1. `trust`: the bundle `ca.crt` holds the old authority, which goes on to sign, and the new one, whose key waits in
 *    `ca-next.key`. Everybody comes to trust both.
 * 2. `reissue`: the new one signs, and everything is made anew by it; the bundle still holds both.
 * 3. `drop`: the old one is trusted no more.
 */
export type RotationStep = 'trust' | 'reissue' | 'drop'

export const rotationSteps: readonly RotationStep[] = ['trust', 'reissue', 'drop']

/** The file of the next authority's key, while there is one. */
export const nextKeyFile = (spec: AuthoritySpec, { certificatesDir }: PkiSettings): string =>
  keyFile(certificatesDir, `${spec.baseName}-next`)

/** What comes next for an authority on this host. @throws LifecycleError when it cannot be rotated here */
export async function nextStep(spec: AuthoritySpec, settings: PkiSettings, disk: Disk): Promise<RotationStep> {
  const { certificate, key } = await readWithKey(spec, settings, disk)
  const bundle = parseBundle(certificate, certificateFile(settings.certificatesDir, spec.baseName))
  if (bundle.length === 1) return 'trust'
  const next = await disk.read(nextKeyFile(spec, settings))
  return next !== undefined && next !== key ? 'reissue' : 'drop'
}

/** What a step would do, a line each. */
export async function planOfStep(
  step: RotationStep,
  spec: AuthoritySpec,
  set: CertificateSet,
  settings: PkiSettings,
  disk: Disk,
): Promise<readonly string[]> {
  const bundle = certificateFile(settings.certificatesDir, spec.baseName)
  const trusting =
    spec.name === 'ca' && set.kubeconfigs.length > 0 ? ` and the kubeconfigs in ${settings.kubernetesDir}` : ''
  if (step === 'trust') {
    return [
      `make a new ${spec.commonName} authority, its key in ${nextKeyFile(spec, settings)}`,
      `trust it beside the old one in ${bundle}${trusting}; the old one goes on to sign`,
    ]
  }
  if (step === 'reissue') {
    const names = await signedByOther(spec, set, settings, disk, 'next')
    return [
      `sign with the new authority from now on; both stay trusted in ${bundle}`,
      `make anew by it: ${names.join(', ')}`,
    ]
  }
  return [`trust the old authority no more: drop it from ${bundle}${trusting}`]
}

export interface RotationTools {
  readonly set: CertificateSet
  readonly settings: PkiSettings
  readonly world: PkiWorld
  print(line: string): void
}

/** Does one step; what an interruption has left of it is finished. */
export async function rotateStep(step: RotationStep, spec: AuthoritySpec, tools: RotationTools): Promise<void> {
  const { settings, world } = tools
  await mendPair(world.disk, settings.certificatesDir, spec.baseName)
  if (step === 'trust') await trust(spec, tools)
  else if (step === 'reissue') await reissue(spec, tools)
  else await drop(spec, tools)
}

async function trust(spec: AuthoritySpec, tools: RotationTools): Promise<void> {
  const { settings, world } = tools
  const { certificate, key } = await readWithKey(spec, settings, world.disk)
  // Another control plane has begun, and what it has made was brought here.
  if (blocks(certificate).length > 1) return trustInKubeconfigs(spec, tools)
  const keyPath = nextKeyFile(spec, settings)
  const next = (await world.disk.read(keyPath)) ?? newKey(settings.algorithm)
  await world.disk.write(keyPath, next, 0o600)
  const made = authorityOfKey(spec.commonName, next, world, settings.caCertificateValidityMs)
  await replace(spec, { certificate: first(certificate) + made.certificate, key }, tools)
  tools.print(`[certs] ${spec.name}: a new authority is trusted beside the old one, which goes on to sign`)
  await trustInKubeconfigs(spec, tools)
}

async function reissue(spec: AuthoritySpec, tools: RotationTools): Promise<void> {
  const { settings, world, set } = tools
  const { certificate, key } = await readWithKey(spec, settings, world.disk)
  const next = await world.disk.read(nextKeyFile(spec, settings))
  if (next !== undefined && next !== key) {
    const [old, made] = blocks(certificate)
    await replace(spec, { certificate: made! + old!, key: next }, tools)
    tools.print(`[certs] ${spec.name}: the new authority signs from now on`)
  }
  const names = await signedByOther(spec, set, settings, world.disk, 'first')
  const members = membersOf(set).filter((member) => names.includes(nameOf(member)))
  await renewCertificates(members, settings, world, {}, tools.print)
  await trustInKubeconfigs(spec, tools)
  await world.disk.remove(nextKeyFile(spec, settings))
}

async function drop(spec: AuthoritySpec, tools: RotationTools): Promise<void> {
  const { settings, world, set } = tools
  // A re-issue that was interrupted comes first.
  if ((await signedByOther(spec, set, settings, world.disk, 'first')).length > 0) await reissue(spec, tools)
  const { certificate, key } = await readWithKey(spec, settings, world.disk)
  await replace(spec, { certificate: first(certificate), key }, tools)
  await world.disk.remove(nextKeyFile(spec, settings))
  tools.print(`[certs] ${spec.name}: the old authority is trusted no more`)
  await trustInKubeconfigs(spec, tools)
}

async function replace(spec: AuthoritySpec, pair: KeyPair, { settings, world }: RotationTools): Promise<void> {
  await stagePair(world.disk, settings.certificatesDir, spec.baseName, pair)
  await commitPair(world.disk, settings.certificatesDir, spec.baseName)
}

/** Those who speak to the API server trust what the bundle holds. */
async function trustInKubeconfigs(spec: AuthoritySpec, { set, settings, world, print }: RotationTools): Promise<void> {
  // A set without kubeconfigs is another cluster's than the one whose kubeconfigs lie there.
  if (spec.name !== 'ca' || set.kubeconfigs.length === 0) return
  const certificateAuthority = (await readWithKey(spec, settings, world.disk)).certificate
  for (const { file } of kubeconfigs) {
    const path = `${settings.kubernetesDir}/${file}`
    const text = await world.disk.read(path)
    if (text === undefined) continue
    const changed = changeKubeconfig(text, path, { certificateAuthority })
    if (changed === text) continue
    await world.disk.write(path, changed, 0o600)
    print(`[kubeconfig] ${file} trusts what ca.crt holds`)
  }
}

/** The certificates that the first authority of the bundle has not signed (`next`: that the one to come has not). */
async function signedByOther(
  spec: AuthoritySpec,
  set: CertificateSet,
  settings: PkiSettings,
  disk: Disk,
  which: 'first' | 'next',
): Promise<readonly string[]> {
  const { certificate } = await readWithKey(spec, settings, disk)
  const bundle = blocks(certificate)
  const { publicKey } = new X509Certificate(which === 'next' ? bundle.at(-1)! : bundle[0]!)
  const names: string[] = []
  for (const member of membersOf(set)) {
    if (authorityNameOf(member) !== spec.name) continue
    const found = await readMember(member, settings, disk)
    if (found && !found.verify(publicKey)) names.push(nameOf(member))
  }
  return names
}

const blocks = (bundle: string): readonly string[] =>
  (bundle.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []).map((block) => `${block}\n`)

const first = (bundle: string): string => blocks(bundle)[0]!

async function readWithKey(spec: AuthoritySpec, settings: PkiSettings, disk: Disk): Promise<KeyPair> {
  const { certificate, key } = await readPair(disk, settings.certificatesDir, spec.baseName)
  const path = certificateFile(settings.certificatesDir, spec.baseName)
  if (certificate === undefined) {
    throw new LifecycleError(`${path} is not there`, { hint: 'authorities are rotated on control planes' })
  }
  if (key !== undefined) return { certificate, key }
  throw new LifecycleError(`Detected external ${spec.baseName}: it can't be rotated here, as its key is elsewhere`, {
    hint: `put old and new authority into ${path}, then have everything signed anew, then drop the old one`,
  })
}
