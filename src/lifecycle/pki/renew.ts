import type { X509Certificate } from 'node:crypto'
import { LifecycleError } from '../failure.ts'
import type { KeyPair } from '../pki.ts'
import { type Authority, issueFor, newKey, type PkiWorld, readAuthority } from './create.ts'
import {
  certificateFile,
  commitFile,
  commitPair,
  dropStaged,
  keyFile,
  mendPair,
  stageFile,
  stagePair,
} from './files.ts'
import { changeKubeconfig } from './kubeconfig-edit.ts'
import { writeKubeconfig } from './kubeconfigs.ts'
import { authorityNameOf, type CertificateSet, fileOf, type Member, membersOf, nameOf, readMember } from './set.ts'
import type { PkiSettings } from './settings.ts'
import { type AuthoritySpec, authorities } from './specs.ts'

export interface RenewOptions {
  /** Takes names and addresses from the configuration instead of the certificate that is there. */
  readonly regenerateSans?: boolean
  /** Makes what is missing, too, instead of saying so. */
  readonly createMissing?: boolean
}

type Print = (line: string) => void

/**
 * Renews certificates in place, whenever they end: new keys, the subjects and names they had. Either all of them are
 * new afterwards or, when one cannot be made or written, all of them are as they were. Returns how many are new.
 * @throws LifecycleError when one cannot be made, DiskError when there is no room
 */
export async function renewCertificates(
  members: readonly Member[],
  settings: PkiSettings,
  world: PkiWorld,
  options: RenewOptions,
  print: Print,
): Promise<number> {
  const staged: Staged[] = []
  try {
    for (const member of members) staged.push(await stage(member, settings, world, options))
  } catch (error) {
    for (const member of members) await dropMember(member, settings, world)
    throw error
  }
  for (const { member, isNew } of staged) if (isNew) await commit(member, settings, world)
  for (const { line } of staged) print(line)
  return staged.filter(({ isNew }) => isNew).length
}

/** Members of a set by name; `all` is all. @throws LifecycleError for a name that is none */
export function membersNamed(set: CertificateSet, name: string): readonly Member[] {
  const members = membersOf(set)
  if (name === 'all') return members
  const found = members.filter((member) => nameOf(member) === name)
  if (found.length > 0) return found
  throw new LifecycleError(`${name} is not a valid certificate for this cluster`, {
    hint: `it has ${members.map(nameOf).join(', ')}; or all`,
  })
}

interface Staged {
  readonly member: Member
  readonly isNew: boolean
  readonly line: string
}

/** Makes the new one and writes it beside the old one. */
async function stage(member: Member, settings: PkiSettings, world: PkiWorld, options: RenewOptions): Promise<Staged> {
  const { longName } = member.spec
  if (member.kind === 'certificate') await mendPair(world.disk, settings.certificatesDir, member.spec.baseName)
  const old = await readMember(member, settings, world.disk)
  if (old === undefined && !options.createMissing) return { member, isNew: false, line: `MISSING! ${longName}` }
  const signer = authorityOfMember(member)
  const authority = await readAuthority(signer, settings, world.disk)
  if (authority.key === undefined) {
    return { member, isNew: false, line: `Detected external ${signer.baseName}, ${longName} can't be renewed` }
  }
  const request = old === undefined || options.regenerateSans ? wanted(member, settings) : wantedBy(old)
  const validityMs = settings.certificateValidityMs
  const pair = issueFor(nameOf(member), { ...request, validityMs }, authority, world, newKey(settings.algorithm))
  if (member.kind === 'certificate') {
    await stagePair(world.disk, settings.certificatesDir, member.spec.baseName, pair)
  } else {
    const path = fileOf(member, settings)
    await stageFile(world.disk, path, await kubeconfigWith(pair, member, settings, authority, world), 0o600)
  }
  return { member, isNew: true, line: `${longName} ${old === undefined ? 'made' : 'renewed'}` }
}

async function commit(member: Member, settings: PkiSettings, { disk }: PkiWorld): Promise<void> {
  if (member.kind === 'certificate') await commitPair(disk, settings.certificatesDir, member.spec.baseName)
  else await commitFile(disk, fileOf(member, settings))
}

async function dropMember(member: Member, settings: PkiSettings, { disk }: PkiWorld): Promise<void> {
  const { certificatesDir: folder } = settings
  if (member.kind === 'kubeconfig') return dropStaged(disk, fileOf(member, settings))
  await dropStaged(disk, keyFile(folder, member.spec.baseName))
  await dropStaged(disk, certificateFile(folder, member.spec.baseName))
}

const authorityOfMember = (member: Member): AuthoritySpec =>
  authorities.find(({ name }) => name === authorityNameOf(member))!

/** The kubeconfig that is there with another certificate, or a new one. */
async function kubeconfigWith(
  pair: KeyPair,
  member: Member & { readonly kind: 'kubeconfig' },
  settings: PkiSettings,
  { certificate: certificateAuthority }: Authority,
  { disk }: PkiWorld,
): Promise<string> {
  const path = fileOf(member, settings)
  const text = await disk.read(path)
  if (text !== undefined) return changeKubeconfig(text, path, { credential: pair, certificateAuthority })
  const { clusterName } = settings
  const { spec } = member
  const server = spec.server(settings)
  return writeKubeconfig({ clusterName, server, certificateAuthority, user: spec.user(settings), credential: pair })
}

type Request = Omit<Parameters<typeof issueFor>[1], 'validityMs'>

/** What the configuration says that the certificate should say. */
function wanted(member: Member, settings: PkiSettings): Request {
  const { spec } = member
  if (member.kind === 'kubeconfig') {
    return { commonName: member.spec.user(settings), organizations: spec.organizations ?? [], usages: ['client'] }
  }
  const hosts = member.spec.hosts?.(settings)
  return {
    commonName: member.spec.commonName(settings),
    organizations: spec.organizations ?? [],
    usages: member.spec.usages,
    ...(hosts && { hosts }),
  }
}

/** What a certificate says. */
export function wantedBy(certificate: X509Certificate): Request {
  const subject = certificate.toLegacyObject().subject as unknown as Readonly<Record<string, string | string[]>>
  const valuesOf = (type: string) => [subject[type] ?? []].flat()
  const purposes = certificate.keyUsage ?? []
  const usages = [
    ...(purposes.includes('1.3.6.1.5.5.7.3.1') ? (['server'] as const) : []),
    ...(purposes.includes('1.3.6.1.5.5.7.3.2') ? (['client'] as const) : []),
  ]
  const hosts = (certificate.subjectAltName ?? '').split(', ').flatMap((name) => {
    const [, host] = /^(?:DNS|IP Address):(.+)$/.exec(name) ?? []
    return host === undefined ? [] : [host]
  })
  return {
    commonName: valuesOf('CN').at(-1) ?? '',
    organizations: valuesOf('O'),
    usages,
    ...(hosts.length > 0 && { hosts }),
  }
}
