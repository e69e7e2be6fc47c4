import type { FieldErrors } from './field-errors.ts'
import type { Mutable, ObjectType } from './types.ts'

/** What every stored object has. `ObjectMeta` in `kinds/meta/` is the full type. */
export interface ApiObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: ObjectMetaLike
}

export interface ObjectMetaLike {
  readonly name?: string
  readonly generateName?: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly deletionGracePeriodSeconds?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly OwnerReferenceLike[]
  readonly finalizers?: readonly string[]
  readonly managedFields?: readonly unknown[]
}

export interface OwnerReferenceLike {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch'

/**
 * One API kind: its wire format and everything that is special about it. The hooks are pure: an object goes in,
 * faults and changes come out. Where the parameter is mutable, the object, its members and their members (`spec.replicas`)
 * are there for this write alone and may be set; what lies deeper may be the stored object's, and is replaced instead of
 * being changed (but by `prepareCreate`, before which nothing is stored). `defaults` may fill in what is missing at any
 * depth, and must leave alone what it has filled in before. `apiserver/` calls the hooks in the reference's order:
 *
 * create: decode → `defaults` → mutating admission → `prepareCreate` → `validate` → validating admission → store
 * update: decode → `defaults` → mutating admission → `prepareUpdate` → `validate`, `validateUpdate` → … → store
 *
 * (`validateUpdate` is called alone; a kind whose update rules include its create rules calls `validate` itself.)
 */
export interface Kind<T extends ApiObject = ApiObject> {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly namespaced: boolean
  readonly schema: ObjectType
  readonly verbs: readonly Verb[]
  /** As discovery states it; an opaque constant of the reference. */
  readonly storageVersionHash: string
  /** Where its objects lie under `/registry/`: `pods`, `services/specs`, `minions`. */
  readonly storagePrefix: string
  /** Another version of the same resource, as which the objects are stored (autoscaling/v1 as v2, events both ways). */
  readonly storedAs: StoredAs | undefined

  /** Checks a name, or a generateName prefix; returns what is wrong with it. */
  nameRule(name: string, isPrefix: boolean): readonly string[]
  /** Fills in what the client left out. Called for every version of an object that a client sends. */
  defaults(object: Mutable<T>): void
  /** Puts away what a client may not set at creation: status, generation. */
  prepareCreate(object: Mutable<T>): void
  /** The same at an update: status back to the old one, generation raised when the wish has changed. */
  prepareUpdate(object: Mutable<T>, old: T): void
  /** What is wrong with a new object. Metadata is checked by the server before. */
  validate(object: T, errors: FieldErrors): void
  validateUpdate(object: T, old: T, errors: FieldErrors): void
  /** What the client should know though nothing is wrong. */
  warnings(object: T, old: T | undefined): readonly string[]

  /** How a write through `/status` differs. Absent: there is no status sub-resource. */
  readonly status: StatusRules<T> | undefined
  /** The same for further sub-resources that show the object itself and let a part of it be changed (`resize`). */
  readonly sides: Readonly<Record<string, StatusRules<T>>>
  /** Where the `/scale` sub-resource finds its numbers. */
  readonly scale: ScaleRules<T> | undefined
  /** Further sub-resources (`binding`, `eviction`, `log`), as discovery lists them. `apiserver/` implements them by name. */
  readonly subresources: readonly Subresource[]

