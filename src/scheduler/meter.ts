import type { Clock } from '../world/world.ts'

/** Told what a scheduler does, for whoever counts it. */
export interface SchedulerMeter {
  /** One look for a place. */
  attempted(profile: string, result: 'scheduled' | 'unschedulable' | 'error', seconds: number): void
  /** One step of it, by the reference's name. */
  passed(point: ExtensionPoint, profile: string, status: StepStatus, seconds: number): void
  /** A pod has its place: after how many looks, and how long after it could have had one. */
  placed(attempts: number, waitedSeconds: number): void
  /** A pod came to where it waits; `event` says why, in the reference's words. */
  came(event: string, queue: 'active' | 'backoff' | 'unschedulable'): void
  /** Pods were told to go, so that another one fits. */
  preempted(victims: number): void
}

/** The steps on a pod's way to its node that plugins take part in. */
export type ExtensionPoint = 'PreFilter' | 'Filter' | 'PostFilter' | 'Score' | 'Reserve' | 'PreBind' | 'Bind'
export type StepStatus = 'Success' | 'Unschedulable' | 'UnschedulableAndUnresolvable' | 'Error'

/** Takes the time of the steps of one profile. */
export class StepTimer {
  readonly #meter: Pick<SchedulerMeter, 'passed'>
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #profile: string

  constructor(meter: Pick<SchedulerMeter, 'passed'>, clock: Pick<Clock, 'monotonic'>, profile: string) {
    this.#meter = meter
    this.#clock = clock
    this.#profile = profile
  }

  /** Begins a step; gives what ends it. */
  begin(point: ExtensionPoint): (status: StepStatus) => void {
    const began = this.#clock.monotonic()
    return (status) => this.#meter.passed(point, this.#profile, status, (this.#clock.monotonic() - began) / 1000)
  }
}
