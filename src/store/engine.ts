/**
 * What the three stores share: states, history, transactions, watches, leases, forks. A store differs only in what
 * has to happen between deciding a change and showing it.
 *
 * A change is decided against the newest version (the head). Without a journal it is shown at once. With one it joins
 * the queue: the journal writes one batch at a time, whatever was decided in the meantime is the next batch, and a
 * batch is shown (the visible version advances, watchers are told, promises resolve, in this order) once the journal
 * says that it is durable. When the journal cannot write, everything decided since the last durable batch is taken
 * back and refused with the journal's error; readers and watchers never saw any of it.
 */
import type { Clock, Random } from '../world/world.ts'
import { evaluate, readRange } from './evaluate.ts'
import { History, type Version } from './history.ts'
import { endOf, inRange } from './key-range.ts'
import { Leases } from './leases.ts'
import {
  CompactedError,
  FutureRevisionError,
  InvalidRequestError,
  type KeyValue,
  type Lease,
  LeaseExistsError,
  type RangeQuery,
  type RangeResult,
  type Store,
  StoreClosedError,
  type StoreEvent,
  type StoreStatus,
  type Txn,
  type TxnResult,
  type Watcher,
  type WatchQuery,
} from './store.ts'
import { emptyTree, treeRange } from './tree.ts'
import { WatchHub } from './watch-hub.ts'

/** A step that is durable as a whole or not at all. */
export type Change =
  | { readonly type: 'version'; readonly version: Version }
  | { readonly type: 'grant'; readonly lease: Lease }
  | { readonly type: 'revoke'; readonly lease: Lease; readonly version: Version | undefined }
  | { readonly type: 'compact'; readonly revision: number; readonly forgotten: readonly Version[] }

/** Where changes become durable. */
export interface Journal {
  /** Resolves when all of `changes` are durable. When it rejects, none of them may come back. */
  write(changes: readonly Change[]): Promise<void>
  close(): Promise<void>
}

export interface EngineOptions {
  readonly clock: Clock
  readonly random: Random
  /**
   * How many revisions stay readable when nobody compacts; default 10,000. Older ones are compacted a quarter of
   * that many at a time. Each costs about 2 KB beside its values.
   */
  readonly historyRevisions?: number
  /**
   * Fewer stay when the values that are no longer current have more bytes than this together; default 32 MiB. But a
   * fiftieth of `historyRevisions` always do, so that a client that asks again finds its place.
   */
  readonly historyBytes?: number
}

/** What a store begins with. */
export interface EngineState {
  readonly versions: readonly Version[]
  readonly compacted: number
  readonly leases: readonly Lease[]
}

const defaultHistoryRevisions = 10_000
const defaultHistoryBytes = 32 * 1024 * 1024
/** etcd's limit: about 285 years. */
const longestTtlSeconds = 9_000_000_000
/** What `status` calls the version of an embedded store. */
const storeVersion = '1'
const snapshotChunk = 1_000

interface Waiting {
  /** Absent: a transaction that changes nothing but looked at what is not durable yet. */
  readonly change: Change | undefined
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

export class Engine implements Store {
  readonly #kind: StoreStatus['kind']
  readonly #journal: Journal | undefined
  readonly #clock: Clock
  readonly #random: Random
  readonly #historyRevisions: number
  readonly #historyBytes: number
  readonly #history: History
  readonly #leases: Leases
  readonly #hub = new WatchHub()
  /** Leases that ended within the history window, so that a fork from before can have them again. */
  #ended: { readonly lease: Lease; readonly revision: number }[] = []
  #visible: Version
  #queue: Waiting[] = []
  #writing: Promise<void> | undefined
  #unpublished: (readonly Change[])[] = []
  #publishing = false
  #compacting = 0
  #closed = false

  constructor(kind: StoreStatus['kind'], options: EngineOptions, state = emptyState(), journal?: Journal) {
    this.#kind = kind
    this.#journal = journal
    this.#clock = options.clock
    this.#random = options.random
    this.#historyRevisions = options.historyRevisions ?? defaultHistoryRevisions
    this.#historyBytes = options.historyBytes ?? defaultHistoryBytes
    this.#history = new History(state.versions, state.compacted)
    this.#compacting = state.compacted
    this.#visible = this.#history.newest
    this.#leases = new Leases(options.clock, (id) => this.leaseRevoke(id))
    for (const lease of state.leases) this.#leases.add(lease)
  }

  get revision(): number {
    return this.#visible.revision
  }

  get compacted(): number {
    return this.#history.compacted
  }

  async currentRevision(): Promise<number> {
    return this.#visible.revision
  }

  async range(query: RangeQuery): Promise<RangeResult> {
    return this.rangeNow(query)
  }

