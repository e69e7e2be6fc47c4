import { secondsTime } from '../base/seconds-time.ts'
import type { Client } from '../client/client.ts'
import { Event } from '../kinds/core/event.ts'
import { type ApiObject, apiVersionOf, type Kind } from '../schema/kind.ts'
import { isNotFound } from '../schema/status.ts'
import type { Draft } from '../schema/types.ts'
import type { Clock, Log, Random } from '../world/world.ts'
import type { EventType } from './changes.ts'
import { type Correlated, Correlator } from './correlator.ts'
import { EventNames, Lanes, namespaceOfEvent } from './event-writes.ts'
import type { Gate } from './gate.ts'

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
  readonly #log: Log
  readonly #source: string
  readonly #correlator = new Correlator()
  readonly #names: EventNames
  readonly #lanes: Lanes

  /** `gate`: where each write waits for its turn. Absent: it has it at once. */
  constructor(source: string, options: { client: Client; clock: Clock; random: Random; log: Log; gate?: Gate }) {
    this.#source = source
    this.#client = options.client
    this.#clock = options.clock
    this.#log = options.log
    this.#names = new EventNames(source, options.random)
    this.#lanes = new Lanes(options.gate)
  }

  get busy(): boolean {
    return this.#lanes.busy
  }

  get idle(): Promise<void> {
    return this.#lanes.idle
  }

  record(input: EventInput): void {
    const now = this.#clock.now()
    const { type, reason, message, object, fieldPath: part = '' } = input
    const saying = { about: aboutKey(input), part, type, reason, message }
    const correlated = this.#correlator.correlate(saying, now, () => this.#names.next(object, now))
    if (correlated !== undefined) this.#lanes.run(object, () => this.#write(input, correlated))
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
      await this.#client.patch(Event, { namespace: namespaceOfEvent(object), name }, { type: 'strategic', body })
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
        namespace: namespaceOfEvent(object),
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
}

const aboutKey = ({ kind, object: { metadata }, host = '' }: EventInput): string =>
  `${host} ${kind.group}/${kind.kind}/${metadata.namespace ?? ''}/${metadata.name}/${metadata.uid}`
