import { createHash } from 'node:crypto'
import type { HostWorld } from '../../world/world.ts'
import { openSnapshot } from '../etcd/snapshot-file.ts'
import { LifecycleError } from '../failure.ts'
import { type BackupContents, contentsName, digestOf, filesFolder, keysIn, storeName } from './contents.ts'
import type { BackupPlace } from './place.ts'
import { DamagedBackupError, type Secret, unseal } from './seal.ts'
import { readTar } from './tar.ts'

/** A backup that was read to its end, with every part of it as its contents say. */
export interface OpenedBackup {
  readonly contents: BackupContents
  /** By path. */
  readonly files: ReadonlyMap<string, Buffer>
  /** Where its snapshot lies now. */
  readonly snapshot: string
}

/** The one that is asked for, or the newest. Throws a `LifecycleError` when there is none. */
export async function findBackup(place: BackupPlace, name: string | undefined): Promise<string> {
  const all = await place.list()
  if (name !== undefined) {
    if (all.some((backup) => backup.name === name)) return name
    throw new LifecycleError(`there is no backup ${name} in ${place.name}`, { hint: 'see "coracle backup list"' })
  }
  const [newest] = all
  if (newest) return newest.name
  throw new LifecycleError(`there is no backup in ${place.name}`, { hint: 'make one with "coracle backup"' })
}

/**
 * Reads a backup whole, its snapshot into a file of that name. Throws `WrongSecretError`, `DamagedBackupError`; the
 * snapshot is not there then.
 */
export async function openBackup(
  world: HostWorld,
  place: BackupPlace,
  name: string,
  secret: Secret,
  snapshot: string,
): Promise<OpenedBackup> {
  try {
    return await readAll(world, place, name, secret, snapshot)
  } catch (error) {
    await world.disk.remove(snapshot)
    throw error
  }
}

async function readAll(
  world: HostWorld,
  place: BackupPlace,
  name: string,
  secret: Secret,
  snapshot: string,
): Promise<OpenedBackup> {
  let contents: BackupContents | undefined
  let hasStore = false
  const files = new Map<string, Buffer>()
  await readTar(unseal(place.get(name), secret), async ({ path }, content) => {
    if (path === contentsName) contents = JSON.parse((await whole(content)).toString()) as BackupContents
    else if (!contents) throw new DamagedBackupError('the backup does not begin with its contents')
    else if (path === storeName) {
      await saveStore(world, contents, content, snapshot)
      hasStore = true
    } else if (path.startsWith(`${filesFolder}/`))
      takeFile(contents, files, path.slice(filesFolder.length), await whole(content))
  })
  if (!contents || !hasStore) throw new DamagedBackupError('the backup has no store')
  const missing = contents.files.find(({ path }) => !files.has(path))
  if (missing) throw new DamagedBackupError(`the backup lacks ${missing.path}`)
  return { contents, files, snapshot }
}

async function whole(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of content) pieces.push(Uint8Array.from(piece))
  return Buffer.concat(pieces)
}

function takeFile(contents: BackupContents, files: Map<string, Buffer>, path: string, bytes: Buffer): void {
  const expected = contents.files.find((file) => file.path === path)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  if (expected?.sha256 !== sha256) throw new DamagedBackupError(`${path} in the backup is not what its contents say`)
  files.set(path, bytes)
}

async function saveStore(
  { disk }: HostWorld,
  { store }: BackupContents,
  content: AsyncIterable<Uint8Array>,
  snapshot: string,
): Promise<void> {
  const hash = createHash('sha256')
  const passing = async function* () {
    for await (const piece of content) {
      hash.update(piece)
      yield piece
    }
  }
  await disk.writePieces(snapshot, passing())
  if (hash.digest('hex') !== store.sha256)
    throw new DamagedBackupError('the store in the backup is not what its contents say')
}

/** Reads everything, and looks whether the store can be read and holds what it held. Leaves nothing behind. */
export async function verifyBackup(
  world: HostWorld,
  place: BackupPlace,
  name: string,
  secret: Secret,
  workDir: string,
): Promise<BackupContents> {
  const snapshot = `${workDir}/${name}.verify.db`
  const { contents } = await openBackup(world, place, name, secret, snapshot)
  try {
    using parts = await world.disk.openParts(snapshot)
    const digest = digestOf(keysIn(openSnapshot(parts!, snapshot)))
    if (digest !== contents.store.digest)
      throw new DamagedBackupError('the store in the backup holds other keys than it did')
    return contents
  } finally {
    await world.disk.remove(snapshot)
  }
}
