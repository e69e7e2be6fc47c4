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

export const JobTemplateSpec = object(
  'io.k8s.api.batch.v1.JobTemplateSpec',
  'Describes the jobs that a cron job makes.',
  {
    metadata: embedded(1, ObjectMeta, 'Labels and annotations of the jobs.'),
    spec: embedded(2, JobSpec, 'What is wished of the jobs.'),
  },
)
export interface JobTemplateSpec extends Infer<typeof JobTemplateSpec> {}

export const CronJobSpec = object('io.k8s.api.batch.v1.CronJobSpec', 'What is wished of a cron job.', {
  schedule: required(1, string, 'When jobs start, in cron format with five fields, or a macro such as @daily.'),
  timeZone: explicit(8, string, 'Name of the time zone of the schedule; absent means that of the controller.'),
  startingDeadlineSeconds: explicit(
    2,
    int64,
    'Seconds after its time within which a job may still start; a later one counts as missed. Absent means no limit.',
  ),
  concurrencyPolicy: optional(
    3,
    oneOf('Allow', 'Forbid', 'Replace'),
    'While a job still runs: Allow starts another, Forbid skips it, Replace ends the old one; Allow when absent.',
  ),
  suspend: explicit(4, bool, 'Whether no more jobs are started; false when absent.'),
  jobTemplate: required(5, JobTemplateSpec, 'The jobs that are made.'),
  successfulJobsHistoryLimit: explicit(6, int32, 'How many succeeded jobs are kept; 3 when absent.'),
  failedJobsHistoryLimit: explicit(7, int32, 'How many failed jobs are kept; 1 when absent.'),
})
export interface CronJobSpec extends Infer<typeof CronJobSpec> {}

export const CronJobStatus = object('io.k8s.api.batch.v1.CronJobStatus', 'What is known about a cron job.', {
  active: optional(1, list(ObjectReference, { list: 'atomic' }), 'The jobs that are running.'),
  lastScheduleTime: explicit(4, time, 'Time of the schedule for which a job was last started.'),
  lastSuccessfulTime: explicit(5, time, 'When a job last completed with success.'),
})
export interface CronJobStatus extends Infer<typeof CronJobStatus> {}

export const cronJobSchema = object('io.k8s.api.batch.v1.CronJob', 'Starts jobs by a schedule.', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
  spec: required(2, CronJobSpec, 'What is wished of the cron job.'),
  status: embedded(3, CronJobStatus, 'What is known about the cron job.'),
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
    object.status = old.status as typeof object.status
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
