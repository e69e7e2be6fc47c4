/**
 * etcd's snapshot file: its database with the SHA-256 of it behind. `etcdctl snapshot save` writes such files,
 * `etcdctl snapshot restore` makes data directories of them.
 *
 * What is written is a database as etcd 3.4 has it, which 3.4, 3.5 and 3.6 all restore.
 */
import { createHash } from 'node:crypto'
import { DamagedDatabaseError, type DatabaseReader, type PageSource, readDatabase } from './bbolt/read.ts'
import { type Bucket, type Entry, writeDatabase } from './bbolt/write.ts'
import {
  type ChangeRecord,
  type LeaseRecord,
  parseLease,
  parseRecord,
  parseRevisionBytes,
  recordValueLength,
  toLeaseKey,
  toLeaseValue,
  toRecordKey,
  toRecordValue,
  toRevisionBytes,
} from './records.ts'

/** All that etcd's keys are and were. */
export interface EtcdState {
  readonly revision: number
  /** Older revisions cannot be read; 0: nothing was compacted. */
  readonly compacted: number
  /**
   * In order. Up to the compacted revision those that were current at it (and deletions of that very revision, for
   * watches that begin there), after it all.
   */
  readonly records: readonly ChangeRecord[]
  readonly leases: readonly LeaseRecord[]
}

export interface SnapshotMember {
  readonly id: bigint
  readonly name: string
  readonly clientUrls: readonly string[]
}

export interface SnapshotFile {
  readonly size: number
  pieces(): Iterable<Buffer>
}

const hashLength = 32
/** A database is a whole number of these, so what goes beyond is the hash. */
const sectorLength = 512
/** Every etcd that is in use may restore what such a cluster wrote. */
const clusterVersion = '3.4.0'

export function writeSnapshot(state: EtcdState, member: SnapshotMember): SnapshotFile {
  const database = writeDatabase(toBuckets(state, member))
  return {
    size: database.size + hashLength,
    *pieces() {
      const hash = createHash('sha256')
      for (const piece of database.pieces()) {
        hash.update(piece)
        yield piece
      }
      yield hash.digest()
    },
  }
}

/** The buckets of etcd's database and what is in them. */
export function toBuckets({ revision, compacted, records, leases }: EtcdState, member: SnapshotMember): Bucket[] {
  const compactedBytes = toRevisionBytes(compacted, 0)
  const meta = [entry('consistent_index', uint64(revision))]
  if (compacted > 0) {
    meta.push(entry('finishedCompactRev', compactedBytes), entry('scheduledCompactRev', compactedBytes))
  }
  const id = member.id.toString(16)
  return [
    { name: 'alarm', entries: [] },
    { name: 'auth', entries: [entry('authEnabled', Buffer.of(0)), entry('authRevision', uint64(1))] },
    { name: 'authRoles', entries: [] },
    { name: 'authUsers', entries: [] },
    { name: 'cluster', entries: [entry('clusterVersion', Buffer.from(clusterVersion))] },
    { name: 'key', entries: records.map(recordEntry) },
    { name: 'lease', entries: leases.map(leaseEntry).sort((a, b) => Buffer.compare(a.key, b.key)) },
    { name: 'members', entries: [entry(id, Buffer.from(memberJson(member)))] },
    { name: 'members_removed', entries: [] },
    { name: 'meta', entries: meta },
  ]
}

function entry(key: string, value: Buffer): Entry {
  return { key: Buffer.from(key), valueLength: value.length, value: () => value }
}

function recordEntry(record: ChangeRecord): Entry {
  return { key: toRecordKey(record), valueLength: recordValueLength(record), value: () => toRecordValue(record) }
}

