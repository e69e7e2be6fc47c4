import { parseCidr } from '../../base/cidr.ts'
import { DurationError, parseDuration } from '../../base/duration.ts'
import type { RuleSettings } from '../../network/proxy/rules.ts'
import type { HostWorld } from '../../world/world.ts'
import { readConfigurationFile } from './configuration-file.ts'
import { ComponentFlagError, type GivenFlags } from './flags.ts'

/** How connections are spread, by the names of the reference's ways to do it; all are written as rules of nftables. */
export type ProxyMode = 'iptables' | 'ipvs' | 'nftables'

/** What a proxy of services is told, by its flags or its file; what neither says is as the reference has it. */
export interface ProxySettings {
  readonly nodeName: string
  readonly kubeconfig: string
  readonly mode: ProxyMode
  readonly rules: RuleSettings
  readonly minSyncMs: number
  readonly syncMs: number
  /** Absent: nobody is told. */
  readonly healthz: Address | undefined
  readonly metrics: Address | undefined
  /** Whether an address that is taken is a reason to end; else it is waited for. */
  readonly hardFail: boolean
  readonly kernel: KernelSettings
}

/** What the kernel is told besides rules. */
export interface KernelSettings {
  /** How gladly it ends the proxy when memory runs out: from -1000, never, to 1000. */
  readonly oomScoreAdj: number
  /** Settings of `net.netfilter`, by name: how many connections are remembered, and for how many seconds. Absent: left alone. */
  readonly netfilter: Readonly<Record<string, number>>
}

export interface Address {
  readonly host: string
  readonly port: number
}

interface ModeConfiguration {
  readonly masqueradeBit?: number | null
  readonly masqueradeAll?: boolean
  readonly syncPeriod?: string
  readonly minSyncPeriod?: string
  readonly scheduler?: string
}

/** Connections that the kernel remembers. Nothing stands for what is usual, zero for what the kernel has. */
interface ConntrackConfiguration {
  readonly maxPerCore?: number | null
  readonly min?: number | null
  readonly tcpEstablishedTimeout?: string | null
  readonly tcpCloseWaitTimeout?: string | null
  readonly tcpBeLiberal?: boolean
  readonly udpTimeout?: string
  readonly udpStreamTimeout?: string
}

/** A file of `kubeproxy.config.k8s.io/v1alpha1`, as far as it counts here. */
interface KubeProxyConfiguration {
  readonly hostnameOverride: string
  readonly healthzBindAddress: string
  readonly metricsBindAddress: string
  readonly bindAddressHardFail: boolean
  readonly mode: string
  readonly detectLocalMode: string
  readonly clusterCIDR: string
  readonly nodePortAddresses: readonly string[] | null
  readonly clientConnection: { readonly kubeconfig?: string }
  readonly iptables: ModeConfiguration
  readonly ipvs: ModeConfiguration
  readonly nftables: ModeConfiguration
  readonly oomScoreAdj: number | null
  readonly conntrack: ConntrackConfiguration
  readonly detectLocal: { readonly bridgeInterface?: string; readonly interfaceNamePrefix?: string }
}

const modes: readonly string[] = ['iptables', 'ipvs', 'nftables'] satisfies readonly ProxyMode[]
const healthzPort = 10_256
const metricsPort = 10_249
const usualSync = '30s'
const usualMinSync = '1s'
const usualMasqueradeBit = 14
const usualOomScoreAdj = -999

