import type { ApiObject, Kind } from '../schema/kind.ts'
import type { RequestContext } from './context.ts'

/**
 * One resource as the rest of the server sees it: objects in, objects out, `ApiError` thrown. Everything about
 * storing (optimistic locks, finalizers, grace periods, generateName, dry run, admission, validation) happens behind
 * it; everything about HTTP (paths, negotiation, bodies, tables) before it. The in-process client calls it directly.
 *
 * Objects that come out are frozen and shared with everybody else who reads them.
 */
export interface Resource<T extends ApiObject = ApiObject> {
  readonly kind: Kind<T>

  /** `resourceVersion` as the query parameter: '' newest, '0' any, else not older than. 404 when it is not there. */
  get(namespace: string, name: string, options?: GetOptions): Promise<Entry<T>>

  /** A page. 410 `Expired` when the revision or the continue token is no longer served. */
  list(namespace: string, options: ListOptions): Promise<Page<T>>

  /** Events until the signal aborts. Throws `Expired` at once when `resourceVersion` is compacted. */
  watch(namespace: string, options: WatchOptions, observer: WatchObserver<T>): Promise<void>

  /** Makes an object of a draft: what it leaves out is filled in here, and the draft itself stays as it is. */
  create(namespace: string, object: ApiObject, context: RequestContext, options?: CreateOptions): Promise<Entry<T>>

  /**
   * Reads the object, lets `change` make the new one of it, and stores that unless somebody else was faster, in
   * which case it begins again (only where `change` did not insist on a resourceVersion). `subresource` is '' or `status`.
   * What `change` gives is a draft as for `create`; it gives back the very `current` when there is nothing to do.
   * Returns the stored entry and whether it was created.
   */
  update(
    namespace: string,
    name: string,
    subresource: string,
    change: (current: T | undefined) => ApiObject | Promise<ApiObject>,
    context: RequestContext,
    options?: UpdateOptions,
  ): Promise<{ readonly entry: Entry<T>; readonly created: boolean }>

  /**
   * Server-side apply: makes the object what the configuration says of it, as far as it says something, and makes it
   * when it is not there. Throws Conflict where others own what would change.
   */
  apply(
    namespace: string,
    name: string,
    subresource: string,
    configuration: unknown,
    options: ApplyOptions,
    context: RequestContext,
  ): Promise<{ readonly entry: Entry<T>; readonly created: boolean }>

  /** The object as it was last (gone at once) or as it is now (waits for finalizers or its grace period). */
  delete(namespace: string, name: string, options: DeleteOptions, context: RequestContext): Promise<Deletion<T>>

  deleteCollection(
    namespace: string,
    list: ListOptions,
    options: DeleteOptions,
    context: RequestContext,
  ): Promise<Page<T>>
}

/** A stored object in both of its forms. */
export interface Entry<T extends ApiObject = ApiObject> {
  /** Frozen, with its resourceVersion. */
  readonly object: T
  /**
   * The same for one look: what is not in memory already is not kept there, and may not be frozen. For those who go
   * through objects in great numbers.
   */
  peek(): T
  /** The object as JSON, as it is sent to a client. Made on demand of the stored bytes, without a second serialisation. */
  json(): Buffer
  /** The same as an item of a list (without kind and apiVersion). */
  itemJson(): Buffer
  /** A watch event of this object, as a line of a watch stream. Kept, because many watchers get the same. */
  eventJson(type: WatchEventType): Buffer
  /** The same in protobuf. Absent: it is made for each watcher. */
  eventProtobuf?(type: WatchEventType): Buffer
}

export interface DraftOptions {
  /** The draft was decoded as the kind's type for this call alone: it may be changed instead of being copied. */
  readonly owned?: boolean
}

export interface CreateOptions extends DraftOptions {
  /**
   * The draft never changes and is always made by the same user: what becomes of it is remembered for the next cluster in
   * this process.
   */
  readonly constant?: boolean
}

/** `owned` is said of what `change` gives. */
export interface UpdateOptions extends DraftOptions {
  /** A PUT states the uid of the object that it sends: another uid in store is a conflict. A PATCH does not. */
  readonly uid?: string
  /** Whether a name that does not exist is created: absent, as the kind says; server-side apply always. */
  readonly forceCreate?: boolean
  /** What `change` gives says who owns its fields: the write is not recorded as its client's. */
  readonly keepsManagers?: boolean
  /**
   * `change` makes the object of the stored one, and what it puts there is complete: it is not decoded, and not given
   * defaults.
   */
  readonly derived?: boolean
}

export interface ApplyOptions {
  /** Takes fields over from whoever owns them. */
  readonly force: boolean
  /** What is wrong with the text of the configuration, told when it could be applied. */
  readonly problems: readonly string[]
}

export interface GetOptions {
  readonly resourceVersion?: string
}

export interface Selectors {
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

export interface ListOptions extends Selectors {
  readonly resourceVersion?: string
  readonly resourceVersionMatch?: string
  readonly limit?: number
  readonly continue?: string
}

export interface Page<T extends ApiObject = ApiObject> {
  readonly entries: readonly Entry<T>[]
  readonly resourceVersion: string
  /** For the next page; empty at the end. */
  readonly continue: string
  readonly remainingItemCount?: number
}

export interface WatchOptions extends Selectors {
  readonly resourceVersion?: string
  readonly resourceVersionMatch?: string
  readonly allowWatchBookmarks?: boolean
  readonly sendInitialEvents?: boolean
  readonly signal: AbortSignal
}

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED'

export interface WatchObserver<T extends ApiObject = ApiObject> {
  /**
   * One change as this watcher's selectors see it: an object that leaves the selection is DELETED, one that enters
   * it ADDED. A DELETED event's object carries the revision of the deletion.
   */
  event(type: WatchEventType, entry: Entry<T>): void
  /** Everything up to this revision has been sent. `initialEventsEnd` marks the end of the initial list. */
  bookmark(resourceVersion: string, initialEventsEnd: boolean): void
  /** The watch ends with this error (410 when the watcher fell behind too far). */
  error(error: Error): void
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
  readonly orphanDependents?: boolean
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
}

export interface Deletion<T extends ApiObject = ApiObject> {
  readonly entry: Entry<T>
  /** false: it is still there, waiting. */
  readonly gone: boolean
  /** Whether the answer is the object (always while it waits, and for some kinds also when it is gone) or a Status. */
  readonly answersObject: boolean
}