function leaseEntry(lease: LeaseRecord): Entry {
  const value = toLeaseValue(lease)
  return { key: toLeaseKey(lease.id), valueLength: value.length, value: () => value }
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

/** JSON has no numbers of 64 bits here, so the id is put in as text. */
function memberJson({ id, name, clientUrls }: SnapshotMember): string {
  const rest = JSON.stringify({ peerURLs: ['http://localhost:2380'], name, clientURLs: clientUrls })
  return `{"id":${id},${rest.slice(1)}`
}

// Reading.

/** A snapshot, or the database of an etcd, that cannot be used. The message says why and what to do. */
export class UnusableSnapshotError extends Error {}

export interface ReadSnapshotOptions {
  /** A file copied from a data directory has no hash behind it: then it is not asked for one (`--skip-hash-check`). */
  readonly skipHashCheck?: boolean
}

/** Throws `UnusableSnapshotError`. */
export function readSnapshot(source: PageSource, { skipHashCheck = false }: ReadSnapshotOptions = {}): EtcdState {
  const database = skipHashCheck ? withoutHash(source) : verified(source)
  try {
    return toState(readDatabase(database))
  } catch (error) {
    if (error instanceof DamagedDatabaseError)
      throw new UnusableSnapshotError(`${error.message}; take another snapshot`, { cause: error })
    throw error
  }
}

function withoutHash(source: PageSource): PageSource {
  const size = source.size - (source.size % sectorLength)
  return { size, read: (offset, length) => source.read(offset, length) }
}

const chunkLength = 1 << 20

function verified(source: PageSource): PageSource {
  const database = withoutHash(source)
  if (source.size - database.size !== hashLength) {
    throw new UnusableSnapshotError(
      'it has no hash behind it: it is cut off, or was copied from a data directory; ' +
        'take a snapshot with `etcdctl snapshot save`, or have the check skipped if it is such a copy',
    )
  }
  const hash = createHash('sha256')
  for (let at = 0; at < database.size; at += chunkLength)
    hash.update(database.read(at, Math.min(chunkLength, database.size - at)))
  const found = hash.digest('hex')
  const expected = source.read(database.size, hashLength).toString('hex')
  if (found === expected) return database
  throw new UnusableSnapshotError(
    `it is damaged: its hash should be ${expected} and is ${found}; take another snapshot`,
  )
}

function toState(database: DatabaseReader): EtcdState {
  if (!database.buckets.includes('key'))
    throw new UnusableSnapshotError('it is a bbolt database, but none of etcd: it has no bucket "key"')
  const all: ChangeRecord[] = []
  for (const { key, value } of database.entries('key'))
    all.push(understood('change', key, () => parseRecord(key, value)))
  const leases = [...database.entries('lease')].map(({ key, value }) =>
    understood('lease', key, () => parseLease(value)),
  )
  const compacted = Math.max(compactedRevision(database), beforeLastGap(all, compactedRevision(database)))
  const revision = Math.max(1, compacted, all[all.length - 1]?.revision ?? 1)
  return { revision, compacted, records: keptAt(all, compacted), leases }
}

function understood<T>(what: string, key: Buffer, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new DamagedDatabaseError(
      `it is damaged: the ${what} ${key.toString('hex')} cannot be read (${(error as Error).message})`,
    )
  }
}

/** A compaction that was begun counts: etcd finishes it when it starts. */
function compactedRevision(database: DatabaseReader): number {
  let compacted = 0
  for (const { key, value } of database.entries('meta')) {
    if (key.toString() !== 'finishedCompactRev' && key.toString() !== 'scheduledCompactRev') continue
    compacted = Math.max(
      compacted,
      understood('compaction', key, () => parseRevisionBytes(value).revision),
    )
  }
  return compacted
}

/** After a restore that skipped revisions, history begins anew behind them. */
function beforeLastGap(records: readonly ChangeRecord[], compacted: number): number {
  let before = compacted
  let last = Math.max(1, compacted)
  for (const { revision } of records) {
    if (revision > last + 1) before = revision - 1
    last = Math.max(last, revision)
  }
  return before > compacted ? before : 0
}

/** Without what a newer change, not newer than the compacted revision, made void. */
export function keptAt(records: readonly ChangeRecord[], compacted: number): ChangeRecord[] {
  const newest = new Map<string, ChangeRecord>()
  for (const record of records) if (record.revision <= compacted) newest.set(record.key, record)
  return records.filter(
    (record) =>
      record.revision > compacted ||
      (newest.get(record.key) === record && (record.kv !== undefined || record.revision === compacted)),
  )
}
