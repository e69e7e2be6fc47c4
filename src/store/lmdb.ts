/**
 * The embedded store: the engine's tree in memory, and every change in an lmdb database on disk before anybody is
 * answered or sees it. `lmdb-records.ts` says what is on disk. Opening reads it all, so that the history window is
 * there again: a watch goes on and an old revision can be read after a restart.
 *
 * A batch is one lmdb transaction: it is there after a crash as a whole or not at all. `overlappingSync` stays off:
 * with it a power cut can leave a file that cannot be opened. `eventTurnBatching` stays off because a failing commit
 * would reject a promise inside lmdb that nobody can handle, and end the process.
 */
import { mkdirSync, realpathSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { open, type RootDatabase } from 'lmdb'
import { type Change, Engine, type EngineOptions, type EngineState, type Journal } from './engine.ts'
import { sizeOf } from './evaluate.ts'
import type { Version } from './history.ts'
import { requireDatabase } from './lmdb-file.ts'
import { takeOwnership } from './lmdb-lock.ts'
import {
  compactedKey,
  formatKey,
  fromRecord,
  fromRecordKey,
  leaseIdOf,
  leaseKey,
  leasesEnd,
  leasesStart,
  ownerKey,
  recordKey,
  recordsEnd,
  storeFormat,
  toDeleteRecord,
  toLeaseTtl,
  toPutRecord,
} from './lmdb-records.ts'
import { type KeyValue, type Lease, NoSpaceError, type StoreEvent } from './store.ts'
import { noteSubRevision } from './sub-revision.ts'
import { emptyTree, type Tree, treeFromSorted, treeGet, treePut, treeRemove } from './tree.ts'

type Database = RootDatabase<Buffer, Buffer>

/** So many void records are removed in one transaction, so that no write waits long behind them. */
const sweepBatch = 1_000
/** So much data read when the store was opened is worth a new mapping. */
const worthReopeningBytes = 8 << 20
/** With less than this left, an I/O error is taken for what it most likely is. */
const hardlyAnySpaceBytes = 1 << 20
const errnoInputOutput = 5
const errnoNoSpace = 28

export class LmdbStore extends Engine {
  /**
   * Opens the store in `directory`, making both when they are not there. Throws `StoreInUseError` when a living process
   * has it open, `NewerFormatError` when a newer Coracle wrote it, `NotAStoreError` when its file is none of lmdb's,
   * `TruncatedStoreError` when that has lost its end, and `CorruptStoreError` when history has a hole.
   */
  static async open(directory: string, options: EngineOptions): Promise<LmdbStore> {
    mkdirSync(directory, { recursive: true })
    const path = realpathSync(directory)
    requireDatabase(path)
    const database = openDatabase(path)
    try {
      database.transactionSync(() => {
        requireFormat(database, path)
        takeOwnership(database, path)
      })
      const restored = restore(database, path)
      return new LmdbStore('lmdb', options, restored.state, new LmdbJournal(database, path, restored))
    } catch (error) {
      await database.close()
      throw error
    }
  }
}

function openDatabase(path: string): Database {
  return open({
    path,
    noSubdir: false,
    keyEncoding: 'binary',
    encoding: 'binary',
    overlappingSync: false,
    eventTurnBatching: false,
  } as Parameters<typeof open>[0] & { path: string })
}

/** The directory was written by a newer Coracle. */
export class NewerFormatError extends Error {
  constructor(directory: string, format: string) {
    super(
      `the store in ${directory} has format ${format}, and this version of Coracle reads formats up to ${storeFormat}: ` +
        'start the version that wrote it, or restore a backup into another directory',
    )
  }
}

export class CorruptStoreError extends Error {
  constructor(directory: string, revision: number) {
    super(
      `the store in ${directory} lacks revision ${revision}, though it has newer ones: restore a backup into another directory`,
    )
  }
}

function requireFormat(database: Database, directory: string): void {
  const format = database.get(formatKey)?.toString()
  if (format === undefined) database.putSync(formatKey, Buffer.from(`${storeFormat}`))
  else if (Number(format) > storeFormat) throw new NewerFormatError(directory, format)
}

// Writing.

class LmdbJournal implements Journal {
  #database: Database
  readonly #directory: string
  /** The numbers within their revision of those records where it is not 0. */
  readonly #subs: WeakMap<KeyValue, number>
  #durableRevision: number
  /** A failed transaction may have reached the disk after all; the next one wipes out what it left. */
  #mayHaveLeftovers = false
  #void: Buffer[]
  #sweeping: Promise<void> | undefined
  /** Much of the file has been read since it was opened. */
  #isMapped: boolean
  #isOpen = true

  constructor(database: Database, directory: string, restored: Restored) {
    this.#database = database
    this.#directory = directory
    this.#subs = restored.subs
    this.#durableRevision = restored.state.versions[restored.state.versions.length - 1]!.revision
    this.#void = restored.superseded
    this.#isMapped = restored.state.versions[restored.state.versions.length - 1]!.bytes > worthReopeningBytes
    this.#sweepSoon()
  }

  async write(changes: readonly Change[]): Promise<void> {
    try {
      if (this.#isMapped && this.#sweeping === undefined) await this.#reopen()
      await this.#commit(() => {
        if (this.#mayHaveLeftovers) this.#wipeLeftovers()
        for (const change of changes) this.#put(change)
      })
    } catch (error) {
      this.#mayHaveLeftovers = true
      throw error
    }
    this.#mayHaveLeftovers = false
    for (const change of changes) this.#note(change)
  }

  async close(): Promise<void> {
    await this.#sweeping
    if (!this.#isOpen) return
    // A full disk must not keep the store from closing: an owner that is no more counts for nothing.
    await this.#commit(() => this.#database.remove(ownerKey)).catch(() => {})
    await this.#database.close()
  }

  /**
   * To remove a record its page is read, and what lmdb has once read stays mapped: after some compactions the whole file
   * would count as this process's memory. A new mapping begins with nothing.
   */
  async #reopen(): Promise<void> {
    if (this.#isOpen) {
      this.#isOpen = false
      await this.#database.close()
    }
    this.#database = openDatabase(this.#directory)
    this.#isOpen = true
    this.#isMapped = false
  }

  async #commit(write: () => void): Promise<void> {
    try {
      await this.#database.batch(write)
    } catch (error) {
      throw await this.#explained(error as Error & { commitError?: Promise<never> })
    }
  }

  async #explained(error: Error & { commitError?: Promise<never> }): Promise<Error> {
    const cause = await (error.commitError ?? Promise.reject(error)).catch((cause: Error & { code?: number }) => cause)
    if (cause.code === errnoNoSpace) return new NoSpaceError()
    if (cause.code === errnoInputOutput && (await this.#spaceLeftBytes()) < hardlyAnySpaceBytes)
      return new NoSpaceError()
    return new Error(`cannot write to the store in ${this.#directory}: ${cause.message}`, { cause })
  }

  async #spaceLeftBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#directory)
    return bavail * bsize
  }

  #put(change: Change): void {
    switch (change.type) {
      case 'version':
        this.#putVersion(change.version)
        return
      case 'grant':
        this.#database.put(leaseKey(change.lease.id), toLeaseTtl(change.lease))
        return
      case 'revoke':
        this.#database.remove(leaseKey(change.lease.id))
        if (change.version !== undefined) this.#putVersion(change.version)
        return
      case 'compact':
        this.#database.put(compactedKey, Buffer.from(`${change.revision}`))
        return
      default:
        change satisfies never
    }
  }

  #putVersion({ revision, events }: Version): void {
    events.forEach(({ key, kv }, sub) => {
      this.#database.put(recordKey(revision, sub), kv === undefined ? toDeleteRecord(key) : toPutRecord(kv))
      if (kv !== undefined && sub > 0) this.#subs.set(kv, sub)
    })
  }

  #wipeLeftovers(): void {
    const start = recordKey(this.#durableRevision + 1, 0)
    for (const key of this.#database.getKeys({ start, end: recordsEnd })) this.#database.remove(key)
  }

  #note(change: Change): void {
    if ('version' in change && change.version !== undefined) this.#durableRevision = change.version.revision
    if (change.type !== 'compact') return
    for (const version of change.forgotten) this.#noteVoid(version, change.revision)
    this.#sweepSoon()
  }

  /** A deletion at the compacted revision itself stays until the next time: a watch may begin there. */
  #noteVoid({ revision, events }: Version, compacted: number): void {
    events.forEach(({ kv, previous }, sub) => {
      if (previous !== undefined) this.#void.push(recordKey(previous.modRevision, this.#subs.get(previous) ?? 0))
      if (kv === undefined && revision < compacted) this.#void.push(recordKey(revision, sub))
    })
  }

  #sweepSoon(): void {
    if (this.#void.length > 0) this.#sweeping ??= this.#sweep()
  }

  async #sweep(): Promise<void> {
    try {
      while (this.#void.length > 0) {
        const keys = this.#void.slice(0, sweepBatch)
        await this.#commit(() => {
          for (const key of keys) this.#database.remove(key)
        })
        this.#void.splice(0, keys.length)
        this.#isMapped = true
      }
    } catch {
      // The disk is full or broken, which the next write will say. The rest is tried again at the next compaction.
    } finally {
      this.#sweeping = undefined
    }
  }
}

