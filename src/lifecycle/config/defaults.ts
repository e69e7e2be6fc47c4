import { formatIp, parseIp } from '../../base/cidr.ts'
import type { Mutable } from '../../schema/types.ts'
import type { HostWorld } from '../../world/world.ts'
import { paths } from '../paths.ts'
import { newToken, tokenText } from '../tokens/token.ts'
import type { KnownFlags } from './component-flags.ts'
import { ConfigError } from './documents.ts'
import type {
  ApiEndpoint,
  BootstrapToken,
  ClusterConfiguration,
  InitConfiguration,
  JoinConfiguration,
  NodeRegistration,
  ResetConfiguration,
  Timeouts,
  UpgradeConfiguration,
} from './types.ts'
import { resolveVersion } from './versions.ts'

/** What defaults need besides the configuration. */
export interface DefaultTools {
  readonly world: HostWorld
  /** Of this program: `v1.36.2`. */
  readonly version: string
  /** Flags that components take; absent: what they are given besides is not looked at. */
  readonly knownFlags?: KnownFlags
  warn(line: string): void
}

export const controlPlaneLabel = 'node-role.kubernetes.io/control-plane'
export const defaultCriSocket = 'unix:///var/run/containerd/containerd.sock'
const placeholderToken = 'abcdef.0123456789abcdef'

const defaultTimeouts: Required<Timeouts> = {
  controlPlaneComponentHealthCheck: '4m0s',
  kubeletHealthCheck: '4m0s',
  kubernetesAPICall: '1m0s',
  etcdAPICall: '2m0s',
  tlsBootstrap: '5m0s',
  discovery: '5m0s',
  upgradeManifests: '5m0s',
}

/** Timeouts that are all there. */
export const timeoutsOf = (timeouts: Timeouts): Required<Timeouts> => ({ ...defaultTimeouts, ...timeouts })

/** What does not depend on the host. */
export function defaultCluster(cluster: Mutable<ClusterConfiguration>): void {
  cluster.kubernetesVersion ||= 'stable-1'
  cluster.networking.serviceSubnet ||= '10.96.0.0/12'
  cluster.networking.dnsDomain ||= 'cluster.local'
  cluster.certificatesDir ||= paths.certificates
  cluster.imageRepository ||= 'registry.k8s.io'
  cluster.clusterName ||= 'kubernetes'
  // The reference's is RSA-2048. Keys of this kind are made a thousand times faster, and every client takes them.
  cluster.encryptionAlgorithm ||= 'ECDSA-P256'
  cluster.certificateValidityPeriod ??= '8760h0m0s'
  cluster.caCertificateValidityPeriod ??= '87600h0m0s'
  if (!cluster.etcd.external) cluster.etcd.local ??= { dataDir: '' }
  if (cluster.etcd.local) cluster.etcd.local.dataDir ||= paths.etcdData
}

export function defaultInit(init: Mutable<InitConfiguration>): void {
  if (!init.bootstrapTokens?.length) init.bootstrapTokens = [{ token: '' }]
  for (const token of init.bootstrapTokens) defaultToken(token)
  init.localAPIEndpoint.bindPort ||= 6443
  defaultNodeRegistration(init.nodeRegistration)
  init.timeouts = timeoutsOf(init.timeouts)
}

function defaultToken(token: Mutable<BootstrapToken>): void {
  if (!token.usages?.length) token.usages = ['signing', 'authentication']
  if (!token.groups?.length) token.groups = ['system:bootstrappers:kubeadm:default-node-token']
  if (token.ttl === undefined && token.expires === undefined) token.ttl = '24h0m0s'
}

export function defaultJoin(join: Mutable<JoinConfiguration>): void {
  join.caCertPath ||= `${paths.certificates}/ca.crt`
  if (join.controlPlane) join.controlPlane.localAPIEndpoint.bindPort ||= 6443
  const { discovery } = join
  if (!discovery.tlsBootstrapToken && discovery.bootstrapToken)
    discovery.tlsBootstrapToken = discovery.bootstrapToken.token
  if (discovery.file?.kubeConfigPath.startsWith('file://'))
    discovery.file.kubeConfigPath = new URL(discovery.file.kubeConfigPath).pathname
  defaultNodeRegistration(join.nodeRegistration)
  join.timeouts = timeoutsOf(join.timeouts)
}

export function defaultReset(reset: Mutable<ResetConfiguration>): void {
  reset.certificatesDir ||= paths.certificates
  reset.timeouts = timeoutsOf(reset.timeouts)
}

export function defaultUpgrade(upgrade: Mutable<UpgradeConfiguration>): void {
  for (const host of [upgrade.apply, upgrade.node]) {
    host.certificateRenewal ??= true
    host.imagePullPolicy ||= 'IfNotPresent'
    host.imagePullSerial ??= true
  }
  for (const part of [upgrade.apply, upgrade.node, upgrade.plan]) {
    part.etcdUpgrade ??= true
    part.dryRun ??= false
  }
  for (const part of [upgrade.apply, upgrade.plan]) {
    part.allowExperimentalUpgrades ??= false
    part.allowRCUpgrades ??= false
    part.printConfig ??= false
  }
  upgrade.apply.forceUpgrade ??= false
  upgrade.timeouts = timeoutsOf(upgrade.timeouts)
}

