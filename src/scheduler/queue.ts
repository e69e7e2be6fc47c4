import { Heap } from '../base/heap.ts'
import type { Pod } from '../kinds/core/pod.ts'
import type { Clock } from '../world/world.ts'
import type { SchedulerMeter } from './meter.ts'
import type { ClusterEvent, ClusterView, Plugin } from './plugin.ts'

/**
 * Pods that wait for a node. A pod is *active* (its turn comes by priority, then by age), *taken* (somebody is finding
 * it a node), in *back-off* (it failed and is tried again when its time has come), or *unschedulable* (nothing that
 * happened since could have helped it). Events move pods from unschedulable to active, by way of back-off when it is
 * too early.
 */
export class SchedulingQueue {
  readonly #clock: Clock
  readonly #cluster: ClusterView
  readonly #backOff: BackOffLimits
  readonly #onActive: () => void
  readonly #meter: Pick<SchedulerMeter, 'came'> | undefined
  readonly #waiting = new Map<string, Waiting>()
  readonly #active = new Heap<Ticket>(goesFirst)
  /** Unschedulable pods by each plugin that refused them, so that an event is told to those alone who may care. */
  readonly #refusedBy = new Map<Plugin, Set<Waiting>>()
  readonly #counts: Record<Waiting['place'], number> = { active: 0, taken: 0, backoff: 0, unschedulable: 0 }
  #arrivals = 0

  /** `onActive` is called when there is something to take. */
  constructor(
    clock: Clock,
    cluster: ClusterView,
    onActive: () => void,
    backOff: BackOffLimits = usualBackOff,
    meter?: Pick<SchedulerMeter, 'came'>,
  ) {
    this.#clock = clock
    this.#meter = meter
    this.#backOff = backOff
    this.#cluster = cluster
    this.#onActive = onActive
  }

  /** How many pods are in each place. */
  get counts(): Readonly<Record<Waiting['place'], number>> {
    return this.#counts
  }

  /** A new pod, or a new version of one that waits. A change of what it asks for gives it another try. */
  put(pod: Pod): void {
    const uid = pod.metadata.uid!
    const known = this.#waiting.get(uid)
    if (known) {
      const changed = known.place === 'unschedulable' && asksOtherwise(pod, known.pod)
      known.pod = pod
      if (changed) this.#retry(known)
      return
    }
    const waiting: Waiting = {
      pod,
      arrival: this.#arrivals++,
      cameAt: this.#clock.monotonic(),
      place: 'active',
      failures: 0,
      failedAt: 0,
      refusedBy: undefined,
      ticket: undefined,
      cancel: undefined,
    }
    this.#waiting.set(uid, waiting)
    this.#counts.active++
    this.#activate(waiting, 'PodAdd')
  }

  /** The pod has a node, is gone, or is not ours any more. */
  remove(uid: string): void {
    const waiting = this.#waiting.get(uid)
    if (!waiting) return
    this.#leave(waiting)
    this.#counts[waiting.place]--
    this.#waiting.delete(uid)
  }

  /** The next pod to schedule; it stays the queue's until `remove`, `refused` or `failed` is called. */
  take(): Pod | undefined {
    for (let ticket = this.#active.pop(); ticket; ticket = this.#active.pop()) {
      // Tickets of pods that were removed or put again meanwhile no longer count.
      if (ticket.waiting.ticket !== ticket) continue
      this.#move(ticket.waiting, 'taken')
      return ticket.waiting.pod
    }
    return undefined
  }

  /** No node would have it: it waits for something that one of these plugins cares about. */
  refused(uid: string, by: ReadonlySet<Plugin>): void {
    const waiting = this.#failed(uid)
    if (!waiting) return
    this.#move(waiting, 'unschedulable')
    this.#meter?.came('ScheduleAttemptFailure', 'unschedulable')
    waiting.refusedBy = by
    for (const plugin of by) {
      const refused = this.#refusedBy.get(plugin) ?? new Set<Waiting>()
      this.#refusedBy.set(plugin, refused.add(waiting))
    }
    // The reference looks again after five minutes in case an event was missed.
    waiting.cancel = this.#clock.timer(leftoverMs, () => this.#activate(waiting))
  }

  /** It had a node, but the API server would not have it: tried again after its back-off. */
  failed(uid: string): void {
    const waiting = this.#failed(uid)
    if (waiting) this.#retry(waiting)
  }

  /** What the pod waited for will not come: it is tried again. */
  retry(uid: string): void {
    const waiting = this.#waiting.get(uid)
    if (waiting?.place === 'unschedulable') this.#retry(waiting)
  }

