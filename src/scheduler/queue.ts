import { Heap } from '../base/heap.ts'
import type { Pod } from '../kinds/core/pod.ts'
import type { Clock } from '../world/world.ts'
import type { ClusterEvent, Plugin } from './plugin.ts'

/**
 * Pods that wait for a node. A pod is *active* (its turn comes by priority, then by age), in *back-off* (it failed and
 * is tried again when its time has come), or *unschedulable* (nothing that happened since could have helped it).
 * Events move pods from unschedulable to active, by way of back-off when it is too early.
 */
export class SchedulingQueue {
  readonly #clock: Clock
  readonly #onActive: () => void
  readonly #waiting = new Map<string, Waiting>()
  readonly #active = new Heap<Ticket>(goesFirst)
  readonly #unschedulable = new Set<Waiting>()

  /** `onActive` is called when there is something to take. */
  constructor(clock: Clock, onActive: () => void) {
    this.#clock = clock
    this.#onActive = onActive
  }

  /** A new pod, or a new version of one that waits. A change of what it asks for gives it another try. */
  put(pod: Pod): void {
    const uid = pod.metadata.uid!
    const known = this.#waiting.get(uid)
    if (!known) {
      const waiting: Waiting = {
        pod,
        since: this.#clock.monotonic(),
        failures: 0,
        refusedBy: undefined,
        ticket: undefined,
        cancel: undefined,
      }
      this.#waiting.set(uid, waiting)
      return this.#activate(waiting)
    }
    const changed =
      JSON.stringify(known.pod.spec) !== JSON.stringify(pod.spec) || known.pod.metadata.labels !== pod.metadata.labels
    known.pod = pod
    if (changed && this.#unschedulable.has(known)) this.#retry(known)
  }

  remove(uid: string): void {
    const waiting = this.#waiting.get(uid)
    if (!waiting) return
    this.#waiting.delete(uid)
    this.#unschedulable.delete(waiting)
    waiting.ticket = undefined
    waiting.cancel?.()
  }

  /** The next pod to schedule; it stays the queue's until `done` or `failed` is called. */
  take(): Pod | undefined {
    for (let ticket = this.#active.pop(); ticket; ticket = this.#active.pop()) {
      // Tickets of pods that were removed or put again meanwhile no longer count.
      if (ticket.waiting.ticket !== ticket) continue
      ticket.waiting.ticket = undefined
      return ticket.waiting.pod
    }
    return undefined
  }

  /** The pod has a node. */
  done(uid: string): void {
    this.remove(uid)
  }

  /** No node would have it: it waits for something that one of these plugins cares about. */
  refused(uid: string, by: ReadonlySet<Plugin>): void {
    const waiting = this.#waiting.get(uid)
    if (!waiting) return
    waiting.failures++
    waiting.refusedBy = by
    this.#unschedulable.add(waiting)
    // The reference looks again after five minutes in case an event was missed.
    waiting.cancel = this.#clock.timer(leftoverMs, () => this.#activate(waiting))
  }

  /** It had a node, but the API server would not have it: tried again after its back-off. */
  failed(uid: string): void {
    const waiting = this.#waiting.get(uid)
    if (!waiting) return
    waiting.failures++
    this.#backOff(waiting)
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

  get counts(): { readonly active: number; readonly backoff: number; readonly unschedulable: number } {
    let active = 0
    for (const waiting of this.#waiting.values()) if (waiting.ticket) active++
    return {
      active,
      backoff: this.#waiting.size - active - this.#unschedulable.size,
      unschedulable: this.#unschedulable.size,
    }
  }

  #retry(waiting: Waiting): void {
    this.#unschedulable.delete(waiting)
    waiting.cancel?.()
    this.#backOff(waiting)
  }

  #backOff(waiting: Waiting): void {
    waiting.cancel = this.#clock.timer(backOffMs(waiting.failures), () => this.#activate(waiting))
  }

  #activate(waiting: Waiting): void {
    waiting.cancel?.()
    waiting.cancel = undefined
    this.#unschedulable.delete(waiting)
    waiting.ticket = { waiting, priority: waiting.pod.spec.priority ?? 0, since: waiting.since }
    this.#active.push(waiting.ticket)
    this.#onActive()
  }
}

interface Waiting {
  pod: Pod
  readonly since: number
  failures: number
  refusedBy: ReadonlySet<Plugin> | undefined
  /** Its place among the active; absent while it is not. */
  ticket: Ticket | undefined
  cancel: (() => void) | undefined
}

interface Ticket {
  readonly waiting: Waiting
  readonly priority: number
  readonly since: number
}

const goesFirst = (a: Ticket, b: Ticket) => a.priority > b.priority || (a.priority === b.priority && a.since < b.since)

const leftoverMs = 5 * 60_000
const longestBackOffMs = 10_000

/** One second after the first failure, doubled with each further one up to ten. */
const backOffMs = (failures: number) => Math.min(longestBackOffMs, 1000 * 2 ** (failures - 1))
