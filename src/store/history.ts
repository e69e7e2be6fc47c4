/**
 * The states that a store still remembers: one version for each revision in the window, the oldest being the one
 * that the store was compacted to. A version holds the root of the whole tree, so reading an old revision costs the
 * same as reading the newest, and the changes that led to it, which is what watches begin with.
 */
import { CompactedError, FutureRevisionError, type KeyValue, type StoreEvent } from './store.ts'
import type { Tree } from './tree.ts'

export interface Version {
  readonly revision: number
  readonly root: Tree<KeyValue>
  /** The changes that made this version of the one before, in order. */
  readonly events: readonly StoreEvent[]
  /** The size of all keys and values. */
  readonly bytes: number
  /** The size of all that was ever replaced or removed: what lies between two versions is held for history's sake. */
  readonly superseded: number
}

export class History {
  /**
   * Oldest first; never empty. Revisions are consecutive in an embedded store; a mirror of a part of a remote one
   * may lack some, which are as the last one before.
   */
  readonly #versions: Version[]
  #compacted: number

  constructor(versions: readonly Version[], compacted: number) {
    this.#versions = [...versions]
    this.#compacted = compacted
  }

  get newest(): Version {
    return this.#versions[this.#versions.length - 1]!
  }

  get compacted(): number {
    return this.#compacted
  }

  get length(): number {
    return this.#versions.length
  }

  /** Throws `CompactedError` or `FutureRevisionError` (also for a version beyond `newest`). */
  at(revision: number, newest = this.newest.revision): Version {
    if (revision > newest) throw new FutureRevisionError()
    const version = this.#versions[this.#after(revision) - 1]
    if (version === undefined) throw new CompactedError(this.#compacted)
    return version
  }

  push(version: Version): void {
    this.#versions.push(version)
  }

  /** The versions from `from` (or the oldest one kept) up to `until`. */
  slice(from: number, until: number): Version[] {
    return this.#versions.slice(this.#after(from - 1), this.#after(until))
  }

  /** What was current at `revision` becomes the oldest version. */
  forgetBelow(revision: number): void {
    this.#versions.splice(0, this.#after(revision) - 1)
    this.#compacted = revision
  }

  /** The oldest version that is kept, or (when that is newer) the one at `revision`. */
  oldestAfter(revision: number): Version {
    return this.#versions[Math.max(1, this.#after(revision)) - 1]!
  }

  /** The oldest version from which on no more than `most` bytes were replaced or removed. */
  oldestWithin(most: number): Version {
    const { superseded } = this.newest
    return this.#versions[this.#first((version) => superseded - version.superseded <= most)]!
  }

  forgetAfter(revision: number): void {
    this.#versions.length = this.#after(revision)
  }

  /**
   * The changes from revision `from` up to `until`. What was there before the oldest version is forgotten, so its
   * events have no `previous`. Throws `CompactedError` when `from` is older than what is kept.
   */
  *changes(from: number, until: number): Generator<readonly StoreEvent[]> {
    if (from < this.#compacted) throw new CompactedError(this.#compacted)
    for (const version of this.slice(from, until)) {
      yield version.revision <= this.#compacted ? version.events.map(withoutPrevious) : version.events
    }
  }

  /** The index of the first version after `revision`. */
  #after(revision: number): number {
    const versions = this.#versions
    const guess = revision - versions[0]!.revision
    if (versions[guess]?.revision === revision) return guess + 1
    return this.#first((version) => version.revision > revision)
  }

  /** The index of the first version for which something holds that holds for all after it. */
  #first(holds: (version: Version) => boolean): number {
    let low = 0
    let high = this.#versions.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (holds(this.#versions[middle]!)) high = middle
      else low = middle + 1
    }
    return low
  }
}

function withoutPrevious(event: StoreEvent): StoreEvent {
  return { ...event, previous: undefined }
}
