import type { Metrics } from '../../base/metrics.ts'
import { FlowSchema } from '../../kinds/flowcontrol/flow-schema.ts'
import {
  PriorityLevelConfiguration,
  type PriorityLevelConfigurationSpec,
} from '../../kinds/flowcontrol/priority-level-configuration.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import type { Clock, Log } from '../../world/world.ts'
import type { UserInfo } from '../context.ts'
import { follow } from '../follow.ts'
import type { ApiRequest } from '../request.ts'
import type { RequestInfo } from '../request-info.ts'
import type { Resource } from '../resource.ts'
import { lastsLong } from '../timeout.ts'
import type { FlowAdmission, Place } from './admission.ts'
import { bootstrapFlows, bootstrapLevels } from './bootstrap-flows.ts'
import { inOrder } from './classify.ts'
import { Flow } from './flow.ts'
import { FlowMetrics } from './flow-metrics.ts'
import { type Entrant, Level, type Ticket } from './level.ts'
import { nominalLimits, shareOut } from './share-out.ts'
import { WatchCounts } from './watch-counts.ts'
import { estimate, type ObjectSizes } from './work.ts'

/** How often seats are lent and given back, while there are requests. */
const periodMs = 10_000

export interface FlowControlParts {
  readonly clock: Clock
  readonly metrics: Metrics
  /** How many seats there are for all requests together. */
  readonly seats: number
  readonly sizes: ObjectSizes
}

/**
 * API priority and fairness (KEP-1040): sorts every request by the flow schemas, and gives it a seat of the priority
 * level that its schema names, so that nobody who asks too much keeps the others from being answered.
 */
export class FlowControl implements FlowAdmission {
  readonly #clock: Clock
  readonly #metrics: FlowMetrics
  readonly #seats: number
  readonly #sizes: ObjectSizes
  readonly #watches = new WatchCounts()
  readonly #schemas = new Map<string, FlowSchema>()
  readonly #specs = new Map<string, PriorityLevelConfiguration>()
  #levels = new Map<string, Level>()
  #flows: readonly Flow[] = []
  /** The objects have changed since levels and flows were made of them. */
  #isStale = true
  /** Seats to share out: those of all levels, whose parts have been made whole. */
  #sum = 0
  #hasTimer = false
  #wasAsked = false
  #periodBegan: number

  constructor({ clock, metrics, seats, sizes }: FlowControlParts) {
    this.#clock = clock
    this.#metrics = new FlowMetrics(metrics)
    this.#seats = seats
    this.#sizes = sizes
    this.#periodBegan = clock.monotonic()
    metrics.beforePrinting(() => this.#showLevels())
  }

  /** Keeps to the objects until the signal. Resolves when it knows those that are there. */
  async follow(
    resources: <T extends ApiObject>(kind: Kind<T>) => Resource<T>,
    log: Log,
    signal: AbortSignal,
  ): Promise<void> {
    await follow(resources(PriorityLevelConfiguration), signal, log, (level, isThere) => this.setLevel(level, isThere))
    await follow(resources(FlowSchema), signal, log, (schema, isThere) => this.setSchema(schema, isThere))
  }

  /** For those who hand the objects in. */
  setLevel(level: PriorityLevelConfiguration, isThere = true): void {
    this.#change(this.#specs, level, isThere)
  }

  setSchema(schema: FlowSchema, isThere = true): void {
    this.#change(this.#schemas, schema, isThere)
  }

  #change<T extends PriorityLevelConfiguration | FlowSchema>(
    objects: Map<string, T>,
    object: T,
    isThere: boolean,
  ): void {
    const { name, uid } = object.metadata
    const before = objects.get(name!)
    if (isThere) objects.set(name!, object)
    else objects.delete(name!)
    // Nothing follows from a status, and each schema gets one when the server starts.
    if (!isThere || before?.spec !== object.spec || before.metadata.uid !== uid) this.#isStale = true
  }

  /** Wall-clock time. */
  now(): number {
    return this.#clock.now()
  }