  readonly columns: readonly Column<T>[]
  /** Field selectors beyond `metadata.name` and `metadata.namespace`: name → value of an object. */
  readonly selectableFields: Readonly<Record<string, Hook<(object: T) => string>>>
  /** Those of them by which objects are found without looking at all, because many clients each want a few. */
  readonly indexedFields: readonly string[]
  /** PUT on a name that does not exist creates it. */
  readonly createOnUpdate: boolean
  /** PUT without a resourceVersion overwrites whatever is there. */
  readonly unconditionalUpdate: boolean
  /** What becomes of dependents when a delete does not say. */
  readonly defaultPropagation: 'Background' | 'Orphan'
  /** Told to a client that deletes without saying what becomes of dependents. */
  readonly deleteWarning: string
  /** A new object without a name gets a UID as its name. */
  readonly namedByServer: boolean
  /**
   * Annotations that the reference adds when it shows the object, because they stand for fields of its internal type:
   * who asks for the metadata alone does not see them.
   */
  readonly shownAnnotations: readonly string[]
  /** Seconds that a delete waits, given what was asked (undefined: not said); absent: the object goes at once. */
  readonly gracePeriod: Hook<(object: T, asked: number | undefined) => number> | undefined
  /** Seconds after which stored objects disappear by themselves (events). */
  readonly ttlSeconds: number | undefined
  /** Made by a CustomResourceDefinition. */
  readonly isCustom?: boolean
  /** Served by an aggregated API server: no more is known of it than discovery says. */
  readonly isRemote?: boolean
  /** The kind of its lists, where it is not the kind followed by `List`. */
  readonly listKind?: string
  /** What clients of this version are warned of. */
  readonly deprecation?: string
  /** How objects of other versions are made to be of this one, where that takes asking somebody. */
  readonly conversion?: Conversion
  /** Objects that were stored before this revision may not have the form of the schema, and are decoded when they are read. */
  readonly schemaRevision?: number
}

/**
 * A function-valued property that is compared like a method, so that a `Kind<Pod>` is a `Kind`: whoever holds a plain
 * `Kind` hands it only objects of that kind.
 */
type Hook<F extends (...args: never[]) => unknown> = { bivariant(...args: Parameters<F>): ReturnType<F> }['bivariant']

export interface StoredAs {
  readonly group: string
  readonly version: string
  /** Of that version, to read values that a server of the reference has stored (in protobuf). Custom kinds have none. */
  readonly schema?: ObjectType
  /** Both take a fresh mutable object and return one; metadata is carried over as it is. */
  toStored(object: ApiObject): ApiObject
  fromStored(object: ApiObject): ApiObject
}

/** Versions that differ in ways which only somebody else knows (`spec.conversion.strategy: Webhook`). */
export interface Conversion {
  /** As which objects are stored from now on; older ones may be stored as any version. */
  readonly storage: { readonly apiVersion: string; readonly schema: ObjectType }
  /** The same objects in another version, in order; metadata differs in labels and annotations at most. Throws `ApiError`. */
  convert(objects: readonly ApiObject[], apiVersion: string): Promise<readonly ApiObject[]>
}

export interface StatusRules<T> {
  /** Takes back what a status write may not touch; by default everything but `status` and some of the metadata. */
  prepareUpdate?(object: Mutable<T>, old: T): void
  validateUpdate?(object: T, old: T, errors: FieldErrors): void
}

export interface ScaleRules<T> {
  /** The field with the number of replicas; absent: `spec.replicas`. */
  readonly path?: readonly string[]
  replicas(object: T): number
  setReplicas(object: Mutable<T>, replicas: number): void
  currentReplicas(object: T): number
  /** The label selector in its text form. */
  selector(object: T): string
  /** Throws when there is nothing to show. */
  checkRead?(object: T): void
  /** The kind's own rules say what is wrong with a number of replicas. */
  readonly checksReplicas?: boolean
}

export interface Subresource {
  readonly name: string
  readonly group?: string
  readonly version?: string
  readonly kind: string
  readonly verbs: readonly Verb[]
}

export interface Column<T> {
  readonly name: string
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  readonly format?: string
  readonly description: string
  /** 0: always shown; 1: with `-o wide`. */
  readonly priority?: number
  value(object: T, context: ColumnContext): string | number | boolean | null
}

export interface ColumnContext {
  /** Now, in milliseconds since 1970: columns show ages. */
  readonly now: number
}

/** What a kind's file says; all that it leaves out has the usual value. */
export type KindDefinition<T extends ApiObject> = Pick<
  Kind<T>,
  'group' | 'version' | 'kind' | 'plural' | 'namespaced' | 'schema'
> &
  Partial<Kind<T>>

const allVerbs: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

const doesNothing = () => {}
const saysNothing = () => []

/** Makes a kind of what is special about it. `test/kinds.test.ts` holds the result against the published facts. */
export function defineKind<T extends ApiObject>(definition: KindDefinition<T>): Kind<T> {
  return {
    singular: definition.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    verbs: allVerbs,
    storageVersionHash: '',
    storagePrefix: definition.plural,
    storedAs: undefined,
    nameRule: saysNothing,
    defaults: doesNothing,
    prepareCreate: doesNothing,
    prepareUpdate: doesNothing,
    validate: doesNothing,
    validateUpdate: doesNothing,
    warnings: saysNothing,
    status: undefined,
    sides: {},
    scale: undefined,
    subresources: [],
    columns: [],
    selectableFields: {},
    indexedFields: [],
    createOnUpdate: false,
    unconditionalUpdate: true,
    defaultPropagation: 'Background',
    deleteWarning: '',
    namedByServer: false,
    shownAnnotations: [],
    gracePeriod: undefined,
    ttlSeconds: undefined,
    ...definition,
  }
}

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf(kind: { readonly group: string; readonly version: string }): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`
}

/** The object type of a kind value. */
export type ObjectOf<K> = K extends Kind<infer T> ? T : never
