import type { Client } from '../../client/client.ts'
import { Deployment } from '../../kinds/apps/deployment.ts'
import { Node } from '../../kinds/core/node.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { isNotFound } from '../../schema/status.ts'
import { compareVersions, parseVersion } from '../config/versions.ts'
import { LifecycleError } from '../failure.ts'

/** Who has which version. */
export interface VersionOnNode {
  readonly node: string
  readonly version: string
}

/** Of a component of the control plane, by the images of its static pods; in the order of the nodes' names. */
export async function componentVersions(client: Client, component: string): Promise<readonly VersionOnNode[]> {
  const { items } = await client.list(Pod, { namespace: 'kube-system', labelSelector: `component=${component}` })
  return items
    .map(({ spec }) => ({ node: spec.nodeName ?? '', version: tagOf(spec.containers[0]?.image ?? '') }))
    .sort(byNode)
}

/** Of the nodes' kubelets, in the order of the nodes' names. */
export async function kubeletVersions(client: Client): Promise<readonly VersionOnNode[]> {
  const { items } = await client.list(Node)
  return items
    .map(({ metadata, status }) => ({ node: metadata.name!, version: status?.nodeInfo?.kubeletVersion ?? '' }))
    .sort(byNode)
}

/** The version of the oldest API server: `v1.36.0`. */
export async function clusterVersion(client: Client): Promise<string> {
  const versions = (await componentVersions(client, 'kube-apiserver'))
    .map(({ version }) => version)
    .filter((version) => parseVersion(version) !== undefined)
    .sort((one, other) => compareVersions(parseVersion(one)!, parseVersion(other)!))
  if (versions[0] !== undefined) return versions[0]
  throw new LifecycleError('cannot find kube-apiserver Pod by label selector: component=kube-apiserver', {
    hint: 'the kubelets of control planes show their static pods in the API: see whether they run, and "kubectl -n kube-system get pods"',
  })
}

/** Of the DNS of the cluster; nothing where there is none. */
export async function dnsVersion(client: Client): Promise<string | undefined> {
  try {
    const { spec } = await client.get(Deployment, { namespace: 'kube-system', name: 'coredns' })
    return tagOf(spec?.template?.spec?.containers[0]?.image ?? '')
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** Those besides one whose API server has another image than that one's: they are still to be upgraded. */
export async function otherVersions(client: Client, nodeName: string): Promise<readonly string[]> {
  const versions = await componentVersions(client, 'kube-apiserver')
  const own = versions.find(({ node }) => node === nodeName)?.version
  return versions.filter(({ version }) => version !== own).map(({ node }) => node)
}

/** `v1.36.0` of `registry.k8s.io/kube-apiserver:v1.36.0`. */
const tagOf = (image: string) => /:([^:/@]+)(@.*)?$/.exec(image)?.[1] ?? ''

const byNode = (one: VersionOnNode, other: VersionOnNode) => (one.node < other.node ? -1 : 1)
