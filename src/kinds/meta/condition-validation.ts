import type { FieldErrors } from '../../schema/field-errors.ts'
import { conditionReasonFaults, qualifiedNameFaults } from '../../schema/names.ts'
import type { Condition } from './condition.ts'

const maxReasonLength = 1024
const maxMessageLength = 32 * 1024

/** The rules for a list of `metav1.Condition`: one of each type, and every field said. */
export function validateConditions(
  path: string,
  conditions: readonly Condition[] | undefined,
  errors: FieldErrors,
): void {
  const seen = new Set<string>()
  for (const [index, condition] of (conditions ?? []).entries()) {
    if (seen.has(condition.type)) errors.duplicate(`${path}[${index}].type`, condition.type)
    seen.add(condition.type)
    validateCondition(`${path}[${index}]`, condition, errors)
  }
}

function validateCondition(path: string, condition: Condition, errors: FieldErrors): void {
  const { type, status, observedGeneration = 0, lastTransitionTime, reason, message } = condition
  for (const fault of qualifiedNameFaults(type)) errors.invalid(`${path}.type`, type, fault)
  const statuses = ['False', 'True', 'Unknown']
  if (!statuses.includes(status)) errors.notSupported(`${path}.status`, status, statuses)
  if (observedGeneration < 0) {
    errors.invalid(`${path}.observedGeneration`, observedGeneration, 'must be greater than or equal to zero')
  }
  if (!lastTransitionTime) errors.required(`${path}.lastTransitionTime`, 'must be set')
  if (!reason) errors.required(`${path}.reason`, 'must be set')
  else for (const fault of conditionReasonFaults(reason)) errors.invalid(`${path}.reason`, reason, fault)
  if (Buffer.byteLength(reason ?? '') > maxReasonLength) errors.tooLong(`${path}.reason`, maxReasonLength)
  if (Buffer.byteLength(message ?? '') > maxMessageLength) errors.tooLong(`${path}.message`, maxMessageLength)
}
