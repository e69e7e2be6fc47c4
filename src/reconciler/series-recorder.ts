import { forgetOldest } from '../base/forget-oldest.ts'
import type { Client } from '../client/client.ts'
import { Event } from '../kinds/core/event.ts'
import { type ApiObject, apiVersionOf, type Kind } from '../schema/kind.ts'
import { isNotFound } from '../schema/status.ts'
import type { Draft } from '../schema/types.ts'
import type { Clock, Log, Random } from '../world/world.ts'
import type { EventType } from './changes.ts'
import { EventNames, Lanes, namespaceOfEvent } from './event-writes.ts'
import type { Gate } from './gate.ts'

/** After so long without a further one a series is over. */
const finishMs = 6 * 60_000
/** One that goes on is written so often. */
const refreshMs = 30 * 60_000
/** Longer notes are refused. */
const noteAtMost = 1024
/** As many things are remembered, the longest unused forgotten first. */
const rememberedAtMost = 4096

export interface SeriesInput {
  readonly kind: Kind
  readonly object: ApiObject
  /** What was done or failed: `Binding`. */
  readonly action: string
  readonly reason: string
  readonly message: string
  readonly type: EventType
  /** Another object of the kind that has a part in it. */
  readonly related?: ApiObject
}

interface Known {
  readonly input: SeriesInput
  readonly name: string
  readonly eventMs: number
  series: { count: number; lastMs: number; writtenMs: number } | undefined
}

/**
 * Writes events in their new form, as the reference's scheduler does (KEP-383): what repeats becomes a series, which is
 * written when it begins, every half an hour while it goes on, and when it is over. Recording never fails and never
 * waits; `idle` resolves when all writes are through.
 */
export class SeriesRecorder {
  readonly #client: Client
  readonly #clock: Clock
  readonly #log: Log
  readonly #source: string
  readonly #instance: string
  readonly #names: EventNames
  readonly #lanes: Lanes
  readonly #known = new Map<string, Known>()
  #stopTimer: (() => void) | undefined

  /** `host`: the machine that speaks. `gate`: where each write waits for its turn; absent: it has it at once. */
  constructor(
    source: string,
    options: { client: Client; clock: Clock; random: Random; log: Log; host: string; gate?: Gate },
  ) {
    this.#source = source
    this.#instance = `${source}-${options.host}`
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

  /** Series are not followed to their end any more. */
  stop(): void {
    this.#stopTimer?.()
  }

  record(given: SeriesInput): void {
    const now = this.#clock.now()
    const input = { ...given, message: shortened(given.message) }
    const key = keyOf(input)
    const known = this.#known.get(key)
    if (known === undefined || (known.series === undefined && known.eventMs < now - finishMs)) {
      const begun = { input, name: this.#names.next(input.object, now), eventMs: now, series: undefined }
      this.#remember(key, begun)
      this.#write(begun, () => this.#client.create(Event, this.#eventOf(begun)))
      return
    }
    this.#remember(key, known)
    if (known.series === undefined) {
      known.series = { count: 2, lastMs: now, writtenMs: now }
      this.#tell(known)
      this.#watch()
    } else {
      known.series.count++
      known.series.lastMs = now
    }
  }

  #remember(key: string, known: Known): void {
    this.#known.delete(key)
    this.#known.set(key, known)
    forgetOldest(this.#known, rememberedAtMost)
  }

  /** Looks after series as long as there are any. */
  #watch(): void {
    this.#stopTimer ??= this.#clock.timer(finishMs, () => {
      this.#stopTimer = undefined
      const now = this.#clock.now()
      for (const [key, known] of this.#known) this.#lookAt(key, known, now)
      if ([...this.#known.values()].some(({ series }) => series !== undefined)) this.#watch()
    })
  }

  #lookAt(key: string, known: Known, now: number): void {
    const { series } = known
    const lastMs = series?.lastMs ?? known.eventMs
    const isOver = lastMs <= now - finishMs
    if (isOver) this.#known.delete(key)
    if (series === undefined || series.lastMs === series.writtenMs) return
    if (!isOver && series.writtenMs > now - refreshMs) return
    series.writtenMs = series.lastMs
    this.#tell(known)
  }

  /** Writes how often it has happened. */
  #tell(known: Known): void {
    const { input, name, series } = known
    const body = { series: { count: series!.count, lastObservedTime: microTime(series!.lastMs) } }
    const ref = { namespace: namespaceOfEvent(input.object), name }
    this.#write(known, async () => {
      try {
        await this.#client.patch(Event, ref, { type: 'strategic', body })
      } catch (error) {
        if (!isNotFound(error)) throw error
        await this.#client.create(Event, this.#eventOf(known))
      }
    })
  }

  #write({ input }: Known, work: () => Promise<unknown>): void {
    this.#lanes.run(input.object, async () => {
      try {
        await work()
      } catch (error) {
        this.#log('debug', 'event not recorded', { reason: input.reason, error: String(error) })
      }
    })
  }

  #eventOf({ input, name, eventMs, series }: Known): Draft<Event> {
    const { kind, object, related, action, reason, message, type } = input
    return {
      metadata: { name, namespace: namespaceOfEvent(object) },
      involvedObject: referenceTo(kind, object),
      ...(related && { related: referenceTo(kind, related) }),
      reason,
      message,
      type,
      eventTime: microTime(eventMs),
      ...(series && { series: { count: series.count, lastObservedTime: microTime(series.lastMs) } }),
      action,
      reportingComponent: this.#source,
      reportingInstance: this.#instance,
    }
  }
}

/** What makes two events one series. A changed object is another, as in the reference. */
function keyOf({ kind, object: { metadata }, related, action, reason, message, type }: SeriesInput): string {
  const about = [kind.kind, metadata.namespace, metadata.name, metadata.uid, metadata.resourceVersion]
  return [...about, related?.metadata.uid, type, action, reason, message].join('\n')
}

const referenceTo = (kind: Kind, { metadata }: ApiObject) => ({
  kind: kind.kind,
  namespace: metadata.namespace,
  name: metadata.name,
  uid: metadata.uid,
  apiVersion: apiVersionOf(kind),
  resourceVersion: metadata.resourceVersion,
})

const cut = ' ...'
const shortened = (note: string) => (note.length <= noteAtMost ? note : note.slice(0, noteAtMost - cut.length) + cut)

const microTime = (ms: number) => `${new Date(ms).toISOString().slice(0, -1)}000Z`
