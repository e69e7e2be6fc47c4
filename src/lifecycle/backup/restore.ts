import type { HostWorld } from '../../world/world.ts'
import { EtcdCareError } from '../etcd/faults.ts'
import { findRestorer } from '../etcd/install.ts'
import { restoreInto } from '../etcd/restore.ts'
import { membersInSnapshot, openSnapshot } from '../etcd/snapshot-file.ts'
import { LifecycleError } from '../failure.ts'
import { sha256Text } from './contents.ts'
import type { OpenedBackup } from './open.ts'

export interface RestoreBackupOptions {
  readonly world: HostWorld
  readonly backup: OpenedBackup
  /** In front of every path: of a host nothing, or the data directory. */
  readonly root: string
  /** What is there is put aside. */
  readonly force: boolean
  readonly bumpRevision: number
  /** Makes an embedded store of a snapshot. */
  importStore(snapshot: string, directory: string, bumpRevision: number): Promise<void>
  readonly etcdctl?: string | undefined
  readonly etcdutl?: string | undefined
  print(line: string): void
}

/** Where the store comes to lie, below the root. */
function storePath({ contents }: OpenedBackup): string {
  return contents.kind === 'host' ? `${contents.etcd!.dataDir}/member` : '/store'
}

/** What a restore would do, and what is in its way. */
export interface RestoreOutlook {
  readonly lines: readonly string[]
  /** Paths that are there with something else in them. */
  readonly inTheWay: readonly string[]
}

export async function lookAhead({ world, backup, root }: RestoreBackupOptions): Promise<RestoreOutlook> {
  const { contents, files } = backup
  const inTheWay: string[] = []
  for (const [path, bytes] of files) {
    const there = await readIfFile(world, root + path)
    if (there !== undefined && sha256Text(there) !== sha256Text(bytes)) inTheWay.push(root + path)
  }
  const store = root + storePath(backup)
  if (await world.disk.stat(store)) inTheWay.push(store)
  const kinds = Object.values(contents.store.counts).reduce((sum, count) => sum + count, 0)
  return {
    lines: [
      `write ${files.size} files of ${contents.host} as of ${contents.createdAt}`,
      `restore the store at revision ${contents.store.revision}, ${kinds} keys, into ${store}`,
    ],
    inTheWay,
  }
}

async function readIfFile({ disk }: HostWorld, path: string): Promise<Uint8Array | undefined> {
  const about = await disk.stat(path)
  if (about?.isFolder) throw new LifecycleError(`${path} is a folder, where a file belongs`)
  return about ? disk.readBytes(path) : undefined
}

/**
 * Puts a backup back. Manifests come last, as a node agent starts what they say at once. What is in the way is moved
 * beside itself. Can be run again: what is there already as it should be is left alone.
 */
export async function restoreBackup(options: RestoreBackupOptions): Promise<void> {
  const { world, backup, root, force, print } = options
  const { inTheWay } = await lookAhead(options)
  if (inTheWay.length > 0 && !force) {
    const some = inTheWay.slice(0, 5).join(', ')
    throw new LifecycleError(
      `${inTheWay.length} of what the backup holds is there already with something else in it: ${some}${inTheWay.length > 5 ? ', …' : ''}`,
      { hint: 'restore onto an empty host or data directory, or with --force: what is there is put aside' },
    )
  }
  const aside = `.before-${new Date(world.clock.now()).toISOString().replace(/[-:]|\.\d{3}/g, '')}`
  for (const path of inTheWay) {
    await world.disk.rename(path, path + aside)
    print(`put ${path} aside as ${path}${aside}`)
  }
  const isManifest = (path: string) => path.includes('/manifests/')
  const paths = [...backup.files.keys()]
  await writeFiles(
    options,
    paths.filter((path) => !isManifest(path)),
  )
  await restoreStore(options)
  await writeFiles(options, paths.filter(isManifest))
  print(`wrote ${paths.length} files${root === '' ? '' : ` below ${root}`}`)
}

async function writeFiles({ world, backup, root }: RestoreBackupOptions, paths: readonly string[]): Promise<void> {
  const modes = new Map(backup.contents.files.map(({ path, mode }) => [path, mode]))
  for (const path of paths) await world.disk.writeBytes(root + path, backup.files.get(path)!, modes.get(path))
}

async function restoreStore(options: RestoreBackupOptions): Promise<void> {
  const { world, backup, root, bumpRevision, print } = options
  const { contents, snapshot } = backup
  const target = root + storePath(backup)
  if (contents.kind === 'data-directory') {
    await options.importStore(snapshot, target, bumpRevision)
    print(`restored the store into ${target}`)
    return
  }
  const { etcd } = contents
  if (!etcd) throw new EtcdCareError('the backup does not say which etcd it was')
  const tool = await findRestorer(world, { etcdctl: options.etcdctl, etcdutl: options.etcdutl })
  const dataDir = root + etcd.dataDir
  const beside = `${dataDir}/.restore-backup`
  await world.disk.makeFolder(dataDir)
  await world.disk.remove(beside)
  await restoreInto(world, {
    ...{ snapshotFile: snapshot, tool, dataDir: beside, name: etcd.name, peerUrl: etcd.peerUrl },
    ...{
      initialCluster: `${etcd.name}=${etcd.peerUrl}`,
      token: `coracle-restore-${contents.store.sha256.slice(0, 8)}`,
    },
    ...{ bumpRevision, markCompacted: bumpRevision > 0, skipHashCheck: false },
  })
  await world.disk.rename(`${beside}/member`, target)
  await world.disk.remove(beside)
  print(`restored etcd into ${dataDir} as a cluster of one member, ${etcd.name}`)
  const others = etcd.members.filter((name) => name !== etcd.name)
  if (others.length > 0) print(`${others.join(', ')} were members too: reset them and let them join anew`)
}

/** What `--hosts` of a restore on all members is, as it was when the backup was made; nothing for a single member. */
export async function hostsOfBackup(
  world: HostWorld,
  { contents, snapshot }: OpenedBackup,
): Promise<string | undefined> {
  const names = contents.etcd?.members ?? []
  if (names.length < 2) return undefined
  using parts = await world.disk.openParts(snapshot)
  if (!parts) return undefined
  return membersInSnapshot(openSnapshot(parts, snapshot), snapshot)
    .filter(({ name }) => names.includes(name))
    .map(({ name, peerUrls, clientUrls }) => [name, peerUrls[0], clientUrls[0]].join('='))
    .join(',')
}
