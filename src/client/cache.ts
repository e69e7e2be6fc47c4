import type { ApiObject, Kind } from '../schema/kind.ts'
import { isExpired, isUnavailable } from '../schema/status.ts'
import type { Clock, Log, Random } from '../world/world.ts'
import type { Client, Selectors, WatchEvent } from './client.ts'

/** `old` is absent for a new object, `object` for one that is gone. */
export type CacheChange<T = ApiObject> =
  | { readonly object: T; readonly old: T | undefined }
  | { readonly object: undefined; readonly old: T }

export type ChangeHandler<T> = (change: CacheChange<T>) => void

export interface CacheOptions {
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Ends all caches. */
  readonly signal: AbortSignal
}

const firstDelayMs = 250
const longestDelayMs = 30_000

/**
 * All objects of a kind (or those that selectors choose), kept up to date by a list and a watch. Objects are the
 * server's own and frozen. When the watch ends it goes on from where it was; when that is no longer possible it lists
 * anew and tells the difference, so that handlers never miss how things stand (though they may miss how they went).
 *
 * So it does when the server was away: a watch that goes on says nothing of when it has caught up, a list is the newest
 * state. Until it is in, `behind` says that there may be more to know.
 */
export class Cache<T extends ApiObject> {
  readonly kind: Kind<T>
  /** Resolves when the first list is in. Never rejects: a server that cannot be reached is tried again. */
  readonly synced: Promise<void>
  readonly #options: CacheOptions
  readonly #selectors: Selectors
  readonly #outage: Outage
  readonly #namespaces = new Map<string, Map<string, T>>()
  readonly #indexes = new Map<string, Index<T>>()
  readonly #handlers = new Set<ChangeHandler<T>>()
  readonly #awaited: { readonly revision: number; readonly resolve: () => void }[] = []
  #behind: PromiseWithResolvers<void> | undefined
  #count = 0
  #revision = 0
  #failures = 0

  constructor(kind: Kind<T>, options: CacheOptions, selectors: Selectors = {}, outage = new Outage()) {
    this.kind = kind
    this.#options = options
    this.#selectors = selectors
    this.#outage = outage
    const { promise, resolve } = Promise.withResolvers<void>()
    this.synced = promise
    void this.#run(resolve)
  }

  get size(): number {
    return this.#count
  }

  /** Everything up to here has been seen. */
  get revision(): number {
    return this.#revision
  }

  /** Resolves when the newest state is read; undefined: since it was, nothing has kept the server's changes away. */
  get behind(): Promise<void> | undefined {
    return this.#behind?.promise
  }

  get(namespace: string, name: string): T | undefined {
    return this.#namespaces.get(namespace)?.get(name)
  }

  /** The objects of one namespace, or of all. */
  list(namespace?: string): Iterable<T> {
    return namespace === undefined ? this.#all() : (this.#namespaces.get(namespace)?.values() ?? [])
  }

  *#all(): Generator<T> {
    for (const objects of this.#namespaces.values()) yield* objects.values()
  }

