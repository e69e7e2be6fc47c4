import type { ApiObject, Kind } from '../../schema/kind.ts'
import type { KeyValue, RangeResult, Store, StoreEvent } from '../../store/store.ts'
import { entryOf } from '../entry.ts'
import { folderOf, rangeOf } from './keys.ts'
import { fieldOf, type Selection } from './selection.ts'
import type { ResourceState } from './state.ts'

/**
 * Finds objects by the value of one field (`spec.nodeName` of pods) without looking at all of them. It is made when it is
 * first wanted, and follows the store from then on: what the store shows as its newest state, this shows too.
 */
export class FieldIndex {
  readonly #kind: Kind
  readonly #field: string
  readonly #store: Store
  readonly #read: (object: ApiObject) => string
  /** Value → key → what is stored there. Undefined: not made, or lost. */
  #byValue: Map<string, Map<string, KeyValue>> | undefined
  /** Key → value: where to look for what changes. */
  readonly #values = new Map<string, string>()

  constructor(kind: Kind, field: string, store: Store) {
    this.#kind = kind
    this.#field = field
    this.#store = store
    this.#read = fieldOf(kind, field)
  }

  /** The one that helps with this selection, and is (or can be) as new as the store. */
  static for({ indexes, kind, store }: ResourceState, selection: Selection): FieldIndex | undefined {
    const index = indexes.find(({ name }) => name === selection.exactField?.name)
    return index === undefined || store.mayHoldUp?.(folderOf(kind)) ? undefined : index
  }

  get name(): string {
    return this.#field
  }

  /** The newest state of a namespace, or (empty) of all, as `rangeNow` gives it, but only of objects with this value. */
  find(value: string, namespace: string): RangeResult {
    this.#byValue ??= this.#make()
    const { from } = rangeOf(this.#kind, namespace)
    const kvs = [...(this.#byValue.get(value)?.values() ?? [])].filter(({ key }) => key.startsWith(from))
    kvs.sort((one, other) => (one.key < other.key ? -1 : 1))
    return { kvs, count: kvs.length, more: false, revision: this.#store.revision }
  }

  #make(): Map<string, Map<string, KeyValue>> {
    const range = rangeOf(this.#kind, '')
    const byValue = new Map<string, Map<string, KeyValue>>()
    this.#byValue = byValue
    for (const kv of this.#store.rangeNow(range).kvs) this.#put(kv)
    const lost = new AbortController()
    const onError = () => {
      lost.abort()
      this.#byValue = undefined
      this.#values.clear()
    }
    this.#store.watch(
      { ...range, signal: lost.signal },
      {
        onEvents: (events) => {
          for (const event of events) this.#follow(event)
        },
        onError,
      },
    )
    return byValue
  }

  #follow({ key, kv }: StoreEvent): void {
    if (kv === undefined) this.#remove(key)
    else this.#put(kv)
  }

  #put(kv: KeyValue): void {
    const { key } = kv
    const value = this.#read(entryOf(this.#kind, kv).peek())
    if (this.#values.get(key) !== value) {
      this.#remove(key)
      this.#values.set(key, value)
    }
    const found = this.#byValue!.get(value)
    if (found === undefined) this.#byValue!.set(value, new Map([[key, kv]]))
    else found.set(key, kv)
  }

  #remove(key: string): void {
    const value = this.#values.get(key)
    if (value === undefined) return
    this.#values.delete(key)
    const found = this.#byValue!.get(value)!
    found.delete(key)
    if (found.size === 0) this.#byValue!.delete(value)
  }
}
