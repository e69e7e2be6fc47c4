import { exportSnapshot, importSnapshot, type MovedState } from '../etcd/server/migrate.ts'
import { LmdbStore } from '../store/lmdb.ts'
import { copyLmdbStore } from '../store/lmdb-copy.ts'
import { StoreExistsError } from '../store/lmdb-import.ts'
import type { HostWorld } from '../world/world.ts'

/** The store of a data directory as a snapshot file of etcd, and back. */
export { StoreExistsError }

/**
 * Writes the store of a data directory into a snapshot file, as it is at one moment; a cluster may be running on it.
 * Throws what the store or the disk has to say.
 */
export async function exportEmbedded(world: HostWorld, dataDir: string, file: string): Promise<MovedState> {
  const copy = `${file}.store`
  await copyLmdbStore(`${dataDir}/store`, copy)
  try {
    await using store = await LmdbStore.open(copy, world)
    return await exportSnapshot(store, file)
  } catch (error) {
    await world.disk.remove(`${file}.part`)
    throw error
  } finally {
    await world.disk.remove(copy)
  }
}

/** Makes the store of a data directory of a snapshot file. Throws `StoreExistsError`, `UnusableSnapshotError`. */
export function importEmbedded(
  file: string,
  directory: string,
  options: { readonly bumpRevision: number; readonly skipHashCheck?: boolean },
): Promise<MovedState> {
  return importSnapshot(file, directory, options)
}
