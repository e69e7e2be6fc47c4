import type { ApiObject, Kind } from '../schema/kind.ts'
import type { Store } from '../store/store.ts'
import type { ClusterReader } from './admission.ts'
import { entryOf } from './entry.ts'
import { folderOf, keyOf, rangeOf } from './storage/keys.ts'

/**
 * Reads what this process has of the store, without waiting. Admission asks for the same few lists (of limits, quotas,
 * priority classes) with every write, and they hardly ever change: each is kept until something of its kind does.
 */
export function clusterReader(store: Store): ClusterReader {
  /** By folder, since custom kinds are made anew when their definition changes, and then by namespace. */
  const kept = new Map<string, Map<string, Listed>>()

  /** Undefined where changes may be told later than they are shown. */
  function listsOf(kind: Kind): Map<string, Listed> | undefined {
    const folder = folderOf(kind)
    const known = kept.get(folder)
    if (known !== undefined || store.mayHoldUp?.(folder)) return known
    const lists = new Map<string, Listed>()
    kept.set(folder, lists)
    const lost = new AbortController()
    const onError = () => {
      lost.abort()
      lists.clear()
      kept.delete(folder)
    }
    store.watch({ ...rangeOf(kind, ''), signal: lost.signal }, { onEvents: () => lists.clear(), onError })
    return lists
  }

  return {
    get<T extends ApiObject>(kind: Kind<T>, namespace: string, name: string): T | undefined {
      const [kv] = store.rangeNow({ from: keyOf(kind, namespace, name) }).kvs
      return kv && entryOf(kind, kv).object
    },
    list<T extends ApiObject>(kind: Kind<T>, namespace: string): readonly T[] {
      const lists = listsOf(kind)
      const known = lists?.get(namespace)
      if (known?.kind === kind) return known.objects as readonly T[]
      const objects = store.rangeNow(rangeOf(kind, namespace)).kvs.map((kv) => entryOf(kind, kv).object)
      lists?.set(namespace, { kind, objects })
      return objects
    },
  }
}

interface Listed {
  /** What is stored may be shown as several. */
  readonly kind: Kind
  readonly objects: readonly ApiObject[]
}
