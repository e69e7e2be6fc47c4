import { defineKind, type Kind } from '../../schema/kind.ts'
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
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
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

export const Job: Kind<Job> = defineKind<Job>({
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  categories: ['all'],
  namespaced: true,
  storageVersionHash: 'mudhfqk/qZY=',
  schema: jobSchema,
  status: {},
})
