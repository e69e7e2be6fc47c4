import type { Kind } from '../../schema/kind.ts'
import type { Store } from '../../store/store.ts'
import type { Clock } from '../../world/world.ts'
import { rangeOf } from '../storage/keys.ts'
import type { ObjectSize, ObjectSizes } from './work.ts'

/** How old a number may be, and of how many objects the size is looked at. */
const freshMs = 10_000
const sample = 20

/** Reads off the store how much there is of a resource, at most once in ten seconds. */
export class StoredSizes implements ObjectSizes {
  readonly #store: Store
  readonly #clock: Clock
  readonly #kinds: () => readonly Kind[]
  readonly #known = new Map<string, ObjectSize & { readonly until: number }>()

  constructor(store: Store, clock: Clock, kinds: () => readonly Kind[]) {
    this.#store = store
    this.#clock = clock
    this.#kinds = kinds
  }

  of(group: string, resource: string): ObjectSize | undefined {
    const key = `${group}/${resource}`
    const now = this.#clock.monotonic()
    const known = this.#known.get(key)
    if (known !== undefined && now < known.until) return known
    const kind = this.#kinds().find((kind) => kind.plural === resource && kind.group === group)
    if (kind === undefined) {
      this.#known.delete(key)
      return undefined
    }
    const { kvs, count } = this.#store.rangeNow({ ...rangeOf(kind, ''), limit: sample })
    const bytes = kvs.reduce((sum, { value }) => sum + value.length, 0)
    const size = { count, averageBytes: kvs.length === 0 ? 0 : bytes / kvs.length, until: now + freshMs }
    this.#known.set(key, size)
    return size
  }
}
