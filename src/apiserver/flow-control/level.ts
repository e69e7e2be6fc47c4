import { LinkedList, Member } from '../../base/linked-list.ts'
import type { PriorityLevelConfigurationSpec } from '../../kinds/flowcontrol/priority-level-configuration.ts'
import type { Clock } from '../../world/world.ts'
import type { UserInfo } from '../context.ts'
import type { ApiRequest, ApiResponse } from '../request.ts'
import type { RequestInfo } from '../request-info.ts'
import { timeoutOf } from '../timeout.ts'
import type { Place } from './admission.ts'
import type { Flow } from './flow.ts'
import type { RefusalReason } from './flow-metrics.ts'
import { RetryAfter } from './retry-after.ts'
import { SeatDemand } from './seat-demand.ts'
import type { Limits } from './share-out.ts'
import { TooBusyError } from './too-busy.ts'
import type { Work } from './work.ts'

/** A request as its level sees it. */
export interface Entrant {
  readonly flow: Flow
  /** Who or where it is of, within its flow schema. */
  readonly distinguisher: string
  readonly work: Work
  readonly info: RequestInfo
  readonly user: UserInfo
  /** Its signal says when nobody waits for the answer any more. */
  readonly request: Pick<ApiRequest, 'signal'>
}

/** What a request is thought to take when it begins, in seconds (KEP-1040). When it ends, what it took counts. */
const guessedSeconds = 0.003

/**
 * Requests of one flow, or of several that share the queue. Its virtual time says how much it has been served: the
 * queue whose next request would be done first in it is the one that comes next (fair queuing, as in KEP-1040).
 */
class Queue {
  readonly index: number
  readonly waiting: Waiting[] = []
  /** Seat-seconds that its waiting requests are thought to take. */
  waitingWork = 0
  executing = 0
  seats = 0
  /** At which virtual time its next request begins. */
  nextStart = 0

  constructor(index: number) {
    this.index = index
  }

  get isActive(): boolean {
    return this.waiting.length > 0 || this.executing > 0
  }

  /** Nothing begins, in virtual time, before it came. */
  bound(): void {
    const first = this.waiting[0]
    if (first !== undefined && this.nextStart < first.arrival) this.nextStart = first.arrival
  }
}

interface Waiting {
  readonly entrant: Entrant
  readonly queue: Queue
  /** In virtual time, and by the clock. */
  readonly arrival: number
  readonly since: number
  readonly go: (ticket: Ticket) => void
  readonly stopCaring: () => void
}

/** The longest that a request waits: a quarter of what requests may take. */
const mostPatienceMs = 15_000
/** A quarter of the time that the request has. */
const patienceOf = (info: RequestInfo) => Math.min(mostPatienceMs, (timeoutOf(info) ?? Number.POSITIVE_INFINITY) / 4)

const widthOf = ({ seats, seatsAfter }: Work) => Math.max(seats, seatsAfter)
const workOf = ({ seats, seatsAfter, afterMs }: Work) => seats * guessedSeconds + (seatsAfter * afterMs) / 1000

/** One priority level: who has its seats, and who waits for them. */
export class Level {
  readonly name: string
  readonly demand: SeatDemand
  readonly retryAfter = new RetryAfter()
  uid = ''
  limits: Limits = { nominal: 0, min: 0, max: 0 }
  isExempt = false
  /** Queues among which new requests are dealt; 0: whoever finds no seat is turned away. */
  queues = 0
  handSize = 0
  #queueLength = 0
  readonly #clock: Clock
  readonly #all: Queue[] = []
  readonly #tickets = new LinkedList<Ticket>()
  readonly #ended = (ticket: Ticket) => this.#end(ticket)
  #limit = 0
  #inUse = 0
  #waiting = 0
  #waitingSeats = 0
  #activeQueues = 0
  /** How much each queue could have been served that always had something waiting, in seat-seconds. */
  #virtualTime = 0
  #asOf: number
  #dealt = 0
  #robin = 0