/** Reads flags, or the file that they name. Throws `ComponentFlagError`. */
export async function proxySettings(flags: GivenFlags, { disk, machine }: HostWorld): Promise<ProxySettings> {
  const path = flags.text('config')
  const fail = (why: string) => new ComponentFlagError(`failed to load kube-proxy config file ${path}: ${why}`)
  const expected = { apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration' }
  const file = path ? await readConfigurationFile<KubeProxyConfiguration>(disk, path, expected, fail) : fromFlags(flags)
  const mode = modeOf(file.mode)
  const ways = file[mode] ?? {}
  const kubeconfig = file.clientConnection?.kubeconfig || flags.text('kubeconfig')
  if (!kubeconfig)
    throw new ComponentFlagError('no way to the API server is known: set clientConnection.kubeconfig or --kubeconfig')
  const bit = whole(`${mode}.masqueradeBit`, ways.masqueradeBit, usualMasqueradeBit, 0, 31)
  return {
    // The flag counts more: all nodes share one file.
    nodeName: (flags.text('hostname-override') || file.hostnameOverride || machine.hostName).trim().toLowerCase(),
    kubeconfig,
    mode,
    rules: {
      spread: mode === 'ipvs' ? ipvsSpread(ways.scheduler) : 'random',
      pods: podsOf(file),
      masqueradesAll: ways.masqueradeAll ?? false,
      masqueradeMark: 2 ** bit,
      nodePortCidrs: (file.nodePortAddresses ?? []).map((range) => cidr('nodePortAddresses', range)),
    },
    minSyncMs: duration(`${mode}.minSyncPeriod`, ways.minSyncPeriod, usualMinSync),
    syncMs: duration(`${mode}.syncPeriod`, ways.syncPeriod, usualSync),
    healthz: addressOf('healthzBindAddress', file.healthzBindAddress, '0.0.0.0', healthzPort),
    metrics: addressOf('metricsBindAddress', file.metricsBindAddress, '127.0.0.1', metricsPort),
    hardFail: file.bindAddressHardFail ?? false,
    kernel: {
      oomScoreAdj: whole('oomScoreAdj', file.oomScoreAdj, usualOomScoreAdj, -1000, 1000),
      netfilter: netfilterOf(file.conntrack ?? {}, machine.cpus),
    },
  }
}

/** The same, where there is no file. */
function fromFlags(flags: GivenFlags): Partial<KubeProxyConfiguration> {
  const text = (name: string) => flags.text(name) ?? ''
  const bit = flags.has('iptables-masquerade-bit') ? flags.whole('iptables-masquerade-bit') : null
  const ways = (prefix: string): ModeConfiguration => ({
    masqueradeBit: bit,
    masqueradeAll: flags.isTrue('masquerade-all'),
    syncPeriod: text(`${prefix}-sync-period`),
    minSyncPeriod: text(`${prefix}-min-sync-period`),
    scheduler: text('ipvs-scheduler'),
  })
  return {
    healthzBindAddress: text('healthz-bind-address'),
    metricsBindAddress: text('metrics-bind-address'),
    bindAddressHardFail: flags.isTrue('bind-address-hard-fail'),
    mode: text('proxy-mode'),
    detectLocalMode: text('detect-local-mode'),
    clusterCIDR: text('cluster-cidr'),
    nodePortAddresses: flags.list('nodeport-addresses'),
    oomScoreAdj: flags.whole('oom-score-adj'),
    conntrack: {
      maxPerCore: flags.whole('conntrack-max-per-core'),
      min: flags.whole('conntrack-min'),
      tcpEstablishedTimeout: text('conntrack-tcp-timeout-established'),
      tcpCloseWaitTimeout: text('conntrack-tcp-timeout-close-wait'),
      tcpBeLiberal: flags.isTrue('conntrack-tcp-be-liberal'),
      udpTimeout: text('conntrack-udp-timeout'),
      udpStreamTimeout: text('conntrack-udp-timeout-stream'),
    },
    iptables: ways('iptables'),
    ipvs: ways('ipvs'),
    nftables: ways('nftables'),
    detectLocal: {
      bridgeInterface: text('pod-bridge-interface'),
      interfaceNamePrefix: text('pod-interface-name-prefix'),
    },
  }
}

function modeOf(mode: string | undefined): ProxyMode {
  if (!mode) return 'iptables'
  if (modes.includes(mode)) return mode as ProxyMode
  throw new ComponentFlagError(
    `mode: Invalid value: ${JSON.stringify(mode)}: must be ${modes.join(', ')} or blank (blank means iptables)`,
  )
}

/** Schedulers of ipvs that weigh connections have no like here. */
function ipvsSpread(scheduler: string | undefined): RuleSettings['spread'] {
  if (!scheduler || scheduler === 'rr') return 'turns'
  throw new ComponentFlagError(`ipvs.scheduler: ${JSON.stringify(scheduler)} is not supported: only rr is`)
}

/** How packets of pods are recognised. */
function podsOf({ detectLocalMode, clusterCIDR, detectLocal }: Partial<KubeProxyConfiguration>): RuleSettings['pods'] {
  const missing = (field: string) =>
    new ComponentFlagError(`detectLocalMode ${JSON.stringify(detectLocalMode)} needs ${field}`)
  switch (detectLocalMode || 'ClusterCIDR') {
    case 'ClusterCIDR':
      return { cidrs: (clusterCIDR ?? '').split(',').flatMap((range) => (range ? [cidr('clusterCIDR', range)] : [])) }
    case 'BridgeInterface':
      if (!detectLocal?.bridgeInterface) throw missing('detectLocal.bridgeInterface')
      return { interfaces: detectLocal.bridgeInterface }
    case 'InterfaceNamePrefix':
      if (!detectLocal?.interfaceNamePrefix) throw missing('detectLocal.interfaceNamePrefix')
      return { interfaces: `${detectLocal.interfaceNamePrefix}*` }
    default:
      throw new ComponentFlagError(
        `detectLocalMode: ${JSON.stringify(detectLocalMode)} is not supported: set ClusterCIDR, BridgeInterface or InterfaceNamePrefix`,
      )
  }
}

/** Settings of the kernel's memory for connections, with what the reference sets where nothing is said. */
function netfilterOf(conntrack: ConntrackConfiguration, cpus: number): Readonly<Record<string, number>> {
  const { maxPerCore, min, tcpEstablishedTimeout, tcpCloseWaitTimeout, tcpBeLiberal } = conntrack
  const count = (field: string, value: number | null | undefined, usual: number) =>
    whole(`conntrack.${field}`, value, usual, 0, 2 ** 31 - 1)
  const seconds = (field: string, text: string | null | undefined, usual: string) =>
    Math.floor(durationOf(`conntrack.${field}`, text || usual) / 1000)
  const perCore = count('maxPerCore', maxPerCore, 32 * 1024)
  const settings = {
    nf_conntrack_max: perCore === 0 ? 0 : Math.max(perCore * cpus, count('min', min, 128 * 1024)),
    nf_conntrack_tcp_timeout_established: seconds('tcpEstablishedTimeout', tcpEstablishedTimeout, '24h'),
    nf_conntrack_tcp_timeout_close_wait: seconds('tcpCloseWaitTimeout', tcpCloseWaitTimeout, '1h'),
    nf_conntrack_tcp_be_liberal: tcpBeLiberal ? 1 : 0,
    nf_conntrack_udp_timeout: seconds('udpTimeout', conntrack.udpTimeout, '0s'),
    nf_conntrack_udp_timeout_stream: seconds('udpStreamTimeout', conntrack.udpStreamTimeout, '0s'),
  }
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value > 0))
}

