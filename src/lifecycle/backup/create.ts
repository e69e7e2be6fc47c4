import type { HostWorld } from '../../world/world.ts'
import { EtcdCareError } from '../etcd/faults.ts'
import { sha256Of } from '../etcd/restore-plan.ts'
import { openSnapshot, snapshotStatus } from '../etcd/snapshot-file.ts'
import {
  type BackedUpFile,
  type BackupContents,
  contentsName,
  countsOf,
  digestOf,
  filesFolder,
  keysIn,
  type StoreContents,
  sha256Text,
  storeName,
} from './contents.ts'
import { type BackupPlace, backupSuffix } from './place.ts'
import { type Secret, seal } from './seal.ts'
import { type TarFile, writeTar } from './tar.ts'

export interface BackupSource {
  readonly kind: BackupContents['kind']
  readonly etcd?: BackupContents['etcd']
  /** Names of files are kept without this in front. */
  readonly root: string
  /** Files and folders below the root to be kept; what is not there is left out. */
  readonly paths: readonly string[]
  /** Folders that are not. */
  readonly except?: readonly string[]
  /** Writes a snapshot of the store, in etcd's format. */
  saveStore(file: string): Promise<void>
}

export interface BackupOptions {
  readonly world: HostWorld
  readonly source: BackupSource
  readonly place: BackupPlace
  readonly secret: Secret
  /** In front of the backup's name. */
  readonly label: string
  /** For the snapshot, until it is in the backup. */
  readonly workDir: string
}

export interface MadeBackup {
  readonly name: string
  readonly contents: BackupContents
}

/** Makes a backup. Nothing is left of it when it fails. */
export async function createBackup(options: BackupOptions): Promise<MadeBackup> {
  const { world, source, place, secret, label, workDir } = options
  const createdAt = new Date(world.clock.now()).toISOString()
  const mark = Buffer.from(world.random.bytes(3)).toString('hex')
  await removeLeftovers(world, workDir)
  const name = `${label}-${createdAt.replace(/[-:]|\.\d{3}/g, '')}-${mark}${backupSuffix}`
  const snapshot = `${workDir}/${name}.etcd.db`
  try {
    await source.saveStore(snapshot)
    const read = await readFiles(world, source)
    const contents: BackupContents = {
      ...{ format: 'coracle-backup/1', kind: source.kind, createdAt, host: world.machine.hostName },
      store: await describeStore(world, snapshot),
      ...(source.etcd && { etcd: source.etcd }),
      files: read.map(({ file }) => file),
    }
    const archive = writeTar(archiveOf(world, contents, snapshot, read))
    await place.put(name, seal(archive, { secret, random: world.random, createdAt, host: contents.host }))
    return { name, contents }
  } finally {
    await world.disk.remove(snapshot)
  }
}

const leftoverMs = 3_600_000

/** What a process that was killed left unencrypted: younger files may be somebody's who is at it. */
async function removeLeftovers({ disk, clock }: HostWorld, workDir: string): Promise<void> {
  for (const name of await disk.list(workDir)) {
    if (!name.includes(`${backupSuffix}.`)) continue
    const about = await disk.stat(`${workDir}/${name}`)
    if (about && about.modifiedMs < clock.now() - leftoverMs) await disk.remove(`${workDir}/${name}`)
  }
}

async function describeStore(world: HostWorld, snapshot: string): Promise<StoreContents> {
  using parts = await world.disk.openParts(snapshot)
  if (!parts) throw new EtcdCareError('the store was not saved')
  const database = openSnapshot(parts, snapshot)
  const keys = keysIn(database)
  return {
    revision: snapshotStatus(database, snapshot).revision,
    sizeBytes: parts.size,
    sha256: await sha256Of(world, snapshot),
    counts: countsOf(keys.keys()),
    digest: digestOf(keys),
  }
}

interface ReadFile {
  readonly file: BackedUpFile
  readonly bytes: Uint8Array
}

async function readFiles({ disk }: HostWorld, { root, paths, except = [] }: BackupSource): Promise<ReadFile[]> {
  const read: ReadFile[] = []
  const walk = async (path: string): Promise<void> => {
    if (except.includes(path)) return
    const whole = root + path
    const about = await disk.stat(whole)
    if (about?.isFolder) for (const name of (await disk.list(whole)).sort()) await walk(`${path}/${name}`)
    const bytes = about && !about.isFolder ? await disk.readBytes(whole) : undefined
    if (!about || !bytes) return
    read.push({ file: { path, mode: about.mode, size: bytes.length, sha256: sha256Text(bytes) }, bytes })
  }
  for (const path of paths) await walk(path)
  return read
}

function* archiveOf(
  { disk }: HostWorld,
  contents: BackupContents,
  snapshot: string,
  read: readonly ReadFile[],
): Generator<TarFile> {
  const text = Buffer.from(`${JSON.stringify(contents, undefined, 2)}\n`)
  yield { path: contentsName, size: text.length, mode: 0o600, content: () => [text] }
  for (const { file, bytes } of read) {
    yield { path: filesFolder + file.path, size: file.size, mode: file.mode, content: () => [bytes] }
  }
  yield { path: storeName, size: contents.store.sizeBytes, mode: 0o600, content: () => disk.readPieces(snapshot) }
}

/** Removes all but the newest `count` of this label. Gives the names of those that are gone. */
export async function keepNewest(place: BackupPlace, label: string, count: number): Promise<readonly string[]> {
  const own = (await place.list()).filter(({ name }) => name.startsWith(`${label}-`))
  const gone = own.slice(count).map(({ name }) => name)
  for (const name of gone) await place.remove(name)
  return gone
}
