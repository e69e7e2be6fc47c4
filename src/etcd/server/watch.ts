/**
 * Watch of etcd's protocol: any number of watches on one stream.
 *
 * **Slow clients.** What a client does not take is not piled up: beyond a limit its watches leave the store, and when it
 * has caught up they go on behind the last change they were sent, from the store's history. If that is compacted by
 * then, the watch is cancelled with the compacted revision, and the client knows that it has missed something.
 *
 * **Progress** is told only when every watch of the stream has been sent all changes up to the revision that is told,
 * and not at all while one of them waits for a revision that is yet to come.
 */
import type { Infer } from '../../schema/types.ts'
import { endOf, isSingleKey } from '../../store/key-range.ts'
import { CompactedError, InvalidRequestError, type KeyValue, type Store, type StoreEvent } from '../../store/store.ts'
import type { Clock } from '../../world/world.ts'
import {
  type Event,
  eventType,
  filterType,
  type KeyValue as KeyValueMessage,
  methods,
  type WatchCreateRequest,
  type WatchResponse,
} from '../messages.ts'
import { type Route, type ServerCall, streaming } from './grpc.ts'
import type { Identity } from './identity.ts'
import { requestBytesMax, toWire } from './kv.ts'

export interface WatchOptions {
  readonly store: Store
  readonly identity: Identity
  readonly clock: Clock
  /** How often a watch that asked for it is told how far it is while nothing happens. Default: etcd's 10 minutes. */
  readonly progressIntervalMs?: number
}

type Call = ServerCall<Infer<(typeof methods.watch)['request']>, Infer<typeof WatchResponse>>
type Create = Infer<typeof WatchCreateRequest>

/** The id that stands for no watch, or for all of a stream. */
const noWatch = -1
const defaultProgressIntervalMs = 600_000
/** A client that leaves more than this lying is slow. */
const pendingBytesMax = 8 << 20
/** So much goes into one answer, if revisions allow. */
const answerBytes = 1 << 20

export function watchRoute(options: WatchOptions): Route {
  return streaming(methods.watch, (call) => {
    const stream = new WatchStream(call, options)
    call.listen(
      ({ createRequest, cancelRequest, progressRequest }) => {
        if (createRequest) stream.create(createRequest)
        else if (cancelRequest) stream.cancel(cancelRequest.watchId)
        else if (progressRequest) stream.progress()
      },
      () => call.end(),
    )
  })
}

class WatchStream {
  readonly #call: Call
  readonly #options: WatchOptions
  readonly #watches = new Map<number, ServedWatch>()
  #nextId = 0
  #isCatchingUp = false
  #asksProgress = false

