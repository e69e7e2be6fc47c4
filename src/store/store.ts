/**
 * What the API server keeps its objects in: a revisioned, ordered key-value store with etcd's semantics.
 * Three implementations pass one suite (`conformance.ts`): `memory.ts`, `lmdb.ts` (the embedded default) and
 * `etcd.ts` (a real etcd over gRPC). A model test holds all three against a real etcd.
 *
 * **Keys** are byte strings held in JavaScript strings, one byte per character (Latin-1), so that comparing strings
 * compares bytes. A range is `[from, to)`; `to` absent means the single key `from`; `to` of `\0` means "to the end".
 *
 * **Revisions.** The store starts at revision 1. Every transaction that changes something raises the revision by
 * one; all its changes carry that revision. A transaction that changes nothing (a failed compare with no `else`
 * writes, a delete of what is not there) leaves it.
 *
 * **Durability and visibility.** A write is answered, and becomes visible to `get`, `range` and watchers, only once
 * it is durable. Transactions are compared with the newest state all the same, durable or not (the head), so two
 * writers never both win; a transaction that fails because of a write that is still being synced is answered after
 * that write is durable. Hence: whoever was answered reads its own write, and nobody ever saw a state that a crash
 * can take back.
 *
 * **Values** and key-values are shared, never copied: whoever gets one must not change it.
 */
import type { Clock, Random } from '../world/world.ts'

export interface Store extends AsyncDisposable {
  /** The newest revision that is visible (and durable). */
  readonly revision: number
  /** Everything at or below this revision is forgotten but for what was current at it. 0: nothing yet. */
  readonly compacted: number

  /**
   * Asks for the newest revision of the whole store, and resolves when it is visible here: for a remote store a round trip, for
   * others `revision`.
   */
  currentRevision(): Promise<number>

  /**
   * Reads a range in key order, at `revision` or (absent or 0) at the newest visible one.
   * Throws `CompactedError` or `FutureRevisionError`. For embedded stores it answers without waiting: see `rangeNow`.
   */
  range(query: RangeQuery): Promise<RangeResult>

  /**
   * The same as far as this process knows: never waits, never older than the last answered write of this process.
   * With a remote store other processes' writes may be missing; `revision` in the result says how new it is.
   */
  rangeNow(query: RangeQuery): RangeResult

  /**
   * Compare, then do. See the top of the file for when it is answered, and `evaluate.ts` for the rules.
   * Throws `InvalidRequestError`, `LeaseNotFoundError`, `KeyNotFoundError`, `CompactedError`, `FutureRevisionError` (nothing was done),
   * `NoSpaceError` (nothing was written).
   */
  txn(txn: Txn): Promise<TxnResult>

  /**
   * Every change in the range from `fromRevision` on (absent: from now on), each exactly once, in order, revision by
   * revision, until the signal aborts. `fromRevision` may lie in the future. A revision that is compacted gets
   * `onError(CompactedError)`, also later when the watcher was too slow; after an error nothing more is delivered.
   * A range that can hold nothing gets `onError(InvalidRequestError)`.
   * The first call says which revision the watch has reached (`onProgress`) so that the caller knows it stands.
   */
  watch(query: WatchQuery, watcher: Watcher): void

  /**
   * Whether this key-value, which came from this store, is not stored as it would be written today (under an old key, see
   * `encrypted.ts`), so that writing the same value again is no waste. Absent: that never is so.
   */
  isStale?(kv: KeyValue): boolean

  /**
   * Whether watchers may be told of this key's changes later than readers see them, since a key must be had first that
   * opens its values (`encrypted.ts`). Absent: they are always told in the same turn.
   */
  mayHoldUp?(key: string): boolean

  /** From now on `observer` is told of each read and each change of an object. Absent: no other process is asked. */
  observe?(observer: RequestObserver): void

  /** Forgets all revisions below `revision` that are not needed to read at it. */
  compact(revision: number): Promise<void>

  /** A lease of `ttlSeconds`; keys put with it disappear when it is not kept alive. Id 0: the store chooses. */
  leaseGrant(ttlSeconds: number, id?: bigint): Promise<Lease>
  leaseKeepAlive(id: bigint): Promise<Lease>
  leaseRevoke(id: bigint): Promise<void>
  leaseTimeToLive(id: bigint): Promise<Lease & { readonly remainingSeconds: number; readonly keys: readonly string[] }>
  leases(): Promise<readonly bigint[]>

  status(): Promise<StoreStatus>

  /** A whole copy of the visible state at one revision, in key order. */
  snapshot(revision?: number): AsyncIterable<KeyValue>

  /**
   * A new store, in memory, that begins with the state at `revision` (default: newest) and goes its own way.
   * Embedded stores share what they have in common and answer at once; a remote store is read first.
   * History up to that revision and the leases come along (embedded stores); a lease begins its time anew.
   * `world` is the time and chance that the new store lives by; absent: those of this one.
   */
  fork(revision?: number, world?: { readonly clock: Clock; readonly random: Random }): Promise<Store>
}

/** Told what was asked of the process that holds the state, of which key (the first of a range), and how long that took. */
export type RequestObserver = (operation: StoreOperation, key: string, seconds: number) => void
export type StoreOperation = 'get' | 'list' | 'create' | 'update' | 'delete'

export interface KeyValue {
  readonly key: string
  readonly value: Uint8Array
  readonly createRevision: number
  readonly modRevision: number
  /** 1 for a new key, one more with each put. */
  readonly version: number
  /** 0n: no lease. */
  readonly lease: bigint
  /**
   * A place for whoever decodes the value to keep the result, so that each value is decoded once in a process.
   * The store never looks at it.
   */
  memo?: unknown
}

