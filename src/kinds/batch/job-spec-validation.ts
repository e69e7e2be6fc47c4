/** What can be wrong with the spec of a job, or of the jobs of a cron job. */
import type { FieldErrors } from '../../schema/field-errors.ts'
import { domainPrefixedPathFaults, qualifiedNameFaults } from '../../schema/names.ts'
import { checkOneOf } from '../core/field-checks.ts'
import type { PodSpec } from '../core/pod-spec.ts'
import { validatePodTemplate } from '../core/pod-template-validation.ts'
import { goValue } from '../go-value.ts'
import { invalidAll, validateNotNegative } from '../rules.ts'
import { intervalsFault } from './index-intervals.ts'
import {
  type JobSpec,
  type PodFailurePolicyOnExitCodesRequirement,
  type PodFailurePolicyRule,
  SuccessPolicy,
} from './shared.ts'

/** Everything but the selector, which jobs of a cron job do not have yet. */
export function validateJobSpecBody(spec: JobSpec, path: string, errors: FieldErrors): void {
  for (const name of counts) validateNotNegative(`${path}.${name}`, spec[name], errors)
  const { maxFailedIndexes, backoffLimitPerIndex, managedBy } = spec
  if (maxFailedIndexes !== undefined) {
    validateNotNegative(`${path}.maxFailedIndexes`, maxFailedIndexes, errors)
    if (backoffLimitPerIndex === undefined) {
      errors.required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified')
    }
  }
  if (managedBy !== undefined) validateManagedBy(managedBy, `${path}.managedBy`, errors)
  validateCompletionMode(spec, path, errors)
  if (spec.podFailurePolicy) validateFailurePolicy(spec, `${path}.podFailurePolicy`, errors)
  if (spec.successPolicy) validateSuccessPolicy(spec, `${path}.successPolicy`, errors)
  validateReplacementPolicy(spec, `${path}.podReplacementPolicy`, errors)
  validatePodTemplate(spec.template, `${path}.template`, errors)
  validateRestartPolicy(spec, `${path}.template.spec.restartPolicy`, errors)
}

const counts = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'backoffLimitPerIndex',
] as const

function validateManagedBy(managedBy: string, path: string, errors: FieldErrors): void {
  if (managedBy === '') errors.required(path)
  else for (const { part, fault } of domainPrefixedPathFaults(managedBy)) errors.invalid(path, part, fault)
  if (managedBy.length > 63) errors.tooLong(path, 63)
}

const manyIndexes = 100_000
const fewIndexes = 10_000

function validateCompletionMode(spec: JobSpec, path: string, errors: FieldErrors): void {
  const { completionMode: mode, completions, parallelism = 0, maxFailedIndexes, backoffLimitPerIndex } = spec
  if (mode !== undefined) checkOneOf(errors, `${path}.completionMode`, mode, ['NonIndexed', 'Indexed'])
  if (mode !== 'Indexed') {
    if (backoffLimitPerIndex !== undefined) {
      errors.invalid(`${path}.backoffLimitPerIndex`, backoffLimitPerIndex, 'requires indexed completion mode')
    }
    if (maxFailedIndexes !== undefined) {
      errors.invalid(`${path}.maxFailedIndexes`, maxFailedIndexes, 'requires indexed completion mode')
    }
    return
  }
  if (completions === undefined) errors.required(`${path}.completions`, 'when completion mode is Indexed')
  if (parallelism > manyIndexes) {
    const detail = `must be less than or equal to ${manyIndexes} when completion mode is Indexed`
    errors.invalid(`${path}.parallelism`, parallelism, detail)
  }
  if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions) {
    errors.invalid(`${path}.maxFailedIndexes`, maxFailedIndexes, 'must be less than or equal to completions')
  }
  if (maxFailedIndexes !== undefined && maxFailedIndexes > manyIndexes) {
    errors.invalid(`${path}.maxFailedIndexes`, maxFailedIndexes, `must be less than or equal to ${manyIndexes}`)
  }
  if ((completions ?? 0) > manyIndexes && backoffLimitPerIndex !== undefined) validateManyIndexes(spec, path, errors)
}

function validateManyIndexes({ parallelism = 0, maxFailedIndexes }: JobSpec, path: string, errors: FieldErrors): void {
  const when = `when completions are above ${manyIndexes} and used with backoff limit per index`
  const limit = `must be less than or equal to ${fewIndexes} ${when}`
  if (maxFailedIndexes === undefined) {
    errors.required(`${path}.maxFailedIndexes`, `must be specified when completions is above ${manyIndexes}`)
  }
  if (parallelism > fewIndexes) errors.invalid(`${path}.parallelism`, parallelism, limit)
  if ((maxFailedIndexes ?? 0) > fewIndexes) errors.invalid(`${path}.maxFailedIndexes`, maxFailedIndexes, limit)
}

const ruleLimit = 20
const valueLimit = 255

function validateFailurePolicy(spec: JobSpec, path: string, errors: FieldErrors): void {
  const rules = spec.podFailurePolicy?.rules ?? []
  if (rules.length > ruleLimit) errors.tooMany(`${path}.rules`, rules.length, ruleLimit)
  rules.forEach((rule, index) => {
    validateRule(rule, spec, `${path}.rules[${index}]`, errors)
  })
}

const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore']

