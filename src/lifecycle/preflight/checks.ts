import type { HostWorld } from '../../world/world.ts'
import { kubeletPort } from '../config/component-defaults.ts'
import type { ClusterConfiguration, InitConfiguration, JoinConfiguration, NodeRegistration } from '../config/types.ts'
import { controllerManagerPort, schedulerPort } from '../manifests/control-plane.ts'
import { etcdClientPort, etcdPeerPort } from '../manifests/etcd.ts'
import { manifestPath } from '../manifests/static-pod.ts'
import { paths } from '../paths.ts'
import { splitHostPort } from '../pki/settings.ts'
import { type Check, onlyWarning } from './check.ts'
import { clockSkew } from './clock-skew.ts'
import { externalEtcdVersion } from './external-etcd.ts'
import { contentWhereThere, dirAvailable, fileAvailable, fileContent, fileExisting, inPath } from './files.ts'
import { clock, hostname, memory, numCpu, privilegedUser, swap, systemVerification } from './machine.ts'
import { portAvailable } from './ports.ts'
import { httpProxy, httpProxyCidr } from './proxy.ts'
import { containerRuntime } from './runtime.ts'
import { firewalld, kubeletService } from './services.ts'
import { kubernetesVersion } from './versions.ts'

/**
 * Which checks there are for what, in kubeadm's order. Left out, and why:
 *
 * | kubeadm's | because |
 * |---|---|
 * | `ImagePull`, `ImageExists` | components are processes of this program: there is no image to pull |
 * | `KubeletVersion` of the installed program | the node agent is this program; `join` compares it with the cluster |
 * | `FileExisting-crictl`, `-conntrack`, `-iptables`, `-ethtool`, `-tc`, `-ip` | who needs them (containers, the proxy of services) is simulated |
 * | options of the kernel in `SystemVerification` | no container needs them |
 *
 * Warnings instead of errors while no container runtime is there: `SystemVerification`, `FileContent-…ip_forward` and
 * `…bridge-nf-call-…`, which protect the network of containers.
 */
export interface CheckContext {
  readonly program: string
  /** Whether there is a container runtime, so that pods are real. */
  readonly hasRuntime: boolean
  /** What our manifests hold that may be there from before something came in between; by component. */
  readonly manifests: Readonly<Record<string, string>>
  /** Whether what listens and lies on this host is what is being finished. */
  isOurs(world: HostWorld): Promise<boolean>
}

export function initChecks(
  { init, cluster }: { readonly init: InitConfiguration; readonly cluster: ClusterConfiguration },
  context: CheckContext,
): readonly Check[] {
  return [
    ...controlPlaneChecks(init.localAPIEndpoint, cluster, context),
    ...commonChecks(init.nodeRegistration, context),
    ...forwarding(
      `${cluster.networking.serviceSubnet},${cluster.networking.podSubnet}`,
      init.localAPIEndpoint.advertiseAddress,
      context,
    ),
    ...(cluster.etcd.external ? [externalEtcdVersion(cluster.etcd.external)] : []),
    ...etcdChecks(cluster, context),
  ]
}

/** What is checked before the cluster is found. */
export function joinChecks(join: JoinConfiguration, context: CheckContext): readonly Check[] {
  const endpoint = join.discovery.bootstrapToken?.apiServerEndpoint
  const host = endpoint === undefined ? undefined : splitHostPort(endpoint).host
  return [
    privilegedUser,
    ...(join.controlPlane ? [] : [unlessOurs(fileAvailable(join.caCertPath), context)]),
    unlessOurs(fileAvailable(paths.kubeletKubeconfig), context),
    ...commonChecks(join.nodeRegistration, context),
    ...(host === undefined ? [] : [httpProxy(host), ...forwarding('', host, context)]),
    ...(endpoint === undefined ? [] : [clockSkew(endpoint)]),
  ]
}

/** What is checked besides when the host becomes another control plane, and the cluster is known. */
export function joinControlPlaneChecks(
  { join, cluster }: { readonly join: JoinConfiguration; readonly cluster: ClusterConfiguration },
  context: CheckContext,
): readonly Check[] {
  const { localAPIEndpoint, certificateKey } = join.controlPlane!
  // What an external etcd wants to see comes with the certificates that are downloaded.
  const isDownloaded = cluster.etcd.external !== undefined && Boolean(certificateKey)
  return [
    ...controlPlaneChecks(localAPIEndpoint, cluster, context),
    ...(isDownloaded ? [] : etcdChecks(cluster, context)),
  ]
}

