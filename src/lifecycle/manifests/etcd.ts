import { parseDuration } from '../../base/duration.ts'
import { etcdImage } from '../config/images.ts'
import type { ClusterConfiguration } from '../config/types.ts'
import { commandLine, hostPort, loopbackOf } from './arguments.ts'
import type { ManifestHost } from './control-plane.ts'
import type { ComponentPod } from './static-pod.ts'

export const etcdClientPort = 2379
export const etcdPeerPort = 2380
export const etcdMetricsPort = 2381

/** The program that will run: flags and health paths changed with it. */
export interface EtcdProgram {
  readonly minor: number
}

/**
 * The static pod of a member. `initialCluster` is what the members of a cluster that is joined say (see
 * `initialCluster` in `etcd/members.ts`); absent: a new cluster of one.
 */
export function etcdPod(
  cluster: ClusterConfiguration,
  host: ManifestHost,
  program: EtcdProgram,
  initialCluster?: string,
): ComponentPod {
  const local = cluster.etcd.local!
  const { advertiseAddress } = host.endpoint
  const paths = healthPaths(program)
  return {
    name: 'etcd',
    image: etcdImage(cluster),
    command: commandLine('etcd', etcdArguments(cluster, host, program, initialCluster), local.extraArgs),
    cpu: '100m',
    memory: '100Mi',
    port: etcdMetricsPort,
    probes: {
      host: loopbackOf(advertiseAddress),
      scheme: 'HTTP',
      ...paths,
      startupSeconds: parseDuration(host.timeouts.controlPlaneComponentHealthCheck) / 1000,
    },
    mounts: [
      { name: 'etcd-certs', path: `${cluster.certificatesDir}/etcd`, type: 'DirectoryOrCreate' },
      { name: 'etcd-data', path: local.dataDir, type: 'DirectoryOrCreate' },
    ],
    ...(local.extraEnvs && { env: local.extraEnvs }),
    annotations: {
      'kubeadm.kubernetes.io/etcd.advertise-client-urls': clientUrl(advertiseAddress),
    },
  }
}

export const clientUrl = (address: string): string => `https://${hostPort(address, etcdClientPort)}`
export const peerUrl = (address: string): string => `https://${hostPort(address, etcdPeerPort)}`

function etcdArguments(
  cluster: ClusterConfiguration,
  { nodeName, endpoint }: ManifestHost,
  program: EtcdProgram,
  initialCluster: string | undefined,
): Record<string, string> {
  const { advertiseAddress } = endpoint
  const loopback = loopbackOf(advertiseAddress)
  const pki = (file: string) => `${cluster.certificatesDir}/etcd/${file}`
  return {
    name: nodeName,
    ...versionArguments(program),
    'listen-client-urls': `${clientUrl(loopback)},${clientUrl(advertiseAddress)}`,
    'advertise-client-urls': clientUrl(advertiseAddress),
    'listen-peer-urls': peerUrl(advertiseAddress),
    'initial-advertise-peer-urls': peerUrl(advertiseAddress),
    'initial-cluster': initialCluster ?? `${nodeName}=${peerUrl(advertiseAddress)}`,
    ...(initialCluster !== undefined && { 'initial-cluster-state': 'existing' }),
    'data-dir': cluster.etcd.local!.dataDir,
    'cert-file': pki('server.crt'),
    'key-file': pki('server.key'),
    'trusted-ca-file': pki('ca.crt'),
    'client-cert-auth': 'true',
    'peer-cert-file': pki('peer.crt'),
    'peer-key-file': pki('peer.key'),
    'peer-trusted-ca-file': pki('ca.crt'),
    'peer-client-cert-auth': 'true',
    'snapshot-count': '10000',
    'listen-metrics-urls': `http://${hostPort(loopback, etcdMetricsPort)}`,
  }
}

/** Flags that were experimental first, and are refused by older ones. */
function versionArguments({ minor }: EtcdProgram): Record<string, string> {
  if (minor >= 6) return { 'feature-gates': 'InitialCorruptCheck=true', 'watch-progress-notify-interval': '5s' }
  return {
    'experimental-initial-corrupt-check': 'true',
    ...(minor === 5 && { 'experimental-watch-progress-notify-interval': '5s' }),
  }
}

/**
 * Older ones know one path, which asks the quorum. A member that has lost it is not to be killed for it: whether it
 * lives is asked elsewhere.
 */
function healthPaths({ minor }: EtcdProgram): { livePath: string; readyPath: string; startupPath: string } {
  if (minor >= 6) return { livePath: '/livez', readyPath: '/readyz', startupPath: '/readyz' }
  if (minor === 5)
    return {
      livePath: '/health?exclude=NOSPACE&serializable=true',
      readyPath: '/health?serializable=true',
      startupPath: '/health?serializable=false',
    }
  return { livePath: '/metrics', readyPath: '/health', startupPath: '/health' }
}
