/**
 * A real etcd as the store, for several API servers and for clusters with more than one control plane.
 *
 * A watch on the whole keyspace feeds a mirror: the same tree and history that the embedded stores are. It watches all
 * keys, whatever the prefix, because then every revision of etcd arrives and the mirror knows exactly how new it is
 * (etcd's progress notifications could overtake events before 3.4.25 and 3.5.8). Keys outside the prefix are not kept.
 *
 * - `rangeNow` and watches are served from the mirror. `range` first asks etcd for its revision and waits until the
 *   mirror is there: questions that arrive while one is on its way share the next one.
 * - A transaction goes to etcd; it is answered once the mirror has caught up, so whoever was answered reads its write.
 * - What is older than the mirror (it begins when the store is connected) is asked of etcd.
 * - When etcd compacts what the mirror has not seen yet (it was cut off for long), the mirror begins anew and watchers
 *   are told `CompactedError`, as an API server's clients are.
 */

import { Heap } from '../base/heap.ts'
import { EtcdClient, type EtcdClientOptions, EtcdError, grpcCode, WatchCompactedError } from '../etcd/client.ts'
import {
  compareResult,
  compareTarget,
  type KeyValue as EtcdKeyValue,
  type Event,
  eventType,
  methods,
  type RequestOp,
  type ResponseOp,
  type TxnRequest,
  type TxnResponse,
} from '../etcd/messages.ts'
import type { Infer } from '../schema/types.ts'
import type { Clock, Random } from '../world/world.ts'
import { Engine } from './engine.ts'
import { sizeOf } from './evaluate.ts'
import type { Version } from './history.ts'
import { inRange, isSingleKey } from './key-range.ts'
import {
  CompactedError,
  type Compare,
  FutureRevisionError,
  InvalidRequestError,
  KeyNotFoundError,
  type KeyValue,
  type Lease,
  LeaseExistsError,
  LeaseNotFoundError,
  NoSpaceError,
  type Op,
  type OpResult,
  prefixEnd,
  type RangeQuery,
  type RangeResult,
  type RequestObserver,
  type Store,
  StoreClosedError,
  type StoreEvent,
  type StoreOperation,
  type StoreStatus,
  StoreUnreachableError,
  type Txn,
  type TxnResult,
  type Watcher,
  type WatchQuery,
} from './store.ts'
import { treeFromSorted, treeGet, treePut, treeRemove } from './tree.ts'

export interface EtcdStoreOptions extends EtcdClientOptions {
  readonly random: Random
  /** Only keys that begin with it are kept in the mirror. Default: all. */
  readonly prefix?: string
  /** As for the embedded stores. */
  readonly historyRevisions?: number
}

type WireKeyValue = Infer<typeof EtcdKeyValue>

/** So many keys are asked for at once when the state is read. */
const pageKeys = 1_000
const retryMs = 500
/** How long it is tried to get an answer, and when a question is asked again: nobody answered, or somebody could not. */
const askForMs = 10_000
const askAgainMs = { silent: 1_000, refused: 100 }

/** What etcd says when it has certainly not done what was asked: nobody is the leader at the moment. */
const notDone: ReadonlySet<string> = new Set([
  'raft proposal dropped',
  'etcdserver: no leader',
  'etcdserver: not leader',
])

/** etcd was reached, but its members cannot agree in time. */
const tooLate: ReadonlySet<string> = new Set([
  'etcdserver: request timed out',
  'etcdserver: request timed out, possibly due to previous leader failure',
  'etcdserver: request timed out, possibly due to connection lost',
  'etcdserver: request timed out, waiting for the applied index took too long',
  'etcdserver: leader changed',
  'etcdserver: no leader',
  'etcdserver: not leader',
  'raft proposal dropped',
  'context deadline exceeded',
])

function unreachable(error: EtcdError): Error {
  const { code, message } = error
  if (tooLate.has(message) || code === grpcCode.deadlineExceeded)
    return new StoreUnreachableError(message, true, { cause: error })
  return code === grpcCode.unavailable ? new StoreUnreachableError(message, false, { cause: error }) : error
}

