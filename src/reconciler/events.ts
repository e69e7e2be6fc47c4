import type { Client } from '../client/client.ts'
import { Event } from '../kinds/core/event.ts'
import { type ApiObject, apiVersionOf, type Kind } from '../schema/kind.ts'
import { isNotFound } from '../schema/status.ts'
import type { Draft } from '../schema/types.ts'
import type { Clock, Log, Random } from '../world/world.ts'
import type { EventType } from './changes.ts'
import { type Correlated, Correlator } from './correlator.ts'

/** Writes about different objects may be under way together, so that they share a trip to the disk. */
const usualLanes = 16

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
  readonly #correlator = new Correlator()
  readonly #tails: Promise<void>[]
  #pending = 0
  /** Begins anywhere, as another recorder may say something of the same object in the same millisecond. */
  #sequence: bigint

  /** `lanes`: how many writes may be under way together. */
  constructor(source: string, options: { client: Client; clock: Clock; random: Random; log: Log; lanes?: number }) {
    this.#source = source
    this.#tails = Array.from({ length: options.lanes ?? usualLanes }, () => Promise.resolve())
    this.#client = options.client
    this.#clock = options.clock
    this.#random = options.random
    this.#log = options.log
    this.#sequence = BigInt(Math.floor(options.random.fork(`events of ${source}`).next() * 1_000_000))
  }

  get busy(): boolean {
    return this.#pending > 0
  }

  get idle(): Promise<void> {
    return Promise.all(this.#tails).then(() => {})
  }

  record(input: EventInput): void {
    const now = this.#clock.now()
    const { type, reason, message, object, fieldPath: part = '' } = input
    const saying = { about: aboutKey(input), part, type, reason, message }
    const correlated = this.#correlator.correlate(saying, now, () => this.#nameFor(object.metadata.name ?? '', now))
    if (correlated === undefined) return
    this.#pending++
    const lane = laneOf(object, this.#tails.length)
    const written = this.#tails[lane]!.then(() => this.#write(input, correlated))
    this.#tails[lane] = written.finally(() => this.#pending--)
  }

  async #write(input: EventInput, correlated: Correlated): Promise<void> {
    try {
      if (correlated.count > 1 && (await this.#raise(input, correlated))) return
      await this.#client.create(Event, this.#eventOf(input, correlated))
    } catch (error) {
      this.#log('debug', 'event not recorded', { reason: input.reason, error: String(error) })
    }
  }

  /** Answers whether the event was still there. */
  async #raise({ object }: EventInput, { name, count, message }: Correlated): Promise<boolean> {
    const body = { count, lastTimestamp: secondsTime(this.#clock.now()), message }
    try {
      await this.#client.patch(Event, { namespace: namespaceOf(object), name }, { type: 'strategic', body })
      return true
    } catch (error) {
      if (isNotFound(error)) return false
      throw error
    }
  }

  #eventOf(
    { kind, object, reason, type, annotations, fieldPath, host }: EventInput,
    { message, count, name, firstMs }: Correlated,
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
        name,
        namespace: namespaceOf(object),
        ...(annotations && { annotations }),
      },
      involvedObject,
      reason,
      message,
      source: { component: this.#source, ...(host && { host }) },
      firstTimestamp: secondsTime(firstMs),
      lastTimestamp: secondsTime(this.#clock.now()),
      count,
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

const aboutKey = ({ kind, object: { metadata }, host = '' }: EventInput): string =>
  `${host} ${kind.group}/${kind.kind}/${metadata.namespace ?? ''}/${metadata.name}/${metadata.uid}`

/** Events about what has no namespace lie in the usual one. */
const namespaceOf = ({ metadata }: ApiObject): string => metadata.namespace || 'default'

/** All events of an object take the same lane. Uids end in a random digit. */
const laneOf = ({ metadata }: ApiObject, lanes: number): number =>
  (Number.parseInt(metadata.uid?.at(-1) ?? '0', 16) || 0) % lanes

/** RFC 3339 in whole seconds, as the API writes times. */
export function secondsTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}
