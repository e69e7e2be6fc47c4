import { createHash } from 'node:crypto'
import { crc32c } from '../../base/crc32c.ts'
import { type DatabaseReader, type PageSource, readDatabase } from '../../etcd/bbolt/read.ts'
import { type Bucket, type Entry, writeDatabase } from '../../etcd/bbolt/write.ts'
import { parseRevisionBytes, toRevisionBytes } from '../../etcd/records.ts'
import { DiskError } from '../../world/world.ts'
import { EtcdCareError } from './faults.ts'

/** What is in a snapshot file, as `etcdctl snapshot status` says it. */
export interface SnapshotStatus {
  /** Of all keys and values in all buckets: equal files have equal ones, and so do files that hold the same. */
  readonly hash: number
  readonly revision: number
  readonly totalKeys: number
  readonly totalBytes: number
}

const hashBytes = 32
/** A database is a whole number of these; what goes beyond is the hash. */
const sectorBytes = 512
const chunkBytes = 1 << 20

/** The database in a snapshot file, its hash compared. Throws an `EtcdCareError` when it is damaged. */
export function openSnapshot(file: PageSource, name: string, skipHashCheck = false): PageSource {
  const size = file.size - (file.size % sectorBytes)
  const database = { size, read: (offset: number, length: number) => file.read(offset, length) }
  if (skipHashCheck) return database
  if (file.size - size !== hashBytes) {
    throw new EtcdCareError(`${name} has no hash at its end: it is cut off, or a copy from a data directory`, {
      hint: 'take it from a data directory with --skip-hash-check, or save another with "coracle etcd snapshot save"',
    })
  }
  const expected = file.read(size, hashBytes)
  const found = hashOf(database)
  if (!found.equals(expected)) {
    throw new EtcdCareError(`expected sha256 [${listed(expected)}], got [${listed(found)}]: ${name} is damaged`, {
      hint: 'take another copy of it, or another snapshot',
    })
  }
  return database
}

const listed = (bytes: Uint8Array) => [...bytes].join(' ')

function hashOf({ size, read }: PageSource): Buffer {
  const hash = createHash('sha256')
  for (let at = 0; at < size; at += chunkBytes) hash.update(read(at, Math.min(chunkBytes, size - at)))
  return hash.digest()
}

/** Throws an `EtcdCareError` when it is no database of etcd's. */
export function snapshotStatus(database: PageSource, name: string): SnapshotStatus {
  return understood(name, () => {
    const reader = readDatabase(database)
    let hash = 0
    let revision = 0
    let totalKeys = 0
    for (const bucket of reader.buckets) {
      hash = crc32c(Buffer.from(bucket, 'latin1'), hash)
      for (const { key, value } of reader.entries(bucket)) {
        hash = crc32c(value, crc32c(key, hash))
        if (bucket === 'key') ({ revision } = parseRevisionBytes(key))
        totalKeys++
      }
    }
    return { hash, revision, totalKeys, totalBytes: database.size }
  })
}

function understood<T>(name: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (error instanceof EtcdCareError || error instanceof DiskError) throw error
    throw new EtcdCareError(`${name} cannot be used: ${(error as Error).message}`, { cause: error })
  }
}

export interface PrepareOptions {
  /** By how much the revision is raised; 0 leaves it. */
  readonly bumpRevision: number
  /** Whether nothing older than the raised revision can be read or watched. */
  readonly markCompacted: boolean
}

export interface PreparedSnapshot {
  /** The newest revision of what will be restored. */
  readonly revision: number
  /** The file, its hash at the end. The same snapshot gives the same bytes on every host. */
  pieces(): Generator<Buffer>
}

/**
 * A snapshot from which any etcd makes members whose history nobody mistakes for the one that he knows. Clients that
 * saw revisions after the snapshot would otherwise take what is written now for what they had: the revision goes on
 * far above all that was ever given out, and the history below it counts as compacted, so that who watches hears
 * that he has to list anew (etcdutl does the same with `--bump-revision --mark-compacted`).
 *
 * Members of the old cluster are left out: `etcdctl snapshot restore` up to 3.4 keeps them in the v3 store, where etcd
 * 3.6 takes them for living ones.
 */
