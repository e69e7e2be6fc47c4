import type { ApiObject } from '../../schema/kind.ts'
import { CompactedError, prefixEnd, type StoreEvent } from '../../store/store.ts'
import { entryOf, forgetLine } from '../entry.ts'
import { readied } from './conversion.ts'
import { folderOf, rangeOf } from './keys.ts'
import { type ResourceState, tooLargeRevision } from './state.ts'
import { Change, type Member, namespaceOf, tooOld, WatchHub } from './watch-hub.ts'

/** A watch for which more events than this wait to be converted is ended: it lists again. */
const backlogLimit = 10_000
const bookmarkIntervalMs = 60_000

/**
 * A watch of a kind whose objects take time to convert. It has a watch of the store of its own: what happens waits
 * until what happened before has been converted, so that everything comes in order; what came meanwhile is converted
 * together. It ends with an error when that cannot be done.
 */
export class ConvertedWatch<T extends ApiObject> {
  readonly #state: ResourceState<T>
  readonly #member: Member
  readonly #signal: AbortSignal
  #waiting: StoreEvent[] = []
  #isBusy = false
  #isOver = false
  readonly #stop = new AbortController()

  constructor(state: ResourceState<T>, member: Member, signal: AbortSignal) {
    this.#state = state
    this.#member = member
    this.#signal = signal
  }

  /** What is there comes first, as if it had just been made. `marksEnd`: a bookmark says where that is over. */
  async beginWithList(isAny: boolean, marksEnd: boolean): Promise<void> {
    const { kind, store } = this.#state
    const member = this.#member
    if (!isAny) await store.currentRevision()
    const result = store.rangeNow(rangeOf(kind, member.namespace))
    if (member.after > result.revision) throw tooLargeRevision(member.after, result.revision)
    member.after = result.revision
    this.#follow()
    this.#isBusy = true
    try {
      await readied(kind, result.kvs)
    } catch (error) {
      this.#stop.abort()
      throw error
    }
    for (const kv of result.kvs) {
      if (this.#hasEnded) return
      const entry = entryOf(kind, kv)
      if (member.selection.everything || member.selection.matches(entry.object)) member.observer.event('ADDED', entry)
      forgetLine(kv)
    }
    if (marksEnd && member.wantsBookmarks) member.observer.bookmark(String(result.revision), true)
    this.#isBusy = false
    this.#wake()
  }

  /** Everything after `member.after`. Throws `Expired` when that is not known any more. */
  begin(): void {
    const { store } = this.#state
    if (this.#member.after < store.compacted) throw tooOld(this.#member.after, store.compacted)
    this.#follow()
  }

  get #hasEnded(): boolean {
    return this.#isOver || this.#signal.aborted
  }

  #follow(): void {
    const { kind, store, hub } = this.#state
    const folder = folderOf(kind)
    const { namespace } = this.#member
    const forget = hub.onEnd(kind, () => this.#end())
    for (const signal of [this.#signal, this.#stop.signal]) signal.addEventListener('abort', forget, { once: true })
    if (this.#member.wantsBookmarks) this.#bookmarkLater()
    const signal = AbortSignal.any([this.#signal, this.#stop.signal])
    store.watch(
      { from: folder, to: prefixEnd(folder), fromRevision: this.#member.after + 1, signal },
      {
        onEvents: (events) => {
          for (const event of events) {
            if (namespace === '' || namespace === namespaceOf(event.key, folder)) this.#waiting.push(event)
          }
          if (this.#waiting.length > backlogLimit) this.#fail(tooOld(this.#member.after, store.revision))
          else this.#wake()
        },
        onError: (error) =>
          this.#fail(error instanceof CompactedError ? tooOld(this.#member.after, error.compactRevision) : error),
      },
    )
  }

  #wake(): void {
    if (this.#isBusy || this.#waiting.length === 0 || this.#hasEnded) return
    this.#isBusy = true
    this.#deliverAll()
      .catch((error: unknown) => this.#fail(error instanceof Error ? error : new Error(String(error))))
      .finally(() => {
        this.#isBusy = false
        this.#wake()
      })
  }

  async #deliverAll(): Promise<void> {
    const events = this.#waiting
    this.#waiting = []
    const kvs = events.flatMap(({ kv, previous }) => [kv, previous].filter((each) => each !== undefined))
    // What one event leaves is what the next one finds.
    await readied(this.#member.kind, [...new Set(kvs)])
    for (const event of events) {
      if (this.#hasEnded) return
      WatchHub.deliver(this.#member, new Change(event))
      if (event.kv !== undefined) forgetLine(event.kv)
    }
  }

  #bookmarkLater(): void {
    const cancel = this.#state.clock.timer(bookmarkIntervalMs, () => {
      if (this.#hasEnded) return
      const isIdle = !this.#isBusy && this.#waiting.length === 0
      if (isIdle) this.#member.observer.bookmark(String(this.#state.store.revision), false)
      this.#bookmarkLater()
    })
    for (const signal of [this.#signal, this.#stop.signal]) signal.addEventListener('abort', cancel, { once: true })
  }

  #fail(error: Error): void {
    if (this.#hasEnded) return
    this.#member.observer.error(error)
    this.#end()
  }

  #end(): void {
    this.#isOver = true
    this.#stop.abort()
    this.#waiting = []
    this.#member.ended()
  }
}
