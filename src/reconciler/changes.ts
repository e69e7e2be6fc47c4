import type { Client, DeleteOptions, Patch, Ref } from '../client/client.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import type { ApiError } from '../schema/status.ts'
import type { Draft } from '../schema/types.ts'

/** One thing that a controller wants done. A reconcile function yields these; the runtime does them (`apply.ts`). */
export type Change =
  | { readonly type: 'create'; readonly kind: Kind; readonly object: Draft<ApiObject> }
  | { readonly type: 'update'; readonly kind: Kind; readonly object: Draft<ApiObject>; readonly subresource?: string }
  | {
      readonly type: 'patch'
      readonly kind: Kind
      readonly ref: Ref
      readonly patch: Patch
      readonly subresource?: string
    }
  | { readonly type: 'remove'; readonly kind: Kind; readonly ref: Ref; readonly options: DeleteOptions }
  /** Asks the server, not the caches, whether the object is still this one and stays. Fails with a conflict if not. */
  | { readonly type: 'confirm'; readonly kind: Kind; readonly object: ApiObject }
  /** A question to the server about what no cache shows. */
  | { readonly type: 'ask'; readonly ask: (client: Client) => Promise<unknown> }
  | EventChange
  | { readonly type: 'again'; readonly afterMs: number }

/** A change that goes to the server as a request of its own. */
export type Write = Exclude<Change, { readonly type: 'event' | 'again' }>

export interface EventChange {
  readonly type: 'event'
  readonly reason: string
  readonly message: string
  readonly eventType: EventType
  /** Absent: the object that is reconciled. */
  readonly about?: { readonly kind: Kind; readonly object: ApiObject }
  /** Further annotations of the event. */
  readonly annotations?: Readonly<Record<string, string>>
}

export type EventType = 'Normal' | 'Warning'

/** Changes that may run beside one another. See `attempt`. */
export interface Batch {
  readonly type: 'batch'
  readonly changes: readonly Change[]
}

export type Step = Change | Batch

/**
 * A reconcile function's course. A plain `yield change` is like an `await`: it is done when the generator goes on, and
 * a failure is thrown at the `yield`. Whoever wants what the server answered uses `made` or `attempt`.
 */
export type Steps<Result = void> = Generator<Step, Result, unknown>

/** What became of a batch. Changes after the failed group were not tried. */
export interface Attempt {
  /** With what the server answered to each. */
  readonly done: readonly { readonly change: Change; readonly result: ApiObject }[]
  readonly failed: readonly { readonly change: Change; readonly error: ApiError }[]
  readonly skipped: number
}

const refOf = ({ metadata }: ApiObject): Ref => ({ namespace: metadata.namespace, name: metadata.name! })

export function create<T extends ApiObject>(kind: Kind<T>, object: Draft<T>): Change {
  return { type: 'create', kind, object: object as Draft<ApiObject> }
}

/** Replaces the object; it must carry the resourceVersion that was read. */
export function update<T extends ApiObject>(kind: Kind<T>, object: Draft<T>, subresource?: string): Change {
  return { type: 'update', kind, object: object as Draft<ApiObject>, ...(subresource && { subresource }) }
}

/** Writes `status` over the one that `object` has, under the resourceVersion that `object` was read at. */
export function setStatus<T extends ApiObject & { readonly status: unknown }>(
  kind: Kind<T>,
  object: T,
  status: Draft<T['status']>,
): Change {
  return { type: 'update', kind, object: { ...object, status } as Draft<ApiObject>, subresource: 'status' }
}

/** A patch of an object that was read; fails with a conflict when another object has taken the name since. */
export function patch<T extends ApiObject>(kind: Kind<T>, object: T, change: Patch, subresource?: string): Change {
  const guarded: Patch =
    change.type === 'json' ? change : { ...change, body: withUid(change.body, object.metadata.uid ?? '') }
  return {
    type: 'patch',
    kind,
    ref: refOf(object),
    patch: guarded,
    ...(subresource && { subresource }),
  }
}

function withUid(body: { readonly metadata?: object }, uid: string): object {
  return { ...body, metadata: { ...body.metadata, uid } }
}

/** Deletes the object that was read, and no other one of the same name. */
export function remove<T extends ApiObject>(kind: Kind<T>, object: T, options: DeleteOptions = {}): Change {
  return {
    type: 'remove',
    kind,
    ref: refOf(object),
    options: { ...options, preconditions: { uid: object.metadata.uid, ...options.preconditions } },
  }
}

/** Before adopting: a cache may still show an owner that has gone, and what it adopts then would be collected. */
export function confirm<T extends ApiObject>(kind: Kind<T>, object: T): Change {
  return { type: 'confirm', kind, object }
}

export function event(reason: string, message: string, eventType: EventType = 'Normal'): Change {
  return { type: 'event', reason, message, eventType }
}

export function eventOn<T extends ApiObject>(
  kind: Kind<T>,
  object: T,
  reason: string,
  message: string,
  eventType: EventType = 'Normal',
): Change {
  return { type: 'event', reason, message, eventType, about: { kind, object } }
}

/** Wakes the same object once more after this time, whatever happens before. */
export const again = (afterMs: number): Change => ({ type: 'again', afterMs })

/** Does a write and gives back the object as the server has it now. */
export function* made<T extends ApiObject>(change: Change): Steps<T> {
  return (yield change) as T
}

/** Asks the server what no cache shows (metrics, sub-resources), and gives its answer. What it throws is thrown here. */
export function* asked<T>(ask: (client: Client) => Promise<T>): Steps<T> {
  return (yield { type: 'ask', ask }) as T
}

/**
 * Does many writes beside one another: 1 first, then 2, 4, 8 …, so that an error that would hit all of them (a quota
 * that is full) costs one request and not a thousand. Stops after the group in which something failed.
 */
export function* attempt(changes: readonly Change[]): Steps<Attempt> {
  if (changes.length === 0) return { done: [], failed: [], skipped: 0 }
  return (yield { type: 'batch', changes }) as Attempt
}

/** As `attempt`, but a failure is thrown. */
export function* all(changes: readonly Change[]): Steps {
  const { failed } = yield* attempt(changes)
  if (failed.length > 0) throw failed[0]!.error
}
