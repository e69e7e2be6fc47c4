import { parse } from 'yaml'
import { parseDuration } from '../../base/duration.ts'
import { EtcdConnections, readTls } from '../etcd/access.ts'
import { endpointHealth } from '../etcd/status.ts'
import { LifecycleError } from '../failure.ts'
import { etcdManifest } from '../init/manifests.ts'
import { clientUrl, peerUrl } from '../manifests/etcd.ts'
import { manifestPath } from '../manifests/static-pod.ts'
import { type Replaced, type UpgradeFolders, upgradeComponent } from './component.ts'
import type { UpgradeData } from './data.ts'
import { endpointOf, flagOf, type Manifest } from './host.ts'
import { putBack } from './roll-back.ts'

/**
 * Brings the member of this host to the new manifest, after a copy of its data was made. The others have to be well: while
 * this one is started anew it is missed.
 * @throws LifecycleError when it does not come up: what was there before is back then
 */
export async function upgradeEtcd(folders: UpgradeFolders, data: UpgradeData): Promise<void> {
  const { print } = data
  await requireWell(data)
  await backUp(folders.etcd, data)
  const replaced: Replaced[] = []
  try {
    await upgradeComponent('etcd', folders, replaced, data)
    print('[upgrade/etcd] Waiting for etcd to become available')
    await requireWell(data)
  } catch (error) {
    print(`[upgrade/etcd] Failed to upgrade etcd: ${(error as Error).message}`)
    await putBack(replaced, data.world)
    print('[upgrade/etcd] Waiting for previous etcd to become available')
    await requireWell(data).catch((failure: Error) => {
      throw new LifecycleError(
        `fatal error when trying to upgrade the etcd cluster, and the previous etcd does not become available: ${failure.message}`,
        { hint: `its log is below /var/log/pods; a copy of its data from before is in ${folders.etcd}`, cause: error },
      )
    })
    print('[upgrade/etcd] Etcd was rolled back and is now available')
    throw new LifecycleError(
      `fatal error when trying to upgrade the etcd cluster, rolled the state back to pre-upgrade state: ${(error as Error).message}`,
      {
        hint: 'the log of etcd is below /var/log/pods; the same command begins anew when that is mended',
        cause: error,
      },
    )
  }
}

/** The new manifest. The members that it was made with stay there: they lead to the others when this one is down. */
export async function newEtcdManifest(data: UpgradeData): Promise<string> {
  const source = await data.manifestSource()
  const current = parse((await data.world.disk.read(manifestPath('etcd'))) ?? '{}') as Manifest | null
  const members = flagOf(current, 'initial-cluster')
  const alone = `${source.nodeName}=${peerUrl(source.endpoint.advertiseAddress)}`
  return etcdManifest(source, data.world, members === alone ? undefined : members, data.print)
}

/** As the files lie there: the manual way back is to copy them into the data folder. */
async function backUp(folder: string, data: UpgradeData): Promise<void> {
  const { dataDir } = (await data.cluster()).etcd.local!
  const { exec, disk } = data.world
  await disk.makeFolder(folder, 0o700)
  // Journals are made as large as they may become: what is empty in them takes no room in the copy.
  const copy = await exec.run('cp', ['-a', '--sparse=always', `${dataDir}/.`, folder])
  if (copy.code === 0) return
  throw new LifecycleError(`failed to back up etcd data: ${copy.stderr.trim()}`, {
    hint: `see whether there is room for ${folder}; "coracle upgrade ... --etcd-upgrade=false" leaves etcd alone`,
  })
}

const pauseMs = 500

/** All members answer, as soon as those do that are being started anew. */
async function requireWell(data: UpgradeData): Promise<void> {
  const { clock } = data.world
  const giveUpAt = clock.monotonic() + parseDuration(data.timeouts.etcdAPICall)
  for (;;) {
    const fault = await faultOf(data)
    if (fault === undefined) return
    if (clock.monotonic() > giveUpAt)
      throw new LifecycleError(`etcd cluster is not healthy: ${fault}`, {
        hint: 'see "coracle etcd health --cluster"; bring the member back, or take it out when it is gone for good: coracle etcd member remove ID',
      })
    await clock.after(pauseMs)
  }
}

async function faultOf(data: UpgradeData): Promise<string | undefined> {
  try {
    using etcd = await connect(data)
    const health = await endpointHealth(etcd, await etcd.endpointsOfCluster())
    const unwell = health.filter((each) => !each.health)
    return unwell.length === 0 ? undefined : unwell.map(({ endpoint, error }) => `${endpoint}: ${error}`).join(', ')
  } catch (error) {
    return (error as Error).message
  }
}

async function connect(data: UpgradeData): Promise<EtcdConnections> {
  const { disk } = data.world
  const tls = await readTls(disk, {}, `${(await data.cluster()).certificatesDir}/etcd`)
  const { advertiseAddress } = await endpointOf(disk)
  return EtcdConnections.open(data.world, { endpoints: [clientUrl(advertiseAddress)], tls, ofHost: true })
}
