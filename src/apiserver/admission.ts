import type { ApiObject, Kind } from '../schema/kind.ts'
import type { Mutable, ObjectType } from '../schema/types.ts'
import type { RequestContext } from './context.ts'
import type { DeleteOptions } from './resource.ts'
import type { Companions } from './storage/transaction.ts'

/**
 * The gate that every write passes: first all `admit` (may change the object), then validation of the object, then
 * all `validate` (may only refuse, by throwing an `ApiError`). One file per plugin in `admission/`; the order is the
 * list in `admission/index.ts`.
 */
export interface AdmissionPlugin {
  readonly name: string
  /** Whether it may ask for a second round (`Reinvocation`). */
  readonly reinvokes?: boolean
  /** Whether all that it puts into a new object is complete, so that decoding and defaults would leave it as it is. */
  readonly completes?: boolean
  /** Whether it has anything to do with this request: asked first, so that most requests pay nothing. */
  handles(attributes: AdmissionAttributes): boolean
  /**
   * May set members of the object and their members (`spec.tolerations`). What lies deeper may be the stored object's: it
   * is replaced instead of being changed.
   */
  admit?(attributes: AdmissionAttributes & { readonly object: Mutable<ApiObject> }): void | Promise<void>
  validate?(attributes: AdmissionAttributes): void | Promise<void>
}

export interface AdmissionAttributes {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'
  readonly kind: Kind
  /** `''` for the object itself, else `status`, `scale`, `binding`, `eviction`, … */
  readonly subresource: string
  readonly namespace: string
  /** Empty for a creation with generateName and for deletecollection. */
  readonly name: string
  /** The object as it would be stored; absent for a delete. For a sub-resource of another kind (binding): that object. */
  readonly object?: ApiObject
  /** What is stored now; absent for a creation. */
  readonly oldObject?: ApiObject
  /** What the client says of how it is to be deleted. */
  readonly deleteOptions?: DeleteOptions
  /** What `object` is, where it is not of `kind`: the body of a sub-resource (`Binding`, `Eviction`). */
  readonly bodyKind?: BodyKind
  /** Of validating admission of what is stored: takes what is to be written together with the object. */
  readonly together?: (companions: Companions) => void
  /** Of mutating admission, for plugins that may ask for a second round. */
  readonly reinvocation?: Reinvocation
  readonly context: RequestContext
}

export interface BodyKind {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly schema: ObjectType
}

/**
 * Mutating plugins run a second time, all of them and once, when somebody has changed the object whom the others could
 * not foresee: a webhook or a policy.
 */
export interface Reinvocation {
  readonly isSecond: boolean
  /** Asks for the second round. */
  request(): void
  /** What plugins keep from the first round for the second, by plugin. */
  readonly memory: Map<string, unknown>
}

/** What plugins may know of the cluster: what this server holds in memory, answered at once. */
export interface ClusterReader {
  get<T extends ApiObject>(kind: Kind<T>, namespace: string, name: string): T | undefined
  /** Everything of a kind in a namespace (all namespaces: `''`), in key order. */
  list<T extends ApiObject>(kind: Kind<T>, namespace: string): readonly T[]
}