// Reading it all back.

interface Restored {
  readonly state: EngineState
  readonly subs: WeakMap<KeyValue, number>
  /** The keys of records that compaction made void and did not come to remove. */
  readonly superseded: Buffer[]
}

interface Record {
  readonly revision: number
  readonly sub: number
  readonly key: string
  readonly kv: KeyValue | undefined
}

function restore(database: Database, directory: string): Restored {
  const compacted = Number(database.get(compactedKey)?.toString() ?? 0)
  const subs = new WeakMap<KeyValue, number>()
  const base = new Base(compacted)
  const versions: Version[] = []
  let changes: Record[] = []
  const finish = () => {
    if (changes.length > 0) versions.push(nextVersion(versions.at(-1) ?? base.version(), changes, directory))
    changes = []
  }
  for (const record of records(database, subs)) {
    if (record.revision <= compacted) {
      base.add(record)
      continue
    }
    if (record.revision !== changes[0]?.revision) finish()
    changes.push(record)
  }
  finish()
  const state = { versions: [base.version(), ...versions], compacted, leases: leases(database) }
  return { state, subs, superseded: base.superseded }
}

function* records(database: Database, subs: WeakMap<KeyValue, number>): Generator<Record> {
  for (const { key, value } of database.getRange({ start: recordKey(0, 0), end: recordsEnd })) {
    const { revision, sub } = fromRecordKey(key)
    const record = { revision, sub, ...fromRecord(value, revision) }
    if (record.kv !== undefined && sub > 0) {
      subs.set(record.kv, sub)
      noteSubRevision(record.kv, sub)
    }
    yield record
  }
}

