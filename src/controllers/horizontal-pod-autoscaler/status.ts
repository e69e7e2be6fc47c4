import { secondsTime } from '../../base/seconds-time.ts'
import {
  type HorizontalPodAutoscalerCondition as Condition,
  HorizontalPodAutoscaler,
  type HorizontalPodAutoscalerStatus as Status,
} from '../../kinds/autoscaling/horizontal-pod-autoscaler.ts'
import { type Change, setStatus } from '../../reconciler/changes.ts'
import { isEqual } from '../shared/equal.ts'

/** The status of an autoscaler while one look at it goes on. */
export class StatusDraft {
  readonly #autoscaler: HorizontalPodAutoscaler
  readonly #now: number
  #status: Status

  constructor(autoscaler: HorizontalPodAutoscaler, now: number) {
    this.#autoscaler = autoscaler
    this.#now = now
    this.#status = autoscaler.status
  }

  /** Says how one aspect stands; since when, only where that is another answer than before. */
  condition(type: string, holds: boolean, reason: string, message: string): void {
    const { conditions = [] } = this.#status
    const old = conditions.find((each) => each.type === type)
    const status = holds ? 'True' : 'False'
    const lastTransitionTime = old?.status === status ? old.lastTransitionTime : secondsTime(this.#now)
    const next: Condition = { type, status, lastTransitionTime, reason, message }
    this.#status = {
      ...this.#status,
      conditions: old ? conditions.map((each) => (each === old ? next : each)) : [...conditions, next],
    }
  }

  /** The numbers. `desired` absent: nothing could be calculated, so the old wish stands. */
  counts(current: number, desired: number | undefined, metrics: Status['currentMetrics'], rescaled: boolean): void {
    const { conditions, lastScaleTime, desiredReplicas } = this.#status
    const scaled = rescaled ? secondsTime(this.#now) : lastScaleTime
    this.#status = {
      ...(scaled !== undefined && { lastScaleTime: scaled }),
      currentReplicas: current,
      desiredReplicas: desired ?? desiredReplicas,
      currentMetrics: metrics,
      ...(conditions && { conditions }),
    }
  }

  /** The write, if there is something new to say. */
  change(): Change | undefined {
    if (isEqual(this.#status, this.#autoscaler.status)) return undefined
    return setStatus(HorizontalPodAutoscaler, this.#autoscaler, this.#status)
  }
}