  constructor(name: string, clock: Clock) {
    this.name = name
    this.#clock = clock
    this.#asOf = clock.monotonic()
    this.demand = new SeatDemand(this.#asOf)
  }

  /** Seats at present, with what is lent and borrowed. */
  get limit(): number {
    return this.#limit
  }

  get seatsInUse(): number {
    return this.#inUse
  }

  get waiting(): number {
    return this.#waiting
  }

  get isIdle(): boolean {
    return this.#inUse === 0 && this.#waiting === 0
  }

  /** The most seats that one request may take; 0: as many as requests take at most. */
  get mostSeats(): number {
    if (this.queues === 0) return 0
    const { nominal } = this.limits
    return Math.max(1, Math.min(Math.ceil(nominal * 0.15), Math.floor(nominal / this.handSize)))
  }

  /** Takes over what is wished of it. Who waits goes on waiting. */
  configure({ type, limited }: PriorityLevelConfigurationSpec, uid: string, limits: Limits): void {
    const queuing = limited?.limitResponse.type === 'Queue' ? limited.limitResponse.queuing : undefined
    this.uid = uid
    this.limits = limits
    this.isExempt = type === 'Exempt'
    this.queues = queuing?.queues ?? 0
    this.handSize = queuing?.handSize ?? 0
    this.#queueLength = queuing?.queueLengthLimit ?? 0
    while (this.#all.length < this.queues) this.#all.push(new Queue(this.#all.length))
    while (this.#all.length > this.queues && !this.#all.at(-1)!.isActive) this.#all.pop()
  }

  setLimit(seats: number): void {
    this.#advance()
    this.#limit = seats
    this.#dispatch()
  }

  /**
   * Gives a seat, at once or when the request's turn has come. Throws a `TooBusyError`, or rejects with one, when there
   * is none for it.
   */
  enter(entrant: Entrant): Ticket | Promise<Ticket> {
    const { series } = entrant.flow
    const width = widthOf(entrant.work)
    series.estimated.observe(width)
    this.#advance()
    if (this.queues === 0) {
      if (!this.#fits(width)) throw this.#refusal(entrant, 'concurrency-limit', 0)
      return this.#begin(entrant, undefined, 0)
    }
    const queue = this.#choose(entrant)
    if (this.#waiting === 0 && this.#inUse < this.#limit && this.#fits(width)) {
      if (!queue.isActive) queue.nextStart = this.#virtualTime
      return this.#begin(entrant, queue, 0)
    }
    if (this.#inUse >= this.#limit && queue.waiting.length >= this.#queueLength) {
      throw this.#refusal(entrant, 'queue-full', 0)
    }
    return this.#wait(entrant, queue)
  }

  /** What has a seat, and what waits, queue by queue. */
  inspect(): {
    readonly executing: readonly Entrant[]
    readonly queues: readonly {
      readonly index: number
      readonly executing: number
      readonly seats: number
      readonly nextStart: number
      readonly waiting: readonly { readonly entrant: Entrant; readonly sinceMs: number }[]
    }[]
  } {
    this.#advance()
    return {
      executing: this.#tickets.toArray().map(({ entrant }) => entrant),
      queues: this.#all.map(({ index, executing, seats, nextStart, waiting }) => ({
        index,
        executing,
        seats,
        nextStart,
        waiting: waiting.map(({ entrant, since }) => ({ entrant, sinceMs: this.#asOf - since })),
      })),
    }
  }

  /** Of the flow's hand the queue with the least work in it; with the same, each in turn. */
  #choose({ flow, distinguisher }: Entrant): Queue {
    const hand = flow.hand(distinguisher)
    const offset = this.#dealt++ % hand.length
    let best = this.#all[hand[offset]!]!
    if (this.#waiting === 0) return best
    for (let at = 1; at < hand.length; at++) {
      const queue = this.#all[hand[(offset + at) % hand.length]!]!
      if (queue.waitingWork < best.waitingWork) best = queue
    }
    return best
  }

  #fits(width: number): boolean {
    if (this.isExempt || this.#inUse + width <= this.#limit) return true
    // What needs more seats than there are gets all of them.
    return width > this.#limit && this.#inUse === 0
  }

  #wait(entrant: Entrant, queue: Queue): Promise<Ticket> {
    const { promise, resolve, reject } = Promise.withResolvers<Ticket>()
    const since = this.#asOf
    const leave = (reason: RefusalReason) => {
      this.#leaveQueue(waiting)
      const waitedMs = this.#clock.monotonic() - since
      reject(this.#refusal(entrant, reason, waitedMs))
      this.#advance()
      this.#dispatch()
    }
    const { signal } = entrant.request
    const onGone = () => leave('cancelled')
    const cancel = this.#clock.timer(patienceOf(entrant.info), () => leave('time-out'))
    const waiting: Waiting = {
      entrant,
      queue,
      arrival: this.#virtualTime,
      since,
      go: resolve,
      stopCaring() {
        cancel()
        signal.removeEventListener('abort', onGone)
      },
    }
    this.#enqueue(waiting)
    if (signal.aborted) leave('cancelled')
    else signal.addEventListener('abort', onGone, { once: true })
    this.#dispatch()
    return promise
  }

  #enqueue(waiting: Waiting): void {
    const { queue, entrant } = waiting
    const { series } = entrant.flow
    const width = widthOf(entrant.work)
    if (!queue.isActive) {
      this.#activeQueues++
      queue.nextStart = this.#virtualTime
    }
    queue.waiting.push(waiting)
    queue.waitingWork += workOf(entrant.work)
    queue.bound()
    this.#waiting++
    this.#waitingSeats += width
    this.demand.set(this.#inUse + this.#waitingSeats, this.#asOf)
    series.waiting.value++
    series.waitingSeats.value += width
    series.queueLength.observe(queue.waiting.length)
  }

  #leaveQueue(waiting: Waiting): void {
    const { queue, entrant } = waiting
    const { series } = entrant.flow
    const width = widthOf(entrant.work)
    this.#advance()
    waiting.stopCaring()
    queue.waiting.splice(queue.waiting.indexOf(waiting), 1)
    queue.waitingWork = queue.waiting.length === 0 ? 0 : queue.waitingWork - workOf(entrant.work)
    if (!queue.isActive) this.#activeQueues--
    this.#waiting--
    this.#waitingSeats -= width
    this.demand.set(this.#inUse + this.#waitingSeats, this.#asOf)
    series.waiting.value--
    series.waitingSeats.value -= width
  }

  /** Lets as many go on as there are seats for. */
  #dispatch(): void {
    while (this.#waiting > 0 && (this.isExempt || this.#inUse < this.#limit)) {
      const queue = this.#next()
      const first = queue.waiting[0]!
      const { entrant } = first
      if (!this.#fits(widthOf(entrant.work))) {
        entrant.flow.series.notYet.value++
        return
      }
      this.#leaveQueue(first)
      first.go(this.#begin(entrant, queue, this.#asOf - first.since))
      queue.bound()
    }
  }

  /** The queue whose first request would be done first; of several such, each in turn. */
  #next(): Queue {
    let best: Queue | undefined
    let bestEnd = Number.POSITIVE_INFINITY
    const queues = this.#all.length
    for (let step = 1; step <= queues; step++) {
      const queue = this.#all[(this.#robin + step) % queues]!
      if (queue.waiting.length === 0) continue
      const end = queue.nextStart + workOf(queue.waiting[0]!.entrant.work)
      if (end < bestEnd) {
        best = queue
        bestEnd = end
      }
    }
    this.#robin = best!.index
    return best!
  }

  #begin(entrant: Entrant, queue: Queue | undefined, waitedMs: number): Ticket {
    const { series } = entrant.flow
    const width = widthOf(entrant.work)
    if (queue !== undefined) {
      if (!queue.isActive) this.#activeQueues++
      queue.executing++
      queue.seats += width
      queue.nextStart += workOf(entrant.work)
    }
    this.#inUse += width
    this.demand.set(this.#inUse + this.#waitingSeats, this.#asOf)
    series.dispatched.value++
    series.executing.value++
    series.seats.value += width
    series.waited.observe(waitedMs / 1000)
    const ticket = new Ticket(entrant, queue, this.#asOf, this.#ended)
    this.#tickets.push(ticket)
    return ticket
  }

  /** The answer is out. Where watches have to be told of it, some seats are kept for a while. */
  #end(ticket: Ticket): void {
    const { queue } = ticket
    const { seats, seatsAfter, afterMs } = ticket.entrant.work
    const { series } = ticket.entrant.flow
    this.#advance()
    const tookMs = this.#asOf - ticket.since
    series.executed.observe(tookMs / 1000)
    if (queue !== undefined) {
      queue.nextStart -= seats * (guessedSeconds - tookMs / 1000)
      queue.bound()
    }
    if (seatsAfter === 0) return this.#release(ticket, seats, true)
    const width = Math.max(seats, seatsAfter)
    this.#release(ticket, width - seatsAfter, false)
    this.#clock.timer(afterMs, () => {
      this.#advance()
      this.#release(ticket, seatsAfter, true)
    })
  }

  #release(ticket: Ticket, seats: number, isLast: boolean): void {
    const { queue } = ticket
    const { series } = ticket.entrant.flow
    if (isLast) {
      ticket.unlink()
      series.executing.value--
    }
    if (queue !== undefined) {
      queue.seats -= seats
      if (isLast) {
        queue.executing--
        if (!queue.isActive) this.#activeQueues--
      }
    }
    this.#inUse -= seats
    this.demand.set(this.#inUse + this.#waitingSeats, this.#asOf)
    series.seats.value -= seats
    this.#dispatch()
  }

  #refusal({ flow }: Entrant, reason: RefusalReason, waitedMs: number): TooBusyError {
    flow.series.refused(reason).value++
    flow.series.waitedInVain.observe(waitedMs / 1000)
    this.retryAfter.count(this.#clock.now())
    return new TooBusyError(flow, this.retryAfter.seconds)
  }

  /** Virtual time goes as fast as the level works, divided among the queues that want something of it. */
  #advance(): void {
    const now = this.#clock.monotonic()
    if (this.#activeQueues > 0) {
      const rate = Math.min(this.#inUse + this.#waitingSeats, this.#limit) / this.#activeQueues
      this.#virtualTime += ((now - this.#asOf) / 1000) * rate
    }
    this.#asOf = now
  }
}

/** A seat, or several, from the moment in which a request has them. */
export class Ticket extends Member implements Place {
  readonly entrant: Entrant
  /** In which it waited, or would have. */
  readonly queue: Queue | undefined
  readonly since: number
  /** Set for watches. */
  ended: (() => void) | undefined
  #end: ((ticket: Ticket) => void) | undefined

  constructor(entrant: Entrant, queue: Queue | undefined, since: number, end: (ticket: Ticket) => void) {
    super()
    this.entrant = entrant
    this.queue = queue
    this.since = since
    this.#end = end
  }

  get isForBeginning(): boolean {
    return this.ended !== undefined
  }

  get isScarce(): boolean {
    return !this.entrant.flow.level.isExempt
  }

  marked(response: ApiResponse): ApiResponse {
    return this.entrant.flow.marked(response)
  }

  leave(): void {
    const end = this.#end
    this.#end = undefined
    end?.(this)
  }
}
