import type { Client } from '../client/client.ts'
import { Event } from '../kinds/core/event.ts'
import { type ApiObject, apiVersionOf, type Kind } from '../schema/kind.ts'
import { isNotFound } from '../schema/status.ts'
import type { Draft } from '../schema/types.ts'
import type { Clock, Log, Random } from '../world/world.ts'
import type { EventType } from './changes.ts'

/** From this many different messages about the same thing within `similarWithinMs`, they become one combined event. */
const similarAtMost = 10
const similarWithinMs = 600_000
/** Each object may have this many events of one source at once, and one more each `refillMs`. */
const burst = 25
const refillMs = 300_000
/** Writes about different objects may be under way together, so that they share a trip to the disk. */
const usualLanes = 16
/** As many things are remembered, the longest unused forgotten first. */
const rememberedAtMost = 4096

export interface EventInput {
  readonly kind: Kind
  readonly object: ApiObject
  readonly reason: string
  readonly message: string
  readonly type: EventType
  readonly annotations?: Readonly<Record<string, string>> | undefined
  /** Which part of the object it is about: `spec.containers{web}`. */
  readonly fieldPath?: string
  /** The machine that says so. */
  readonly host?: string
}

interface Written {
  readonly namespace: string
  readonly name: string
  readonly firstTimestamp: string
  count: number
}

interface Similar {
  readonly messages: Set<string>
  lastMs: number
}

/**
 * Writes events the way the reference's recorder does: what repeats raises the count of the event that is there, many
 * similar ones are combined, and an object that causes too many loses some. Recording never fails and never waits:
 * writes about an object go one after the other in the background; `idle` resolves when all are through.
 */
export class EventRecorder {
  readonly #client: Client
  readonly #clock: Clock
  readonly #random: Random
  readonly #log: Log
  readonly #source: string
  readonly #written = new Map<string, Written>()
  readonly #similar = new Map<string, Similar>()
  readonly #allowance = new Map<string, { left: number; sinceMs: number }>()
  readonly #tails: Promise<void>[]
  #pending = 0
  #sequence = 0n

  /** `lanes`: how many writes may be under way together. */
  constructor(source: string, options: { client: Client; clock: Clock; random: Random; log: Log; lanes?: number }) {
    this.#source = source
    this.#tails = Array.from({ length: options.lanes ?? usualLanes }, () => Promise.resolve())
    this.#client = options.client
    this.#clock = options.clock
    this.#random = options.random
    this.#log = options.log
  }

  get busy(): boolean {
    return this.#pending > 0
  }

  get idle(): Promise<void> {
    return Promise.all(this.#tails).then(() => {})
  }

  record(input: EventInput): void {
    const about = aboutKey(input)
    const combined = this.#isOneOfMany(`${about}/${input.type}/${input.reason}`, input.message)
    if (!this.#mayWrite(about)) return
    const message = combined ? `(combined from similar events): ${input.message}` : input.message
    const key = `${about}/${input.type}/${input.reason}/${combined ? '' : input.message}`
    this.#pending++
    const lane = laneOf(input.object, this.#tails.length)
    const written = this.#tails[lane]!.then(() => this.#write(key, { ...input, message }))
    this.#tails[lane] = written.finally(() => this.#pending--)
  }

  #isOneOfMany(key: string, message: string): boolean {
    const now = this.#clock.now()
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

  #mayWrite(about: string): boolean {
    const now = this.#clock.now()
    const allowance = this.#allowance.get(about) ?? { left: burst, sinceMs: now }
    const left = Math.min(burst, allowance.left + (now - allowance.sinceMs) / refillMs)
    const may = left >= 1
    remember(this.#allowance, about, { left: may ? left - 1 : left, sinceMs: now })
    return may
  }

  async #write(key: string, input: EventInput): Promise<void> {
    try {
      const present = this.#written.get(key)
      if (present === undefined || !(await this.#raise(present, input))) await this.#create(key, input)
    } catch (error) {
      this.#log('debug', 'event not recorded', { reason: input.reason, error: String(error) })
    }
  }

  /** Answers whether the event was still there. */
  async #raise(present: Written, input: EventInput): Promise<boolean> {
    try {
      const body = { count: present.count + 1, lastTimestamp: secondsTime(this.#clock.now()), message: input.message }
      await this.#client.patch(
        Event,
        { namespace: present.namespace, name: present.name },
        {
          type: 'strategic',
          body,
        },
      )
      present.count++
      return true
    } catch (error) {
      if (isNotFound(error)) return false
      throw error
    }
  }

  async #create(key: string, input: EventInput): Promise<void> {
    const now = this.#clock.now()
    const draft = this.#eventOf(input, now)
    await this.#client.create(Event, draft)
    const { namespace, name } = draft.metadata as { namespace: string; name: string }
    remember(this.#written, key, { namespace, name, firstTimestamp: secondsTime(now), count: 1 })
  }

  #eventOf(
    { kind, object, reason, message, type, annotations, fieldPath, host }: EventInput,
    now: number,
  ): Draft<Event> {
    const { metadata } = object
    const involvedObject = {
      kind: kind.kind,
      namespace: metadata.namespace,
      name: metadata.name,
      uid: metadata.uid,
      apiVersion: apiVersionOf(kind),
      resourceVersion: metadata.resourceVersion,
      ...(fieldPath && { fieldPath }),
    }
    return {
      metadata: {
        name: this.#nameFor(metadata.name ?? '', now),
        namespace: metadata.namespace || 'default',
        ...(annotations && { annotations }),
      },
      involvedObject,
      reason,
      message,
      source: { component: this.#source, ...(host && { host }) },
      firstTimestamp: secondsTime(now),
      lastTimestamp: secondsTime(now),
      count: 1,
      type,
      reportingComponent: this.#source,
      ...(host && { reportingInstance: host }),
    }
  }

  /** The object's name and a time in nanoseconds; ours only have milliseconds, a running number makes up the rest. */
  #nameFor(objectName: string, now: number): string {
    this.#sequence = (this.#sequence + 1n) % 1_000_000n
    const name = `${objectName}.${(BigInt(Math.floor(now)) * 1_000_000n + this.#sequence).toString(16)}`
    return name.length <= 253 && /^[a-z0-9.-]+$/.test(name) ? name : this.#random.uuid()
  }
}

const aboutKey = ({ kind, object: { metadata }, fieldPath }: EventInput): string =>
  `${kind.group}/${kind.kind}/${metadata.namespace ?? ''}/${metadata.name}/${metadata.uid}/${fieldPath ?? ''}`

/** All events of an object take the same lane. Uids end in a random digit. */
const laneOf = ({ metadata }: ApiObject, lanes: number): number =>
  (Number.parseInt(metadata.uid?.at(-1) ?? '0', 16) || 0) % lanes

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > rememberedAtMost) map.delete(map.keys().next().value!)
}

/** RFC 3339 in whole seconds, as the API writes times. */
export function secondsTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}
