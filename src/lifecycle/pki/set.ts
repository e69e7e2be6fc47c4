import type { X509Certificate } from 'node:crypto'
import type { Disk } from '../../world/world.ts'
import { certificateFile, keyFile, parseCertificate } from './files.ts'
import { type KubeconfigSpec, kubeconfigs, readCluster } from './kubeconfigs.ts'
import type { PkiSettings } from './settings.ts'
import {
  type AuthoritySpec,
  authorities,
  authoritiesOf,
  type CertificateSpec,
  certificates,
  certificatesOf,
} from './specs.ts'

/** Which certificates belong together: those whose ends are watched, and that are renewed, as one. */
export interface CertificateSet {
  readonly authorities: readonly AuthoritySpec[]
  readonly certificates: readonly CertificateSpec[]
  readonly kubeconfigs: readonly KubeconfigSpec[]
}

/** Of a control plane. The kubelet's kubeconfig is not among them: its certificate is the kubelet's to renew. */
export function controlPlaneSet(settings: PkiSettings): CertificateSet {
  return {
    authorities: authoritiesOf(settings),
    certificates: certificatesOf(settings),
    kubeconfigs: kubeconfigs.filter(({ renewsItself }) => !renewsItself),
  }
}

/** Of a cluster that `coracle up` runs. */
export const localSet: CertificateSet = {
  authorities: authorities.filter(({ name }) => name !== 'etcd-ca'),
  certificates: [
    ...certificates.filter(({ name }) => name === 'apiserver' || name === 'front-proxy-client'),
    {
      name: 'admin',
      longName: 'certificate of the administrator',
      baseName: 'admin',
      authority: 'ca',
      usages: ['client'],
      organizations: ['system:masters'],
      commonName: () => 'kubernetes-admin',
    },
  ],
  kubeconfigs: [],
}

/** A certificate of the set that has an end, wherever it lies. */
export type Member =
  | { readonly kind: 'certificate'; readonly spec: CertificateSpec }
  | { readonly kind: 'kubeconfig'; readonly spec: KubeconfigSpec }

/** All of them, by name. */
export function membersOf(set: CertificateSet): readonly Member[] {
  const members: Member[] = [
    ...set.certificates.map((spec) => ({ kind: 'certificate' as const, spec })),
    ...set.kubeconfigs.map((spec) => ({ kind: 'kubeconfig' as const, spec })),
  ]
  return members.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
}

/** As `certs renew NAME` has it. */
export const nameOf = (member: Member): string => (member.kind === 'certificate' ? member.spec.name : member.spec.file)

/** The name of the authority that signs it. */
export const authorityNameOf = (member: Member): AuthoritySpec['name'] =>
  member.kind === 'certificate' ? member.spec.authority : 'ca'

/** The file that holds its certificate. */
export const fileOf = (member: Member, settings: PkiSettings): string =>
  member.kind === 'certificate'
    ? certificateFile(settings.certificatesDir, member.spec.baseName)
    : `${settings.kubernetesDir}/${member.spec.file}`

/** Its certificate; nothing when its file is not there. */
export async function readMember(
  member: Member,
  settings: PkiSettings,
  disk: Disk,
): Promise<X509Certificate | undefined> {
  const path = fileOf(member, settings)
  const text = await disk.read(path)
  if (text === undefined) return undefined
  if (member.kind === 'certificate') return parseCertificate(text, path)
  const { certificate } = readCluster(text, path)
  return certificate === undefined ? undefined : parseCertificate(certificate, path)
}

/** Whether somebody else keeps the key of an authority that is there. */
export async function isExternal(spec: AuthoritySpec, { certificatesDir }: PkiSettings, disk: Disk): Promise<boolean> {
  const [certificate, key] = await Promise.all([
    disk.read(certificateFile(certificatesDir, spec.baseName)),
    disk.read(keyFile(certificatesDir, spec.baseName)),
  ])
  return certificate !== undefined && key === undefined
}
