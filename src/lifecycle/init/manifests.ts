import { Pod } from '../../kinds/core/pod.ts'
import type { HostWorld } from '../../world/world.ts'
import type { ApiEndpoint, ClusterConfiguration, Timeouts } from '../config/types.ts'
import { LifecycleError } from '../failure.ts'
import {
  authorityFolders,
  type ControlPlaneComponentName,
  controlPlaneComponents,
  controlPlanePod,
  type ManifestHost,
} from '../manifests/control-plane.ts'
import { type EtcdProgram, etcdPod } from '../manifests/etcd.ts'
import { applyPatches, type PatchFile } from '../manifests/patches.ts'
import { type ComponentPod, manifestPath, podYaml, toPod } from '../manifests/static-pod.ts'
import { paths } from '../paths.ts'
import { proxyVariables } from '../preflight/proxy.ts'

/** What the manifests of a host are made of. */
export interface ManifestSource {
  readonly cluster: ClusterConfiguration
  readonly nodeName: string
  readonly endpoint: ApiEndpoint
  readonly timeouts: Required<Timeouts>
  readonly patches: readonly PatchFile[]
  readonly env: Readonly<Record<string, string | undefined>>
}

type Print = (line: string) => void
const silent: Print = () => {}

export async function controlPlaneManifest(
  component: ControlPlaneComponentName,
  source: ManifestSource,
  world: HostWorld,
  print: Print = silent,
): Promise<string> {
  const pod = controlPlanePod(component, source.cluster, await manifestHost(source, world))
  return patched(component, pod, source.patches, print)
}

export async function etcdManifest(
  source: ManifestSource,
  world: HostWorld,
  initialCluster?: string,
  print: Print = silent,
): Promise<string> {
  const program = await etcdProgram(world)
  const pod = etcdPod(source.cluster, await manifestHost(source, world), program, initialCluster)
  return patched('etcd', pod, source.patches, print)
}

/** All of them, by component: what a host has when nothing came in between. */
export async function allManifests(
  source: ManifestSource,
  world: HostWorld,
): Promise<Readonly<Record<string, string>>> {
  const manifests: Record<string, string> = {}
  for (const component of controlPlaneComponents)
    manifests[component] = await controlPlaneManifest(component, source, world)
  if (source.cluster.etcd.local && (await world.exec.which('etcd')))
    manifests['etcd'] = await etcdManifest(source, world)
  return manifests
}

/** Writes one, unless it is there. */
export async function writeManifest({ disk }: Pick<HostWorld, 'disk'>, component: string, text: string): Promise<void> {
  await disk.makeFolder(paths.manifests, 0o755)
  const path = manifestPath(component)
  // The agent starts anew what is written anew.
  if ((await disk.read(path)) !== text) await disk.write(path, text, 0o600)
}

function patched(
  component: ControlPlaneComponentName | 'etcd',
  pod: ComponentPod,
  patches: readonly PatchFile[],
  print: Print,
): string {
  return podYaml(applyPatches(component, toPod(pod), patches, Pod.schema, print))
}

async function manifestHost(source: ManifestSource, { disk }: HostWorld): Promise<ManifestHost> {
  const { nodeName, endpoint, timeouts, cluster, env } = source
  const there = await Promise.all(authorityFolders.map((path) => disk.stat(path)))
  return {
    nodeName,
    endpoint,
    timeouts,
    authorityFolders: authorityFolders.filter((path, index) => path === '/etc/ssl/certs' || there[index]?.isFolder),
    externalAuthority: (await disk.stat(`${cluster.certificatesDir}/ca.key`)) === undefined,
    proxyEnv: proxyVariables(env),
  }
}

/** Which etcd there is: its flags differ. */
async function etcdProgram({ exec }: HostWorld): Promise<EtcdProgram> {
  const found = await exec.run('etcd', ['--version'], { timeoutMs: 10_000 }).catch(() => undefined)
  const [, major, minor] = /etcd Version: (\d+)\.(\d+)\./.exec(found?.stdout ?? '') ?? []
  if (Number(major) === 3 && Number(minor) >= 4) return { minor: Number(minor) }
  throw new LifecycleError(
    found === undefined
      ? 'etcd not found in system path'
      : `this is no etcd of version 3.4 to 3.6: ${found.stdout.split('\n')[0] || found.stderr.split('\n')[0]}`,
    { hint: 'install one (Debian: apt-get install etcd-server), or put it on the search path' },
  )
}