function whole(field: string, value: number | null | undefined, usual: number, min: number, max: number): number {
  const number = value ?? usual
  if (Number.isInteger(number) && number >= min && number <= max) return number
  throw new ComponentFlagError(`${field}: Invalid value: ${number}: must be within the range [${min}, ${max}]`)
}

/** What is put into rules is what it says that it is. */
function cidr(field: string, text: string): string {
  const range = text.trim()
  if (parseCidr(range, 'sloppy')) return range
  throw new ComponentFlagError(`${field}: Invalid value: ${JSON.stringify(text)}: must be a valid CIDR block`)
}

/** Nothing, as kubeadm writes it where nobody has said anything, stands for what is usual. */
function duration(field: string, text: string | undefined, usual: string): number {
  return durationOf(field, text || usual) || parseDuration(usual)
}

/** In milliseconds. */
function durationOf(field: string, text: string): number {
  try {
    const ms = parseDuration(text)
    if (ms >= 0) return ms
  } catch (error) {
    if (error instanceof DurationError) throw new ComponentFlagError(`${field}: ${error.message}`)
    throw error
  }
  throw new ComponentFlagError(`${field}: Invalid value: ${text}: must be greater than or equal to 0`)
}

/** `HOST`, `HOST:PORT` or `:PORT`; port 0: nowhere. */
function addressOf(field: string, text: string | undefined, usualHost: string, usualPort: number): Address | undefined {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(text ?? '') ?? []
  const alone = text?.includes('::') && bracketed === undefined ? text : undefined
  if (text && alone === undefined && bracketed === undefined && plain === undefined)
    throw new ComponentFlagError(`${field}: Invalid value: ${JSON.stringify(text)}: must be IP:port`)
  const address = {
    host: alone ?? bracketed ?? (plain || usualHost),
    port: port === undefined ? usualPort : Number(port),
  }
  return address.port === 0 ? undefined : address
}
