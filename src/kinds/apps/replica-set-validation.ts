import type { FieldErrors } from '../../schema/field-errors.ts'
import { keepsValue, validateNotNegative } from '../rules.ts'
import type { ReplicaSet, ReplicaSetStatus } from './replica-set.ts'
import {
  validateCounts,
  validateLastingTemplate,
  validateParts,
  validateSelector,
  validateSelects,
} from './workload-validation.ts'

export function validateReplicaSet({ spec }: ReplicaSet, errors: FieldErrors): void {
  const { selector, template } = spec
  validateNotNegative('spec.replicas', spec.replicas, errors)
  validateNotNegative('spec.minReadySeconds', spec.minReadySeconds, errors)
  if (!validateSelector(selector, 'deployment', errors))
    errors.invalid('spec.selector', selector, 'invalid label selector')
  else {
    validateSelects(selector, template, 'spec.template', errors)
    validateLastingTemplate(template, 'spec.template', 'ReplicaSet', errors)
  }
}

export function validateReplicaSetUpdate(set: ReplicaSet, old: ReplicaSet, errors: FieldErrors): void {
  validateReplicaSet(set, errors)
  keepsValue('spec.selector', set.spec.selector, old.spec.selector, errors)
}

/** The counts of a ReplicaSet, which a ReplicationController has, too. */
export function validateReplicaCounts(status: Partial<ReplicaSetStatus>, errors: FieldErrors): void {
  validateCounts(
    status,
    [
      'replicas',
      'fullyLabeledReplicas',
      'readyReplicas',
      'availableReplicas',
      'terminatingReplicas',
      'observedGeneration',
    ],
    errors,
  )
  const parts = ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const
  validateParts(status, parts, 'replicas', 'status.replicas', errors)
  validateParts(status, ['availableReplicas'], 'readyReplicas', 'readyReplicas', errors)
}
