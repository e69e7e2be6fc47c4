import { formatIp, nthAddress, parseCidr, parseIp } from '../../base/cidr.ts'
import { LifecycleError } from '../failure.ts'
import { type PkiSettings, splitHostPort } from './settings.ts'

/**
 * The certificates of a control plane, as kubeadm 1.36 makes them: one row each. Everything else (creation, expiry,
 * renewal, rotation, upload) follows from these rows.
 */
export interface CertificateSpec {
  /** As in `init phase certs NAME` and `certs renew NAME`. */
  readonly name: string
  /** What it is for; the words of `certs renew`. */
  readonly longName: string
  /** The file below `certificatesDir`, without its ending. */
  readonly baseName: string
  /** Name of the authority that signs it. */
  readonly authority: AuthoritySpec['name']
  readonly usages: readonly ('client' | 'server')[]
  readonly organizations?: readonly string[]
  commonName(settings: PkiSettings): string
  /** DNS names and addresses for which it holds. */
  hosts?(settings: PkiSettings): readonly string[]
}

export interface AuthoritySpec {
  readonly name: 'ca' | 'front-proxy-ca' | 'etcd-ca'
  readonly longName: string
  readonly baseName: string
  readonly commonName: string
}

export const authorities: readonly AuthoritySpec[] = [
  {
    name: 'ca',
    longName: 'self-signed Kubernetes CA to provision identities for other Kubernetes components',
    baseName: 'ca',
    commonName: 'kubernetes',
  },
  {
    name: 'front-proxy-ca',
    longName: 'self-signed CA to provision identities for front proxy',
    baseName: 'front-proxy-ca',
    commonName: 'front-proxy-ca',
  },
  {
    name: 'etcd-ca',
    longName: 'self-signed CA to provision identities for etcd',
    baseName: 'etcd/ca',
    commonName: 'etcd-ca',
  },
]

export const certificates: readonly CertificateSpec[] = [
  {
    name: 'apiserver',
    longName: 'certificate for serving the Kubernetes API',
    baseName: 'apiserver',
    authority: 'ca',
    usages: ['server'],
    commonName: () => 'kube-apiserver',
    hosts: apiServerHosts,
  },
  {
    name: 'apiserver-kubelet-client',
    longName: 'certificate for the API server to connect to kubelet',
    baseName: 'apiserver-kubelet-client',
    authority: 'ca',
    usages: ['client'],
    organizations: ['kubeadm:cluster-admins'],
    commonName: () => 'kube-apiserver-kubelet-client',
  },
  {
    name: 'front-proxy-client',
    longName: 'certificate for the front proxy client',
    baseName: 'front-proxy-client',
    authority: 'front-proxy-ca',
    usages: ['client'],
    commonName: () => 'front-proxy-client',
  },
  {
    name: 'etcd-server',
    longName: 'certificate for serving etcd',
    baseName: 'etcd/server',
    authority: 'etcd-ca',
    // etcd's gateway is a client of itself.
    usages: ['server', 'client'],
    commonName: ({ nodeName }) => nodeName,
    hosts: (settings) => etcdHosts(settings, settings.etcdServerCertSans),
  },
  {
    name: 'etcd-peer',
    longName: 'certificate for etcd nodes to communicate with each other',
    baseName: 'etcd/peer',
    authority: 'etcd-ca',
    usages: ['server', 'client'],
    commonName: ({ nodeName }) => nodeName,
    hosts: (settings) => etcdHosts(settings, settings.etcdPeerCertSans),
  },
  {
    name: 'etcd-healthcheck-client',
    longName: 'certificate for liveness probes to healthcheck etcd',
    baseName: 'etcd/healthcheck-client',
    authority: 'etcd-ca',
    usages: ['client'],
    commonName: () => 'kube-etcd-healthcheck-client',
  },
  {
    name: 'apiserver-etcd-client',
    longName: 'certificate the apiserver uses to access etcd',
    baseName: 'apiserver-etcd-client',
    authority: 'etcd-ca',
    usages: ['client'],
    commonName: () => 'kube-apiserver-etcd-client',
  },
]

/** Signs the tokens of service accounts; no certificate. */
export const serviceAccountKey = 'sa'

/** Those that belong to a cluster: with an etcd of somebody else, none of etcd's. */
export function certificatesOf({ externalEtcd }: PkiSettings): readonly CertificateSpec[] {
  return externalEtcd ? certificates.filter(({ authority }) => authority !== 'etcd-ca') : certificates
}

export function authoritiesOf({ externalEtcd }: PkiSettings): readonly AuthoritySpec[] {
  return externalEtcd ? authorities.filter(({ name }) => name !== 'etcd-ca') : authorities
}

export function authorityOf({ authority }: CertificateSpec): AuthoritySpec {
  return authorities.find(({ name }) => name === authority)!
}

/** Names sorted and once each, addresses behind them in their order: as kubeadm has them since 1.27. */
function apiServerHosts(settings: PkiSettings): readonly string[] {
  const { nodeName, dnsDomain, advertiseAddress, controlPlaneEndpoint, apiServerCertSans } = settings
  return tidy([
    ...[nodeName, 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${dnsDomain}`],
    ...[apiServiceAddress(settings), advertiseAddress],
    ...(controlPlaneEndpoint ? [splitHostPort(controlPlaneEndpoint).host] : []),
    ...apiServerCertSans,
  ])
}

function etcdHosts({ nodeName, advertiseAddress }: PkiSettings, others: readonly string[]): readonly string[] {
  return tidy([nodeName, 'localhost', advertiseAddress, '127.0.0.1', '::1', ...others])
}

/** The first address of the (first) range of services: the API's own in the cluster. */
export function apiServiceAddress({ serviceSubnet }: PkiSettings): string {
  const cidr = parseCidr(serviceSubnet.split(',')[0]!.trim())
  if (cidr) return formatIp(nthAddress(cidr, 1n))
  throw new LifecycleError(`unable to get first IP address from the given CIDR: ${serviceSubnet}`, {
    hint: 'networking.serviceSubnet is a range such as 10.96.0.0/12',
  })
}

function tidy(hosts: readonly string[]): readonly string[] {
  const addresses = hosts.flatMap((host) => {
    const address = parseIp(host)
    return address ? [formatIp(address)] : []
  })
  const names = hosts.filter((host) => parseIp(host) === undefined)
  return [...new Set([...names.sort(), ...addresses])]
}
