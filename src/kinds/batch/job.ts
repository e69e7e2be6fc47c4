import { humanDuration } from '../../base/duration.ts'
import { clone } from '../../schema/freeze.ts'
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

export const JobCondition = object('io.k8s.api.batch.v1.JobCondition', '', {
  type: required(1, string, ''),
  status: required(2, string, ''),
  lastProbeTime: embedded(3, time, ''),
  lastTransitionTime: embedded(4, time, ''),
  reason: optional(5, string, ''),
  message: optional(6, string, ''),
})
export interface JobCondition extends Infer<typeof JobCondition> {}

export const UncountedTerminatedPods = object('io.k8s.api.batch.v1.UncountedTerminatedPods', '', {
  succeeded: optional(1, list(string, { list: 'set' }), ''),
  failed: optional(2, list(string, { list: 'set' }), ''),
})
export interface UncountedTerminatedPods extends Infer<typeof UncountedTerminatedPods> {}

export const JobStatus = object('io.k8s.api.batch.v1.JobStatus', '', {
  conditions: optional(1, list(JobCondition, { list: 'atomic', merge: 'type' }), ''),
  startTime: explicit(2, time, ''),
  completionTime: explicit(3, time, ''),
  active: optional(4, int32, ''),
  succeeded: optional(5, int32, ''),
  failed: optional(6, int32, ''),
  terminating: explicit(11, int32, ''),
  completedIndexes: optional(7, string, ''),
  failedIndexes: explicit(10, string, ''),
  uncountedTerminatedPods: explicit(8, UncountedTerminatedPods, ''),
  ready: explicit(9, int32, ''),
})
export interface JobStatus extends Infer<typeof JobStatus> {}

export const jobSchema = object('io.k8s.api.batch.v1.Job', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, JobSpec, ''),
  status: embedded(3, JobStatus, ''),
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
    job.status = clone(old.status)
    countChange(job, old, ({ spec }) => spec)
  },
  validate: validateJob,
  validateUpdate: validateJobUpdate,
  warnings: workloadWarnings,
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
})
