import type { FieldErrors } from '../../schema/field-errors.ts'
import { dnsSubdomainFaults, pathSegmentFaults } from '../../schema/names.ts'
import { invalidAll } from '../rules.ts'

interface TypedReference {
  readonly apiGroup?: string
  readonly kind: string
  readonly name: string
}

/** The rules for a reference to an object of any kind. */
export function validateTypedReference(path: string, reference: TypedReference, errors: FieldErrors): void {
  const { apiGroup, kind, name } = reference
  if (apiGroup !== undefined) invalidAll(`${path}.apiGroup`, apiGroup, dnsSubdomainFaults(apiGroup), errors)
  if (!kind) errors.required(`${path}.kind`, 'kind is required')
  else invalidAll(`${path}.kind`, kind, pathSegmentFaults(kind), errors)
  if (!name) errors.required(`${path}.name`, 'name is required')
  else invalidAll(`${path}.name`, name, pathSegmentFaults(name), errors)
}