export function prepareSnapshot(database: PageSource, name: string, options: PrepareOptions): PreparedSnapshot {
  return understood(name, () => {
    const reader = readDatabase(database)
    if (!reader.buckets.includes('key'))
      throw new EtcdCareError(`${name} is no snapshot of etcd: it has no bucket "key"`)
    const found = newestRevision(reader)
    const revision = found + options.bumpRevision
    const buckets = reader.buckets.map((bucket) => prepareBucket(reader, bucket, found, revision, options))
    const file = writeDatabase(buckets)
    return { revision, pieces: () => withHash(file.pieces()) }
  })
}

function* withHash(pieces: Iterable<Buffer>): Generator<Buffer> {
  const hash = createHash('sha256')
  for (const piece of pieces) {
    hash.update(piece)
    yield piece
  }
  yield hash.digest()
}

function newestRevision(reader: DatabaseReader): number {
  let newest = 1
  for (const { key } of reader.entries('key')) newest = parseRevisionBytes(key).revision
  for (const { key, value } of reader.entries('meta')) {
    if (compactionKeys.includes(key.toString())) newest = Math.max(newest, parseRevisionBytes(value).revision)
  }
  return newest
}

const compactionKeys = ['scheduledCompactRev', 'finishedCompactRev']
/** About a cluster that is no more. */
const aboutMembers = ['members', 'members_removed', 'alarm']

function prepareBucket(
  reader: DatabaseReader,
  name: string,
  found: number,
  revision: number,
  { markCompacted }: PrepareOptions,
): Bucket {
  if (aboutMembers.includes(name)) return { name, entries: [] }
  const entries = copied(reader, name)
  // A change without a key that anybody can ask for.
  if (name === 'key' && revision > found) entries.push(entry(toRevisionBytes(revision, 0), Buffer.alloc(0)))
  if (name !== 'meta' || !markCompacted) return { name, entries }
  const marked = entry(Buffer.from('scheduledCompactRev'), toRevisionBytes(revision, 0))
  const others = entries.filter(({ key }) => Buffer.from(key).toString() !== 'scheduledCompactRev')
  return { name, entries: [...others, marked].sort((one, other) => Buffer.compare(one.key, other.key)) }
}

const entry = (key: Buffer, value: Buffer): Entry => ({ key, valueLength: value.length, value: () => value })

/**
 * The entries of a bucket. Values are read once more when they are written, so that they need not all be in memory:
 * they are asked for in their order, which a second reading keeps step with. Small buckets are simply kept.
 */
function copied(reader: DatabaseReader, name: string): Entry[] {
  if (name !== 'key') return [...reader.entries(name)].map(({ key, value }) => entry(key, value))
  let again: ReturnType<DatabaseReader['entries']> | undefined
  return [...lengths(reader, name)].map(({ key, valueLength }, index) => ({
    key,
    valueLength,
    value: () => {
      if (index === 0) again = reader.entries(name)
      return again!.next().value!.value
    },
  }))
}

function* lengths(reader: DatabaseReader, name: string): Generator<{ key: Buffer; valueLength: number }> {
  // Copied: a part of a page would keep all of it.
  for (const { key, value } of reader.entries(name)) yield { key: Buffer.from(key), valueLength: value.length }
}

/** The members that the v3 store of a member lists: what etcd 3.6 goes by. */
export function membersInSnapshot(database: PageSource, name: string): readonly SnapshotMember[] {
  return understood(name, () => {
    const reader = readDatabase(database)
    const removed = new Set([...reader.entries('members_removed')].map(({ key }) => key.toString()))
    return [...reader.entries('members')]
      .map(({ key, value }) => ({ id: BigInt(`0x${key.toString()}`), ...parseMember(value) }))
      .filter(({ id }) => !removed.has(id.toString(16)))
  })
}

export interface SnapshotMember {
  readonly id: bigint
  readonly name: string
  readonly isLearner: boolean
  readonly peerUrls: readonly string[]
  readonly clientUrls: readonly string[]
}

function parseMember(value: Buffer): Omit<SnapshotMember, 'id'> {
  const { name, isLearner, peerURLs, clientURLs } = JSON.parse(value.toString()) as {
    readonly [member in 'peerURLs' | 'clientURLs']?: readonly string[]
  } & { readonly name?: string; readonly isLearner?: boolean }
  return { name: name ?? '', isLearner: isLearner ?? false, peerUrls: peerURLs ?? [], clientUrls: clientURLs ?? [] }
}
