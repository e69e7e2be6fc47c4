/**
 * A store that keeps some of its values in another form than it shows them: encrypted. It stands in front of any other
 * store and behaves as that does; which values are concerned, and how they are changed, the key ring says.
 *
 * The plain form of a value hangs on the stored key-value (`memo`), so that each value is opened once in a process, and
 * never when this process wrote it; and whoever decodes plain values finds its own memo there.
 *
 * **What cannot be opened** stays where it is. A read that meets it rejects with `UnreadableValueError`, a watch ends with
 * it. Writing over it or deleting it works for those who do not have to read it first.
 *
 * **Keys that lie elsewhere** (a KMS plugin) are fetched when the key ring is put to use, for all that is stored. What
 * comes later, from another server behind the same etcd, may need further ones: `range` and `txn` wait for them, a watch
 * is held up until they are there and keeps its order, and `rangeNow`, which cannot wait, throws and has them fetched, so
 * that it is a matter of a moment.
 */
import { Buffer } from 'node:buffer'
import { goQuote } from '../schema/field-errors.ts'
import type { Clock, Random } from '../world/world.ts'
import { KeyNotFetched, type ValueTransformer } from './encryption/transformer.ts'
import type {
  Compare,
  KeyValue,
  Lease,
  Op,
  OpResult,
  RangeQuery,
  RangeResult,
  RequestObserver,
  Store,
  StoreEvent,
  StoreStatus,
  Txn,
  TxnResult,
  Watcher,
  WatchQuery,
} from './store.ts'

/** Which values are stored in another form, and in which. */
export interface KeyRing {
  /** Changes when the answers of `transformerOf` may have changed: then what is known of values is looked at again. */
  readonly generation: number
  /** Undefined: the value of this key is stored as it is. */
  transformerOf(key: string): ValueTransformer | undefined
}

/** A stored value that cannot be made plain. Read alone, the reference gives the reason only; in a range, the key too. */
export class UnreadableValueError extends Error {
  readonly key: string
  constructor(key: string, cause: Error, isAlone: boolean) {
    super(isAlone ? cause.message : `unable to transform key ${goQuote(key)}: ${cause.message}`, { cause })
    this.key = key
  }
}

export class EncryptedStore implements Store {
  readonly #inner: Store
  readonly #ring: KeyRing
  readonly #owned: AsyncDisposable | undefined

  /** `owned` goes when the store does. */
  constructor(inner: Store, ring: KeyRing, owned?: AsyncDisposable) {
    this.#inner = inner
    this.#ring = ring
    this.#owned = owned
  }

  get revision(): number {
    return this.#inner.revision
  }

  get compacted(): number {
    return this.#inner.compacted
  }

  currentRevision(): Promise<number> {
    return this.#inner.currentRevision()
  }

  observe(observer: RequestObserver): void {
    this.#inner.observe?.(observer)
  }

  async range(query: RangeQuery): Promise<RangeResult> {
    const result = await this.#inner.range(query)
    const isAlone = query.to === undefined
    return this.#patiently(() => this.#openResult(result, isAlone))
  }

  rangeNow(query: RangeQuery): RangeResult {
    const result = this.#inner.rangeNow(query)
    try {
      return this.#openResult(result, query.to === undefined)
    } catch (error) {
      // Whoever asks again finds it.
      if (error instanceof UnreadableValueError && error.cause instanceof KeyNotFetched)
        error.cause.fetch().catch(ignore)
      throw error
    }
  }

  isStale(kv: KeyValue): boolean {
    if (!(kv instanceof PlainKeyValue)) return false
    const stored = PlainKeyValue.storedOf(kv)
    try {
      return this.#ring.transformerOf(kv.key)?.fromStorage(bytesOf(stored.value), kv.key).stale === true
    } catch {
      return true
    }
  }

  mayHoldUp(key: string): boolean {
    return this.#ring.transformerOf(key) !== undefined
  }

