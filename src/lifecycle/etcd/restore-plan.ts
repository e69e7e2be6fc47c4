import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import type { HostWorld } from '../../world/world.ts'
import { EtcdCareError } from './faults.ts'
import { clusterIdOf, initialMemberId } from './ids.ts'
import { openSnapshot, snapshotStatus } from './snapshot-file.ts'

/**
 * What the hosts of a cluster agree on when they restore a snapshot: a file that is copied to each of them along with
 * the snapshot. Each does its share from it, in any order, as often as it takes.
 */
export interface RestorePlan {
  readonly kind: 'RestorePlan'
  /** Names what the restore puts on each host. */
  readonly id: string
  readonly createdAt: string
  readonly snapshot: {
    readonly file: string
    readonly sha256: string
    readonly revision: number
    readonly keys: number
  }
  readonly skipHashCheck: boolean
  readonly bumpRevision: number
  readonly markCompacted: boolean
  /** New for each restore: members of the old cluster that still run somewhere are strangers to the new one. */
  readonly token: string
  readonly hosts: readonly RestoreHost[]
}

export interface RestoreHost {
  readonly name: string
  readonly peerUrl: string
  readonly clientUrl: string
}

export interface PlanOptions {
  readonly snapshotFile: string
  readonly hosts: readonly RestoreHost[]
  readonly bumpRevision: number
  readonly markCompacted: boolean
  readonly skipHashCheck: boolean
  /** Instead of one of its own. */
  readonly token?: string | undefined
}

/** Looks at the snapshot and writes the plan down. Throws an `EtcdCareError`, a `DiskError`. */
export async function makePlan(world: HostWorld, options: PlanOptions): Promise<RestorePlan> {
  const { snapshotFile, hosts, bumpRevision, markCompacted, skipHashCheck } = options
  requireDifferent(hosts)
  const id = Buffer.from(world.random.bytes(4)).toString('hex')
  using parts = await world.disk.openParts(snapshotFile)
  if (!parts) throw new EtcdCareError(`${snapshotFile} is not there`)
  const status = snapshotStatus(openSnapshot(parts, snapshotFile, skipHashCheck), snapshotFile)
  return {
    kind: 'RestorePlan',
    id,
    createdAt: new Date(world.clock.now()).toISOString(),
    snapshot: {
      file: basename(snapshotFile),
      sha256: await sha256Of(world, snapshotFile),
      revision: status.revision,
      keys: status.totalKeys,
    },
    ...{ skipHashCheck, bumpRevision, markCompacted },
    token: options.token ?? `coracle-restore-${id}`,
    hosts,
  }
}

function requireDifferent(hosts: readonly RestoreHost[]): void {
  if (hosts.length === 0) throw new EtcdCareError('a restore needs at least one host', { hint: 'give --hosts' })
  for (const what of ['name', 'peerUrl'] as const) {
    const seen = new Set(hosts.map((host) => host[what]))
    if (seen.size < hosts.length)
      throw new EtcdCareError(`two hosts have the same ${what === 'name' ? 'name' : 'peer URL'}`)
  }
}

export async function sha256Of({ disk }: Pick<HostWorld, 'disk'>, file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of disk.readPieces(file)) hash.update(piece)
  return hash.digest('hex')
}

/** Throws an `EtcdCareError` when the file is no plan. */
export async function readPlan({ disk }: Pick<HostWorld, 'disk'>, file: string): Promise<RestorePlan> {
  const text = await disk.read(file)
  if (text === undefined)
    throw new EtcdCareError(`${file} is not there`, {
      hint: 'make it with "coracle etcd snapshot restore FILE --hosts …"',
    })
  try {
    const plan = JSON.parse(text) as RestorePlan
    if (plan.kind === 'RestorePlan' && plan.hosts.length > 0 && plan.snapshot.sha256) return plan
  } catch {
    // Said below.
  }
  throw new EtcdCareError(`${file} is no restore plan, or a part of one`, { hint: 'copy it anew, or make it anew' })
}

export const writePlan = ({ disk }: Pick<HostWorld, 'disk'>, file: string, plan: RestorePlan): Promise<void> =>
  disk.write(file, `${JSON.stringify(plan, undefined, 2)}\n`)

/** The id of the cluster that comes of it. */
export function clusterIdOfPlan({ hosts, token }: RestorePlan): bigint {
  return clusterIdOf(hosts.map(({ peerUrl }) => initialMemberId([peerUrl], token)))
}

export const initialClusterOf = ({ hosts }: RestorePlan): string => initialClusterText(hosts)

/** As `--initial-cluster` wants it. */
export const initialClusterText = (hosts: readonly RestoreHost[]): string =>
  hosts.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',')

/** `NAME=PEER-URL,…`, with the client URL behind another `=` where it is not port 2379 of the same host. */
export function parseHosts(text: string): RestoreHost[] {
  return text.split(',').map((part) => {
    const [, name, peerUrl, clientUrl] =
      /^([^=/]+)=(https?:\/\/[^=]+?)\/?(?:=(https?:\/\/[^=]+?)\/?)?$/.exec(part) ?? []
    if (!name || !peerUrl) {
      throw new EtcdCareError(`"${part}" is not NAME=PEER-URL`, { hint: 'such as master01=https://10.0.0.1:2380' })
    }
    return { name, peerUrl, clientUrl: clientUrl ?? usualClientUrl(peerUrl) }
  })
}

function usualClientUrl(peerUrl: string): string {
  const url = new URL(peerUrl)
  url.port = '2379'
  return url.origin
}

/** What to do where, for people. */
export function describePlan(plan: RestorePlan, planFile: string): string[] {
  const { snapshot, hosts, bumpRevision, markCompacted } = plan
  const commands = hosts.map(
    ({ name }) =>
      `  ${name}: coracle etcd snapshot restore ${snapshot.file} --plan ${basename(planFile)} --local --name ${name}`,
  )
  const history = [
    ...(bumpRevision > 0 ? [`the revision goes on at ${snapshot.revision + bumpRevision}`] : []),
    ...(markCompacted ? ['older history counts as compacted, so that everybody who watches lists anew'] : []),
  ]
  return [
    `Restores ${snapshot.file} (revision ${snapshot.revision}, ${snapshot.keys} keys) on ${hosts.length} ${hosts.length === 1 ? 'host' : 'hosts'}.`,
    ...(history.length > 0 ? [`${history.join('; ')}.`.replace(/^./, (letter) => letter.toUpperCase())] : []),
    'What was written after the snapshot is lost; what was deleted after it is there again.',
    ...(hosts.length > 1
      ? [`Copy ${snapshot.file} and ${basename(planFile)} to every host; then run there, on all at the same time:`]
      : []),
    ...commands,
    ...(hosts.length > 1
      ? [
          'Each stops its own etcd and API server, waits until the others have stopped theirs, and starts what it restored.',
        ]
      : []),
  ]
}
