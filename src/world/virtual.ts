import { Heap } from '../base/heap.ts'
import type { Clock, Log, Random, World } from './world.ts'

interface Timer {
  readonly at: number
  readonly id: number
  run: (() => void) | undefined
}

/** A clock that stands still until somebody moves it. One timer fires at a time, in order. */
export class VirtualClock implements Clock {
  #now: number
  readonly #start: number
  #nextId = 0
  readonly #timers = new Heap<Timer>((a, b) => a.at < b.at || (a.at === b.at && a.id < b.id))

  constructor(startMs: number) {
    this.#now = this.#start = startMs
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#now - this.#start
  }

  timer(delayMs: number, run: () => void): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, delayMs), id: this.#nextId++, run }
    this.#timers.push(timer)
    return () => {
      timer.run = undefined
    }
  }

  after(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        cancel()
        reject(signal?.reason)
      }
      const cancel = this.timer(delayMs, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** When the next timer is due; nothing when there is none. */
  get next(): number | undefined {
    for (let timer = this.#timers.peek(); timer !== undefined; timer = this.#timers.peek()) {
      if (timer.run !== undefined) return timer.at
      this.#timers.pop()
    }
    return undefined
  }

  /** Moves time forward by `ms`, firing every timer that comes due. Whatever can settle without waiting settles. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    await drain()
    for (let at = this.next; at !== undefined && at <= until; at = this.next) {
      const { run } = this.#timers.pop()!
      this.#now = at
      run!()
      await drain()
    }
    this.#now = until
  }
}

/** A world in which time stands still until `advance` is called, and in which chance follows from a seed. */
export class VirtualWorld implements World {
  readonly random: Random
  readonly log: Log
  readonly clock: VirtualClock

  constructor(seed = 1, options: { startMs?: number; log?: Log } = {}) {
    this.clock = new VirtualClock(options.startMs ?? Date.UTC(2026, 0, 1))
    this.random = seededRandom(seed)
    this.log = options.log ?? (() => {})
  }

  /** Moves time forward by `ms`: see `VirtualClock.advance`. */
  advance(ms: number): Promise<void> {
    return this.clock.advance(ms)
  }
}

/** Lets every promise that can settle without the outside world settle. */
const drain = () => new Promise<void>((done) => setImmediate(done))

/** A deterministic stream of numbers (mulberry32): same seed, same stream. Not for keys. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const bytes = (length: number) => Uint8Array.from({ length }, () => Math.floor(next() * 256))
  return {
    next,
    int: (below) => Math.floor(next() * below),
    bytes,
    uuid() {
      const raw = bytes(16)
      raw[6] = (raw[6]! & 0x0f) | 0x40
      raw[8] = (raw[8]! & 0x3f) | 0x80
      const hex = Buffer.from(raw).toString('hex')
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
    },
    fork: (name) => seededRandom(hash(seed, name)),
  }
}

/** FNV-1a over the seed and the name. */
function hash(seed: number, name: string): number {
  let value = (0x811c9dc5 ^ seed) >>> 0
  for (let i = 0; i < name.length; i++) value = Math.imul(value ^ name.charCodeAt(i), 0x01000193) >>> 0
  return value
}
