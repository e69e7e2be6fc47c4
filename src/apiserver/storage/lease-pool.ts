import type { Store } from '../../store/store.ts'
import type { Clock } from '../../world/world.ts'

/** Objects that were made within this time share a lease and live up to that much longer. */
const sharedForSeconds = 60
/** A lease does not carry more objects than this, so that its end is not a storm. */
const maxObjects = 1000

interface Shared {
  readonly id: bigint
  readonly until: number
  objects: number
}

/** Leases for objects that disappear by themselves. One lease serves many objects, as in the reference. */
export class LeasePool {
  readonly #store: Store
  readonly #clock: Clock
  readonly #shared = new Map<number, Shared>()

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** A lease under which an object lives at least `ttlSeconds`. */
  async leaseFor(ttlSeconds: number): Promise<bigint> {
    const now = this.#clock.monotonic()
    const known = this.#shared.get(ttlSeconds)
    if (known !== undefined && known.until > now && known.objects < maxObjects) {
      known.objects++
      return known.id
    }
    const { id } = await this.#store.leaseGrant(ttlSeconds + sharedForSeconds)
    this.#shared.set(ttlSeconds, { id, until: now + sharedForSeconds * 1000, objects: 1 })
    return id
  }
}
