/**
 * From an embedded store to an etcd and back, with all keys, revisions, versions, history and leases as they are.
 *
 * To an etcd: `exportSnapshot`, then `etcdctl snapshot restore` for each member, then start them. From an etcd:
 * `importSnapshot` of what `etcdctl snapshot save` wrote, or `importFromEtcd` of one that runs. What is encrypted stays
 * encrypted: values are moved as they lie there.
 */
import { rm } from 'node:fs/promises'
import { importLmdbStore } from '../../store/lmdb-import.ts'
import type { Store } from '../../store/store.ts'
import type { EtcdClient } from '../client.ts'
import { methods } from '../messages.ts'
import type { ChangeRecord } from '../records.ts'
import { type EtcdState, keptAt, type ReadSnapshotOptions, writeSnapshot } from '../snapshot.ts'
import { loadSnapshot, saveSnapshot } from '../snapshot-file.ts'
import { stateOf } from './history.ts'
import { Identity } from './identity.ts'

export interface MovedState {
  readonly revision: number
  readonly compacted: number
  /** How many keys there are at the newest revision. */
  readonly keys: number
  readonly leases: number
  /** Of the snapshot file. */
  readonly sizeBytes: number
}

/**
 * Writes what an embedded store holds into a snapshot file of etcd. The store may be in use: the file shows one moment.
 * Throws what the disk has to say; then the file is not there.
 *
 * ```ts
 * await exportSnapshot(store, '/backup/etcd.db')
 * // etcdctl snapshot restore /backup/etcd.db --name … --initial-cluster … --data-dir …
 * ```
 */
export async function exportSnapshot(store: Store, file: string): Promise<MovedState> {
  const state = await stateOf(store)
  const snapshot = writeSnapshot(state, new Identity(['http://localhost:2379']).member())
  saveSnapshot(file, snapshot)
  return summary(state, snapshot.size)
}

export interface ImportOptions extends ReadSnapshotOptions {
  /**
   * Raises the newest revision by so much and marks all before it as compacted, so that nobody who has seen newer
   * revisions than the snapshot's takes old ones for new: their watches are told to begin anew. Default 0: history stays.
   */
  readonly bumpRevision?: number
}

/**
 * Makes an embedded store in `directory` (of a data directory: `DIR/store`) of a snapshot file of etcd. Throws
 * `UnusableSnapshotError`, `StoreExistsError`, or what the disk has to say; then nothing is there.
 */
export async function importSnapshot(
  file: string,
  directory: string,
  options: ImportOptions = {},
): Promise<MovedState> {
  const read = loadSnapshot(file, options)
  const state = options.bumpRevision ? bumped(read, options.bumpRevision) : read
  await importLmdbStore(directory, state)
  return summary(state, 0)
}

/**
 * The same from an etcd that runs, by way of a snapshot beside the directory, which is removed again. Throws `EtcdError`,
 * too. What is written to that etcd later is not in it: stop who writes first.
 */
export async function importFromEtcd(
  client: EtcdClient,
  directory: string,
  options: ImportOptions = {},
): Promise<MovedState> {
  const file = `${directory}.snapshot`
  try {
    await downloadSnapshot(client, file)
    return await importSnapshot(file, directory, options)
  } finally {
    await rm(file, { force: true })
  }
}

/** Writes a snapshot of an etcd that runs to a file, as `etcdctl snapshot save` does. Throws `EtcdError`. */
export async function downloadSnapshot(client: EtcdClient, file: string): Promise<void> {
  const pieces: Buffer[] = []
  for await (const { blob } of client.stream(methods.snapshot, {})) pieces.push(Buffer.from(blob))
  saveSnapshot(file, { size: pieces.reduce((sum, piece) => sum + piece.length, 0), pieces: () => pieces.values() })
}

function bumped(state: EtcdState, by: number): EtcdState {
  const revision = state.revision + by
  const records = keptAt(state.records, state.revision).filter(({ kv }) => kv !== undefined)
  return { ...state, revision, compacted: revision, records }
}

function summary({ revision, compacted, records, leases }: EtcdState, sizeBytes: number): MovedState {
  return { revision, compacted, keys: keysOf(records), leases: leases.length, sizeBytes }
}

function keysOf(records: readonly ChangeRecord[]): number {
  const present = new Set<string>()
  for (const { key, kv } of records) {
    if (kv === undefined) present.delete(key)
    else present.add(key)
  }
  return present.size
}
