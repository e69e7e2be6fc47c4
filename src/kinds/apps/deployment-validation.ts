import type { FieldErrors } from '../../schema/field-errors.ts'
import { goValue } from '../go-value.ts'
import { keepsValue, validateNotNegative } from '../rules.ts'
import { type Deployment, type DeploymentSpec, DeploymentStrategy } from './deployment.ts'
import {
  isSome,
  validateAtMostAll,
  validateCounts,
  validateLastingTemplate,
  validateParts,
  validatePositive,
  validateSelector,
  validateSelects,
} from './workload-validation.ts'

export function validateDeployment({ spec }: Deployment, errors: FieldErrors): void {
  validateNotNegative('spec.replicas', spec.replicas, errors)
  const { selector, template, progressDeadlineSeconds: deadline, minReadySeconds = 0 } = spec
  if (!validateSelector(selector, 'deployment', errors))
    errors.invalid('spec.selector', selector, 'invalid label selector')
  else {
    validateSelects(selector, template, 'spec.template', errors)
    validateLastingTemplate(template, 'spec.template', 'ReplicaSet', errors)
  }
  validateStrategy(spec.strategy, errors)
  validateNotNegative('spec.minReadySeconds', minReadySeconds, errors)
  validateNotNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit, errors)
  validateNotNegative('spec.progressDeadlineSeconds', deadline, errors)
  if (deadline !== undefined && deadline <= minReadySeconds) {
    errors.invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds')
  }
}

export function validateDeploymentUpdate(deployment: Deployment, old: Deployment, errors: FieldErrors): void {
  validateDeployment(deployment, errors)
  keepsValue('spec.selector', deployment.spec.selector, old.spec.selector, errors)
}

function validateStrategy(strategy: DeploymentSpec['strategy'], errors: FieldErrors): void {
  const { type, rollingUpdate } = strategy
  const path = 'spec.strategy.rollingUpdate'
  if (type === 'Recreate') {
    if (rollingUpdate) errors.forbidden(path, "may not be specified when strategy `type` is 'Recreate'")
  } else if (type !== 'RollingUpdate') {
    errors.notSupported('spec.strategy', goValue(DeploymentStrategy, strategy), ['Recreate', 'RollingUpdate'])
  } else if (!rollingUpdate) errors.required(path, 'this should be defaulted and never be nil')
  else {
    const { maxSurge, maxUnavailable } = rollingUpdate
    validatePositive(`${path}.maxUnavailable`, maxUnavailable, errors)
    validatePositive(`${path}.maxSurge`, maxSurge, errors)
    if (!isSome(maxUnavailable) && !isSome(maxSurge)) {
      errors.invalid(`${path}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0')
    }
    validateAtMostAll(`${path}.maxUnavailable`, maxUnavailable, errors)
  }
}

export function validateDeploymentStatus({ status }: Deployment, _old: Deployment, errors: FieldErrors): void {
  validateCounts(
    status,
    [
      'observedGeneration',
      'replicas',
      'updatedReplicas',
      'readyReplicas',
      'availableReplicas',
      'unavailableReplicas',
      'terminatingReplicas',
      'collisionCount',
    ],
    errors,
  )
  const parts = ['updatedReplicas', 'readyReplicas', 'availableReplicas'] as const
  validateParts(status, parts, 'replicas', 'status.replicas', errors)
  validateParts(status, ['availableReplicas'], 'readyReplicas', 'readyReplicas', errors)
}