  rangeNow(query: RangeQuery): RangeResult {
    return readRange(this.#visibleAt(query.revision).root, query, this.#visible.revision)
  }

  async txn(txn: Txn): Promise<TxnResult> {
    this.#requireOpen()
    const { result, version } = evaluate(this.#history.newest, txn, {
      versionAt: (revision) => this.#history.at(revision),
      hasLease: (id) => this.#leases.has(id),
    })
    if (version === undefined) {
      // What it saw may be on its way to the disk yet: it is answered behind that.
      if (this.#journal !== undefined && this.#history.newest !== this.#visible) await this.#commit(undefined)
      return result
    }
    this.#decide(version)
    const durable = this.#commit({ type: 'version', version })
    if (durable !== undefined) await durable
    return result
  }

  watch(query: WatchQuery, watcher: Watcher): void {
    if (query.signal.aborted) return
    // What the watcher writes from within its first calls must not reach it before they are over.
    this.#withoutPublishing(() => this.#beginWatch(query, watcher))
  }

  async compact(revision: number): Promise<void> {
    this.#requireOpen()
    if (revision <= this.#compacting) throw new CompactedError(this.#compacting)
    if (revision > this.#visible.revision) throw new FutureRevisionError()
    await this.#compact(revision)
  }

  async leaseGrant(ttlSeconds: number, id = 0n): Promise<Lease> {
    this.#requireOpen()
    if (ttlSeconds > longestTtlSeconds) throw new InvalidRequestError(InvalidRequestError.leaseTtlTooLarge)
    if (this.#leases.has(id)) throw new LeaseExistsError()
    const lease = { id: id === 0n ? this.#freeLeaseId() : id, ttlSeconds: Math.max(1, Math.ceil(ttlSeconds)) }
    this.#leases.add(lease)
    await this.#commit({ type: 'grant', lease })
    return lease
  }

  async leaseKeepAlive(id: bigint): Promise<Lease> {
    return this.#leases.keepAlive(id)
  }

  async leaseRevoke(id: bigint): Promise<void> {
    this.#requireOpen()
    const lease = this.#leases.get(id)
    const head = this.#history.newest
    const ops = this.#leases.keysOf(id, head.root).map((key) => ({ type: 'delete', from: key }) as const)
    const { version } = evaluate(head, { then: ops }, noSurroundings)
    if (version !== undefined) this.#decide(version)
    this.#leases.remove(id)
    await this.#commit({ type: 'revoke', lease, version })
  }

  async leaseTimeToLive(id: bigint): Promise<Lease & { remainingSeconds: number; keys: readonly string[] }> {
    const lease = this.#leases.get(id)
    const keys = this.#leases.keysOf(id, this.#history.newest.root)
    return { ...lease, remainingSeconds: this.#leases.remainingSeconds(id), keys }
  }

  async leases(): Promise<readonly bigint[]> {
    return this.#leases.all().map(({ id }) => id)
  }

  async status(): Promise<StoreStatus> {
    const { revision, root, bytes } = this.#visible
    return {
      kind: this.#kind,
      version: storeVersion,
      revision,
      compacted: this.compacted,
      keys: root.count,
      sizeBytes: bytes,
    }
  }

  async *snapshot(revision?: number): AsyncGenerator<KeyValue> {
    const { root } = this.#visibleAt(revision)
    let from = ''
    for (;;) {
      const kvs = treeRange(root, from, undefined, snapshotChunk)
      yield* kvs
      if (kvs.length < snapshotChunk) return
      from = `${kvs[kvs.length - 1]!.key}\0`
    }
  }

  async fork(revision?: number, world?: { readonly clock: Clock; readonly random: Random }): Promise<Engine> {
    const at = this.#visibleAt(revision).revision
    const versions = this.#history.slice(0, at)
    const ended = this.#ended.filter((end) => end.revision > at).map(({ lease }) => lease)
    const leases = new Map([...ended, ...this.#leases.all()].map((lease) => [lease.id, lease]))
    const options = {
      clock: world?.clock ?? this.#clock,
      random: world?.random ?? this.#random.fork(`fork ${at}`),
      historyRevisions: this.#historyRevisions,
      historyBytes: this.#historyBytes,
    }
    return new Engine('memory', options, { versions, compacted: this.compacted, leases: [...leases.values()] })
  }

  /** Shows a version that was decided elsewhere: this store mirrors another one. */
  adopt(version: Version): void {
    this.#decide(version)
    this.#publish([{ type: 'version', version }])
  }

  /** Throws `CompactedError` or `FutureRevisionError`. */
  versionAt(revision: number): Version {
    return this.#visibleAt(revision)
  }

  /** The newest visible version. */
  get newest(): Version {
    return this.#visible
  }

  /** Ends all watches with `error`. */
  endWatches(error: Error): void {
    this.#hub.end(error)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#leases.stop()
    await this.#writing
    await this.#journal?.close()
    this.#hub.end(new StoreClosedError())
  }

  #requireOpen(): void {
    if (this.#closed) throw new StoreClosedError()
  }

  #visibleAt(revision: number | undefined): Version {
    return revision ? this.#history.at(revision, this.#visible.revision) : this.#visible
  }

  #freeLeaseId(): bigint {
    for (;;) {
      // Positive in 63 bits, as etcd's are.
      const id = BigInt.asUintN(63, Buffer.from(this.#random.bytes(8)).readBigUInt64BE())
      if (id !== 0n && !this.#leases.has(id)) return id
    }
  }

  #beginWatch(query: WatchQuery, watcher: Watcher): void {
    const visible = this.#visible.revision
    const from = query.fromRevision || visible + 1
    const end = endOf(query.from, query.to)
    if (end !== undefined && end <= query.from) {
      watcher.onError(new InvalidRequestError(InvalidRequestError.emptyWatchRange))
      return
    }
    if (from < this.compacted) {
      watcher.onError(new CompactedError(this.compacted))
      return
    }
    this.#hub.add(query, Math.max(from, visible + 1), watcher)
    watcher.onProgress?.(Math.min(from - 1, visible))
    const missed: StoreEvent[] = []
    for (const events of this.#history.changes(from, visible)) {
      for (const event of events) if (inRange(event.key, query.from, end)) missed.push(event)
    }
    if (missed.length > 0 && !query.signal.aborted) watcher.onEvents(missed, visible)
  }

  // From a decision to its publication.

  #decide(version: Version): void {
    this.#history.push(version)
    this.#leases.follow(version.events)
  }

  /** Makes the change durable and shows it. Undefined: that is done already. */
  #commit(change: Change | undefined): Promise<void> | undefined {
    if (this.#journal === undefined) {
      if (change !== undefined) this.#publish([change])
      return undefined
    }
    const journal = this.#journal
    const durable = new Promise<void>((done, failed) => this.#queue.push({ change, done, failed }))
    this.#writing ??= this.#writeQueue(journal)
    return durable
  }

  async #writeQueue(journal: Journal): Promise<void> {
    // What is asked in one go is written in one go.
    await undefined
    while (this.#queue.length > 0) {
      const batch = this.#queue
      this.#queue = []
      const changes = batch.flatMap(({ change }) => (change === undefined ? [] : [change]))
      try {
        if (changes.length > 0) await journal.write(changes)
      } catch (error) {
        this.#takeBack([...batch, ...this.#queue.splice(0)], error)
        continue
      }
      if (changes.length > 0) this.#publish(changes)
      for (const waiting of batch) waiting.done()
    }
    this.#writing = undefined
  }

  #takeBack(waiting: readonly Waiting[], error: unknown): void {
    this.#history.forgetAfter(this.#visible.revision)
    this.#compacting = this.compacted
    for (const { change } of waiting.toReversed()) {
      if (change?.type === 'grant') this.#leases.remove(change.lease.id)
      if (change?.type === 'revoke') this.#leases.add(change.lease)
    }
    this.#leases.forgetKeys()
    for (const { failed } of waiting) failed(error)
  }

  #publish(changes: readonly Change[]): void {
    this.#unpublished.push(changes)
    if (!this.#publishing) this.#withoutPublishing(() => {})
  }

  /** Runs `action`, then publishes what it wrote, and what watchers write in answer, in order. */
  #withoutPublishing(action: () => void): void {
    if (this.#publishing) {
      action()
      return
    }
    this.#publishing = true
    try {
      action()
      for (let next = this.#unpublished.shift(); next !== undefined; next = this.#unpublished.shift()) this.#show(next)
    } finally {
      this.#publishing = false
    }
  }

  #show(changes: readonly Change[]): void {
    const versions: Version[] = []
    for (const change of changes) {
      if ('version' in change && change.version !== undefined) versions.push(change.version)
    }
    const newest = versions[versions.length - 1]
    if (newest !== undefined) this.#visible = newest
    for (const change of changes) this.#note(change)
    if (newest === undefined) return
    this.#hub.dispatch(versions)
    this.#compactWhenLong()
  }

  #note(change: Change): void {
    if (change.type === 'revoke') this.#ended.push({ lease: change.lease, revision: this.#visible.revision })
    if (change.type !== 'compact') return
    this.#history.forgetBelow(change.revision)
    this.#ended = this.#ended.filter((end) => end.revision > change.revision)
  }

  #compactWhenLong(): void {
    const oldest = this.#oldestToKeep()
    // When it cannot be written now, the next change tries again.
    if (oldest > this.#compacting) this.#compact(oldest)?.catch(() => {})
  }

  /** Some are compacted at a time, so that it need not be done for each new one. */
  #oldestToKeep(): number {
    const { revision, superseded } = this.#visible
    const oldest = revision - this.#historyRevisions
    if (oldest >= this.#compacting + this.#historyRevisions / 4) return oldest
    if (superseded - this.#history.oldestAfter(this.#compacting).superseded <= this.#historyBytes) return 0
    const least = revision - Math.ceil(this.#historyRevisions / 50)
    return Math.min(least, this.#history.oldestWithin((this.#historyBytes * 3) / 4).revision)
  }

  #compact(revision: number): Promise<void> | undefined {
    this.#compacting = revision
    return this.#commit({ type: 'compact', revision, forgotten: this.#history.slice(0, revision) })
  }
}

const noSurroundings = {
  versionAt: () => {
    throw new FutureRevisionError()
  },
  hasLease: () => false,
}

function emptyState(): EngineState {
  return {
    versions: [{ revision: 1, root: emptyTree(), events: [], bytes: 0, superseded: 0 }],
    compacted: 0,
    leases: [],
  }
}
