import type { FieldErrors } from '../../schema/field-errors.ts'
import { equalJson } from '../../schema/freeze.ts'
import { validateLabelSelector } from '../../schema/meta-validation.ts'
import { dnsLabelFaults } from '../../schema/names.ts'
import { isUsable, labelsMismatch, validateCounts, validateSelects } from '../apps/workload-validation.ts'
import { PodTemplateSpec } from '../core/pod-spec.ts'
import { selectorMatches } from '../core/selector-validation.ts'
import { goValue } from '../go-value.ts'
import { immutable, keepsValue } from '../rules.ts'
import type { Job } from './job.ts'
import { jobLabels } from './job-labels.ts'
import { validateJobSpecBody } from './job-spec-validation.ts'
import type { JobSpec } from './shared.ts'

export function validateJob(job: Job, errors: FieldErrors): void {
  validateGeneratedSelector(job, errors)
  validateSpec(job.spec, errors)
  const { completions = 0, completionMode } = job.spec
  if (completionMode !== 'Indexed' || completions <= 0) return
  const { name = '' } = job.metadata
  const hostname = `${name}-${completions - 1}`
  if (dnsLabelFaults(hostname).length > 0) {
    errors.invalid('metadata.name', name, `will not able to create pod with invalid DNS label: ${hostname}`)
  }
}

function validateSpec(spec: JobSpec, errors: FieldErrors): void {
  validateJobSpecBody(spec, 'spec', errors)
  const { selector, template } = spec
  if (!selector) {
    errors.required('spec.selector')
    errors.invalid('spec.template.metadata.labels', template.metadata.labels, labelsMismatch)
    return
  }
  validateLabelSelector(selector, 'spec.selector', errors)
  if (isUsable(selector)) validateSelects(selector, template, 'spec.template', errors)
}

/** A selector that the server has made must find this job's pods, and no others. */
function validateGeneratedSelector({ metadata, spec }: Job, errors: FieldErrors): void {
  if (spec.manualSelector || !spec.selector) return
  if (!metadata.uid) errors.required('metadata.uid')
  const { labels } = spec.template.metadata
  const expected = jobLabels(metadata.name ?? '', metadata.uid ?? '')
  for (const [key, value] of Object.entries(expected)) {
    const path = `spec.template.metadata.labels[${key}]`
    const actual = labels?.[key]
    if (actual === undefined) errors.required(path, `must be '${value}'`)
    if (actual !== value) errors.invalid(path, labels, `must be '${value}'`)
  }
  if (isUsable(spec.selector) && !selectorMatches(spec.selector, labels ?? {})) {
    errors.invalid('spec.selector', spec.selector, '`selector` not auto-generated')
  }
}

export function validateJobUpdate(job: Job, old: Job, errors: FieldErrors): void {
  validateJob(job, errors)
  validateSpec(job.spec, errors)
  validateCompletions(job.spec, old.spec, errors)
  keepsValue('spec.selector', job.spec.selector, old.spec.selector, errors)
  validateTemplateUpdate(job, old, errors)
  for (const name of fixed) keepsValue(`spec.${name}`, job.spec[name], old.spec[name], errors)
}

const fixed = ['completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const

/** The number of indexes may change as long as all of them run at once. */
function validateCompletions(spec: JobSpec, old: JobSpec, errors: FieldErrors): void {
  if (spec.completionMode !== 'Indexed')
    return keepsValue('spec.completions', spec.completions, old.completions, errors)
  if (spec.completions === old.completions) return
  if (spec.completions === undefined) return errors.required('spec.completions', immutable)
  if (spec.completions !== spec.parallelism) {
    errors.invalid('spec.completions', spec.completions, 'can only be modified in tandem with spec.parallelism')
  }
}

/** Of a job of which nothing runs, where its pods run may still be decided, and what they need. */
function validateTemplateUpdate(job: Job, old: Job, errors: FieldErrors): void {
  const { template } = job.spec
  const before = isAtRest(old) ? withPlacementOf(template, old.spec.template) : old.spec.template
  if (!equalJson(template, before)) errors.invalid('spec.template', goValue(PodTemplateSpec, template), immutable)
}

/** Is suspended, and has not begun or has come to a halt. */
function isAtRest({ spec, status }: Job): boolean {
  const hasHalted = status.conditions?.some(({ type, status }) => type === 'Suspended' && status === 'True') ?? false
  return spec.suspend === true && (!status.startTime || (hasHalted && !status.active))
}

function withPlacementOf(now: PodTemplateSpec, before: PodTemplateSpec): unknown {
  const { labels, annotations } = now.metadata
  const { nodeSelector, tolerations, schedulingGates, affinity } = now.spec
  const nodeAffinity = affinity?.nodeAffinity
  const containers = (list: PodTemplateSpec['spec']['containers'] | undefined, wished: typeof list) =>
    list?.map((container, index) => ({ ...container, resources: wished?.[index]?.resources ?? container.resources }))
  const { nodeAffinity: _, ...podAffinities } = before.spec.affinity ?? {}
  return {
    metadata: { ...before.metadata, labels, annotations },
    spec: {
      ...before.spec,
      nodeSelector,
      tolerations,
      schedulingGates,
      containers: containers(before.spec.containers, now.spec.containers),
      initContainers: containers(before.spec.initContainers, now.spec.initContainers),
      affinity: nodeAffinity || affinity ? { ...podAffinities, nodeAffinity } : before.spec.affinity && podAffinities,
    },
  }
}

export function validateJobStatus(job: Job, old: Job, errors: FieldErrors): void {
  const { status } = job
  validateCounts(status, ['active', 'succeeded', 'failed', 'ready', 'terminating'], errors)
  const has = (type: string, of: Job = job): boolean =>
    of.status.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false
  const finished = has('Complete') || has('Failed')
  if (has('Complete') && has('Failed')) {
    errors.invalid('status.conditions', status.conditions, 'cannot set Complete=True and Failed=true conditions')
  }
  if (finished && (status.active ?? 0) > 0) {
    errors.invalid('status.active', status.active, 'active>0 is invalid for finished job')
  }
  if (has('Complete') && !status.completionTime)
    errors.required('status.completionTime', 'completionTime is required for Complete jobs')
  if (!has('Complete') && status.completionTime && status.completionTime !== old.status.completionTime) {
    errors.invalid(
      'status.completionTime',
      status.completionTime,
      'completionTime cannot be set when there is no Complete=True condition',
    )
  }
  if (finished && !status.startTime && (has('Complete', old) || has('Failed', old)) === false) {
    errors.required('status.startTime', 'startTime is required for finished job')
  }
}