  /** Keeps the objects by further values, which `valuesOf` takes from them; look them up with `byIndex`. */
  addIndex(name: string, valuesOf: (object: T) => readonly string[]): void {
    if (this.#indexes.has(name)) return
    const index = new Index(valuesOf)
    for (const object of this.list()) index.add(object)
    this.#indexes.set(name, index)
  }

  /** Throws when there is no such index. */
  byIndex(name: string, value: string): Iterable<T> {
    const index = this.#indexes.get(name)
    if (index === undefined) throw new Error(`the cache of ${this.kind.plural} has no index ${name}`)
    return index.get(value)
  }

  /**
   * Tells `handler` what there is (as added) and from then on every change, after the cache has it.
   * The returned function ends that.
   */
  onChange(handler: ChangeHandler<T>): () => void {
    this.#handlers.add(handler)
    for (const object of this.list()) this.#tell(handler, { object, old: undefined })
    return () => this.#handlers.delete(handler)
  }

  /**
   * Resolves when the cache has seen `resourceVersion`: that of an object of this kind which one has just written,
   * and which the cache's selectors choose.
   */
  untilRevision(resourceVersion: string | number): Promise<void> {
    const revision = Number(resourceVersion)
    if (revision <= this.#revision) return Promise.resolve()
    return new Promise((resolve) => this.#awaited.push({ revision, resolve }))
  }

  async #run(synced: () => void): Promise<void> {
    const { signal } = this.#options
    let isListed = false
    while (!signal.aborted) {
      try {
        if (!isListed) await this.#list()
        isListed = true
        synced()
        // A watch that ends by itself is nothing to worry about, unless it never brings anything.
        if (!(await this.#watch())) await this.#pause(undefined)
      } catch (error) {
        if (signal.aborted) return
        if (isUnavailable(error)) this.#behind ??= Promise.withResolvers()
        if (isUnavailable(error) || isExpired(error)) isListed = false
        if (!isExpired(error)) await this.#pause(error)
      }
    }
  }

  async #list(): Promise<void> {
    const { items, resourceVersion } = await this.#options.client.list(this.kind, this.#selectors)
    const gone = new Set(this.list())
    const news: T[] = []
    for (const object of items) {
      const { namespace = '', name = '', uid, resourceVersion } = object.metadata
      const old = this.get(namespace, name)
      // Another one of the same name is no change of the one that was there.
      const isSame = old !== undefined && old.metadata.uid === uid
      if (isSame) gone.delete(old)
      if (!isSame || old.metadata.resourceVersion !== resourceVersion) news.push(object)
    }
    for (const object of gone) this.#remove(object)
    for (const object of news) this.#put(object)
    this.#advance(resourceVersion)
    this.#behind?.resolve()
    this.#behind = undefined
  }

  /** Gives whether the watch brought anything. */
  async #watch(): Promise<boolean> {
    const { client, signal } = this.#options
    const resourceVersion = String(this.#revision)
    // Not when a list is in: a server that has lists but no watches would be asked for them again and again.
    const onOpen = () => this.#outage.isOver()
    const options = { ...this.#selectors, resourceVersion, allowWatchBookmarks: true, signal, onOpen }
    let hasEvents = false
    const events = client.watch(this.kind, options)
    for await (const event of events) {
      hasEvents = true
      this.#failures = 0
      // What has come together is taken together, before anybody acts upon the first of it: see `base/stage.ts`.
      for (let each: typeof event | undefined = event; each && !signal.aborted; each = events.arrived?.())
        this.#take(each)
    }
    return hasEvents
  }

  #take(event: WatchEvent<T>): void {
    if (event.type === 'BOOKMARK') {
      this.#advance(event.resourceVersion)
      return
    }
    if (event.type === 'DELETED') this.#remove(event.object)
    else this.#put(event.object)
    this.#advance(event.object.metadata.resourceVersion)
  }

  #put(object: T): void {
    const { namespace = '', name = '' } = object.metadata
    let objects = this.#namespaces.get(namespace)
    if (objects === undefined) {
      objects = new Map()
      this.#namespaces.set(namespace, objects)
    }
    const old = objects.get(name)
    objects.set(name, object)
    if (old === undefined) this.#count++
    for (const index of this.#indexes.values()) index.replace(old, object)
    this.#tellAll({ object, old })
  }

  #remove(object: T): void {
    const { namespace = '', name = '' } = object.metadata
    const objects = this.#namespaces.get(namespace)
    const old = objects?.get(name)
    if (objects === undefined || old === undefined) return
    objects.delete(name)
    if (objects.size === 0) this.#namespaces.delete(namespace)
    this.#count--
    for (const index of this.#indexes.values()) index.remove(old)
    this.#tellAll({ object: undefined, old })
  }

  #advance(resourceVersion: string | undefined): void {
    const revision = Number(resourceVersion ?? 0)
    if (revision <= this.#revision) return
    this.#revision = revision
    if (this.#awaited.length === 0) return
    for (const awaited of this.#awaited.splice(0)) {
      if (awaited.revision <= revision) awaited.resolve()
      else this.#awaited.push(awaited)
    }
  }

  #tellAll(change: CacheChange<T>): void {
    for (const handler of this.#handlers) this.#tell(handler, change)
  }

  #tell(handler: ChangeHandler<T>, change: CacheChange<T>): void {
    try {
      handler(change)
    } catch (error) {
      this.#options.log('error', 'a handler of changes failed', { kind: this.kind.kind, error: String(error) })
    }
  }

  /** Waits longer each time that nothing came of it, with chance in it, so that not all come back at once. */
  async #pause(error: unknown): Promise<void> {
    const { clock, random, log, signal } = this.#options
    if (signal.aborted) return
    if (error !== undefined) log('warn', 'a watch failed', { kind: this.kind.kind, error: String(error) })
    const delay = Math.min(longestDelayMs, firstDelayMs * 2 ** this.#failures++)
    const end = isUnavailable(error) ? AbortSignal.any([signal, this.#outage.end]) : signal
    await clock.after(delay * (1 + random.next()), end).catch(() => {})
  }
}

/**
 * Caches of one client cannot reach the server together, and try again at different times. Whoever gets through first
 * lets the others try at once: who sees pods again but no nodes for seconds more would decide by what was true once.
 */
class Outage {
  #end: AbortController | undefined

  /** Aborts when somebody has got through. */
  get end(): AbortSignal {
    this.#end ??= new AbortController()
    return this.#end.signal
  }

  /** Somebody has got through. */
  isOver(): void {
    const end = this.#end
    this.#end = undefined
    end?.abort()
  }
}

/** Objects by values that are taken from them. */
class Index<T extends ApiObject> {
  readonly #valuesOf: (object: T) => readonly string[]
  readonly #objects = new Map<string, Set<T>>()

  constructor(valuesOf: (object: T) => readonly string[]) {
    this.#valuesOf = valuesOf
  }

  get(value: string): Iterable<T> {
    return this.#objects.get(value) ?? []
  }

  replace(old: T | undefined, object: T): void {
    if (old === undefined) return this.add(object)
    if (old === object) return
    const before = this.#valuesOf(old)
    const now = this.#valuesOf(object)
    // Almost always it stays where it is: a set that it is alone in need not go and come back.
    for (const value of now) this.#add(value, object)
    for (const value of before) this.#remove(value, old)
  }

  add(object: T): void {
    for (const value of this.#valuesOf(object)) this.#add(value, object)
  }

  remove(object: T): void {
    for (const value of this.#valuesOf(object)) this.#remove(value, object)
  }

  #add(value: string, object: T): void {
    const objects = this.#objects.get(value)
    if (objects === undefined) this.#objects.set(value, new Set([object]))
    else objects.add(object)
  }

  #remove(value: string, object: T): void {
    const objects = this.#objects.get(value)
    if (objects?.delete(object) && objects.size === 0) this.#objects.delete(value)
  }
}

/** The caches of one client: whoever asks for the same kind and selectors shares one. */
export class CacheSet {
  readonly #options: CacheOptions
  readonly #caches = new Map<Kind, Map<string, Cache<ApiObject>>>()
  readonly #ends = new Map<Kind, AbortController>()
  readonly #outage = new Outage()

  constructor(options: CacheOptions) {
    this.#options = options
  }

  /** The cache of a kind. It begins to fill when it is first asked for. */
  of<T extends ApiObject>(kind: Kind<T>, selectors: Selectors = {}): Cache<T> {
    let caches = this.#caches.get(kind)
    if (caches === undefined) {
      caches = new Map()
      this.#caches.set(kind, caches)
    }
    const { namespace = '', labelSelector = '', fieldSelector = '' } = selectors
    const id = JSON.stringify([namespace, labelSelector, fieldSelector])
    let cache = caches.get(id)
    if (cache === undefined) {
      cache = new Cache<ApiObject>(kind, { ...this.#options, signal: this.#endOf(kind) }, selectors, this.#outage)
      caches.set(id, cache)
    }
    return cache as unknown as Cache<T>
  }

  /** Ends the caches of a kind that is served no longer. */
  forget(kind: Kind): void {
    this.#caches.delete(kind)
    this.#ends.get(kind)?.abort()
    this.#ends.delete(kind)
  }

  /** Only custom kinds go before everything does. */
  #endOf(kind: Kind): AbortSignal {
    if (kind.isCustom !== true) return this.#options.signal
    let end = this.#ends.get(kind)
    if (end === undefined) {
      end = new AbortController()
      this.#ends.set(kind, end)
    }
    return AbortSignal.any([this.#options.signal, end.signal])
  }

  /** Resolves when all that have been asked for are filled. */
  async synced(): Promise<void> {
    await Promise.all([...this.#caches.values()].flatMap((caches) => [...caches.values()].map((cache) => cache.synced)))
  }
}
