import type { FieldErrors } from '../../../schema/field-errors.ts'
import { itemsOf, type JsonSchema, valuesOf } from './json-schema.ts'

/** Refuses rules: nobody is there yet who could hold objects to them. */
export function validateRules(schema: JsonSchema, path: string, errors: FieldErrors): void {
  const rules = schema['x-kubernetes-validations'] ?? []
  if (rules.length > 0) errors.forbidden(`${path}.x-kubernetes-validations`, 'this server does not evaluate rules')
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    validateRules(property, `${path}.properties[${name}]`, errors)
  }
  const items = itemsOf(schema)
  const values = valuesOf(schema)
  if (items !== undefined) validateRules(items, `${path}.items`, errors)
  if (values !== undefined) validateRules(values, `${path}.additionalProperties`, errors)
}
