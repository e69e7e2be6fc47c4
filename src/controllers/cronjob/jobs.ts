import { CronJob } from '../../kinds/batch/cron-job.ts'
import type { Job } from '../../kinds/batch/job.ts'
import type { ObjectReference } from '../../kinds/core/references.ts'
import type { Draft } from '../../schema/types.ts'
import { controllerReference, timeOf } from '../shared/owner.ts'
import { TimeZone } from './time-zone.ts'

const scheduledAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp'

/** The same time always gives the same name, so that no job is started twice. */
export const jobName = (cronJob: CronJob, scheduledAt: number): string =>
  `${cronJob.metadata.name}-${Math.floor(scheduledAt / 60_000)}`

/** The job of a time. */
export function jobAt(cronJob: CronJob, scheduledAt: number): Draft<Job> {
  const { jobTemplate, timeZone } = cronJob.spec
  const { labels, annotations } = jobTemplate.metadata
  const zone = TimeZone.named(timeZone ?? '') ?? TimeZone.utc
  return {
    metadata: {
      name: jobName(cronJob, scheduledAt),
      namespace: cronJob.metadata.namespace,
      ...(labels && { labels }),
      annotations: { ...annotations, [scheduledAnnotation]: zone.text(scheduledAt) },
      ownerReferences: [controllerReference(CronJob, cronJob)],
    },
    spec: jobTemplate.spec,
  }
}

/** How a cron job names a job that runs. */
export function referenceTo({ metadata }: Job): ObjectReference {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    name: metadata.name!,
    namespace: metadata.namespace!,
    uid: metadata.uid!,
    resourceVersion: metadata.resourceVersion!,
  }
}

/** Jobs that have never begun come last. */
export function earlierStartFirst(a: Job, b: Job): number {
  const byStart = startOf(a) - startOf(b)
  return byStart || (a.metadata.name! < b.metadata.name! ? -1 : 1)
}

const startOf = ({ status }: Job) => (status.startTime ? timeOf(status.startTime) : Number.MAX_SAFE_INTEGER)