  async txn(txn: Txn): Promise<TxnResult> {
    const guarded = comparesOf(txn).some((compare) => this.#asksValue(compare))
    return guarded ? this.#txnWithValues(txn) : this.#txnSealed(this.#sealed(txn))
  }

  watch({ signal, ...query }: WatchQuery, watcher: Watcher): void {
    const stop = new AbortController()
    const either = AbortSignal.any([signal, stop.signal])
    const fail = (error: Error) => {
      stop.abort()
      watcher.onError(error)
    }
    this.#inner.watch(
      { ...query, signal: either },
      new OpeningWatcher(watcher, (kv) => this.#open(kv, false), either, fail),
    )
  }

  compact(revision: number): Promise<void> {
    return this.#inner.compact(revision)
  }

  leaseGrant(ttlSeconds: number, id?: bigint): Promise<Lease> {
    return this.#inner.leaseGrant(ttlSeconds, id)
  }

  leaseKeepAlive(id: bigint): Promise<Lease> {
    return this.#inner.leaseKeepAlive(id)
  }

  leaseRevoke(id: bigint): Promise<void> {
    return this.#inner.leaseRevoke(id)
  }

  leaseTimeToLive(id: bigint): ReturnType<Store['leaseTimeToLive']> {
    return this.#inner.leaseTimeToLive(id)
  }

  leases(): Promise<readonly bigint[]> {
    return this.#inner.leases()
  }

  status(): Promise<StoreStatus> {
    return this.#inner.status()
  }

  async *snapshot(revision?: number): AsyncGenerator<KeyValue> {
    for await (const kv of this.#inner.snapshot(revision)) yield await this.#patiently(() => this.#open(kv, false))
  }

  /** What the fork writes is sealed as here, and what is known of values is shared. */
  async fork(revision?: number, world?: { readonly clock: Clock; readonly random: Random }): Promise<EncryptedStore> {
    return new EncryptedStore(await this.#inner.fork(revision, world), this.#ring)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]()
    await this.#owned?.[Symbol.asyncDispose]()
  }

  async #txnSealed(txn: Txn): Promise<TxnResult> {
    const result = await this.#inner.txn(txn)
    return this.#patiently(() => this.#openTxn(result))
  }

  /**
   * Sealed values cannot be compared. So they are read and compared here, and the transaction holds only if none of them
   * has changed since; otherwise it is tried again.
   */
  async #txnWithValues(txn: Txn): Promise<TxnResult> {
    for (;;) {
      const guards: Compare[] = []
      const decided = await this.#decided(txn, guards)
      const outer = { compare: guards, then: [{ type: 'txn' as const, txn: this.#sealed(decided) }] }
      const { succeeded, results } = await this.#txnSealed(outer)
      const [inner] = results
      if (succeeded && inner?.type === 'txn') return inner.result
    }
  }

  async #decided(txn: Txn, guards: Compare[]): Promise<Txn> {
    const compare: Compare[] = []
    for (const one of txn.compare ?? []) {
      if (!this.#asksValue(one)) compare.push(one)
      else if (!(await this.#holds(one, guards))) compare.push(never(one.key))
    }
    const branch = (ops: readonly Op[] = []) =>
      Promise.all(ops.map(async (op) => (op.type === 'txn' ? { ...op, txn: await this.#decided(op.txn, guards) } : op)))
    return { compare, then: await branch(txn.then), else: await branch(txn.else) }
  }

  async #holds({ key, to, result, value }: Compare, guards: Compare[]): Promise<boolean> {
    const { kvs, revision } = await this.range({ from: key, ...(to !== undefined && { to }) })
    const at = (of: string, modRevision: number) =>
      guards.push({ key: of, target: 'mod', result: '=', value: modRevision })
    for (const kv of kvs) at(kv.key, kv.modRevision)
    if (to !== undefined) guards.push({ key, to, target: 'mod', result: '<', value: revision + 1 })
    else if (kvs.length === 0) at(key, 0)
    // What is absent passes no comparison of values.
    return kvs.length > 0 && kvs.every((kv) => compares(kv.value, result, value as Uint8Array))
  }

  /** A range may hold keys of any kind. */
  #asksValue({ key, to, target }: Compare): boolean {
    return target === 'value' && (to !== undefined || this.#ring.transformerOf(key) !== undefined)
  }

  #sealed(txn: Txn): Txn {
    const seal = (op: Op) => this.#sealedOp(op)
    return {
      ...(txn.compare && { compare: txn.compare }),
      ...(txn.then && { then: txn.then.map(seal) }),
      ...(txn.else && { else: txn.else.map(seal) }),
    }
  }

  #sealedOp(op: Op): Op {
    if (op.type === 'txn') return { type: 'txn', txn: this.#sealed(op.txn) }
    if (op.type !== 'put' || op.keepValue) return op
    const transformer = this.#ring.transformerOf(op.key)
    if (transformer === undefined) return op
    const value = transformer.toStorage(op.value, op.key)
    return { ...op, value, memo: new Plain(this.#ring, op.value, op.memo) }
  }

  #openTxn({ results, ...rest }: TxnResult): TxnResult {
    return { ...rest, results: results.map((result) => this.#openOp(result)) }
  }

  #openOp(result: OpResult): OpResult {
    switch (result.type) {
      case 'put': {
        const { kv, previous } = result
        return { ...result, kv: this.#open(kv, false), ...(previous && { previous: this.#open(previous, false) }) }
      }
      case 'delete':
        return { ...result, previous: result.previous.map((kv) => this.#open(kv, false)) }
      case 'range':
        return { type: 'range', ...this.#openResult(result, false) }
      case 'txn':
        return { type: 'txn', result: this.#openTxn(result.result) }
    }
  }

  #openResult({ kvs, count, more, revision }: RangeResult, isAlone: boolean): RangeResult {
    return { kvs: kvs.map((kv) => this.#open(kv, isAlone)), count, more, revision }
  }

  /** The key-value in plain form: always the same one. Throws `UnreadableValueError`. */
  #open(kv: KeyValue, isAlone: boolean): KeyValue {
    const transformer = this.#ring.transformerOf(kv.key)
    if (transformer === undefined) return kv
    const known = kv.memo instanceof Plain ? kv.memo : undefined
    if (known?.holds(this.#ring)) return known.of(kv)
    try {
      const { value } = transformer.fromStorage(bytesOf(kv.value), kv.key)
      const plain = known ?? new Plain(this.#ring, value, undefined)
      plain.renew(this.#ring)
      kv.memo = plain
      return plain.of(kv)
    } catch (error) {
      throw new UnreadableValueError(kv.key, error as Error, isAlone)
    }
  }

  /** Does it again each time that a key has been fetched. */
  async #patiently<T>(open: () => T): Promise<T> {
    for (;;) {
      try {
        return open()
      } catch (error) {
        await fetched(error)
      }
    }
  }
}

/** Fetches the key that is missing. Throws the error when it is about something else, or with the reason for which the key cannot be had. */
async function fetched(error: unknown): Promise<void> {
  if (!(error instanceof UnreadableValueError && error.cause instanceof KeyNotFetched)) throw error
  const isAlone = error.message === error.cause.message
  await error.cause.fetch().catch((why: Error) => {
    throw new UnreadableValueError(error.key, why, isAlone)
  })
}

/** Shows what comes, in plain form and in its order, also when it has to wait for a key. */
class OpeningWatcher implements Watcher {
  readonly #watcher: Watcher
  readonly #open: (kv: KeyValue) => KeyValue
  readonly #signal: AbortSignal
  readonly #fail: (error: Error) => void
  /** What waits behind something that cannot be opened yet. Undefined: nothing does. */
  #waiting: (() => void)[] | undefined

  constructor(watcher: Watcher, open: (kv: KeyValue) => KeyValue, signal: AbortSignal, fail: (error: Error) => void) {
    this.#watcher = watcher
    this.#open = open
    this.#signal = signal
    this.#fail = fail
  }

  onEvents(events: readonly StoreEvent[], revision: number): void {
    this.#inTurn(() => this.#watcher.onEvents(this.#opened(events), revision))
  }

  onProgress(revision: number): void {
    this.#inTurn(() => this.#watcher.onProgress?.(revision))
  }

  onError(error: Error): void {
    this.#inTurn(() => this.#watcher.onError(error))
  }

  #inTurn(deliver: () => void): void {
    if (this.#waiting !== undefined) {
      this.#waiting.push(deliver)
      return
    }
    try {
      deliver()
    } catch (error) {
      if (!(error instanceof UnreadableValueError)) throw error
      if (!(error.cause instanceof KeyNotFetched)) return this.#fail(error)
      this.#waiting = [deliver]
      void this.#catchUp(error)
    }
  }

  async #catchUp(first: unknown): Promise<void> {
    let error: unknown = first
    const waiting = this.#waiting!
    while (waiting.length > 0) {
      try {
        if (error !== undefined) await fetched(error)
        error = undefined
        if (this.#signal.aborted) return
        waiting[0]!()
        waiting.shift()
      } catch (next) {
        if (next instanceof UnreadableValueError && next.cause instanceof KeyNotFetched) error = next
        else return this.#fail(next as Error)
      }
    }
    this.#waiting = undefined
  }

  #opened(events: readonly StoreEvent[]): readonly StoreEvent[] {
    return events.map((event) => {
      const kv = event.kv && this.#open(event.kv)
      const previous = event.previous && this.#open(event.previous)
      if (kv === event.kv && previous === event.previous) return event
      return { ...event, ...(kv && { kv }), ...(previous && { previous }) }
    })
  }
}

/** What is known of a stored value: hangs on its key-value. */
class Plain {
  #ring: KeyRing
  #generation: number
  readonly #value: Uint8Array
  #memo: unknown
  #kv: PlainKeyValue | undefined

  constructor(ring: KeyRing, value: Uint8Array, memo: unknown) {
    this.#ring = ring
    this.#generation = ring.generation
    this.#value = value
    this.#memo = memo
  }

  /** Whether it was opened with these keys. */
  holds(ring: KeyRing): boolean {
    return this.#ring === ring && this.#generation === ring.generation
  }

  /** It was opened with these keys, too. */
  renew(ring: KeyRing): void {
    this.#ring = ring
    this.#generation = ring.generation
  }

  of(stored: KeyValue): PlainKeyValue {
    if (this.#kv === undefined) {
      this.#kv = new PlainKeyValue(stored, this.#value, this.#memo)
      this.#memo = undefined
    }
    return this.#kv
  }
}

class PlainKeyValue implements KeyValue {
  readonly key: string
  readonly value: Uint8Array
  readonly createRevision: number
  readonly modRevision: number
  readonly version: number
  readonly lease: bigint
  memo: unknown
  readonly #stored: KeyValue

  constructor(stored: KeyValue, value: Uint8Array, memo: unknown) {
    this.key = stored.key
    this.value = value
    this.createRevision = stored.createRevision
    this.modRevision = stored.modRevision
    this.version = stored.version
    this.lease = stored.lease
    this.memo = memo
    this.#stored = stored
  }

  static storedOf(kv: PlainKeyValue): KeyValue {
    return kv.#stored
  }
}

function comparesOf({ compare = [], then = [], else: otherwise = [] }: Txn): readonly Compare[] {
  const nested = [...then, ...otherwise].flatMap((op) => (op.type === 'txn' ? comparesOf(op.txn) : []))
  return nested.length === 0 ? compare : [...compare, ...nested]
}

const never = (key: string): Compare => ({ key, target: 'version', result: '<', value: 0 })

function compares(actual: Uint8Array, result: Compare['result'], wanted: Uint8Array): boolean {
  const order = Buffer.compare(actual, wanted)
  return { '=': order === 0, '!=': order !== 0, '<': order < 0, '>': order > 0 }[result]
}

const bytesOf = (value: Uint8Array) => Buffer.from(value.buffer, value.byteOffset, value.byteLength)
const ignore = () => {}