export class EtcdStore implements Store {
  readonly #client: EtcdClient
  readonly #options: EtcdStoreOptions
  readonly #prefix: { readonly from: string; readonly to: string }
  readonly #ended = new AbortController()
  readonly #waiting = new Heap<{ revision: number; done: () => void; failed: (error: Error) => void }>(
    (a, b) => a.revision < b.revision,
  )
  #mirror: Engine
  #compacted = 0
  #asking: Promise<number> | undefined
  #askingNext: Promise<number> | undefined
  #observer: RequestObserver | undefined

  /** Reads the state of etcd; resolves when the mirror stands. Throws `EtcdError` when no endpoint can be reached. */
  static async connect(options: EtcdStoreOptions): Promise<EtcdStore> {
    const client = new EtcdClient(options)
    try {
      const store = new EtcdStore(client, options)
      await store.#beginMirror()
      return store
    } catch (error) {
      client[Symbol.dispose]()
      throw error
    }
  }

  private constructor(client: EtcdClient, options: EtcdStoreOptions) {
    this.#client = client
    this.#options = options
    const { prefix = '' } = options
    this.#prefix = prefix === '' ? { from: '\0', to: '\0' } : { from: prefix, to: prefixEnd(prefix) }
    this.#mirror = new Engine('etcd', options)
  }

  get revision(): number {
    return this.#mirror.revision
  }

  /** As far as this process was told: by its own compactions and by refusals. */
  get compacted(): number {
    return this.#compacted
  }

  async currentRevision(): Promise<number> {
    const revision = await this.#askOrJoin()
    await this.#reach(revision)
    return revision
  }

  observe(observer: RequestObserver): void {
    this.#observer = observer
  }

  range(query: RangeQuery): Promise<RangeResult> {
    return this.#timed(isSingleKey(query.to) ? 'get' : 'list', query.from, () => this.#range(query))
  }

  async #range(query: RangeQuery): Promise<RangeResult> {
    if (query.revision && query.revision < this.#mirror.compacted) return this.#remoteRange(query)
    await this.currentRevision()
    return this.rangeNow(query)
  }

  rangeNow(query: RangeQuery): RangeResult {
    if (query.revision && query.revision < this.#compacted) throw new CompactedError(this.#compacted)
    return this.#mirror.rangeNow(query)
  }

  txn(txn: Txn): Promise<TxnResult> {
    const op = txn.then?.[0]
    if (op?.type === 'delete') return this.#timed('delete', op.from, () => this.#txn(txn))
    if (op?.type !== 'put') return this.#txn(txn)
    const isNew = txn.compare?.some(({ key, target, value }) => key === op.key && target === 'mod' && value === 0)
    return this.#timed(isNew ? 'create' : 'update', op.key, () => this.#txn(txn))
  }

  /** What fails has been asked, too. */
  async #timed<T>(operation: StoreOperation, key: string, ask: () => Promise<T>): Promise<T> {
    if (this.#observer === undefined) return ask()
    const { clock } = this.#options
    const began = clock.monotonic()
    try {
      return await ask()
    } finally {
      this.#observer(operation, key, (clock.monotonic() - began) / 1000)
    }
  }

  async #txn(txn: Txn): Promise<TxnResult> {
    this.#requireKept(txn)
    const response = await this.#write(methods.txn, toTxnRequest(txn))
    const revision = response.header!.revision
    await this.#reach(revision)
    return this.#fromTxnResponse(response, txn, revision)
  }

  watch(query: WatchQuery, watcher: Watcher): void {
    const from = query.fromRevision
    // The changes of the revision that the mirror began with are not in it.
    if (!from || from > this.#mirror.compacted) this.#mirror.watch(query, watcher)
    else if (from < this.#compacted) watcher.onError(new CompactedError(this.#compacted))
    else this.#remoteWatch(query, from, watcher)
  }

  async compact(revision: number): Promise<void> {
    await this.#write(methods.compact, { revision })
    this.#compacted = revision
    await this.#reach(revision)
    if (revision > this.#mirror.compacted) await this.#mirror.compact(revision)
  }

  async leaseGrant(ttlSeconds: number, id = 0n): Promise<Lease> {
    const granted = await this.#write(methods.leaseGrant, { ttl: Math.ceil(ttlSeconds), id })
    return { id: granted.id, ttlSeconds: granted.ttl }
  }

  async leaseKeepAlive(id: bigint): Promise<Lease> {
    for await (const { ttl } of this.#client.stream(methods.leaseKeepAlive, { id })) {
      if (ttl <= 0) throw new LeaseNotFoundError()
      return { id, ttlSeconds: ttl }
    }
    throw new LeaseNotFoundError()
  }

  async leaseRevoke(id: bigint): Promise<void> {
    const { header } = await this.#write(methods.leaseRevoke, { id })
    await this.#reach(header!.revision)
  }

  async leaseTimeToLive(id: bigint): Promise<Lease & { remainingSeconds: number; keys: readonly string[] }> {
    const { ttl, grantedTtl, keys = [] } = await this.#read(methods.leaseTimeToLive, { id, keys: true })
    if (ttl < 0) throw new LeaseNotFoundError()
    return { id, ttlSeconds: grantedTtl, remainingSeconds: ttl, keys }
  }

  async leases(): Promise<readonly bigint[]> {
    const { leases = [] } = await this.#read(methods.leaseLeases, {})
    return leases.map(({ id }) => id)
  }

  async status(): Promise<StoreStatus> {
    const { header, version, dbSize } = await this.#read(methods.status, {})
    const { keys } = await this.#mirror.status()
    return { kind: 'etcd', version, revision: header!.revision, compacted: this.compacted, keys, sizeBytes: dbSize }
  }

  async *snapshot(revision?: number): AsyncGenerator<KeyValue> {
    const at = revision || (await this.currentRevision())
    if (at < this.#mirror.compacted) {
      yield* this.#pages(at)
      return
    }
    await this.#reach(at)
    yield* this.#mirror.snapshot(at)
  }

  async fork(revision?: number, world?: { readonly clock: Clock; readonly random: Random }): Promise<Engine> {
    const at = revision || (await this.currentRevision())
    const kvs: KeyValue[] = []
    for await (const kv of this.snapshot(at)) kvs.push(kv)
    const leases = await Promise.all((await this.leases()).map((id) => this.leaseTimeToLive(id).catch(() => undefined)))
    const state = {
      versions: [versionOf(at, kvs)],
      compacted: at,
      leases: leases.flatMap((lease) => (lease ? [{ id: lease.id, ttlSeconds: lease.ttlSeconds }] : [])),
    }
    return new Engine('memory', { ...this.#options, random: this.#options.random.fork(`fork ${at}`), ...world }, state)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended.signal.aborted) return
    this.#ended.abort(new StoreClosedError())
    this.#client[Symbol.dispose]()
    for (let waiting = this.#waiting.pop(); waiting !== undefined; waiting = this.#waiting.pop()) {
      waiting.failed(new StoreClosedError())
    }
    await this.#mirror[Symbol.asyncDispose]()
  }

  // The mirror.

  async #beginMirror(): Promise<void> {
    const { header } = await this.#read(methods.range, { key: '\0', countOnly: true })
    const revision = header!.revision
    const kvs: KeyValue[] = []
    for await (const kv of this.#pages(revision)) kvs.push(kv)
    const before = this.#mirror
    this.#mirror = new Engine('etcd', this.#options, {
      versions: [versionOf(revision, kvs)],
      compacted: revision,
      leases: [],
    })
    // Before anybody reads the new one: who follows the store must not take what it knows for the newest state.
    before.endWatches(new CompactedError(revision))
    this.#feed(this.#mirror)
    this.#wake()
  }

  #feed(mirror: Engine): void {
    const request = { key: '\0', rangeEnd: '\0', startRevision: mirror.revision + 1 }
    const onError = (error: Error) => void this.#beginAgain(error)
    const onEvents = (events: readonly Infer<typeof Event>[]) => {
      for (const version of this.#versionsOf(mirror.newest, events)) mirror.adopt(version)
      this.#wake()
    }
    this.#client.watch(request, { onEvents, onError }, this.#ended.signal)
  }

  async #beginAgain(error: Error): Promise<void> {
    if (error instanceof WatchCompactedError) this.#compacted = Math.max(this.#compacted, error.compactRevision)
    while (!this.#ended.signal.aborted) {
      try {
        return await this.#beginMirror()
      } catch {
        // Nobody can be reached; whoever asks for something is told so by the call itself.
        await this.#options.clock.after(retryMs, this.#ended.signal).catch(() => {})
      }
    }
  }

  *#versionsOf(newest: Version, events: readonly Infer<typeof Event>[]): Generator<Version> {
    let before = newest
    for (let first = 0; first < events.length; ) {
      const revision = events[first]!.kv!.modRevision
      let end = first + 1
      while (end < events.length && events[end]!.kv!.modRevision === revision) end++
      before = this.#nextVersion(before, revision, events.slice(first, end))
      yield before
      first = end
    }
  }

  #nextVersion(before: Version, revision: number, changes: readonly Infer<typeof Event>[]): Version {
    let { root, bytes, superseded } = before
    const events: StoreEvent[] = []
    for (const { type, kv: changed } of changes) {
      const { key } = changed!
      if (!this.#isKept(key)) continue
      const previous = treeGet(root, key)
      const kv = type === eventType.delete ? undefined : fromWire(changed!)
      root = kv === undefined ? treeRemove(root, key) : treePut(root, kv)
      bytes += sizeOf(kv) - sizeOf(previous)
      superseded += sizeOf(previous)
      events.push({ type: kv === undefined ? 'delete' : 'put', key, revision, kv, previous })
    }
    return { revision, root, events, bytes, superseded }
  }

  #isKept(key: string): boolean {
    const { from, to } = this.#prefix
    return inRange(key, from, to === '\0' ? undefined : to)
  }

  /** What is written outside the prefix could not be read back. */
  #requireKept(txn: Txn): void {
    for (const op of [...(txn.then ?? []), ...(txn.else ?? [])]) {
      if (op.type === 'txn') this.#requireKept(op.txn)
      if (op.type === 'put' && op.key !== '' && !this.#isKept(op.key)) {
        throw new InvalidRequestError(`key ${op.key} is outside ${this.#prefix.from}, which is what this store keeps`)
      }
    }
  }

  /** Resolves when the mirror has everything up to `revision`. */
  #reach(revision: number): Promise<void> | undefined {
    if (this.#mirror.revision >= revision) return undefined
    if (this.#ended.signal.aborted) return Promise.reject(new StoreClosedError())
    return new Promise((done, failed) => this.#waiting.push({ revision, done, failed }))
  }

  #wake(): void {
    for (
      let next = this.#waiting.peek();
      next !== undefined && next.revision <= this.revision;
      next = this.#waiting.peek()
    ) {
      this.#waiting.pop()
      next.done()
    }
  }

  // Asking etcd.

  /** One question at a time is on its way; who comes later must not take its answer, which may be older. */
  #askOrJoin(): Promise<number> {
    if (this.#asking === undefined) return this.#ask()
    this.#askingNext ??= this.#asking.catch(() => 0).then(() => this.#ask())
    return this.#askingNext
  }

  #ask(): Promise<number> {
    const asking = this.#askUntilAnswered()
    const over = () => {
      if (this.#asking === asking) this.#asking = undefined
    }
    this.#asking = asking
    this.#askingNext = undefined
    asking.then(over, over)
    return asking
  }

  /**
   * A question that changes nothing may be asked again, and any answer to it will do. One that was on its way when a leader
   * was lost is answered only when its time is over; the next one as soon as there is a new leader, or by another member.
   */
  #askUntilAnswered(): Promise<number> {
    const { clock } = this.#options
    const deadline = clock.monotonic() + askForMs
    const ended = this.#ended.signal
    return new Promise((resolve, reject) => {
      let open = 0
      let isOver = false
      let failure: Error | undefined
      let cancel = () => {}
      const finish = (settle: () => void) => {
        isOver = true
        cancel()
        settle()
      }
      const askAgainIn = (ms: number) => {
        cancel()
        cancel = clock.timer(ms, () => {
          if (isOver) return
          // Those that are still open end with the deadline, too.
          if (clock.monotonic() > deadline) return open === 0 ? finish(() => reject(failure)) : undefined
          if (open > 0) this.#client.failOver()
          ask()
        })
      }
      const failed = (error: Error) => {
        open--
        failure = error
        if (isOver) return
        const mayGoOn = error instanceof StoreUnreachableError && !ended.aborted && clock.monotonic() < deadline
        if (mayGoOn) askAgainIn(askAgainMs.refused)
        else if (open === 0 || !(error instanceof StoreUnreachableError)) finish(() => reject(error))
      }
      const ask = () => {
        open++
        const timeoutMs = Math.max(1, deadline - clock.monotonic())
        this.#read(methods.range, { key: this.#prefix.from, countOnly: true }, { timeoutMs }).then(({ header }) => {
          if (!isOver) finish(() => resolve(header!.revision))
        }, failed)
        askAgainIn(askAgainMs.silent)
      }
      ask()
    })
  }

  async #remoteRange({ from, to, revision, limit, countOnly }: RangeQuery): Promise<RangeResult> {
    const response = await this.#read(methods.range, { key: from, rangeEnd: to, revision, limit, countOnly })
    const { header, kvs = [], count, more } = response
    return { kvs: kvs.map(fromWire), count, more, revision: header!.revision }
  }

  #remoteWatch(query: WatchQuery, from: number, watcher: Watcher): void {
    let stands = false
    const onCreated = () => {
      if (!stands) watcher.onProgress?.(from - 1)
      stands = true
    }
    const onError = (error: Error) => {
      if (error instanceof WatchCompactedError) this.#compacted = Math.max(this.#compacted, error.compactRevision)
      watcher.onError(this.#typed(error))
    }
    const onEvents = (events: readonly Infer<typeof Event>[], revision: number) => {
      if (events.length > 0) watcher.onEvents(events.map(fromWireEvent), revision)
    }
    const request = { key: query.from, rangeEnd: query.to, startRevision: from, prevKv: true }
    const signal = AbortSignal.any([query.signal, this.#ended.signal])
    this.#client.watch(request, { onCreated, onEvents, onError }, signal)
  }

  /** The state at `revision`, in key order. */
  async *#pages(revision: number): AsyncGenerator<KeyValue> {
    let { from } = this.#prefix
    for (;;) {
      const request = { key: from, rangeEnd: this.#prefix.to, revision, limit: pageKeys }
      const { kvs = [], more } = await this.#read(methods.range, request)
      for (const kv of kvs) yield fromWire(kv)
      if (!more) return
      from = `${kvs.at(-1)!.key}\0`
    }
  }

  #read: EtcdClient['read'] = (method, request, options) =>
    this.#client.read(method, request, options).catch((error) => {
      throw this.#typed(error)
    })

  #write: EtcdClient['write'] = async (method, request, options) => {
    const { clock } = this.#options
    for (const deadline = clock.monotonic() + askForMs; ; ) {
      try {
        return await this.#client.write(method, request, options)
      } catch (error) {
        const wasNotDone = error instanceof EtcdError && notDone.has(error.message)
        if (!wasNotDone || clock.monotonic() > deadline) throw this.#typed(error as Error)
        await clock.after(askAgainMs.refused, this.#ended.signal)
      }
    }
  }

  /** The contract's error for etcd's message. */
  #typed(error: Error): Error {
    if (error instanceof WatchCompactedError) return new CompactedError(error.compactRevision)
    if (this.#ended.signal.aborted) return new StoreClosedError()
    if (!(error instanceof EtcdError)) return error
    const known: Readonly<Record<string, () => Error>> = {
      [new CompactedError(0).message]: () => new CompactedError(this.#compacted),
      [new FutureRevisionError().message]: () => new FutureRevisionError(),
      [new LeaseNotFoundError().message]: () => new LeaseNotFoundError(),
      [new KeyNotFoundError().message]: () => new KeyNotFoundError(),
      [new LeaseExistsError().message]: () => new LeaseExistsError(),
      [new NoSpaceError().message]: () => new NoSpaceError(),
      [InvalidRequestError.emptyKey]: () => new InvalidRequestError(error.message),
      [InvalidRequestError.duplicateKey]: () => new InvalidRequestError(error.message),
      [InvalidRequestError.emptyWatchRange]: () => new InvalidRequestError(error.message),
      [InvalidRequestError.leaseTtlTooLarge]: () => new InvalidRequestError(error.message),
    }
    return known[error.message]?.() ?? unreachable(error)
  }

  // Answers.

  #fromTxnResponse({ succeeded, responses = [] }: TxnResponse, txn: Txn, revision: number): TxnResult {
    const ops = (succeeded ? txn.then : txn.else) ?? []
    return { succeeded, revision, results: ops.map((op, i) => this.#fromResponseOp(responses[i]!, op, revision)) }
  }

  #fromResponseOp(response: ResponseOp, op: Op, revision: number): OpResult {
    switch (op.type) {
      case 'put': {
        const kv = this.#written(op, revision)
        const previous = response.responsePut?.prevKv
        return op.previous ? { type: 'put', kv, previous: previous && fromWire(previous) } : { type: 'put', kv }
      }
      case 'delete': {
        const { deleted, prevKvs = [] } = response.responseDeleteRange!
        return { type: 'delete', deleted, previous: prevKvs.map(fromWire) }
      }
      case 'range': {
        const { header, kvs = [], count, more } = response.responseRange!
        const shared = kvs.map((kv) => this.#shared(kv))
        return { type: 'range', kvs: shared, count, more, revision: header?.revision ?? revision }
      }
      case 'txn':
        return { type: 'txn', result: this.#fromTxnResponse(response.responseTxn!, op.txn, revision) }
      default:
        return op satisfies never
    }
  }

  /**
   * The key-value that a put made, from the mirror, with the writer's decoded form beside it. Not from the state after
   * the transaction: a nested one may have deleted the key again.
   */
  #written(op: Extract<Op, { type: 'put' }>, revision: number): KeyValue {
    const { events } = this.#mirror.versionAt(revision)
    const kv = events.find((event) => event.key === op.key && event.type === 'put')?.kv
    if (kv === undefined) throw new Error(`etcd: the put of ${op.key} at revision ${revision} did not arrive`)
    if (kv.memo === undefined) kv.memo = op.memo
    return kv
  }

  /** The mirror's own, when it has the very same one: it may be decoded already. */
  #shared(wire: WireKeyValue): KeyValue {
    const kv = treeGet(this.#mirror.newest.root, wire.key)
    return kv?.modRevision === wire.modRevision ? kv : fromWire(wire)
  }
}

function versionOf(revision: number, kvs: readonly KeyValue[]): Version {
  const bytes = kvs.reduce((sum, kv) => sum + sizeOf(kv), 0)
  return { revision, root: treeFromSorted(kvs), events: [], bytes, superseded: 0 }
}

// From and to the wire.

/** The value is copied out of the answer it came in: kept as a view it would keep the whole answer in memory. */
function fromWire({ key, value, createRevision, modRevision, version, lease }: WireKeyValue): KeyValue {
  return { key, value: Buffer.from(value), createRevision, modRevision, version, lease, memo: undefined }
}

function fromWireEvent({ type, kv, prevKv }: Infer<typeof Event>): StoreEvent {
  const previous = prevKv && fromWire(prevKv)
  const { key, modRevision: revision } = kv!
  if (type === eventType.delete) return { type: 'delete', key, revision, previous }
  return { type: 'put', key, revision, kv: fromWire(kv!), previous }
}

function toTxnRequest({ compare, then, else: otherwise }: Txn): TxnRequest {
  return { compare: compare?.map(toWireCompare), success: then?.map(toRequestOp), failure: otherwise?.map(toRequestOp) }
}

function toPutRequest({ key, value, lease, previous, keepValue, keepLease }: Extract<Op, { type: 'put' }>) {
  return {
    key,
    prevKv: previous,
    ...(keepValue ? { ignoreValue: true } : { value }),
    ...(keepLease ? { ignoreLease: true } : { lease }),
  }
}

function toRequestOp(op: Op): RequestOp {
  switch (op.type) {
    case 'put':
      return { requestPut: toPutRequest(op) }
    case 'delete':
      return { requestDeleteRange: { key: op.from, rangeEnd: op.to, prevKv: op.previous } }
    case 'range': {
      const { from, to, revision, limit, countOnly } = op
      return { requestRange: { key: from, rangeEnd: to, revision, limit, countOnly } }
    }
    case 'txn':
      return { requestTxn: toTxnRequest(op.txn) }
    default:
      return op satisfies never
  }
}

const unionField = {
  version: 'version',
  create: 'createRevision',
  mod: 'modRevision',
  value: 'value',
  lease: 'lease',
} as const

function toWireCompare({ key, to, target, result, value }: Compare) {
  return {
    key,
    rangeEnd: isSingleKey(to) ? undefined : to,
    target: compareTarget[target],
    result: compareResult[result],
    [unionField[target]]: value,
  }
}
