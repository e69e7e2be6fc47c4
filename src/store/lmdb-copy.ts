/** A copy of an embedded store that another process may have open: as it was at one moment, and owned by nobody. */
import { mkdir, rm } from 'node:fs/promises'
import { open } from 'lmdb'
import { requireDatabase } from './lmdb-file.ts'
import { ownerKey } from './lmdb-records.ts'

/**
 * Copies the store in `directory` into a new folder. Throws `NotAStoreError`, `TruncatedStoreError`, or what the disk
 * has to say; then the folder is not there.
 */
export async function copyLmdbStore(directory: string, to: string): Promise<void> {
  await requireDatabase(directory)
  await rm(to, { recursive: true, force: true })
  await mkdir(to, { recursive: true, mode: 0o700 })
  try {
    const source = openDatabase(directory, true)
    try {
      await source.backup(to, false)
    } finally {
      await source.close()
    }
    // Whoever owns the original owns nothing here.
    const copy = openDatabase(to, false)
    copy.removeSync(ownerKey)
    await copy.close()
  } catch (error) {
    await rm(to, { recursive: true, force: true })
    throw error
  }
}

const openDatabase = (path: string, readOnly: boolean) =>
  open({
    path,
    ...{ noSubdir: false, keyEncoding: 'binary', encoding: 'binary', overlappingSync: false, readOnly },
  } as Parameters<typeof open>[0] & { path: string })