function defaultNodeRegistration(node: Mutable<NodeRegistration>): void {
  node.imagePullPolicy ||= 'IfNotPresent'
  node.imagePullSerial ??= true
}

/** What depends on the host, or on chance, or on this program. */
export async function fillCluster(cluster: Mutable<ClusterConfiguration>, tools: DefaultTools): Promise<void> {
  cluster.kubernetesVersion = resolveVersion(cluster.kubernetesVersion, tools)
  cluster.apiServer.certSANs = cluster.apiServer.certSANs?.map((name) => name.toLowerCase())
  const { local } = cluster.etcd
  if (!local) return
  local.serverCertSANs = local.serverCertSANs?.map((name) => name.toLowerCase())
  local.peerCertSANs = local.peerCertSANs?.map((name) => name.toLowerCase())
}

export async function fillInit(init: Mutable<InitConfiguration>, tools: DefaultTools): Promise<void> {
  for (const token of init.bootstrapTokens ?? []) token.token ||= tokenText(newToken(tools.world.random))
  await fillNodeRegistration(init.nodeRegistration, true, tools)
  await fillEndpoint(init.localAPIEndpoint, tools)
}

export async function fillJoin(join: Mutable<JoinConfiguration>, tools: DefaultTools): Promise<void> {
  await fillNodeRegistration(join.nodeRegistration, join.controlPlane !== undefined, tools)
  if (join.controlPlane) await fillEndpoint(join.controlPlane.localAPIEndpoint, tools)
}

async function fillNodeRegistration(
  node: Mutable<NodeRegistration>,
  isControlPlane: boolean,
  { world, warn }: DefaultTools,
): Promise<void> {
  node.name ||= world.machine.hostName.trim().toLowerCase()
  node.criSocket = withScheme(node.criSocket || defaultCriSocket, warn)
  if (isControlPlane) node.taints ??= [{ key: controlPlaneLabel, effect: 'NoSchedule' }]
}

/** The socket with `unix://` in front of it. */
export function withScheme(socket: string, warn: (line: string) => void): string {
  if (/^[a-z]+:\/\//.test(socket)) return socket
  warn(
    `Usage of CRI endpoints without URL scheme is deprecated and can cause kubelet errors in the future. Automatically prepending scheme "unix" to the "criSocket" with value ${JSON.stringify(socket)}. Please update your configuration!`,
  )
  return `unix://${socket}`
}

async function fillEndpoint(endpoint: Mutable<ApiEndpoint>, { world, warn }: DefaultTools): Promise<void> {
  const asked = parseIp(endpoint.advertiseAddress, 'sloppy')
  if (asked && !isUnspecified(endpoint.advertiseAddress)) {
    endpoint.advertiseAddress = formatIp(asked)
    return
  }
  if (endpoint.advertiseAddress !== '' && !asked)
    throw new ConfigError(
      `couldn't use ${JSON.stringify(endpoint.advertiseAddress)} as "apiserver-advertise-address", must be ipv4 or ipv6 address`,
    )
  const found = await addressOfHost(world, endpoint.advertiseAddress.includes(':') ? 6 : 4)
  if (found === undefined)
    warn('could not obtain a bind address for the API Server: no default routes found; using: 0.0.0.0')
  endpoint.advertiseAddress = found ?? '0.0.0.0'
}

/** The address of the interface that leads outside; of the first that is up where none does. */
async function addressOfHost(world: HostWorld, family: 4 | 6): Promise<string | undefined> {
  const outside = world.machine.addresses.filter(
    ({ internal, address }) => !internal && !/^(169\.254\.|fe80:)/i.test(address),
  )
  const byDefault = await defaultInterface(world)
  const preferred = [...outside.filter((each) => each.interface === byDefault), ...outside]
  return (preferred.find((each) => each.family === family) ?? preferred[0])?.address
}

async function defaultInterface(world: HostWorld): Promise<string | undefined> {
  const table = (await world.disk.read('/proc/net/route').catch(() => undefined)) ?? ''
  const rows = table.split('\n').slice(1)
  return rows.map((row) => row.split(/\s+/)).find(([, destination]) => destination === '00000000')?.[0]
}

/** Whether the API server can be bound to an address and be reached by it. */
export function requireBindAddress(address: string): void {
  if (!parseIp(address, 'sloppy')) throw new ConfigError(`cannot parse IP address: ${address}`)
  if (isUnspecified(address) || /^(22[4-9]|23\d)\.|^ff/i.test(address) || /^(169\.254\.|fe80:)/i.test(address))
    throw new ConfigError(`cannot use ${JSON.stringify(address)} as the bind address for the API Server`, {
      hint: 'say which address others reach this host by: --apiserver-advertise-address ADDRESS',
    })
}

const isUnspecified = (address: string) => address === '0.0.0.0' || address === '::'

/** For `config print`: what stands there for what a real file must have of its own. */
export const placeholders = {
  token: placeholderToken,
  nodeName: 'node',
  advertiseAddress: '1.2.3.4',
  apiServerEndpoint: 'kube-apiserver:6443',
} as const
