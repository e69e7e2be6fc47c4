import { secondsTime } from '../../base/seconds-time.ts'
import type { Job, JobCondition } from '../../kinds/batch/job.ts'

/** How a job ends. It is announced by one condition while pods still go, and told by another when all have gone. */
export interface Verdict {
  readonly outcome: 'Complete' | 'Failed'
  readonly reason: string
  readonly message: string
  /** The condition that announces it is there already. */
  readonly isAnnounced: boolean
}

export const announcement = { Complete: 'SuccessCriteriaMet', Failed: 'FailureTarget' } as const

export const failure = (reason: string, message: string): Verdict => ({
  outcome: 'Failed',
  reason,
  message,
  isAnnounced: false,
})

export const success = (reason: string, message: string): Verdict => ({
  outcome: 'Complete',
  reason,
  message,
  isAnnounced: false,
})

/** The verdict that an earlier reconcile has announced. */
export function announcedVerdict(job: Job): Verdict | undefined {
  for (const outcome of ['Complete', 'Failed'] as const) {
    const condition = conditionOf(job.status.conditions ?? [], announcement[outcome])
    if (condition?.status === 'True')
      return { outcome, reason: condition.reason ?? '', message: condition.message ?? '', isAnnounced: true }
  }
  return undefined
}

/** Is over, for better or worse. */
export const isFinished = ({ status }: Job): boolean => finishOf(status.conditions ?? []) !== undefined

/** The condition that says how a job has ended. */
export const finishOf = (conditions: readonly JobCondition[]): JobCondition | undefined =>
  conditions.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True')

export const conditionOf = (conditions: readonly JobCondition[], type: string): JobCondition | undefined =>
  conditions.find((condition) => condition.type === type)

export function condition(type: string, status: string, reason: string, message: string, now: number): JobCondition {
  const time = secondsTime(now)
  return {
    type,
    status,
    lastProbeTime: time,
    lastTransitionTime: time,
    ...(reason && { reason }),
    ...(message && { message }),
  }
}

/** The list with the condition in its place; the very same list when it says this already. What never was is not denied. */
export function withCondition(conditions: readonly JobCondition[], next: JobCondition): readonly JobCondition[] {
  const present = conditionOf(conditions, next.type)
  if (present === undefined) return next.status === 'False' ? conditions : [...conditions, next]
  const isSame = present.status === next.status && present.reason === next.reason && present.message === next.message
  return isSame ? conditions : conditions.map((each) => (each === present ? next : each))
}
