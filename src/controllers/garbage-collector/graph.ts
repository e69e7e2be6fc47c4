import type { CacheChange } from '../../reconciler/caches.ts'
import type { ApiObject, Kind, OwnerReferenceLike } from '../../schema/kind.ts'

export const foregroundFinalizer = 'foregroundDeletion'
export const orphanFinalizer = 'orphan'

export interface Item {
  readonly kind: Kind
  readonly object: ApiObject
}

/** What a change of the graph makes worth looking at, by uid. */
export interface Worth {
  /** Objects that may have to go, or (owners) may be waited for no longer. */
  readonly look: Iterable<string>
  /** Owners whose dependents are to be let go. */
  readonly orphan: Iterable<string>
}

const nothing: Worth = { look: [], orphan: [] }

/** Who owns whom, by uid: owners may be named long before they are seen, or never be. */
export class OwnerGraph {
  readonly #items = new Map<string, Item>()
  readonly #dependents = new Map<string, Set<string>>()

  get(uid: string): Item | undefined {
    return this.#items.get(uid)
  }

  dependentsOf(uid: string): Item[] {
    const items: Item[] = []
    for (const dependent of this.#dependents.get(uid) ?? []) {
      const item = this.#items.get(dependent)
      if (item !== undefined) items.push(item)
    }
    return items
  }

  apply(kind: Kind, { object, old }: CacheChange): Worth {
    if (object === undefined) return this.#remove(old)
    const isSame = old === undefined || old.metadata.uid === object.metadata.uid
    if (isSame) return this.#put(kind, object, old)
    const gone = this.#remove(old)
    const come = this.#put(kind, object, undefined)
    return { look: [...gone.look, ...come.look], orphan: come.orphan }
  }

  #put(kind: Kind, object: ApiObject, old: ApiObject | undefined): Worth {
    const { uid, ownerReferences } = object.metadata
    if (uid === undefined) return nothing
    this.#items.set(uid, { kind, object })
    const isRelinked = old?.metadata.ownerReferences !== ownerReferences
    const waitsNow = waitsForDependents(object) && !(old && waitsForDependents(old))
    const letsGoNow = letsDependentsGo(object) && !(old && letsDependentsGo(old))
    // As it is with almost every change of almost every object.
    if (!isRelinked && !waitsNow && !letsGoNow) return nothing
    const look = new Set(isRelinked ? this.#relink(uid, old, object) : [])
    if (isRelinked && (ownerReferences?.length ?? 0) > 0 && this.#mayHaveToGo(object)) look.add(uid)
    if (waitsNow) {
      look.add(uid)
      for (const dependent of this.#dependents.get(uid) ?? []) look.add(dependent)
    }
    return { look, orphan: letsGoNow ? [uid] : [] }
  }

  /** An owner that is there and stays is the usual case, and no reason to look. */
  #mayHaveToGo(object: ApiObject): boolean {
    return ownersOf(object).some(({ uid }) => {
      const owner = this.#items.get(uid)
      return owner === undefined || waitsForDependents(owner.object)
    })
  }

  /** Answers the owners that wait for their dependents and have one less to wait for. */
  #relink(uid: string, old: ApiObject | undefined, object: ApiObject | undefined): string[] {
    const before = old ? ownersOf(old) : []
    const after = object ? ownersOf(object) : []
    for (const owner of after) this.#link(owner.uid, uid)
    const freed: string[] = []
    for (const owner of before) {
      const kept = after.find((each) => each.uid === owner.uid)
      if (kept === undefined) this.#unlink(owner.uid, uid)
      const blocksNoLonger = kept === undefined || (owner.blockOwnerDeletion && !kept.blockOwnerDeletion)
      if (blocksNoLonger && this.#isWaiting(owner.uid)) freed.push(owner.uid)
    }
    return freed
  }

  #isWaiting(uid: string): boolean {
    const item = this.#items.get(uid)
    return item !== undefined && waitsForDependents(item.object)
  }

  #remove({ metadata }: ApiObject): Worth {
    const { uid } = metadata
    const present = uid === undefined ? undefined : this.#items.get(uid)
    if (uid === undefined || present === undefined) return nothing
    const freed = this.#relink(uid, present.object, undefined)
    this.#items.delete(uid)
    return { look: [...freed, ...(this.#dependents.get(uid) ?? [])], orphan: [] }
  }

  #link(owner: string, dependent: string): void {
    const dependents = this.#dependents.get(owner)
    if (dependents === undefined) this.#dependents.set(owner, new Set([dependent]))
    else dependents.add(dependent)
  }

  #unlink(owner: string, dependent: string): void {
    const dependents = this.#dependents.get(owner)
    if (dependents?.delete(dependent) && dependents.size === 0) this.#dependents.delete(owner)
  }
}

export const ownersOf = ({ metadata }: ApiObject): readonly OwnerReferenceLike[] => metadata.ownerReferences ?? []

export const isGoing = ({ metadata }: ApiObject): boolean => metadata.deletionTimestamp !== undefined

/** Is being deleted in the foreground: its dependents go first. */
export const waitsForDependents = (object: ApiObject): boolean =>
  isGoing(object) && hasFinalizer(object, foregroundFinalizer)

/** Is being deleted, and its dependents are to stay. */
export const letsDependentsGo = (object: ApiObject): boolean => isGoing(object) && hasFinalizer(object, orphanFinalizer)

export const hasFinalizer = ({ metadata }: ApiObject, finalizer: string): boolean =>
  metadata.finalizers?.includes(finalizer) ?? false
