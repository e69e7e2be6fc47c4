import type { Scale } from '../kinds/autoscaling/scale.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import type { Draft } from '../schema/types.ts'

/**
 * The one way to the API for everything that is not the API server itself. Two forms fulfil it: `local.ts` calls the
 * server in the same process and shares its frozen objects; `http.ts` speaks to any API server over HTTPS.
 * `conformance.ts` is the suite that both pass.
 *
 * All failures are `ApiError`s (`schema/status.ts`); a server that cannot be reached is `ServiceUnavailable`.
 * Objects that come out are frozen.
 */
export interface Client {
  get<T extends ApiObject>(kind: Kind<T>, ref: Ref, options?: { readonly resourceVersion?: string }): Promise<T>
  list<T extends ApiObject>(kind: Kind<T>, options?: ListOptions): Promise<List<T>>
  create<T extends ApiObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T>
  /** PUT: needs the resourceVersion that was read for an optimistic lock. */
  update<T extends ApiObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T>
  updateStatus<T extends ApiObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T>
  patch<T extends ApiObject>(kind: Kind<T>, ref: Ref, patch: Patch, options?: WriteOptions): Promise<T>
  /** Resolves to whether the object is gone already (true) or still waits for finalizers or its grace period. */
  delete<T extends ApiObject>(kind: Kind<T>, ref: Ref, options?: DeleteOptions): Promise<boolean>
  /** POST to a sub-resource such as `binding`, `eviction`, `token`. */
  createSubresource<T extends ApiObject>(kind: Kind<T>, ref: Ref, subresource: string, body: object): Promise<unknown>
  /** The number of replicas of an object, whatever its kind calls it. NotFound where the kind has no such number. */
  scale<T extends ApiObject>(kind: Kind<T>, ref: Ref): Promise<Scale>
  /** Sets it; with the resourceVersion that was read, only if nobody was faster. */
  updateScale<T extends ApiObject>(kind: Kind<T>, scale: Scale): Promise<Scale>
  /**
   * GET of a path as it is (with its query): for documents, and for APIs whose objects have no kind of their own.
   * `accept`: which form of JSON; the plain one unless said otherwise.
   */
  read(path: string, accept?: string): Promise<unknown>
  /** Changes until the signal aborts or the server ends the watch (then the iteration ends; begin again from the last revision). */
  watch<T extends ApiObject>(kind: Kind<T>, options: WatchOptions): WatchEvents<T>
  /** The same API as somebody else (in process: without impersonation headers). */
  as(user: ClientUser): Client
}

export interface ClientUser {
  readonly name: string
  readonly groups?: readonly string[]
  /** Sent as user agent and, unless said otherwise, field manager. */
  readonly userAgent?: string
}

export interface Ref {
  /** Absent or empty for cluster-scoped kinds. */
  readonly namespace?: string
  readonly name: string
}

export interface Selectors {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

export interface ListOptions extends Selectors {
  readonly resourceVersion?: string
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan'
  readonly limit?: number
  readonly continue?: string
}

export interface List<T> {
  readonly items: readonly T[]
  readonly resourceVersion: string
  readonly continue?: string
}

export interface WatchOptions extends Selectors {
  readonly resourceVersion?: string
  readonly sendInitialEvents?: boolean
  readonly allowWatchBookmarks?: boolean
  readonly signal: AbortSignal
  /** Called when the server has accepted the watch, which may be long before it tells of a change. */
  readonly onOpen?: () => void
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string; readonly initialEventsEnd: boolean }

/** Taken with `for await`. */
export interface WatchEvents<T> extends AsyncIterable<WatchEvent<T>> {
  /** The next one of those that have come already; undefined: it has to be waited for. Absent: so has each of them. */
  arrived?(): WatchEvent<T> | undefined
}

export interface WriteOptions {
  readonly dryRun?: boolean
  readonly fieldManager?: string
  readonly subresource?: string
}

export type Patch =
  | { readonly type: 'merge' | 'strategic'; readonly body: object }
  | { readonly type: 'json'; readonly body: readonly object[] }

export interface DeleteOptions {
  readonly dryRun?: boolean
  readonly gracePeriodSeconds?: number
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
}
