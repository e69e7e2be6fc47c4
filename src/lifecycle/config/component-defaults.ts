import { formatIp, nthAddress, parseCidr } from '../../base/cidr.ts'
import { paths } from '../paths.ts'
import type { ClusterConfiguration } from './types.ts'

/**
 * The configurations of kubelets and of the proxy of services, as they are uploaded and written: what was given, and
 * what kubeadm sets where nothing was. A value that differs from it on purpose is kept, and said.
 */
export type ComponentConfiguration = Readonly<Record<string, unknown>>

export const kubeletPort = 10_250
export const kubeletHealthzPort = 10_248

type Warn = (line: string) => void

/** The address of the cluster's DNS: the tenth of the (first) range of services. */
export function dnsAddress(serviceSubnet: string): string {
  const cidr = parseCidr(serviceSubnet.split(',')[0]!.trim(), 'sloppy')
  return cidr ? formatIp(nthAddress(cidr, 10n)) : '10.96.0.10'
}

export function kubeletConfiguration(
  given: ComponentConfiguration | undefined,
  cluster: ClusterConfiguration,
  warn: Warn = () => {},
): ComponentConfiguration {
  const filled = new Filled('KubeletConfiguration', given ?? {}, warn)
  filled.wish('staticPodPath', paths.manifests)
  filled.wish('clusterDNS', [dnsAddress(cluster.networking.serviceSubnet)])
  filled.wish('clusterDomain', cluster.networking.dnsDomain)
  filled.wish('authentication.x509.clientCAFile', `${cluster.certificatesDir}/ca.crt`)
  filled.wish('authentication.anonymous.enabled', false)
  filled.wish('authentication.webhook.enabled', true)
  filled.wish('authorization.mode', 'Webhook')
  filled.wish('healthzBindAddress', '127.0.0.1')
  filled.wish('healthzPort', kubeletHealthzPort)
  filled.set('rotateCertificates', true)
  filled.preset('cgroupDriver', 'systemd')
  return { ...filled.value, apiVersion: 'kubelet.config.k8s.io/v1beta1', kind: 'KubeletConfiguration' }
}

export function kubeProxyConfiguration(
  given: ComponentConfiguration | undefined,
  cluster: ClusterConfiguration,
  advertiseAddress: string,
  warn: Warn = () => {},
): ComponentConfiguration {
  const filled = new Filled('KubeProxyConfiguration', given ?? {}, warn)
  filled.wish('bindAddress', advertiseAddress.includes(':') ? '::' : '0.0.0.0')
  if (cluster.networking.podSubnet !== '') filled.wish('clusterCIDR', cluster.networking.podSubnet)
  filled.wish('clientConnection.kubeconfig', '/var/lib/kube-proxy/kubeconfig.conf')
  const said = { ...filled.value, apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration' }
  return above(proxyZeroes, said)
}

const syncZeroes = { minSyncPeriod: '0s', syncPeriod: '0s' }
const jsonZeroes = { infoBufferSize: '0' }

/**
 * Where nothing is said, kubeadm writes that: who edits the ConfigMap of the proxies finds all that there is to be set. For the
 * proxy each of these stands for what is usual.
 */
const proxyZeroes: ComponentConfiguration = {
  bindAddressHardFail: false,
  clientConnection: { acceptContentTypes: '', burst: 0, contentType: '', qps: 0 },
  clusterCIDR: '',
  configSyncPeriod: '0s',
  conntrack: {
    maxPerCore: null,
    min: null,
    tcpBeLiberal: false,
    tcpCloseWaitTimeout: null,
    tcpEstablishedTimeout: null,
    udpStreamTimeout: '0s',
    udpTimeout: '0s',
  },
  detectLocal: { bridgeInterface: '', interfaceNamePrefix: '' },
  detectLocalMode: '',
  enableProfiling: false,
  healthzBindAddress: '',
  hostnameOverride: '',
  iptables: { localhostNodePorts: null, masqueradeAll: false, masqueradeBit: null, ...syncZeroes },
  ipvs: {
    excludeCIDRs: null,
    scheduler: '',
    strictARP: false,
    ...syncZeroes,
    tcpFinTimeout: '0s',
    tcpTimeout: '0s',
    udpTimeout: '0s',
  },
  logging: { flushFrequency: 0, options: { json: jsonZeroes, text: jsonZeroes }, verbosity: 0 },
  metricsBindAddress: '',
  mode: '',
  nftables: { masqueradeAll: false, masqueradeBit: null, ...syncZeroes },
  nodePortAddresses: null,
  oomScoreAdj: null,
  portRange: '',
  showHiddenMetricsForVersion: '',
  winkernel: {
    enableDSR: false,
    forwardHealthCheckVip: false,
    networkName: '',
    rootHnsEndpointName: '',
    sourceVip: '',
  },
}

/** What is said, and what stands beneath it where nothing is. */
function above(beneath: ComponentConfiguration, said: ComponentConfiguration): ComponentConfiguration {
  const all = Object.entries({ ...beneath, ...said }).map(([field, value]) => {
    const zero = beneath[field]
    return [field, isMap(zero) && isMap(value) ? above(zero, value) : value]
  })
  return Object.fromEntries(all)
}

const isMap = (value: unknown): value is ComponentConfiguration =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A configuration that gets what is missing. */
class Filled {
  readonly value: Record<string, unknown>
  readonly #kind: string
  readonly #warn: Warn

  constructor(kind: string, given: ComponentConfiguration, warn: Warn) {
    this.value = structuredClone(given) as Record<string, unknown>
    this.#kind = kind
    this.#warn = warn
  }

  /** What is recommended: kept when another value is there, and said so. */
  wish(path: string, value: unknown): void {
    const { holder, key } = this.#at(path)
    const there = holder[key]
    if (there === undefined || there === null || there === '') holder[key] = value
    else if (JSON.stringify(there) !== JSON.stringify(value))
      this.#warn(
        `The recommended value for ${JSON.stringify(path)} in ${JSON.stringify(this.#kind)} is: ${goText(value)}; the provided value is: ${goText(there)}`,
      )
  }

  preset(path: string, value: unknown): void {
    const { holder, key } = this.#at(path)
    if (!holder[key]) holder[key] = value
  }

  set(path: string, value: unknown): void {
    const { holder, key } = this.#at(path)
    holder[key] = value
  }

  #at(path: string): { readonly holder: Record<string, unknown>; readonly key: string } {
    const keys = path.split('.')
    let holder = this.value
    for (const key of keys.slice(0, -1)) {
      const below = holder[key]
      const next = typeof below === 'object' && below !== null ? { ...below } : {}
      holder[key] = next
      holder = next as Record<string, unknown>
    }
    return { holder, key: keys.at(-1)! }
  }
}

const goText = (value: unknown): string => (Array.isArray(value) ? `[${value.join(' ')}]` : String(value))
