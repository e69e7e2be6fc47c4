/** Told what a scheduler does, for whoever counts it. */
export interface SchedulerMeter {
  /** One look for a place. */
  attempted(profile: string, result: 'scheduled' | 'unschedulable' | 'error', seconds: number): void
  /** Pods were told to go, so that another one fits. */
  preempted(victims: number): void
}
