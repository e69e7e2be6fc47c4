import type { FieldErrors } from '../../schema/field-errors.ts'
import { validateLabelSelector } from '../../schema/meta-validation.ts'
import { isEmptySelector } from '../core/selector-validation.ts'
import { goValue } from '../go-value.ts'
import { keepsValue, validateNotNegative } from '../rules.ts'
import { type DaemonSet, type DaemonSetSpec, DaemonSetUpdateStrategy } from './daemon-set.ts'
import {
  isSome,
  isUsable,
  validateAtMostAll,
  validateCounts,
  validateLastingTemplate,
  validatePositive,
  validateSelects,
} from './workload-validation.ts'

export function validateDaemonSet({ spec }: DaemonSet, errors: FieldErrors): void {
  const selector: DaemonSetSpec['selector'] | null = spec.selector
  const { template } = spec
  validateLabelSelector(selector ?? undefined, 'spec.selector', errors)
  if (!selector || isUsable(selector)) validateSelects(selector, template, 'spec.template', errors)
  if (selector && isEmptySelector(selector)) {
    errors.invalid('spec.selector', selector, 'empty selector is invalid for daemonset')
  }
  validateLastingTemplate(template, 'spec.template', 'DaemonSet', errors)
  validateNotNegative('spec.minReadySeconds', spec.minReadySeconds, errors)
  validateStrategy(spec.updateStrategy, errors)
  validateNotNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit, errors)
}

export function validateDaemonSetUpdate(set: DaemonSet, old: DaemonSet, errors: FieldErrors): void {
  validateDaemonSet(set, errors)
  keepsValue('spec.selector', set.spec.selector, old.spec.selector, errors)
}

function validateStrategy(strategy: DaemonSetSpec['updateStrategy'], errors: FieldErrors): void {
  const { type, rollingUpdate } = strategy
  const path = 'spec.updateStrategy.rollingUpdate'
  if (type === 'OnDelete') return
  if (type !== 'RollingUpdate') {
    const shown = goValue(DaemonSetUpdateStrategy, strategy)
    errors.notSupported('spec.updateStrategy', shown, ['RollingUpdate', 'OnDelete'])
  } else if (!rollingUpdate) errors.required(path)
  else {
    const { maxSurge, maxUnavailable } = rollingUpdate
    validatePositive(`${path}.maxUnavailable`, maxUnavailable, errors)
    validatePositive(`${path}.maxSurge`, maxSurge, errors)
    validateAtMostAll(`${path}.maxUnavailable`, maxUnavailable, errors)
    validateAtMostAll(`${path}.maxSurge`, maxSurge, errors)
    if (isSome(maxUnavailable) && isSome(maxSurge)) {
      errors.invalid(`${path}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero')
    } else if (!isSome(maxUnavailable) && !isSome(maxSurge)) {
      errors.required(`${path}.maxUnavailable`, 'cannot be 0 when maxSurge is 0')
    }
  }
}

export function validateDaemonSetStatus({ status }: DaemonSet, _old: DaemonSet, errors: FieldErrors): void {
  validateCounts(
    status,
    [
      'currentNumberScheduled',
      'numberMisscheduled',
      'desiredNumberScheduled',
      'numberReady',
      'observedGeneration',
      'updatedNumberScheduled',
      'numberAvailable',
      'numberUnavailable',
      'collisionCount',
    ],
    errors,
  )
}
