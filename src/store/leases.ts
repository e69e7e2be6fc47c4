/**
 * The leases of a store and the keys that hang on them. A lease that is not kept alive in time is handed to
 * `onExpire`, which is to revoke it.
 *
 * Which keys hang on which lease is worked out from the tree when it is first asked for, and followed from then on.
 */
import type { Clock } from '../world/world.ts'
import { type KeyValue, type Lease, LeaseNotFoundError, type StoreEvent } from './store.ts'
import { type Tree, treeRange } from './tree.ts'

interface Held {
  readonly lease: Lease
  /** On the monotonic clock. */
  deadlineMs: number
  cancel: () => void
}

/** How soon the end of a lease is tried again when the store could not write it. */
const retryMs = 1_000

export class Leases {
  readonly #clock: Clock
  readonly #onExpire: (id: bigint) => Promise<void>
  readonly #held = new Map<bigint, Held>()
  #keys: Map<bigint, Set<string>> | undefined

  constructor(clock: Clock, onExpire: (id: bigint) => Promise<void>) {
    this.#clock = clock
    this.#onExpire = onExpire
  }

  has(id: bigint): boolean {
    return this.#held.has(id)
  }

  get(id: bigint): Lease {
    return this.#get(id).lease
  }

  all(): Lease[] {
    return [...this.#held.values()].map(({ lease }) => lease)
  }

  remainingSeconds(id: bigint): number {
    return Math.max(0, Math.floor((this.#get(id).deadlineMs - this.#clock.monotonic()) / 1_000))
  }

  add(lease: Lease): void {
    const held: Held = { lease, deadlineMs: 0, cancel: () => {} }
    this.#held.set(lease.id, held)
    this.#renew(held)
    this.#arm(held)
  }

  remove(id: bigint): void {
    this.#held.get(id)?.cancel()
    this.#held.delete(id)
  }

  /** The timer is left as it is: when it fires too early it finds out and waits for the rest. */
  keepAlive(id: bigint): Lease {
    const held = this.#get(id)
    this.#renew(held)
    return held.lease
  }

  /** The keys that hang on the lease, in order. `root` is the newest tree. */
  keysOf(id: bigint, root: Tree<KeyValue>): string[] {
    this.#keys ??= keysByLease(root)
    return [...(this.#keys.get(id) ?? [])].sort()
  }

  follow(events: readonly StoreEvent[]): void {
    if (this.#keys === undefined) return
    for (const { key, kv, previous } of events) {
      const before = previous?.lease ?? 0n
      const after = kv?.lease ?? 0n
      if (before === after) continue
      if (before !== 0n) this.#keys.get(before)?.delete(key)
      if (after !== 0n) attach(this.#keys, after, key)
    }
  }

  /** Forgets which keys hang on which lease: the tree has gone back. */
  forgetKeys(): void {
    this.#keys = undefined
  }

  stop(): void {
    for (const held of this.#held.values()) held.cancel()
  }

  #get(id: bigint): Held {
    const held = this.#held.get(id)
    if (held === undefined) throw new LeaseNotFoundError()
    return held
  }

  #renew(held: Held): void {
    held.deadlineMs = this.#clock.monotonic() + held.lease.ttlSeconds * 1_000
  }

  #arm(held: Held, atLeastMs = 0): void {
    const delayMs = Math.max(atLeastMs, held.deadlineMs - this.#clock.monotonic())
    held.cancel = this.#clock.timer(delayMs, () => this.#fire(held))
  }

  #fire(held: Held): void {
    if (this.#held.get(held.lease.id) !== held) return
    if (this.#clock.monotonic() < held.deadlineMs) {
      this.#arm(held)
      return
    }
    this.#onExpire(held.lease.id).catch(() => {
      if (this.#held.get(held.lease.id) === held) this.#arm(held, retryMs)
    })
  }
}

function keysByLease(root: Tree<KeyValue>): Map<bigint, Set<string>> {
  const keys = new Map<bigint, Set<string>>()
  for (const kv of treeRange(root, '')) if (kv.lease !== 0n) attach(keys, kv.lease, kv.key)
  return keys
}

function attach(keys: Map<bigint, Set<string>>, lease: bigint, key: string): void {
  const set = keys.get(lease)
  if (set === undefined) keys.set(lease, new Set([key]))
  else set.add(key)
}