  get levels(): readonly Level[] {
    this.#refresh()
    return [...this.#levels.values()]
  }

  get flows(): readonly Flow[] {
    this.#refresh()
    return this.#flows
  }

  admit(request: ApiRequest, info: RequestInfo, user: UserInfo): Place | Promise<Place> | undefined {
    const isWatch = info.verb === 'watch'
    if (!isWatch && lastsLong(info)) return undefined
    this.#refresh()
    this.#awake()
    const flow = this.classify(info, user)
    const { level } = flow
    const work = estimate(info, this.#sizes, this.#watches, level.mostSeats)
    const entrant: Entrant = { flow, distinguisher: flow.distinguish(info, user), work, info, user, request }
    const ticket = level.enter(entrant)
    if (!isWatch) return ticket
    const ended = this.#watches.add(info)
    if (ticket instanceof Promise) return counted(ticket, ended)
    ticket.ended = ended
    return ticket
  }

  /** The first schema that matches; the last one matches all. */
  classify(info: RequestInfo, user: UserInfo): Flow {
    this.#refresh()
    const flows = this.#flows
    for (const flow of flows) if (flow.matches(info, user)) return flow
    return flows.at(-1)!
  }

  #refresh(): void {
    if (!this.#isStale) return
    this.#isStale = false
    const levels = withMandatory(this.#specs, PriorityLevelConfiguration, bootstrapLevels)
    const specs = new Map([...levels].map(([name, { spec }]) => [name, spec]))
    this.#configureLevels(levels, specs)
    const schemas = withMandatory(this.#schemas, FlowSchema, bootstrapFlows)
    this.#flows = inOrder(schemas.values()).flatMap((schema) => {
      const level = this.#levels.get(schema.spec.priorityLevelConfiguration.name)
      return level ? [new Flow(schema, level, this.#metrics.of(level.name, schema.metadata.name!))] : []
    })
    this.#lend(0)
  }

  /** A level that is gone lets its requests finish, with the seats that it had. */
  #configureLevels(
    objects: ReadonlyMap<string, PriorityLevelConfiguration>,
    specs: ReadonlyMap<string, PriorityLevelConfigurationSpec>,
  ): void {
    const limits = nominalLimits(specs, this.#seats)
    const levels = new Map<string, Level>()
    this.#sum = 0
    for (const [name, { spec, metadata }] of objects) {
      const level = this.#levels.get(name) ?? new Level(name, this.#clock)
      level.configure(spec, metadata.uid ?? '', limits.get(name)!)
      levels.set(name, level)
      this.#sum += level.limits.nominal
    }
    this.#levels = levels
  }

  /** Begins to lend when the first request comes. When none has come for a while, it stops: nothing changes then. */
  #awake(): void {
    this.#wasAsked = true
    if (this.#hasTimer) return
    this.#hasTimer = true
    const idlePeriods = Math.floor((this.#clock.monotonic() - this.#periodBegan) / periodMs)
    if (idlePeriods > 0) this.#lend(idlePeriods)
    this.#clock.timer(periodMs, () => this.#adjust())
  }

  #adjust(): void {
    this.#lend(0)
    this.#hasTimer = this.#wasAsked || [...this.#levels.values()].some((level) => !level.isIdle)
    this.#wasAsked = false
    if (this.#hasTimer) this.#clock.timer(periodMs, () => this.#adjust())
  }

  /** Gives every level the seats that it should have by what it was asked for lately. */
  #lend(idlePeriods: number): void {
    const now = this.#clock.monotonic()
    this.#periodBegan = now
    const levels = [...this.#levels.values()]
    const claims = levels.map(({ demand, limits }) => {
      demand.endPeriod(now, idlePeriods)
      const min = Math.max(limits.min, Math.min(limits.nominal, demand.high))
      return { min, max: limits.max, target: Math.max(min, demand.smoothed) }
    })
    const shares = shareOut(this.#sum, claims)
    for (const [at, level] of levels.entries()) {
      this.#metrics.ofLevel(level.name).target.value = claims[at]!.target
      level.setLimit(shares[at]!)
    }
  }

  #showLevels(): void {
    for (const { name, limits, limit, demand } of this.levels) {
      const series = this.#metrics.ofLevel(name)
      series.nominal.value = limits.nominal
      series.min.value = limits.min
      series.max.value = limits.max
      series.current.value = limit
      series.high.value = demand.high
      series.smoothed.value = demand.smoothed
    }
  }
}

/** A watch counts while it waits for its seat, too. */
async function counted(waiting: Promise<Ticket>, ended: () => void): Promise<Ticket> {
  try {
    const ticket = await waiting
    ticket.ended = ended
    return ticket
  } catch (error) {
    ended()
    throw error
  }
}

/** What must be there: these two hold even where somebody has removed them. */
function withMandatory<T extends ApiObject & { readonly spec: unknown }>(
  objects: ReadonlyMap<string, T>,
  kind: Kind<T>,
  usual: Readonly<Record<string, unknown>>,
): ReadonlyMap<string, T> {
  const all = new Map(objects)
  for (const name of ['exempt', 'catch-all']) {
    if (!all.has(name)) all.set(name, { kind: kind.kind, metadata: { name }, spec: usual[name] } as unknown as T)
  }
  return all
}