/** The version that the store was compacted to, gathered from what is left at or below it. */
class Base {
  readonly superseded: Buffer[] = []
  readonly #compacted: number
  readonly #newest = new Map<string, Record>()
  #version: Version | undefined

  constructor(compacted: number) {
    this.#compacted = compacted
  }

  add(record: Record): void {
    const before = this.#newest.get(record.key)
    if (before !== undefined) this.superseded.push(recordKey(before.revision, before.sub))
    this.#newest.set(record.key, record)
  }

  version(): Version {
    this.#version ??= this.#build()
    return this.#version
  }

  #build(): Version {
    const kvs: KeyValue[] = []
    const events: (StoreEvent & { sub: number })[] = []
    let bytes = 0
    for (const { key, kv, revision, sub } of this.#newest.values()) {
      if (kv !== undefined) kvs.push(kv)
      else if (revision < this.#compacted) this.superseded.push(recordKey(revision, sub))
      bytes += sizeOf(kv)
      if (revision === this.#compacted) {
        events.push(kv === undefined ? { type: 'delete', key, revision, sub } : { type: 'put', key, revision, kv, sub })
      }
    }
    kvs.sort((a, b) => (a.key < b.key ? -1 : 1))
    events.sort((a, b) => a.sub - b.sub)
    for (const event of events) noteSubRevision(event, event.sub)
    return { revision: Math.max(1, this.#compacted), root: treeFromSorted(kvs), events, bytes, superseded: 0 }
  }
}

function nextVersion(before: Version, changes: readonly Record[], directory: string): Version {
  const { revision } = changes[0]!
  if (revision !== before.revision + 1) throw new CorruptStoreError(directory, before.revision + 1)
  let root: Tree<KeyValue> = before.root ?? emptyTree()
  let { bytes, superseded } = before
  const events = changes.map(({ key, kv }): StoreEvent => {
    const previous = treeGet(root, key)
    root = kv === undefined ? treeRemove(root, key) : treePut(root, kv)
    bytes += sizeOf(kv) - sizeOf(previous)
    superseded += sizeOf(previous)
    return { type: kv === undefined ? 'delete' : 'put', key, revision, kv, previous }
  })
  return { revision, root, events, bytes, superseded }
}

function leases(database: Database): Lease[] {
  return [...database.getRange({ start: leasesStart, end: leasesEnd })].map(({ key, value }) => ({
    id: leaseIdOf(key),
    ttlSeconds: value.readDoubleBE(0),
  }))
}