function validateRule(rule: PodFailurePolicyRule, spec: JobSpec, path: string, errors: FieldErrors): void {
  const action: string = rule.action
  if (action === '') errors.required(`${path}.action`, `valid values: ${JSON.stringify(actions).replaceAll(',', ' ')}`)
  else checkOneOf(errors, `${path}.action`, action, actions)
  if (action === 'FailIndex' && spec.backoffLimitPerIndex === undefined) {
    errors.invalid(`${path}.action`, action, 'requires the backoffLimitPerIndex to be set')
  }
  const conditions = rule.onPodConditions ?? []
  if (rule.onExitCodes) validateExitCodes(rule.onExitCodes, spec.template.spec, `${path}.onExitCodes`, errors)
  if (conditions.length > ruleLimit) errors.tooMany(`${path}.onPodConditions`, conditions.length, ruleLimit)
  conditions.forEach(({ type, status = '' }, index) => {
    const at = `${path}.onPodConditions[${index}]`
    invalidAll(`${at}.type`, type, qualifiedNameFaults(type), errors)
    if (status === '') errors.required(`${at}.status`, 'valid values: ["False" "True" "Unknown"]')
    else checkOneOf(errors, `${at}.status`, status, ['False', 'True', 'Unknown'])
  })
  if (rule.onExitCodes && conditions.length > 0) {
    addPlain(path, 'specifying both OnExitCodes and OnPodConditions is not supported', errors)
  } else if (!rule.onExitCodes && conditions.length === 0) {
    addPlain(path, 'specifying one of OnExitCodes and OnPodConditions is required', errors)
  }
}

/** A fault of a whole rule, which is not shown. */
function addPlain(field: string, detail: string, errors: FieldErrors): void {
  errors.causes.push({ reason: 'FieldValueInvalid', message: `Invalid value: ${detail}`, field })
}

function validateExitCodes(
  { operator, values, containerName }: PodFailurePolicyOnExitCodesRequirement,
  spec: PodSpec,
  path: string,
  errors: FieldErrors,
): void {
  if ((operator as string) === '') errors.required(`${path}.operator`, 'valid values: ["In" "NotIn"]')
  else checkOneOf(errors, `${path}.operator`, operator, ['In', 'NotIn'])
  const names = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ name }) => name)
  if (containerName !== undefined && !names.includes(containerName)) {
    const detail = 'must be one of the container or initContainer names in the pod template'
    errors.invalid(`${path}.containerName`, containerName, detail)
  }
  const codes = values ?? []
  if (codes.length === 0) errors.invalid(`${path}.values`, codes, 'at least one value is required')
  else if (codes.length > valueLimit) errors.tooMany(`${path}.values`, codes.length, valueLimit)
  const seen = new Set<number>()
  codes.forEach((code, index) => {
    const at = `${path}.values[${index}]`
    if (operator === 'In' && code === 0) errors.invalid(at, code, 'must not be 0 for the In operator')
    if (seen.has(code)) errors.duplicate(at, code)
    seen.add(code)
  })
  if (codes.some((code, index) => index > 0 && (codes[index - 1] as number) > code)) {
    errors.invalid(`${path}.values`, codes, 'must be ordered')
  }
}

function validateSuccessPolicy(spec: JobSpec, path: string, errors: FieldErrors): void {
  const policy = spec.successPolicy
  if (!policy) return
  if (spec.completionMode !== 'Indexed') {
    return errors.invalid(path, goValue(SuccessPolicy, policy), 'requires indexed completion mode')
  }
  const rules = policy.rules ?? []
  if (rules.length === 0)
    errors.required(`${path}.rules`, 'at least one rules must be specified when the successPolicy is specified')
  if (rules.length > ruleLimit) errors.tooMany(`${path}.rules`, rules.length, ruleLimit)
  rules.forEach(({ succeededCount, succeededIndexes }, index) => {
    const at = `${path}.rules[${index}]`
    if (succeededCount === undefined && succeededIndexes === undefined) {
      errors.required(at, 'at least one of succeededCount or succeededIndexes must be specified')
    }
    validateSucceeded(succeededCount, succeededIndexes, spec.completions ?? 0, at, errors)
  })
}

const maxIndexesText = 64 * 1024

function validateSucceeded(
  count: number | undefined,
  indexes: string | undefined,
  completions: number,
  path: string,
  errors: FieldErrors,
): void {
  let total: number | undefined
  if (indexes !== undefined) {
    if (indexes.length > maxIndexesText) errors.tooLong(`${path}.succeededIndexes`, maxIndexesText)
    const result = intervalsFault(indexes, completions)
    if (typeof result === 'string') {
      errors.invalid(`${path}.succeededIndexes`, indexes, `error parsing succeededIndexes: ${result}`)
    } else total = result
  }
  if (count === undefined) return
  validateNotNegative(`${path}.succeededCount`, count, errors)
  if (count > completions) {
    const detail = `must be less than or equal to ${completions} (the number of specified completions)`
    errors.invalid(`${path}.succeededCount`, count, detail)
  }
  if (total !== undefined && count > total) {
    const detail = `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`
    errors.invalid(`${path}.succeededCount`, count, detail)
  }
}

function validateReplacementPolicy(spec: JobSpec, path: string, errors: FieldErrors): void {
  const { podReplacementPolicy: policy, podFailurePolicy } = spec
  if (policy === undefined) return
  const supported = podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed']
  checkOneOf(errors, path, policy, supported)
}

function validateRestartPolicy(spec: JobSpec, path: string, errors: FieldErrors): void {
  const policy = spec.template.spec.restartPolicy ?? ''
  if (policy === 'Always') errors.required(path, 'valid values: "OnFailure", "Never"')
  else if (policy !== 'OnFailure' && policy !== 'Never') errors.notSupported(path, policy, ['OnFailure', 'Never'])
  else if (spec.podFailurePolicy && policy !== 'Never') {
    errors.invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified')
  }
}
