import type { Mutable } from '../../schema/types.ts'
import { defaultPodTemplate } from '../core/pod-defaults.ts'
import type { Job } from './job.ts'
import { controllerUidLabel, jobLabels } from './job-labels.ts'
import type { JobSpec } from './shared.ts'

const maxInt32 = 2_147_483_647

export function defaultJob(job: Mutable<Job>): void {
  const { spec, metadata } = job
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1
  spec.parallelism ??= 1
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : maxInt32
  // The very same map, on purpose: `generateSelector` sees that labels which it adds to the template are the job's, too.
  if (!metadata.labels && spec.template.metadata.labels) metadata.labels = spec.template.metadata.labels
  spec.completionMode ??= 'NonIndexed'
  spec.suspend ??= false
  for (const rule of spec.podFailurePolicy?.rules ?? []) {
    for (const condition of rule.onPodConditions ?? []) condition.status ||= 'True'
  }
  spec.manualSelector ??= false
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed'
  defaultPodTemplate(spec.template)
}

/** Jobs of a cron job get their defaults when they are made; only what is in their pods is filled in before. */
export function defaultJobTemplate(spec: Mutable<JobSpec>): void {
  for (const rule of spec.podFailurePolicy?.rules ?? []) {
    for (const condition of rule.onPodConditions ?? []) condition.status ||= 'True'
  }
  defaultPodTemplate(spec.template)
}

/** Makes the job find its pods by its own UID, unless its author wants to choose. */
export function generateSelector(job: Mutable<Job>): void {
  const { metadata, spec } = job
  const template = spec.template.metadata
  const labels = { ...jobLabels(metadata.name ?? '', metadata.uid ?? ''), ...template.labels }
  const sorted = Object.fromEntries(Object.entries(labels).sort(([left], [right]) => (left < right ? -1 : 1)))
  if (!metadata.labels || metadata.labels === template.labels) metadata.labels = sorted
  template.labels = sorted
  spec.selector ??= {}
  spec.selector.matchLabels ??= {}
  spec.selector.matchLabels[controllerUidLabel] ??= metadata.uid ?? ''
}