export interface RangeQuery {
  readonly from: string
  readonly to?: string
  readonly revision?: number
  /** At most so many; 0 or absent: all. */
  readonly limit?: number
  readonly countOnly?: boolean
}

export interface RangeResult {
  readonly kvs: readonly KeyValue[]
  /** How many keys are in the range, whatever the limit. */
  readonly count: number
  /** Whether the limit cut something off. */
  readonly more: boolean
  /** The newest visible revision when the question was answered (not the one that was asked for). */
  readonly revision: number
}

export interface Txn {
  readonly compare?: readonly Compare[]
  readonly then?: readonly Op[]
  readonly else?: readonly Op[]
}

export interface Compare {
  readonly key: string
  /** Absent: the one key; given: every key in the range must pass. */
  readonly to?: string
  readonly target: 'version' | 'create' | 'mod' | 'lease' | 'value'
  readonly result: '=' | '!=' | '<' | '>'
  /** A number for version, create and mod; a bigint for lease; bytes for value. */
  readonly value: number | bigint | Uint8Array
}

export type Op =
  | {
      readonly type: 'put'
      readonly key: string
      readonly value: Uint8Array
      readonly lease?: bigint
      readonly previous?: boolean
      readonly memo?: unknown
      /** The value, or the lease, stays what it is; `value` or `lease` here counts for nothing. `KeyNotFoundError` without the key. */
      readonly keepValue?: boolean
      readonly keepLease?: boolean
    }
  | { readonly type: 'delete'; readonly from: string; readonly to?: string; readonly previous?: boolean }
  | ({ readonly type: 'range' } & RangeQuery)
  | { readonly type: 'txn'; readonly txn: Txn }

export type OpResult =
  | { readonly type: 'put'; readonly kv: KeyValue; readonly previous?: KeyValue }
  | { readonly type: 'delete'; readonly deleted: number; readonly previous: readonly KeyValue[] }
  | ({ readonly type: 'range' } & RangeResult)
  | { readonly type: 'txn'; readonly result: TxnResult }

export interface TxnResult {
  /** Whether every compare held. */
  readonly succeeded: boolean
  /** One for each op of the branch that ran. */
  readonly results: readonly OpResult[]
  /** The revision of the store after this transaction. */
  readonly revision: number
}

export interface WatchQuery {
  readonly from: string
  readonly to?: string
  readonly fromRevision?: number
  readonly signal: AbortSignal
}

export interface Watcher {
  /** The changes of one or more whole revisions, oldest first. Must not throw; is called synchronously, so be quick. */
  onEvents(events: readonly StoreEvent[], revision: number): void
  /** The watch stands and has seen everything up to `revision`. Called once at the start; later when the store sees fit. */
  onProgress?(revision: number): void
  onError(error: Error): void
}

export interface StoreEvent {
  readonly type: 'put' | 'delete'
  readonly key: string
  /** The revision of the change. */
  readonly revision: number
  /** The new key-value; absent for a delete. */
  readonly kv?: KeyValue
  /** What was there before; absent for a creation, and where it is compacted. */
  readonly previous?: KeyValue
}

export interface Lease {
  readonly id: bigint
  readonly ttlSeconds: number
}

export interface StoreStatus {
  readonly kind: 'memory' | 'lmdb' | 'etcd'
  readonly version: string
  readonly revision: number
  readonly compacted: number
  readonly keys: number
  readonly sizeBytes: number
}

/** The revision asked for is no longer kept. */
export class CompactedError extends Error {
  readonly compactRevision: number
  constructor(compactRevision: number) {
    super('etcdserver: mvcc: required revision has been compacted')
    this.compactRevision = compactRevision
  }
}

export class FutureRevisionError extends Error {
  constructor() {
    super('etcdserver: mvcc: required revision is a future revision')
  }
}

/** A lease that is not there. */
export class LeaseNotFoundError extends Error {
  constructor() {
    super('etcdserver: requested lease not found')
  }
}

/** A put that keeps what is there, where nothing is. */
export class KeyNotFoundError extends Error {
  constructor() {
    super('etcdserver: key not found')
  }
}

/** The request itself is wrong; the message is etcd's. */
export class InvalidRequestError extends Error {
  static readonly emptyKey = 'etcdserver: key is not provided'
  static readonly duplicateKey = 'etcdserver: duplicate key given in txn request'
  static readonly emptyWatchRange = 'mvcc: watcher range is empty'
  static readonly leaseTtlTooLarge = 'etcdserver: too large lease TTL'
}

/** A lease with the id that was asked for is there already. */
export class LeaseExistsError extends Error {
  constructor() {
    super('etcdserver: lease already exists')
  }
}

/**
 * A store elsewhere could not be reached, or its members do not agree on a leader at the moment. A read may be tried
 * again; whether a write was done is not known.
 */
export class StoreUnreachableError extends Error {
  /** It was reached, and did not answer in time: the message is its own. */
  readonly isTimeout: boolean
  constructor(message: string, isTimeout: boolean, options?: ErrorOptions) {
    super(message, options)
    this.isTimeout = isTimeout
  }
}

/** The store was disposed of; watches end with it. */
export class StoreClosedError extends Error {
  constructor() {
    super('the store is closed')
  }
}

/** The disk or the quota is full; nothing was written. Reads go on. */
export class NoSpaceError extends Error {
  constructor(message = 'etcdserver: mvcc: database space exceeded') {
    super(message)
  }
}

/** The end of the range of all keys that begin with `prefix`. */
export function prefixEnd(prefix: string): string {
  for (let at = prefix.length - 1; at >= 0; at--) {
    const code = prefix.charCodeAt(at)
    if (code < 0xff) return prefix.slice(0, at) + String.fromCharCode(code + 1)
  }
  return '\0'
}
