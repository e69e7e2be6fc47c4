import type { HostWorld } from '../../world/world.ts'
import { controlPlaneManifest } from '../init/manifests.ts'
import { controlPlaneComponents } from '../manifests/control-plane.ts'
import { manifestPath } from '../manifests/static-pod.ts'
import { paths } from '../paths.ts'
import type { Phase } from '../phase.ts'
import { renewAdministrators } from './certificates.ts'
import { type Component, isSame, type Replaced, type UpgradeFolders, upgradeComponent } from './component.ts'
import type { UpgradeData } from './data.ts'
import { newEtcdManifest, upgradeEtcd } from './etcd.ts'
import { putBack, rolledBack } from './roll-back.ts'

/** The static pods of this host, one at a time: etcd first, then what is in front of it. */
export const controlPlane: Phase<UpgradeData> = {
  name: 'control-plane',
  summary: 'Upgrade the control plane instance deployed on this node, if any',
  async plan(data) {
    if (!(await data.isControlPlane())) return [notControlPlane]
    const { kubernetesVersion } = await data.cluster()
    const lines = await Promise.all(
      Object.entries(await newManifests(data)).map(async ([component, text]) => {
        const before = await data.world.disk.read(manifestPath(component))
        if (before !== undefined && isSame(before, text))
          return `[dryrun] Current and new manifests of ${component} are equal`
        return `[dryrun] Would write ${manifestPath(component)}, and wait for the kubelet to restart the component`
      }),
    )
    return [
      `[dryrun] Would upgrade your static Pod-hosted control plane to version ${JSON.stringify(kubernetesVersion)}`,
      ...lines,
    ]
  },
  async run(data) {
    if (!(await data.isControlPlane())) return data.print(notControlPlane)
    const { kubernetesVersion } = await data.cluster()
    const { upgradeManifests } = data.timeouts
    data.print(
      `[upgrade/control-plane] Upgrading your static Pod-hosted control plane to version ${JSON.stringify(kubernetesVersion)} (timeout: ${upgradeManifests})...`,
    )
    await upgradeStaticPods(data)
    data.print('[upgrade/control-plane] The control plane instance for this node was successfully upgraded!')
  },
}

const notControlPlane = '[upgrade/control-plane] Skipping phase. Not a control plane node.'

const upgradedFolder = 'kubeadm-upgraded-manifests'

async function upgradeStaticPods(data: UpgradeData): Promise<void> {
  const { world, options, print } = data
  await removeLeftovers(world)
  const folders: UpgradeFolders = {
    upgraded: `${paths.temporary}/${upgradedFolder}${world.random.int(2 ** 32)}`,
    manifests: data.backupFolder('kubeadm-backup-manifests'),
    etcd: data.backupFolder('kubeadm-backup-etcd'),
  }
  print(`[upgrade/staticpods] Writing new Static Pod manifests to ${JSON.stringify(folders.upgraded)}`)
  const manifests = await newManifests(data)
  for (const [component, text] of Object.entries(manifests))
    await world.disk.write(manifestPath(component, folders.upgraded), text, 0o600)
  await world.disk.makeFolder(folders.manifests, 0o700)
  if (manifests.etcd !== undefined) await upgradeEtcd(folders, data)
  const replaced: Replaced[] = []
  try {
    for (const component of controlPlaneComponents) await upgradeComponent(component, folders, replaced, data)
  } catch (error) {
    await putBack(replaced, world)
    throw rolledBack(error as Error)
  }
  if (options.certificateRenewal) await renewAdministrators(data)
  await world.disk.remove(folders.upgraded)
}

/** By component, in the order in which they are put in place. */
async function newManifests(data: UpgradeData): Promise<Partial<Record<Component, string>>> {
  const source = await data.manifestSource()
  const manifests: Partial<Record<Component, string>> = {}
  if (data.options.etcdUpgrade && source.cluster.etcd.local) manifests.etcd = await newEtcdManifest(data)
  for (const component of controlPlaneComponents)
    manifests[component] = await controlPlaneManifest(component, source, data.world, data.print)
  return manifests
}

/** Manifests that whoever was interrupted did not put in place. */
async function removeLeftovers({ disk }: Pick<HostWorld, 'disk'>): Promise<void> {
  for (const name of await disk.list(paths.temporary))
    if (name.startsWith(upgradedFolder)) await disk.remove(`${paths.temporary}/${name}`)
}
