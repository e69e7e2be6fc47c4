/**
 * The number of a change within its revision, which etcd has as the second half of a change's key. Nearly all revisions
 * have one change, number 0, so it is kept beside the key-values and only where it is another.
 */
import type { KeyValue, StoreEvent } from './store.ts'

const numbers = new WeakMap<KeyValue | StoreEvent, number>()

export function noteSubRevision(change: KeyValue | StoreEvent, sub: number): void {
  if (sub > 0) numbers.set(change, sub)
}

/** Of an event only where history does not have those before it any more, so that it cannot be counted. */
export function subRevisionOf(change: KeyValue | StoreEvent): number {
  return numbers.get(change) ?? 0
}
