import type { CacheChange, CacheSet, ChangeHandler } from '../client/cache.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'

export type { CacheChange }

/**
 * What controllers read. One cache per kind, filled by list and watch, shared by everybody in the process.
 * Objects are frozen; two reads of an unchanged object give the same one, so `===` tells whether something changed.
 */
export interface Caches {
  /** The cache of a kind; the first call makes it list and watch. */
  of<T extends ApiObject>(kind: Kind<T>): ObjectCache<T>
  /** Ends the cache of a kind that is served no longer. */
  forget(kind: Kind): void
}

export interface ObjectCache<T extends ApiObject> {
  /** Resolves when the first list is in. */
  readonly synced: Promise<void>
  /** Resolves when the newest state is read; undefined: since it was, nothing has kept the server's changes away. */
  readonly behind: Promise<void> | undefined
  /** `namespace` is empty for cluster-scoped kinds. */
  get(namespace: string, name: string): T | undefined
  /** All objects, or those of one namespace. */
  list(namespace?: string): Iterable<T>
  /** Those objects for which `index.values` gives `value`. The index is built at its first use and kept from then on. */
  by(index: Index<T>, value: string): Iterable<T>
  /**
   * Calls `handler` for every change, in order, after the cache and its indexes show it; objects that are there
   * already come as additions at once. The returned function ends it.
   */
  onChange(handler: ChangeHandler<T>): () => void
  /** Resolves when the cache shows everything up to this revision (at once if it does). */
  untilRevision(revision: string): Promise<void>
}

/** The caches of a client as controllers see them. */
export function toCaches(set: CacheSet): Caches {
  const made = new Map<Kind, ObjectCache<ApiObject>>()
  return {
    of<T extends ApiObject>(kind: Kind<T>): ObjectCache<T> {
      let cache = made.get(kind) as ObjectCache<T> | undefined
      if (cache === undefined) {
        cache = toObjectCache(set, kind)
        made.set(kind, cache as ObjectCache<ApiObject>)
      }
      return cache
    },
    forget(kind) {
      made.delete(kind)
      set.forget(kind)
    },
  }
}

function toObjectCache<T extends ApiObject>(set: CacheSet, kind: Kind<T>): ObjectCache<T> {
  const cache = set.of(kind)
  const indexes = new Set<Index<T>>()
  return {
    synced: cache.synced,
    get behind() {
      return cache.behind
    },
    get: (namespace, name) => cache.get(namespace, name),
    list: (namespace) => cache.list(namespace),
    by(index, value) {
      if (!indexes.has(index)) cache.addIndex(index.name, (object) => index.values(object))
      indexes.add(index)
      return cache.byIndex(index.name, value)
    },
    onChange: (handler) => cache.onChange(handler),
    untilRevision: (revision) => cache.untilRevision(revision),
  }
}

/** A way to find objects other than by name. Define each once, at the top of a file, under a name that is its own among those of the kind. */
export interface Index<T extends ApiObject = ApiObject> {
  readonly kind: Kind<T>
  readonly name: string
  values(object: T): readonly string[]
}

export function defineIndex<T extends ApiObject>(
  kind: Kind<T>,
  name: string,
  values: (object: T) => readonly string[],
): Index<T> {
  // Of two of one name, whoever asked second would find what the first has chosen.
  const names = namesOfIndexes.get(kind) ?? new Set<string>()
  if (names.has(name)) throw new Error(`there is an index ${name} of ${kind.plural} already`)
  namesOfIndexes.set(kind, names.add(name))
  return { kind, name, values }
}

const namesOfIndexes = new WeakMap<Kind, Set<string>>()

const byController = new Map<Kind, Index>()

/**
 * Objects of a kind by the uid of their controller; those without one by `orphansOf(namespace)`, so that somebody
 * who may adopt them finds them without looking at all the others.
 */
export function controllerIndex<T extends ApiObject>(kind: Kind<T>): Index<T> {
  const present = byController.get(kind)
  if (present !== undefined) return present as Index<T>
  const index = defineIndex<T>(kind, 'controller', (object) => [controllerKey(object)])
  byController.set(kind, index as Index)
  return index
}

export const orphansOf = (namespace: string): string => `orphans/${namespace}`

function controllerKey({ metadata }: ApiObject): string {
  const owner = metadata.ownerReferences?.find((reference) => reference.controller === true)
  return owner?.uid ?? orphansOf(metadata.namespace ?? '')
}
