import { parse } from 'yaml'
import type { Client } from '../../client/client.ts'
import { ConfigMap } from '../../kinds/core/config-map.ts'
import { isNotFound } from '../../schema/status.ts'
import { apiVersionParts } from '../config/documents.ts'
import { etcdImage, imageVersions } from '../config/images.ts'
import type { ClusterConfiguration } from '../config/types.ts'
import { compareVersions, parseVersion } from '../config/versions.ts'
import { controlPlaneComponents } from '../manifests/control-plane.ts'
import {
  clusterVersion,
  componentVersions,
  dnsVersion,
  kubeletVersions,
  type VersionOnNode,
} from './cluster-versions.ts'

/** What can be upgraded to what: `UpgradePlan` of `output.kubeadm.k8s.io/v1alpha3`. */
export interface UpgradePlan {
  readonly availableUpgrades: readonly AvailableUpgrade[]
  readonly configVersions: readonly ConfigVersion[]
}

export interface AvailableUpgrade {
  readonly description: string
  readonly components: readonly ComponentUpgrade[]
}

export interface ComponentUpgrade {
  readonly name: string
  readonly currentVersion: string
  readonly newVersion: string
  /** Absent for what no node has for itself. */
  readonly nodeName?: string
}

export interface ConfigVersion {
  readonly group: string
  readonly currentVersion: string
  readonly preferredVersion: string
  readonly manualUpgradeRequired: boolean
}

export interface PlanQuestion {
  readonly cluster: ClusterConfiguration
  /** `v1.36.2` */
  readonly target: string
  /** Of this program. */
  readonly program: string
}

/** What the cluster has. */
export interface ClusterState {
  /** Of the oldest API server. */
  readonly version: string
  readonly kubelets: readonly VersionOnNode[]
  /** By component, etcd with them where it is the cluster's own. */
  readonly components: Readonly<Record<string, readonly VersionOnNode[]>>
  readonly dns: string | undefined
  readonly configs: readonly ConfigVersion[]
}

export async function readState(client: Client, { etcd }: ClusterConfiguration): Promise<ClusterState> {
  const components: Record<string, readonly VersionOnNode[]> = {}
  for (const component of [...controlPlaneComponents, ...(etcd.local ? ['etcd'] : [])])
    components[component] = await componentVersions(client, component)
  return {
    version: await clusterVersion(client),
    kubelets: await kubeletVersions(client),
    components,
    dns: await dnsVersion(client),
    configs: (await Promise.all(componentConfigs.map((config) => configVersion(client, config)))).flat(),
  }
}

/** Pure: what the cluster has and is asked to become goes in, the plan comes out. */
export function planOf(state: ClusterState, question: PlanQuestion): UpgradePlan {
  const [current, target] = [parseVersion(state.version)!, parseVersion(question.target)!]
  if (compareVersions(current, target) >= 0) return { availableUpgrades: [], configVersions: state.configs }
  const isPatch = current.minor === target.minor
  const description = isPatch ? `version in the ${seriesOf(state.version)} series` : 'stable version'
  return {
    availableUpgrades: [{ description, components: componentsOf(state, question) }],
    configVersions: state.configs,
  }
}

/** `v1.36` */
export function seriesOf(version: string): string {
  const { major, minor } = parseVersion(version)!
  return `v${major}.${minor}`
}

function componentsOf(state: ClusterState, { cluster, target, program }: PlanQuestion): readonly ComponentUpgrade[] {
  const rows = (name: string, versions: readonly VersionOnNode[] = [], newVersion = target) =>
    byVersion(versions).map(({ node, version }) => ({ name, currentVersion: version, newVersion, nodeName: node }))
  const isNewer = compareVersions(parseVersion(target)!, parseVersion(program)!) > 0
  const etcdTarget = etcdImage(cluster).split(':').at(-1)!
  return [
    ...(needsKubelets(state, target) ? rows('kubelet', state.kubelets) : []),
    ...controlPlaneComponents.flatMap((component) => rows(component, state.components[component])),
    ...(cluster.proxy.disabled
      ? []
      : [{ name: 'kube-proxy', currentVersion: state.version.slice(1), newVersion: target }]),
    ...(state.dns === undefined
      ? []
      : [{ name: 'CoreDNS', currentVersion: state.dns, newVersion: cluster.dns.imageTag || imageVersions.coredns }]),
    { name: 'kubeadm', currentVersion: program, newVersion: isNewer ? target : program },
    ...rows('etcd', state.components['etcd'], etcdTarget),
  ]
}

/** As soon as there is one kubelet of another version, all are shown. */
const needsKubelets = ({ kubelets }: ClusterState, target: string) => kubelets.some(({ version }) => version !== target)

const byVersion = (versions: readonly VersionOnNode[]) =>
  versions.toSorted((one, other) => (one.version < other.version ? -1 : one.version > other.version ? 1 : 0))

interface ComponentConfig {
  readonly group: string
  readonly preferredVersion: string
  readonly configMap: string
  readonly key: string
}

const componentConfigs: readonly ComponentConfig[] = [
  { group: 'kubeproxy.config.k8s.io', preferredVersion: 'v1alpha1', configMap: 'kube-proxy', key: 'config.conf' },
  { group: 'kubelet.config.k8s.io', preferredVersion: 'v1beta1', configMap: 'kubelet-config', key: 'kubelet' },
]

/** In which version the configuration of a component is stored; nothing where there is none. */
async function configVersion(client: Client, config: ComponentConfig): Promise<readonly ConfigVersion[]> {
  const { group, preferredVersion, configMap, key } = config
  try {
    const { data } = await client.get(ConfigMap, { namespace: 'kube-system', name: configMap })
    const stored = parse(data?.[key] ?? '{}') as { readonly apiVersion?: string } | null
    const [, currentVersion] = apiVersionParts(stored?.apiVersion ?? '')
    return [{ group, currentVersion, preferredVersion, manualUpgradeRequired: currentVersion !== preferredVersion }]
  } catch (error) {
    if (isNotFound(error)) return []
    throw error
  }
}
