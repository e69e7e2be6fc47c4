import { parseDuration } from '../../base/duration.ts'
import { coreImage } from '../config/images.ts'
import type { ApiEndpoint, ClusterConfiguration, Timeouts } from '../config/types.ts'
import { paths } from '../paths.ts'
import { commandLine, hostPort, loopbackOf } from './arguments.ts'
import { type ComponentPod, type Mount, type Probes, toMount } from './static-pod.ts'

/** What a manifest depends on besides the cluster's configuration. */
export interface ManifestHost {
  readonly nodeName: string
  readonly endpoint: ApiEndpoint
  readonly timeouts: Required<Timeouts>
  /** Folders of the host's own authorities that are there: see `authorityFolders`. */
  readonly authorityFolders: readonly string[]
  /** Whether somebody else keeps the key of the cluster's authority. */
  readonly externalAuthority: boolean
  /** Variables of the environment that name proxies. */
  readonly proxyEnv?: Readonly<Record<string, string>>
}

export const controlPlaneComponents = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const
export type ControlPlaneComponentName = (typeof controlPlaneComponents)[number]

/** Ports of the two that are asked on loopback alone. */
export const controllerManagerPort = 10_257
export const schedulerPort = 10_259

export function controlPlanePod(
  component: ControlPlaneComponentName,
  cluster: ClusterConfiguration,
  host: ManifestHost,
): ComponentPod {
  const build = {
    'kube-apiserver': apiServer,
    'kube-controller-manager': controllerManager,
    'kube-scheduler': scheduler,
  }
  return build[component](cluster, host)
}

function apiServer(cluster: ClusterConfiguration, host: ManifestHost): ComponentPod {
  const { advertiseAddress, bindPort } = host.endpoint
  return {
    name: 'kube-apiserver',
    image: coreImage('kube-apiserver', cluster),
    command: commandLine('kube-apiserver', apiServerArguments(cluster, host), cluster.apiServer.extraArgs),
    cpu: '250m',
    port: bindPort,
    probes: probes(advertiseAddress, host, '/livez', '/readyz'),
    mounts: [
      ...authorityMounts(host),
      { name: 'k8s-certs', path: cluster.certificatesDir, type: 'DirectoryOrCreate', readOnly: true },
      ...externalEtcdMounts(cluster),
      ...(cluster.apiServer.extraVolumes ?? []).map(toMount),
    ],
    env: envOf(host, cluster.apiServer.extraEnvs),
    annotations: {
      'kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint': hostPort(advertiseAddress, bindPort),
    },
  }
}

function apiServerArguments(cluster: ClusterConfiguration, { endpoint }: ManifestHost): Record<string, string> {
  const pki = (file: string) => `${cluster.certificatesDir}/${file}`
  const { external } = cluster.etcd
  return {
    'advertise-address': endpoint.advertiseAddress,
    'allow-privileged': 'true',
    'authorization-mode': 'Node,RBAC',
    'client-ca-file': pki('ca.crt'),
    'enable-admission-plugins': 'NodeRestriction',
    'enable-bootstrap-token-auth': 'true',
    ...(external
      ? {
          'etcd-servers': external.endpoints.join(','),
          ...(external.caFile && { 'etcd-cafile': external.caFile }),
          ...(external.certFile && { 'etcd-certfile': external.certFile, 'etcd-keyfile': external.keyFile }),
        }
      : {
          'etcd-servers': `https://${hostPort(loopbackOf(endpoint.advertiseAddress), 2379)}`,
          'etcd-cafile': pki('etcd/ca.crt'),
          'etcd-certfile': pki('apiserver-etcd-client.crt'),
          'etcd-keyfile': pki('apiserver-etcd-client.key'),
        }),
    'kubelet-client-certificate': pki('apiserver-kubelet-client.crt'),
    'kubelet-client-key': pki('apiserver-kubelet-client.key'),
    'kubelet-preferred-address-types': 'InternalIP,ExternalIP,Hostname',
    'proxy-client-cert-file': pki('front-proxy-client.crt'),
    'proxy-client-key-file': pki('front-proxy-client.key'),
    'requestheader-allowed-names': 'front-proxy-client',
    'requestheader-client-ca-file': pki('front-proxy-ca.crt'),
    'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
    'requestheader-group-headers': 'X-Remote-Group',
    'requestheader-username-headers': 'X-Remote-User',
    'secure-port': String(endpoint.bindPort),
    'service-account-issuer': `https://kubernetes.default.svc.${cluster.networking.dnsDomain}`,
    'service-account-key-file': pki('sa.pub'),
    'service-account-signing-key-file': pki('sa.key'),
    'service-cluster-ip-range': cluster.networking.serviceSubnet,
    'tls-cert-file': pki('apiserver.crt'),
    'tls-private-key-file': pki('apiserver.key'),
  }
}

