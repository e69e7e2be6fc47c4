import { humanDuration } from '../../base/duration.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import {
  embedded,
  explicit,
  type Infer,
  int32,
  list,
  object,
  optional,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { templateColumns } from '../apps/workload-columns.ts'
import { ageColumn, nameColumn, selectorText, textColumn, wideColumn } from '../columns.ts'
import { workloadWarnings } from '../core/pod-warnings.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, startGeneration } from '../rules.ts'
import { defaultJob, generateSelector } from './job-defaults.ts'
import { validateJob, validateJobStatus, validateJobUpdate } from './job-validation.ts'
import { JobSpec } from './shared.ts'

export const JobCondition = object('io.k8s.api.batch.v1.JobCondition', 'One aspect of the state of a job.', {
  type: required(1, string, 'Complete, Failed, Suspended, SuccessCriteriaMet or FailureTarget.'),
  status: required(2, string, 'Whether the condition holds: True, False or Unknown.'),
  lastProbeTime: embedded(3, time, 'When the condition was last checked.'),
  lastTransitionTime: embedded(4, time, 'When the status last changed from one value to another.'),
  reason: optional(5, string, 'One CamelCase word that says why the condition last changed, for programs.'),
  message: optional(6, string, 'What happened, in words for people.'),
})
export interface JobCondition extends Infer<typeof JobCondition> {}

export const UncountedTerminatedPods = object(
  'io.k8s.api.batch.v1.UncountedTerminatedPods',
  'Pods that have ended but are not in the counters yet.',
  {
    succeeded: optional(1, list(string, { list: 'set' }), 'UIDs of pods that succeeded.'),
    failed: optional(2, list(string, { list: 'set' }), 'UIDs of pods that failed.'),
  },
)
export interface UncountedTerminatedPods extends Infer<typeof UncountedTerminatedPods> {}

export const JobStatus = object('io.k8s.api.batch.v1.JobStatus', 'What is known about a job.', {
  conditions: optional(
    1,
    list(JobCondition, { list: 'atomic', merge: 'type' }),
    'Aspects of the state; Complete or Failed once the job is over.',
  ),
  startTime: explicit(2, time, 'When the controller took up the job; set anew when it is resumed.'),
  completionTime: explicit(3, time, 'When the job completed; absent for failed jobs.'),
  active: optional(4, int32, 'How many pods are pending or running and not being deleted.'),
  succeeded: optional(5, int32, 'How many pods have succeeded.'),
  failed: optional(6, int32, 'How many pods have failed.'),
  terminating: explicit(11, int32, 'How many pods are being deleted but have not ended; absent when not counted.'),
  completedIndexes: optional(7, string, 'Indexes that have succeeded, as 1,3-5.'),
  failedIndexes: explicit(10, string, 'Indexes that have failed, as 1,3-5; only with backoffLimitPerIndex.'),
  uncountedTerminatedPods: explicit(
    8,
    UncountedTerminatedPods,
    'Pods that have ended but are not in the counters yet.',
  ),
  ready: explicit(9, int32, 'How many of the active pods are ready.'),
})
export interface JobStatus extends Infer<typeof JobStatus> {}

export const jobSchema = object('io.k8s.api.batch.v1.Job', 'Runs pods until a number of them have succeeded.', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
  spec: embedded(2, JobSpec, 'What is wished of the job.'),
  status: embedded(3, JobStatus, 'What is known about the job.'),
})
export interface Job extends Infer<typeof jobSchema> {}

const states: readonly (readonly [condition: string, word: string])[] = [
  ['Complete', 'Complete'],
  ['Failed', 'Failed'],
]
const laterStates: readonly (readonly [condition: string, word: string])[] = [
  ['Suspended', 'Suspended'],
  ['FailureTarget', 'FailureTarget'],
  ['SuccessCriteriaMet', 'SuccessCriteriaMet'],
]

/** Many indexes at once can outgrow the field that says which are done. */
function indexWarnings({ spec }: Job): readonly string[] {
  const { completionMode, completions = 0, parallelism = 0 } = spec
  if (completionMode !== 'Indexed' || completions <= 100_000 || parallelism <= 10_000) return []
  return [
    'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might ' +
      'not be able to track completedIndexes when a big number of indexes fail',
  ]
}

function stateOf({ metadata, status }: Job): string {
  const has = ([type]: readonly [string, string]): boolean =>
    status.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false
  const over = states.find(has)
  if (over) return over[1]
  if (metadata.deletionTimestamp) return 'Terminating'
  return laterStates.find(has)?.[1] ?? 'Running'
}

function completionsOf({ spec, status }: Job): string {
  const { completions, parallelism = 0 } = spec
  const succeeded = status.succeeded ?? 0
  if (completions !== undefined) return `${succeeded}/${completions}`
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`
}

export const Job: Kind<Job> = defineKind<Job>({
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  categories: ['all'],
  namespaced: true,
  storageVersionHash: 'mudhfqk/qZY=',
  schema: jobSchema,
  nameRule: subdomainNameRule,
  defaults: defaultJob,
  prepareCreate(job) {
    job.status = {}
    startGeneration(job)
    if (!job.spec.manualSelector) generateSelector(job)
  },
  prepareUpdate(job, old) {
    job.status = old.status as typeof job.status
    countChange(job, old, ({ spec }) => spec)
  },
  validate: validateJob,
  validateUpdate: validateJobUpdate,
  warnings: (job, old) => [...workloadWarnings(job, old), ...indexWarnings(job)],
  status: { validateUpdate: validateJobStatus },
  columns: [
    nameColumn,
    textColumn('Status', 'How the job is, in one word.', stateOf),
    textColumn('Completions', 'How many pods have succeeded, of how many must.', completionsOf),
    textColumn('Duration', 'How long the job ran, or has been running.', ({ status }, { now }) => {
      if (!status.startTime) return ''
      const end = status.completionTime ? Date.parse(status.completionTime) : now
      return humanDuration(end - Date.parse(status.startTime))
    }),
    ageColumn,
    ...templateColumns<Job>(({ spec }) => spec.template),
    wideColumn('Selector', 'The labels by which the pods are found.', ({ spec }) => selectorText(spec.selector)),
  ],
  selectableFields: { 'status.successful': ({ status }) => String(status.succeeded ?? 0) },
  defaultPropagation: 'Orphan',
  deleteWarning:
    'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
})
