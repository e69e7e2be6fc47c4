import { Pod } from '../kinds/core/pod.ts'
import type { EventType } from '../reconciler/changes.ts'
import type { EventRecorder } from '../reconciler/events.ts'
import type { Clock } from '../world/world.ts'
import type { ContainerLife } from './pod-status.ts'
import type { PodEvents } from './pod-worker.ts'

/** The reference's kubelet writes 50 events a second and drops the rest. */
const perSecond = 50
const burst = 300

/** May something happen once more, at a rate of 50 a second with some to spare? */
export class EventBudget {
  readonly #clock: Clock
  #left = burst
  #since: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#since = clock.monotonic()
  }

  take(): boolean {
    const now = this.#clock.monotonic()
    this.#left = Math.min(burst, this.#left + ((now - this.#since) * perSecond) / 1000)
    this.#since = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}

/**
 * Events of one node's pods. All simulated nodes share one budget: when a thousand pods start at once, most of what
 * would be said of each is left out, as nobody could read it and each would cost as much as the pod. Warnings stay.
 */
export function podEvents(recorder: EventRecorder, budget: EventBudget, nodeName: string): PodEvents {
  return {
    record(
      pod: Pod,
      type: EventType,
      reason: string,
      message: string,
      container?: Pick<ContainerLife, 'role' | 'container'>,
    ): void {
      if (type === 'Normal' && !budget.take()) return
      const list = container?.role === 'main' ? 'containers' : 'initContainers'
      recorder.record({
        kind: Pod,
        object: pod,
        type,
        reason,
        message,
        host: nodeName,
        ...(container && { fieldPath: `spec.${list}{${container.container.name}}` }),
      })
    },
  }
}
