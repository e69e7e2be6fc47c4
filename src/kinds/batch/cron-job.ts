import { defineKind, type Kind } from '../../schema/kind.ts'
import {
  bool,
  embedded,
  explicit,
  type Infer,
  int32,
  int64,
  list,
  object,
  oneOf,
  optional,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { ObjectReference } from '../core/references.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { JobSpec } from './shared.ts'

export const JobTemplateSpec = object('io.k8s.api.batch.v1.JobTemplateSpec', '', {
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, JobSpec, ''),
})
export interface JobTemplateSpec extends Infer<typeof JobTemplateSpec> {}

export const CronJobSpec = object('io.k8s.api.batch.v1.CronJobSpec', '', {
  schedule: required(1, string, ''),
  timeZone: explicit(8, string, ''),
  startingDeadlineSeconds: explicit(2, int64, ''),
  concurrencyPolicy: optional(3, oneOf('Allow', 'Forbid', 'Replace'), ''),
  suspend: explicit(4, bool, ''),
  jobTemplate: required(5, JobTemplateSpec, ''),
  successfulJobsHistoryLimit: explicit(6, int32, ''),
  failedJobsHistoryLimit: explicit(7, int32, ''),
})
export interface CronJobSpec extends Infer<typeof CronJobSpec> {}

export const CronJobStatus = object('io.k8s.api.batch.v1.CronJobStatus', '', {
  active: optional(1, list(ObjectReference, { list: 'atomic' }), ''),
  lastScheduleTime: explicit(4, time, ''),
  lastSuccessfulTime: explicit(5, time, ''),
})
export interface CronJobStatus extends Infer<typeof CronJobStatus> {}

export const cronJobSchema = object('io.k8s.api.batch.v1.CronJob', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: required(2, CronJobSpec, ''),
  status: embedded(3, CronJobStatus, ''),
})
export interface CronJob extends Infer<typeof cronJobSchema> {}

export const CronJob: Kind<CronJob> = defineKind<CronJob>({
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  plural: 'cronjobs',
  shortNames: ['cj'],
  categories: ['all'],
  namespaced: true,
  storageVersionHash: 'sd5LIXh4Fjs=',
  schema: cronJobSchema,
  status: {},
})
