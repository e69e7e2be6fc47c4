import type { Ref } from '../client/client.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import type { CacheChange, Caches } from './caches.ts'

interface Removed {
  readonly kind: Kind
  readonly ref: Ref
  readonly uid: string
}

/**
 * What was written for each key and does not show in the caches yet. A key must not be reconciled before it does:
 * a controller that counts pods in an old cache creates them twice.
 */
export class Unseen {
  readonly #caches: Caches
  /** Kinds of which `changed` is told; deletions of others are not waited for. */
  readonly #watched: ReadonlySet<Kind>
  readonly #written = new Map<string, Map<Kind, string>>()
  readonly #removed = new Map<string, Map<string, Removed>>()
  readonly #wakers = new Map<string, () => void>()

  constructor(caches: Caches, watched: ReadonlySet<Kind>) {
    this.#caches = caches
    this.#watched = watched
  }

  wrote(key: string, kind: Kind, { metadata }: ApiObject): void {
    const revision = metadata.resourceVersion
    if (!this.#watched.has(kind) || !revision) return
    const revisions = getOrMake(this.#written, key, () => new Map<Kind, string>())
    const present = revisions.get(kind)
    if (present === undefined || isLater(revision, present)) revisions.set(kind, revision)
  }

  removed(key: string, removal: Removed): void {
    if (!this.#watched.has(removal.kind) || this.#showsRemoval(removal)) return
    getOrMake(this.#removed, key, () => new Map<string, Removed>()).set(removal.uid, removal)
  }

  /** A promise that resolves when the caches show everything that was written for the key; undefined if they do now. */
  wait(key: string): Promise<void> | undefined {
    const written = this.#written.get(key)
    const removed = this.#stillThere(key)
    if (written === undefined && removed === undefined) return undefined
    this.#written.delete(key)
    const waits = [...(written ?? [])].map(([kind, revision]) => this.#caches.of(kind).untilRevision(revision))
    if (removed !== undefined) waits.push(this.#untilRemoved(removed))
    return Promise.all(waits).then(() => {
      this.#removed.delete(key)
    })
  }

  /** To be told of every change of the watched kinds. */
  changed(change: CacheChange<ApiObject>): void {
    if (this.#wakers.size === 0) return
    const uid = (change.old ?? change.object)?.metadata.uid
    if (uid !== undefined && isGoing(change)) this.#wakers.get(uid)?.()
  }

  #stillThere(key: string): Map<string, Removed> | undefined {
    const removed = this.#removed.get(key)
    if (removed === undefined) return undefined
    for (const [uid, removal] of removed) if (this.#showsRemoval(removal)) removed.delete(uid)
    if (removed.size > 0) return removed
    this.#removed.delete(key)
    return undefined
  }

  #untilRemoved(removed: Map<string, Removed>): Promise<void> {
    return new Promise((resolve) => {
      for (const uid of removed.keys()) {
        const others = this.#wakers.get(uid)
        this.#wakers.set(uid, () => {
          others?.()
          this.#wakers.delete(uid)
          removed.delete(uid)
          if (removed.size === 0) resolve()
        })
      }
    })
  }

  #showsRemoval({ kind, ref, uid }: Removed): boolean {
    const object = this.#caches.of(kind).get(ref.namespace ?? '', ref.name)
    return object === undefined || object.metadata.uid !== uid || object.metadata.deletionTimestamp !== undefined
  }
}

function isGoing({ object, old }: CacheChange<ApiObject>): boolean {
  if (object === undefined || object.metadata.deletionTimestamp !== undefined) return true
  return old !== undefined && old.metadata.uid !== object.metadata.uid
}

/** Revisions are decimal numbers without leading zeros, maybe beyond 2^53. */
function isLater(a: string, b: string): boolean {
  return a.length === b.length ? a > b : a.length > b.length
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const present = map.get(key)
  if (present !== undefined) return present
  const value = make()
  map.set(key, value)
  return value
}
