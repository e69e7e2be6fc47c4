import { timeoutsOf } from '../config/defaults.ts'
import { EtcdAccessError, EtcdConnections, type EtcdManifest, findEtcd, readEtcdManifest } from '../etcd/access.ts'
import { askAgain, hexId, listMembers, patienceOf, takeOut } from '../etcd/members.ts'
import { paths } from '../paths.ts'
import type { Phase } from '../phase.ts'
import type { ResetData } from './data.ts'

/** The host's member goes out of its cluster as long as there are others: else it would count as one that is dead. */
export const removeEtcdMember: Phase<ResetData> = {
  name: 'remove-etcd-member',
  summary: 'Remove a local etcd member',
  async plan({ world }) {
    const manifest = await ownManifest(world)
    return manifest ? ['[reset] Would remove the etcd member on this node from the etcd cluster'] : []
  },
  async run({ world, tools, reset }) {
    const manifest = await ownManifest(world)
    if (!manifest) return
    try {
      const { etcdAPICall } = timeoutsOf(reset.timeouts ?? {})
      const removed = await removeOwn(world, manifest, etcdAPICall, tools.print)
      if (removed !== undefined) tools.print(`[reset] Removed etcd member ${removed} from the etcd cluster`)
    } catch (error) {
      tools.warn(
        `[reset] Failed to remove etcd member: ${(error as Error).message}, please manually remove this etcd member using etcdctl, or "coracle etcd member remove" on another control plane`,
      )
    }
  },
}

/** What lies there of etcd's manifest; half a one is none. */
export async function ownManifest({ disk }: ResetData['world']): Promise<EtcdManifest | undefined> {
  try {
    return await readEtcdManifest(disk, paths.kubernetes)
  } catch (error) {
    if (error instanceof EtcdAccessError) return undefined
    throw error
  }
}

/** The id of the member that was taken out; nothing when it is the last one, or is out already. */
async function removeOwn(
  world: ResetData['world'],
  manifest: EtcdManifest,
  timeout: string,
  print: (line: string) => void,
): Promise<string | undefined> {
  const own = manifest.flag('initial-advertise-peer-urls')
  const access = await findEtcd(world, {})
  const others = othersOf(manifest, own)
  const patience = patienceOf(world.clock, timeout, (line) => print(`[reset] ${line}`))
  // One that was alone has nobody to wait for.
  const first = others.length > 0 ? patience : { ...patience, timeoutMs: 0 }
  using all = await EtcdConnections.open(world, { ...access, endpoints: [...access.endpoints, ...others] })
  const members = await askAgain(all.client, first, () => listMembers(all.client))
  const mine = members.find(({ peerUrls = [] }) => own !== undefined && peerUrls.includes(own))
  if (!mine || members.length === 1) return undefined
  // Another is asked: this one ends as soon as it hears of it, perhaps before it has answered.
  const endpoints = members.filter(({ id }) => id !== mine.id).flatMap(({ clientUrls = [] }) => clientUrls)
  using rest = await EtcdConnections.open(world, { ...access, endpoints, ofHost: false })
  await takeOut(rest.client, mine.id, patience)
  return hexId(mine.id)
}

/** Where the members that this one joined are reached by clients. */
function othersOf(manifest: EtcdManifest, own: string | undefined): readonly string[] {
  const peers = (manifest.flag('initial-cluster') ?? '').split(',').map((each) => each.slice(each.indexOf('=') + 1))
  return peers.filter((url) => url !== '' && url !== own).map((url) => url.replace(/:2380$/, ':2379'))
}
