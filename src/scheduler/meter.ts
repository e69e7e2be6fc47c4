/** Told what a scheduler does, for whoever counts it. */
export interface SchedulerMeter {
  /** One look for a place. */
  attempted(profile: string, result: 'scheduled' | 'unschedulable' | 'error', seconds: number): void
  /** A pod has its place: after how many looks, and how long after it could have had one. */
  placed(attempts: number, waitedSeconds: number): void
  /** A pod came to where it waits; `event` says why, in the reference's words. */
  came(event: string, queue: 'active' | 'backoff' | 'unschedulable'): void
  /** Pods were told to go, so that another one fits. */
  preempted(victims: number): void
}
