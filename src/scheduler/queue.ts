import { Heap } from '../base/heap.ts'
import type { Pod } from '../kinds/core/pod.ts'
import type { Clock } from '../world/world.ts'
import type { ClusterEvent, Plugin } from './plugin.ts'

/**
 * Pods that wait for a node. A pod is *active* (its turn comes by priority, then by age), *taken* (somebody is finding
 * it a node), in *back-off* (it failed and is tried again when its time has come), or *unschedulable* (nothing that
 * happened since could have helped it). Events move pods from unschedulable to active, by way of back-off when it is
 * too early.
 */
export class SchedulingQueue {
  readonly #clock: Clock
  readonly #onActive: () => void
  readonly #waiting = new Map<string, Waiting>()
  readonly #active = new Heap<Ticket>(goesFirst)
  readonly #unschedulable = new Set<Waiting>()
  readonly #counts: Record<Waiting['place'], number> = { active: 0, taken: 0, backoff: 0, unschedulable: 0 }
  #arrivals = 0

  /** `onActive` is called when there is something to take. */
  constructor(clock: Clock, onActive: () => void) {
    this.#clock = clock
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
      const changed = known.place === 'unschedulable' && asks(known.pod) !== asks(pod)
      known.pod = pod
      if (changed) this.#retry(known)
      return
    }
    const waiting: Waiting = {
      pod,
      arrival: this.#arrivals++,
      place: 'active',
      failures: 0,
      failedAt: 0,
      refusedBy: undefined,
      ticket: undefined,
      cancel: undefined,
    }
    this.#waiting.set(uid, waiting)
    this.#counts.active++
    this.#activate(waiting)
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
    waiting.refusedBy = by
    this.#unschedulable.add(waiting)
    // The reference looks again after five minutes in case an event was missed.
    waiting.cancel = this.#clock.timer(leftoverMs, () => this.#activate(waiting))
  }

  /** It had a node, but the API server would not have it: tried again after its back-off. */
  failed(uid: string): void {
    const waiting = this.#failed(uid)
    if (waiting) this.#retry(waiting)
  }

  /** Something happened: pods that it may help are tried again. */
  happened(event: ClusterEvent): void {
    for (const waiting of [...this.#unschedulable]) {
      for (const plugin of waiting.refusedBy ?? []) {
        if (!plugin.wakes(event, waiting.pod)) continue
        this.#retry(waiting)
        break
      }
    }
  }

  /** Forgets everything, timers included. */
  close(): void {
    for (const uid of [...this.#waiting.keys()]) this.remove(uid)
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
    const delayMs = waiting.failedAt + backOffMs(waiting.failures) - this.#clock.monotonic()
    if (delayMs <= 0) return this.#activate(waiting)
    this.#move(waiting, 'backoff')
    waiting.cancel = this.#clock.timer(delayMs, () => this.#activate(waiting))
  }

  #activate(waiting: Waiting): void {
    this.#move(waiting, 'active')
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
    this.#unschedulable.delete(waiting)
  }
}

interface Waiting {
  pod: Pod
  /** A running number: who came first goes first. */
  readonly arrival: number
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

/** What plugins look at; a pod's status says nothing about where it fits. */
const asks = ({ spec, metadata }: Pod) => JSON.stringify([spec, metadata.labels])

const leftoverMs = 5 * 60_000
const longestBackOffMs = 10_000

/** One second after the first failure, doubled with each further one up to ten. */
const backOffMs = (failures: number) => Math.min(longestBackOffMs, 1000 * 2 ** (failures - 1))
