import type { FieldErrors } from '../schema/field-errors.ts'
import { percentFaults } from '../schema/names.ts'
import { validateNotNegative } from './rules.ts'

/** A number that is not negative, or a share of at most `100%`. */
export function validateAmountOrPercent(path: string, value: number | string | undefined, errors: FieldErrors): void {
  if (value === undefined) return
  if (typeof value === 'number') {
    validateNotNegative(path, value, errors)
    return
  }
  const faults = percentFaults(value)
  for (const fault of faults) errors.invalid(path, value, fault)
  if (faults.length === 0 && Number.parseInt(value, 10) > 100) {
    errors.invalid(path, value, 'must not be greater than 100%')
  }
}