  constructor(call: Call, options: WatchOptions) {
    this.#call = call
    this.#options = options
    call.signal.addEventListener('abort', () => this.#end(), { once: true })
  }

  create(request: Create): void {
    const refusal = this.#refusalOf(request)
    if (refusal !== undefined) {
      this.send({ watchId: noWatch, created: true, canceled: true, cancelReason: refusal })
      return
    }
    const id = request.watchId || this.#freeId()
    this.send({ watchId: id, created: true })
    const watch = new ServedWatch(id, request, this, this.#options)
    this.#watches.set(id, watch)
    watch.begin()
  }

  cancel(id: number): void {
    if (!this.#watches.has(id)) return
    this.forget(id)
    this.send({ watchId: id, canceled: true })
  }

  /** Answered once all watches are as far as the store is. */
  progress(): void {
    this.#asksProgress = true
    this.#tellProgress()
  }

  forget(id: number): void {
    this.#watches.get(id)?.stop()
    this.#watches.delete(id)
  }

  send(answer: Partial<Infer<typeof WatchResponse>>, revision = this.#options.store.revision): void {
    const { identity } = this.#options
    const header = identity.header(revision)
    const rest = { watchId: noWatch, created: false, canceled: false, compactRevision: 0, cancelReason: '' }
    this.#call.send({ ...rest, fragment: false, ...answer, header })
  }

  get isSlow(): boolean {
    return this.#call.pendingBytes > pendingBytesMax
  }

  /** Lets the watches that left the store go on when the client has taken what it was sent. */
  catchUp(): void {
    if (this.#isCatchingUp) return
    this.#isCatchingUp = true
    void this.#call.drained().then(() => {
      this.#isCatchingUp = false
      for (const watch of [...this.#watches.values()]) {
        if (watch.isPaused && !this.isSlow) watch.begin()
      }
      if ([...this.#watches.values()].some((watch) => watch.isPaused)) this.catchUp()
      else this.#tellProgress()
    })
  }

  #tellProgress(): void {
    const { revision } = this.#options.store
    if (!this.#asksProgress || [...this.#watches.values()].some((watch) => !watch.hasReached(revision))) return
    this.#asksProgress = false
    this.send({ watchId: noWatch }, revision)
  }

  /** In etcd's words. */
  #refusalOf({ key = '', rangeEnd, watchId }: Create): string | undefined {
    const end = endOf(key || '\0', rangeEnd)
    if (!isSingleKey(rangeEnd) && end !== undefined && end <= (key || '\0')) return InvalidRequestError.emptyWatchRange
    if (watchId && this.#watches.has(watchId)) return 'mvcc: duplicate watch ID provided on the WatchStream'
    return undefined
  }

  #freeId(): number {
    while (this.#watches.has(this.#nextId)) this.#nextId++
    return this.#nextId++
  }

  #end(): void {
    for (const watch of this.#watches.values()) watch.stop()
    this.#watches.clear()
  }
}

class ServedWatch {
  readonly #id: number
  readonly #request: Create
  readonly #stream: WatchStream
  readonly #options: WatchOptions
  readonly #unwanted: ReadonlySet<StoreEvent['type']>
  /** The first revision that was not sent yet. */
  #next: number
  #inStore: AbortController | undefined
  #cancelTimer = () => {}
  #isStopped = false
  #isIdle = true

  constructor(id: number, request: Create, stream: WatchStream, options: WatchOptions) {
    this.#id = id
    this.#request = request
    this.#stream = stream
    this.#options = options
    this.#next = request.startRevision || options.store.revision + 1
    const filters = request.filters ?? []
    this.#unwanted = new Set([
      ...(filters.includes(filterType.noPut) ? (['put'] as const) : []),
      ...(filters.includes(filterType.noDelete) ? (['delete'] as const) : []),
    ])
    if (request.progressNotify) this.#armProgress()
  }

  get isPaused(): boolean {
    return this.#inStore === undefined && !this.#isStopped
  }

  /** Whether it has been sent everything up to `revision`, and does not begin after it. */
  hasReached(revision: number): boolean {
    return !this.isPaused && (this.#request.startRevision ?? 0) <= revision
  }

  /** Joins the store where the last changes that were sent ended. */
  begin(): void {
    const inStore = new AbortController()
    this.#inStore = inStore
    const { key, rangeEnd } = this.#request
    const query = { from: key || '\0', ...(rangeEnd && { to: rangeEnd }), fromRevision: this.#next }
    this.#options.store.watch(
      { ...query, signal: inStore.signal },
      {
        onEvents: (events, revision) => this.#take(events, revision),
        onError: (error) => this.#fail(error),
      },
    )
  }

  stop(): void {
    this.#isStopped = true
    this.#cancelTimer()
    this.#inStore?.abort()
    this.#inStore = undefined
  }

  #take(events: readonly StoreEvent[], revision: number): void {
    this.#next = revision + 1
    this.#isIdle = false
    const wanted = this.#unwanted.size === 0 ? events : events.filter(({ type }) => !this.#unwanted.has(type))
    for (const batch of batchesOf(wanted)) {
      const last = batch[batch.length - 1]!
      this.#sendBatch(batch, last === wanted[wanted.length - 1] ? revision : last.revision)
    }
    if (!this.#stream.isSlow) return
    this.#inStore?.abort()
    this.#inStore = undefined
    this.#stream.catchUp()
  }

  #sendBatch(batch: readonly StoreEvent[], revision: number): void {
    if (!this.#request.fragment || sizeOfAll(batch) < requestBytesMax) {
      this.#send(batch, revision, false)
      return
    }
    const fragments = [...fragmentsOf(batch)]
    for (const [i, fragment] of fragments.entries()) this.#send(fragment, revision, i < fragments.length - 1)
  }

  #send(events: readonly StoreEvent[], revision: number, fragment: boolean): void {
    const answer = { watchId: this.#id, fragment, events: events.map((event) => this.#toEvent(event)) }
    this.#stream.send(answer, revision)
  }

  #toEvent({ type, key, revision, kv, previous }: StoreEvent): Infer<typeof Event> {
    const gone = { key, createRevision: 0, modRevision: revision, version: 0, value: noBytes, lease: 0n }
    return {
      type: eventType[type],
      kv: kv === undefined ? gone : toWire(kv),
      ...(this.#request.prevKv && previous && this.#prevKv(previous, revision)),
    }
  }

  /** etcd shows what was there before the revision, not what a change of the same revision made. */
  #prevKv(previous: KeyValue, revision: number): { prevKv?: Infer<typeof KeyValueMessage> } {
    if (previous.modRevision < revision) return { prevKv: toWire(previous) }
    const { store } = this.#options
    if (revision - 1 < Math.max(1, store.compacted)) return {}
    const [before] = store.rangeNow({ from: previous.key, revision: revision - 1 }).kvs
    return before === undefined ? {} : { prevKv: toWire(before) }
  }

  #fail(error: Error): void {
    this.#stream.forget(this.#id)
    const ended = { watchId: this.#id, canceled: true }
    if (error instanceof CompactedError) this.#stream.send({ ...ended, compactRevision: error.compactRevision })
    else this.#stream.send({ ...ended, cancelReason: error.message })
  }

  #armProgress(): void {
    const { clock, store, progressIntervalMs = defaultProgressIntervalMs } = this.#options
    this.#cancelTimer = clock.timer(progressIntervalMs, () => {
      if (this.#isIdle && this.hasReached(store.revision)) this.#stream.send({ watchId: this.#id })
      this.#isIdle = true
      if (!this.#isStopped) this.#armProgress()
    })
  }
}

const noBytes = new Uint8Array(0)

/** In order, whole revisions together. */
function* batchesOf(events: readonly StoreEvent[]): Generator<readonly StoreEvent[]> {
  let first = 0
  let bytes = 0
  for (const [i, event] of events.entries()) {
    if (bytes >= answerBytes && event.revision !== events[i - 1]!.revision) {
      yield events.slice(first, i)
      first = i
      bytes = 0
    }
    bytes += sizeOf(event)
  }
  if (first < events.length) yield events.slice(first)
}

function* fragmentsOf(events: readonly StoreEvent[]): Generator<readonly StoreEvent[]> {
  let first = 0
  let bytes = 0
  for (const [i, event] of events.entries()) {
    const size = sizeOf(event)
    if (i > first && bytes + size >= requestBytesMax) {
      yield events.slice(first, i)
      first = i
      bytes = 0
    }
    bytes += size
  }
  yield events.slice(first)
}

function sizeOfAll(events: readonly StoreEvent[]): number {
  return events.reduce((sum, event) => sum + sizeOf(event), 0)
}

function sizeOf({ key, kv, previous }: StoreEvent): number {
  return key.length + (kv?.value.length ?? 0) + (previous?.value.length ?? 0) + 64
}
