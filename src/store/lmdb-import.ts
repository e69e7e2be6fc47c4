/**
 * Makes an embedded store of a state that comes from elsewhere, with its revisions as they are. It is made beside the
 * directory and moved there when it is whole, so that an import that was cut off leaves nothing that looks like a store.
 */
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { open } from 'lmdb'
import {
  compactedKey,
  formatKey,
  leaseKey,
  recordKey,
  storeFormat,
  toDeleteRecord,
  toLeaseTtl,
  toPutRecord,
} from './lmdb-records.ts'
import type { KeyValue, Lease } from './store.ts'

export interface ImportedState {
  /** 0: nothing is. Without it, revisions begin with 2 and none is missing. */
  readonly compacted: number
  /** In order: what was current at the compacted revision, then all changes of every revision after it. */
  readonly records: readonly ImportedRecord[]
  readonly leases: readonly Lease[]
}

export interface ImportedRecord {
  readonly revision: number
  readonly sub: number
  readonly key: string
  /** Absent: the key was deleted. */
  readonly kv: KeyValue | undefined
}

/** The directory has a store already. */
export class StoreExistsError extends Error {
  constructor(directory: string) {
    super(`there is a store in ${directory} already: move it away first, or name another data directory`)
  }
}

const recordsInOneGo = 10_000

/** Throws `StoreExistsError`, or what the disk has to say; then nothing is there. */
export async function importLmdbStore(directory: string, state: ImportedState): Promise<void> {
  if (existsSync(join(directory, 'data.mdb'))) throw new StoreExistsError(directory)
  const beside = `${directory}.importing`
  await rm(beside, { recursive: true, force: true })
  await mkdir(dirname(directory), { recursive: true })
  try {
    await fill(beside, state)
    await rm(directory, { recursive: true, force: true })
    await rename(beside, directory)
  } catch (error) {
    await rm(beside, { recursive: true, force: true })
    throw error
  }
}

async function fill(directory: string, { compacted, records, leases }: ImportedState): Promise<void> {
  const options = {
    path: directory,
    noSubdir: false,
    keyEncoding: 'binary',
    encoding: 'binary',
    overlappingSync: false,
  }
  const database = open<Buffer, Buffer>(options as Parameters<typeof open>[0] & { path: string })
  try {
    await database.transaction(() => {
      database.putSync(formatKey, Buffer.from(`${storeFormat}`))
      if (compacted > 0) database.putSync(compactedKey, Buffer.from(`${compacted}`))
      for (const lease of leases) database.putSync(leaseKey(lease.id), toLeaseTtl(lease))
    })
    for (let first = 0; first < records.length; first += recordsInOneGo) {
      await database.transaction(() => {
        for (const { revision, sub, key, kv } of records.slice(first, first + recordsInOneGo))
          database.putSync(recordKey(revision, sub), kv === undefined ? toDeleteRecord(key) : toPutRecord(kv))
      })
    }
    await database.flushed
  } finally {
    await database.close()
  }
}
