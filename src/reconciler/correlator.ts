import { forgetOldest } from '../base/forget-oldest.ts'

/** From this many different messages about the same thing within `similarWithinMs`, they become one combined event. */
const similarAtMost = 10
const similarWithinMs = 600_000
/** Each object may have this many events of one source at once, and one more each `refillMs`. */
const burst = 25
const refillMs = 300_000
/** As many things are remembered, the longest unused forgotten first. */
const rememberedAtMost = 4096

/** What somebody says about an object. */
export interface Saying {
  /** The object: kind, name, uid. */
  readonly about: string
  /** Which part of it. */
  readonly part: string
  readonly type: string
  readonly reason: string
  readonly message: string
}

/** As what it is to be written. */
export interface Correlated {
  readonly message: string
  /** How often it was said, this time included, also when that was not written. Above 1 there should be an event. */
  readonly count: number
  readonly firstMs: number
  /** The event's name, which it keeps. */
  readonly name: string
}

interface Similar {
  readonly messages: Set<string>
  lastMs: number
}

interface Known {
  readonly firstMs: number
  readonly name: string
  count: number
}

/**
 * Keeps events from flooding the cluster, as the reference's correlator does: what repeats raises the count of the
 * event that is there, many similar ones are combined, and an object that causes too many loses some.
 */
export class Correlator {
  readonly #similar = new Map<string, Similar>()
  readonly #known = new Map<string, Known>()
  readonly #allowance = new Map<string, { readonly left: number; readonly sinceMs: number }>()

  /** Undefined: it is one too many, and is not written. `newName` is asked for the name of a new event. */
  correlate(saying: Saying, now: number, newName: () => string): Correlated | undefined {
    const { about, part, type, reason, message } = saying
    const likeIt = `${about} ${type} ${reason}`
    const isOneOfMany = this.#isOneOfMany(likeIt, message, now)
    const key = isOneOfMany ? likeIt : `${likeIt} ${part} ${message}`
    const known = this.#known.get(key) ?? { firstMs: now, name: newName(), count: 0 }
    known.count++
    remember(this.#known, key, known)
    if (!this.#mayWrite(about, now)) return undefined
    const { count, firstMs, name } = known
    return { message: isOneOfMany ? `(combined from similar events): ${message}` : message, count, firstMs, name }
  }

  #isOneOfMany(key: string, message: string, now: number): boolean {
    let similar = this.#similar.get(key)
    if (similar === undefined || now - similar.lastMs > similarWithinMs) similar = { messages: new Set(), lastMs: now }
    similar.lastMs = now
    similar.messages.add(message)
    remember(this.#similar, key, similar)
    if (similar.messages.size < similarAtMost) return false
    // The set only has to stay full: which messages are in it no longer matters.
    similar.messages.delete(similar.messages.values().next().value!)
    similar.messages.add(message)
    return true
  }

  #mayWrite(about: string, now: number): boolean {
    const allowance = this.#allowance.get(about) ?? { left: burst, sinceMs: now }
    const left = Math.min(burst, allowance.left + (now - allowance.sinceMs) / refillMs)
    const may = left >= 1
    remember(this.#allowance, about, { left: may ? left - 1 : left, sinceMs: now })
    return may
  }
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key)
  map.set(key, value)
  forgetOldest(map, rememberedAtMost)
}
