import type { Client, Ref } from '../client/client.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import type { Clock, Random } from '../world/world.ts'
import type { CacheChange, Index } from './caches.ts'
import type { Steps } from './changes.ts'

/**
 * A controller: which objects it looks after, what wakes it, what it may read and write, and one function from what the
 * caches show to the changes that should follow. The runtime (`runtime.ts`) does the rest: it never runs two
 * reconciles of one object at a time, it retries what failed, and it runs an object again only when the caches show
 * the last write for it, so that nothing is created twice.
 *
 * ```ts
 * export const replicaSetController = defineController({
 *   name: 'replicaset-controller',
 *   reconciles: ReplicaSet,
 *   owns: [Pod],
 *   *reconcile(set, { owned }) {
 *     for (let n = owned(Pod).length; n < set.spec.replicas; n++) yield create(Pod, podOf(set))
 *   },
 * })
 * ```
 */
export interface Controller<T extends ApiObject = ApiObject> {
  /** As the controller manager's `--controllers` names it. */
  readonly name: string
  /** The service account in kube-system as which it writes; by default its name. Undefined: as the controller manager. */
  readonly serviceAccount: string | undefined
  /** What its events give as `source.component`; by default its name. */
  readonly eventSource: string
  readonly reconciles: Kind<T>
  /** Kinds whose objects wake the object that controls them, and which may be written. */
  readonly owns: readonly Kind[]
  /** What else wakes objects. */
  readonly watches: readonly Watch[]
  /**
   * Watches on kinds that come and go with their definitions: asked whenever other kinds may be served than before. The
   * same list means that nothing has changed.
   */
  readonly follows: (() => readonly Watch[]) | undefined
  /** Kinds that are read beyond `reconciles`, `owns` and `watches`. */
  readonly reads: readonly Kind[]
  /** Kinds that are written beyond `reconciles` and `owns`. */
  readonly writes: readonly Kind[]
  /**
   * For objects of which one change follows the other: those of owned objects, and of the object itself while its wish
   * stays the same, are looked at together that come within so many milliseconds. By default each is looked at at once.
   */
  readonly gatherMs: number
  /** How many objects are reconciled at the same time. */
  readonly concurrency: number
  /**
   * Whether a change of the object itself should wake it; by default every one does. Of objects that come in crowds it should
   * be asked here already, not in `reconcile`, whether anything is to be done.
   */
  wakes(change: CacheChange<T>, context: WatchContext): boolean
  /**
   * When the object must be looked at again though nothing changes: milliseconds since 1970. Asked after every change
   * of the object.
   */
  wakeAt(object: T): number | undefined
  /** Pure, except for the async form, which is given a client and is for the few that must ask the server. */
  reconcile(object: T, context: Context): Steps | Promise<Again>
  /** Called instead when the object is not there (any more). */
  gone(ref: Ref, context: Context): Steps | undefined
}

/** What the async form answers: nothing, or after how many milliseconds it wants to be called again. */
export type Again = { readonly againAfterMs: number } | undefined

/** Caches in. Everything read through one context in one reconcile comes from the same moment. */
export interface Context {
  /** Milliseconds since 1970 at which this reconcile began. */
  readonly now: number
  readonly random: Random
  get<T extends ApiObject>(kind: Kind<T>, ref: Ref): T | undefined
  list<T extends ApiObject>(kind: Kind<T>, namespace?: string): readonly T[]
  by<T extends ApiObject>(index: Index<T>, value: string): readonly T[]
  /** Whether the cache of a kind is there to be read: those of kinds that come and go may not be. */
  reads(kind: Kind): boolean
  /** Objects of this kind whose controller is the object that is reconciled. */
  owned<T extends ApiObject>(kind: Kind<T>): readonly T[]
  /** For the async form alone. */
  readonly client: Client
  readonly clock: Clock
}

export interface Watch<T extends ApiObject = ApiObject> {
  readonly kind: Kind<T>
  /** Which objects a change wakes. */
  wakes(change: CacheChange<T>, context: WatchContext): Iterable<Wake>
}

/** Whom to wake, and if not at once, when. */
export type Wake = Ref & { readonly afterMs?: number }

export type WatchContext = Pick<Context, 'get' | 'list' | 'by' | 'now'>

/** What most changes wake, and then without making anything: a crowd of objects is told to each who watches their kind. */
export const nobody: readonly Wake[] = []

/** A kind whose changes wake objects that do not own them. */
export function watch<T extends ApiObject>(
  kind: Kind<T>,
  wakes: (change: CacheChange<T>, context: WatchContext) => Iterable<Wake>,
): Watch {
  return { kind, wakes } as unknown as Watch
}

export type ControllerDefinition<T extends ApiObject> = Pick<Controller<T>, 'name' | 'reconciles' | 'reconcile'> &
  Partial<Controller<T>>

export function defineController<T extends ApiObject>(definition: ControllerDefinition<T>): Controller {
  const controller: Controller<T> = {
    serviceAccount: definition.name,
    eventSource: definition.name,
    owns: [],
    watches: [],
    follows: undefined,
    reads: [],
    writes: [],
    gatherMs: 0,
    concurrency: 5,
    wakes: () => true,
    wakeAt: () => undefined,
    gone: () => undefined,
    ...definition,
  }
  return controller as unknown as Controller
}
