import { clone } from '../../schema/freeze.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
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
import { templateColumns } from '../apps/workload-columns.ts'
import {
  ageColumn,
  ageSince,
  booleanColumn,
  integerColumn,
  nameColumn,
  selectorText,
  textColumn,
  wideColumn,
} from '../columns.ts'
import { podNameWarnings, templateWarnings } from '../core/pod-warnings.ts'
import { ObjectReference } from '../core/references.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, startGeneration } from '../rules.ts'
import { validateCronJob, validateCronJobUpdate } from './cron-job-validation.ts'
import { defaultJobTemplate } from './job-defaults.ts'
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
  nameRule: subdomainNameRule,
  defaults({ spec }) {
    spec.concurrencyPolicy ??= 'Allow'
    spec.suspend ??= false
    spec.successfulJobsHistoryLimit ??= 3
    spec.failedJobsHistoryLimit ??= 1
    defaultJobTemplate(spec.jobTemplate.spec)
  },
  prepareCreate(object) {
    object.status = {}
    startGeneration(object)
  },
  prepareUpdate(object, old) {
    object.status = clone(old.status)
    countChange(object, old, ({ spec }) => spec)
  },
  validate: validateCronJob,
  validateUpdate: validateCronJobUpdate,
  warnings({ metadata, spec }, old) {
    if (old && metadata.generation === old.metadata.generation) return []
    const zone = spec.schedule.includes('TZ')
      ? [
          `spec.schedule: CRON_TZ or TZ used in ${JSON.stringify(spec.schedule)} is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details`,
        ]
      : []
    const template = templateWarnings(spec.jobTemplate.spec.template, 'spec.jobTemplate.spec.template')
    return [...(old ? [] : podNameWarnings(metadata.name)), ...template, ...zone]
  },
  status: {},
  columns: [
    nameColumn,
    textColumn('Schedule', 'When jobs are made.', ({ spec }) => spec.schedule),
    textColumn('Timezone', 'The zone in which the schedule is read.', ({ spec }) => spec.timeZone ?? '<none>'),
    booleanColumn('Suspend', 'Whether no jobs are made for now.', ({ spec }) => {
      return spec.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False'
    }),
    integerColumn('Active', 'How many of its jobs run.', ({ status }) => status.active?.length ?? 0),
    textColumn('Last Schedule', 'When a job was last made.', ({ status }, context) => {
      return status.lastScheduleTime ? ageSince(status.lastScheduleTime, context) : '<none>'
    }),
    ageColumn,
    ...templateColumns<CronJob>(({ spec }) => spec.jobTemplate.spec.template),
    wideColumn('Selector', 'The labels by which the jobs find their pods.', ({ spec }) => {
      return selectorText(spec.jobTemplate.spec.selector)
    }),
  ],
})