  /**
   * Something happened: pods that it may help are tried again. `answer` says of pods for which others leave a node what
   * room means for them: nothing yet, or that they can go at once, without their back-off.
   */
  happened(event: ClusterEvent, answer?: (uid: string) => 'not yet' | 'at once' | undefined): void {
    for (const [plugin, refused] of this.#refusedBy) {
      if (!plugin.listens.includes(event.type)) continue
      for (const waiting of [...refused]) {
        const meaning = answer?.(waiting.pod.metadata.uid!)
        if (meaning === 'not yet' || !plugin.wakes(event, waiting.pod, this.#cluster)) continue
        if (meaning === 'at once') this.#activate(waiting)
        else this.#retry(waiting)
      }
    }
  }

  /** Forgets everything, timers included. */
  close(): void {
    for (const uid of [...this.#waiting.keys()]) this.remove(uid)
  }

  /** Whether the pod waits here, in whichever place. */
  has(uid: string): boolean {
    return this.#waiting.has(uid)
  }

  /** How often it was tried to place the pod, and for how long it has waited; nothing when it does not. */
  waitOf(uid: string): { readonly attempts: number; readonly seconds: number } | undefined {
    const waiting = this.#waiting.get(uid)
    if (!waiting) return undefined
    return { attempts: waiting.failures + 1, seconds: (this.#clock.monotonic() - waiting.cameAt) / 1000 }
  }

  /** Pods that wait for something to happen, by the plugins that refused them. */
  *refusals(): Iterable<{ readonly pod: Pod; readonly plugin: Plugin }> {
    for (const [plugin, refused] of this.#refusedBy) for (const { pod } of refused) yield { pod, plugin }
  }

  /** Whether somebody is finding it a node. */
  isTaken(uid: string): boolean {
    return this.#waiting.get(uid)?.place === 'taken'
  }

  #failed(uid: string): Waiting | undefined {
    const waiting = this.#waiting.get(uid)
    if (!waiting) return undefined
    waiting.failures++
    waiting.failedAt = this.#clock.monotonic()
    return waiting
  }

  /** The back-off counts from the failure: who has waited long enough for other reasons goes at once. */
  #retry(waiting: Waiting): void {
    const { initialMs, longestMs } = this.#backOff
    const backOffMs = Math.min(longestMs, initialMs * 2 ** (waiting.failures - 1))
    const delayMs = waiting.failedAt + backOffMs - this.#clock.monotonic()
    if (delayMs <= 0) return this.#activate(waiting)
    this.#move(waiting, 'backoff')
    this.#meter?.came('ScheduleAttemptFailure', 'backoff')
    waiting.cancel = this.#clock.timer(delayMs, () => this.#activate(waiting))
  }

  #activate(waiting: Waiting, event = 'BackoffComplete'): void {
    this.#move(waiting, 'active')
    this.#meter?.came(event, 'active')
    waiting.ticket = { waiting, priority: waiting.pod.spec.priority ?? 0 }
    this.#active.push(waiting.ticket)
    this.#onActive()
  }

  #move(waiting: Waiting, place: Waiting['place']): void {
    this.#leave(waiting)
    this.#counts[waiting.place]--
    this.#counts[place]++
    waiting.place = place
  }

  #leave(waiting: Waiting): void {
    waiting.cancel?.()
    waiting.cancel = undefined
    waiting.ticket = undefined
    for (const plugin of waiting.refusedBy ?? []) {
      const refused = this.#refusedBy.get(plugin)!
      refused.delete(waiting)
      if (refused.size === 0) this.#refusedBy.delete(plugin)
    }
    waiting.refusedBy = undefined
  }
}

interface Waiting {
  pod: Pod
  /** A running number: who came first goes first. */
  readonly arrival: number
  /** When it could have been placed for the first time. */
  readonly cameAt: number
  place: 'active' | 'taken' | 'backoff' | 'unschedulable'
  failures: number
  failedAt: number
  refusedBy: ReadonlySet<Plugin> | undefined
  /** Its place among the active; absent while it is not. */
  ticket: Ticket | undefined
  cancel: (() => void) | undefined
}

interface Ticket {
  readonly waiting: Waiting
  readonly priority: number
}

const goesFirst = (a: Ticket, b: Ticket) =>
  a.priority > b.priority || (a.priority === b.priority && a.waiting.arrival < b.waiting.arrival)

/** Whether what plugins look at is different; a pod's status says nothing about where it fits. */
function asksOtherwise({ spec, metadata }: Pod, before: Pod): boolean {
  if (spec === before.spec && metadata.labels === before.metadata.labels) return false
  return JSON.stringify([spec, metadata.labels]) !== JSON.stringify([before.spec, before.metadata.labels])
}

const leftoverMs = 5 * 60_000

/** How long pods wait after a failure. */
export interface BackOffLimits {
  readonly initialMs: number
  readonly longestMs: number
}

/** One second after the first failure, doubled with each further one up to ten. */
export const usualBackOff: BackOffLimits = { initialMs: 1000, longestMs: 10_000 }
