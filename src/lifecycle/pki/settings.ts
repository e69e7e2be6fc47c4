import { paths } from '../paths.ts'
import type { KeyAlgorithm } from '../pki.ts'

/** What of a kubeadm configuration decides about certificates and kubeconfigs. */
export interface PkiSettings {
  /** `certificatesDir` */
  readonly certificatesDir: string
  /** Where the kubeconfigs lie. */
  readonly kubernetesDir: string
  /** `nodeRegistration.name` */
  readonly nodeName: string
  /** `localAPIEndpoint` */
  readonly advertiseAddress: string
  readonly bindPort: number
  /** `HOST[:PORT]`; absent: the local one. */
  readonly controlPlaneEndpoint?: string
  readonly clusterName: string
  /** `networking.dnsDomain` */
  readonly dnsDomain: string
  /** `networking.serviceSubnet`: one range, or one of each family after another. */
  readonly serviceSubnet: string
  /** `apiServer.certSANs`, `etcd.local.serverCertSANs`, `etcd.local.peerCertSANs` */
  readonly apiServerCertSans: readonly string[]
  readonly etcdServerCertSans: readonly string[]
  readonly etcdPeerCertSans: readonly string[]
  /** Whether etcd, and its certificates, are somebody else's. */
  readonly externalEtcd: boolean
  /** `encryptionAlgorithm` */
  readonly algorithm: KeyAlgorithm
  readonly certificateValidityMs: number
  readonly caCertificateValidityMs: number
  /**
   * Whether the kubelet of a control plane speaks to the API server on its own host (feature gate
   * ControlPlaneKubeletLocalMode) instead of the cluster's endpoint.
   */
  readonly kubeletLocalMode: boolean
}

const dayMs = 24 * 3_600_000

/** What kubeadm has where nothing is configured; keys are ECDSA, which are made a thousand times faster. */
export const defaultPkiSettings = {
  certificatesDir: paths.certificates,
  kubernetesDir: paths.kubernetes,
  bindPort: 6443,
  clusterName: 'kubernetes',
  dnsDomain: 'cluster.local',
  serviceSubnet: '10.96.0.0/12',
  apiServerCertSans: [],
  etcdServerCertSans: [],
  etcdPeerCertSans: [],
  externalEtcd: false,
  algorithm: 'ECDSA-P256',
  certificateValidityMs: 365 * dayMs,
  caCertificateValidityMs: 3650 * dayMs,
  kubeletLocalMode: false,
} as const satisfies Partial<PkiSettings>

/** URL of the API server of this host. */
export function localEndpoint({ advertiseAddress, bindPort }: PkiSettings): string {
  return `https://${bracketed(advertiseAddress)}:${bindPort}`
}

/** URL of the cluster's API server: the configured endpoint, with the local port when it names none. */
export function clusterEndpoint(settings: PkiSettings): string {
  const { controlPlaneEndpoint, bindPort } = settings
  if (!controlPlaneEndpoint) return localEndpoint(settings)
  const { host, port } = splitHostPort(controlPlaneEndpoint)
  return `https://${bracketed(host)}:${port ?? bindPort}`
}

/** `host`, `host:port`, `[::1]:port` or a bare address of IPv6. */
export function splitHostPort(text: string): { readonly host: string; readonly port?: number } {
  const [, bracket, name, port] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? []
  const host = bracket ?? name
  // More than one colon without brackets: an address.
  if (!host) return { host: text }
  return { host, ...(port !== undefined && { port: Number(port) }) }
}

export const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)