export const resetChecks: readonly Check[] = [privilegedUser]

/** `hasRuntime`: whether there is a container runtime, so that pods are real. */
export const upgradeChecks = (hasRuntime: boolean): readonly Check[] => [privilegedUser, systemChecks(hasRuntime)]

function controlPlaneChecks(
  endpoint: InitConfiguration['localAPIEndpoint'],
  cluster: ClusterConfiguration,
  context: CheckContext,
): readonly Check[] {
  const port = (number: number) => portAvailable(number, context.isOurs)
  const subnets = [cluster.networking.serviceSubnet, cluster.networking.podSubnet].flatMap((each) => each.split(','))
  return [
    privilegedUser,
    numCpu,
    memory,
    clock,
    kubernetesVersion(cluster.kubernetesVersion, context.program),
    firewalld([endpoint.bindPort, kubeletPort]),
    port(endpoint.bindPort),
    port(schedulerPort),
    port(controllerManagerPort),
    ...['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd'].map((component) =>
      unlessOurs(fileAvailable(manifestPath(component), context.manifests[component]), context),
    ),
    httpProxy(endpoint.advertiseAddress),
    ...subnets.filter((subnet) => subnet !== '').map(httpProxyCidr),
  ]
}

function etcdChecks({ etcd: { local, external } }: ClusterConfiguration, context: CheckContext): readonly Check[] {
  if (local)
    return [
      inPath(
        'etcd',
        true,
        'install it (Debian: apt-get install etcd-server), or put one of 3.4 to 3.6 on the search path',
      ),
      portAvailable(etcdClientPort, context.isOurs),
      portAvailable(etcdPeerPort, context.isOurs),
      dirAvailable(local.dataDir, context.isOurs),
    ]
  const files = external ? [external.caFile, external.certFile, external.keyFile] : []
  return files.filter((file) => file !== '').map((file) => fileExisting(file, 'ExternalEtcdClientCertificates'))
}

function commonChecks(node: NodeRegistration, context: CheckContext): readonly Check[] {
  return [
    containerRuntime(node.criSocket),
    swap,
    ...(context.hasRuntime ? [inPath('losetup', true), inPath('mount', true), inPath('cp', false)] : []),
    systemChecks(context.hasRuntime),
    inPath('nft', false, 'services have no addresses on this host without it (Debian: apt-get install nftables)'),
    inPath(
      'conntrack',
      false,
      'services over UDP may lead where nobody is any more (Debian: apt-get install conntrack)',
    ),
    hostname(node.name),
    kubeletService,
    portAvailable(kubeletPort, context.isOurs),
  ]
}

const systemChecks = (hasRuntime: boolean) => (hasRuntime ? systemVerification : onlyWarning(systemVerification))

/** Switches of the kernel for each family that addresses are of. */
function forwarding(subnets: string, address: string, { hasRuntime }: CheckContext): readonly Check[] {
  const parts = [...subnets.split(','), address]
  const [four, six] = [
    parts.some((part) => /^\d+\.\d+\.\d+\.\d+/.test(part)),
    parts.some((part) => part.includes(':') && /^[0-9a-f:]+(\/|$)/i.test(part)),
  ]
  const checks = [
    ...(four
      ? [
          fileContent('/proc/sys/net/ipv4/ip_forward', '1'),
          contentWhereThere('/proc/sys/net/bridge/bridge-nf-call-iptables', '1'),
        ]
      : []),
    ...(six
      ? [
          fileContent('/proc/sys/net/ipv6/conf/default/forwarding', '1'),
          contentWhereThere('/proc/sys/net/bridge/bridge-nf-call-ip6tables', '1'),
        ]
      : []),
  ]
  return hasRuntime ? checks : checks.map(onlyWarning)
}

const unlessOurs = (check: Check, { isOurs }: CheckContext): Check => ({
  name: check.name,
  run: async (host) => ((await isOurs(host.world)) ? [] : check.run(host)),
})