function controllerManager(cluster: ClusterConfiguration, host: ManifestHost): ComponentPod {
  const loopback = loopbackOf(host.endpoint.advertiseAddress)
  return {
    name: 'kube-controller-manager',
    image: coreImage('kube-controller-manager', cluster),
    command: commandLine(
      'kube-controller-manager',
      controllerManagerArguments(cluster, host),
      cluster.controllerManager.extraArgs,
    ),
    cpu: '200m',
    port: controllerManagerPort,
    probes: probes(loopback, host, '/healthz', '/healthz'),
    mounts: [
      ...authorityMounts(host),
      { name: 'k8s-certs', path: cluster.certificatesDir, type: 'DirectoryOrCreate', readOnly: true },
      { name: 'kubeconfig', path: paths.controllerManagerKubeconfig, type: 'FileOrCreate', readOnly: true },
      {
        name: 'flexvolume-dir',
        path: '/usr/libexec/kubernetes/kubelet-plugins/volume/exec',
        type: 'DirectoryOrCreate',
      },
      ...(cluster.controllerManager.extraVolumes ?? []).map(toMount),
    ],
    env: envOf(host, cluster.controllerManager.extraEnvs),
  }
}

function controllerManagerArguments(cluster: ClusterConfiguration, host: ManifestHost): Record<string, string> {
  const pki = (file: string) => `${cluster.certificatesDir}/${file}`
  const kubeconfig = paths.controllerManagerKubeconfig
  const { podSubnet, serviceSubnet } = cluster.networking
  return {
    'authentication-kubeconfig': kubeconfig,
    'authorization-kubeconfig': kubeconfig,
    'bind-address': loopbackOf(host.endpoint.advertiseAddress),
    'client-ca-file': pki('ca.crt'),
    ...(cluster.clusterName !== '' && { 'cluster-name': cluster.clusterName }),
    // Without the authority's key nothing can be signed: the signing controller stays away.
    'cluster-signing-cert-file': host.externalAuthority ? '' : pki('ca.crt'),
    'cluster-signing-key-file': host.externalAuthority ? '' : pki('ca.key'),
    controllers: '*,bootstrapsigner,tokencleaner',
    kubeconfig,
    'leader-elect': 'true',
    'requestheader-client-ca-file': pki('front-proxy-ca.crt'),
    'root-ca-file': pki('ca.crt'),
    'service-account-private-key-file': pki('sa.key'),
    'use-service-account-credentials': 'true',
    ...(podSubnet !== '' && { 'allocate-node-cidrs': 'true', 'cluster-cidr': podSubnet }),
    ...(serviceSubnet !== '' && { 'service-cluster-ip-range': serviceSubnet }),
  }
}

function scheduler(cluster: ClusterConfiguration, host: ManifestHost): ComponentPod {
  const kubeconfig = paths.schedulerKubeconfig
  const loopback = loopbackOf(host.endpoint.advertiseAddress)
  const usual = {
    'authentication-kubeconfig': kubeconfig,
    'authorization-kubeconfig': kubeconfig,
    'bind-address': loopback,
    kubeconfig,
    'leader-elect': 'true',
  }
  return {
    name: 'kube-scheduler',
    image: coreImage('kube-scheduler', cluster),
    command: commandLine('kube-scheduler', usual, cluster.scheduler.extraArgs),
    cpu: '100m',
    port: schedulerPort,
    probes: probes(loopback, host, '/livez', '/readyz'),
    mounts: [
      { name: 'kubeconfig', path: kubeconfig, type: 'FileOrCreate', readOnly: true },
      ...(cluster.scheduler.extraVolumes ?? []).map(toMount),
    ],
    env: envOf(host, cluster.scheduler.extraEnvs),
  }
}

function probes(address: string, { timeouts }: ManifestHost, livePath: string, readyPath: string): Probes {
  const startupSeconds = parseDuration(timeouts.controlPlaneComponentHealthCheck) / 1000
  return { host: address, scheme: 'HTTPS', livePath, readyPath, startupSeconds }
}

/** Where distributions keep the authorities that they trust; the first must be there. */
export const authorityFolders: readonly string[] = [
  '/etc/ssl/certs',
  '/etc/pki/ca-trust',
  '/etc/pki/tls/certs',
  '/etc/ca-certificates',
  '/usr/share/ca-certificates',
  '/usr/local/share/ca-certificates',
]

function authorityMounts(host: ManifestHost): Mount[] {
  return host.authorityFolders.map((path) => ({
    name: path === '/etc/ssl/certs' ? 'ca-certs' : path.slice(1).replaceAll('/', '-'),
    path,
    type: 'DirectoryOrCreate',
    readOnly: true,
  }))
}

/** Folders of an external etcd's certificates that no other mount shows. */
function externalEtcdMounts({ etcd: { external }, certificatesDir }: ClusterConfiguration): Mount[] {
  const files = external ? [external.caFile, external.certFile, external.keyFile].filter((file) => file !== '') : []
  const folders = [...new Set(files.map((file) => file.slice(0, file.lastIndexOf('/'))))]
  return folders
    .filter((folder) => folder !== certificatesDir && !folder.startsWith(`${certificatesDir}/`))
    .map((path, index) => ({ name: `etcd-certs-${index}`, path, type: 'DirectoryOrCreate', readOnly: true }))
}

function envOf({ proxyEnv = {} }: ManifestHost, extra: readonly object[] = []): readonly object[] {
  const named = new Set(extra.map((variable) => (variable as { readonly name: string }).name))
  const proxies = Object.entries(proxyEnv).filter(([name]) => !named.has(name))
  return [...proxies.map(([name, value]) => ({ name, value })), ...extra]
}
