import type { ApiObject, Kind } from '../schema/kind.ts'
import type { Store } from '../store/store.ts'
import type { ClusterReader } from './admission.ts'
import { entryOf } from './entry.ts'
import { keyOf, rangeOf } from './storage/keys.ts'

/** Reads what this process has of the store, without waiting. */
export function clusterReader(store: Store): ClusterReader {
  return {
    get<T extends ApiObject>(kind: Kind<T>, namespace: string, name: string): T | undefined {
      const [kv] = store.rangeNow({ from: keyOf(kind, namespace, name) }).kvs
      return kv && entryOf(kind, kv).object
    },
    list<T extends ApiObject>(kind: Kind<T>, namespace: string): readonly T[] {
      return store.rangeNow(rangeOf(kind, namespace)).kvs.map((kv) => entryOf(kind, kv).object)
    },
  }
}
