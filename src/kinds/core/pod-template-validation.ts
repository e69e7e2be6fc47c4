/** Templates of pods, in whatever object they stand. */
import type { FieldErrors } from '../../schema/field-errors.ts'
import { checkLabels, checkQualifiedName } from './field-checks.ts'
import type { PodTemplateSpec } from './pod-spec.ts'
import { validatePodSpec } from './pod-spec-validation.ts'

export function validatePodTemplate(template: PodTemplateSpec, path: string, errors: FieldErrors): void {
  checkLabels(errors, `${path}.labels`, template.metadata.labels)
  for (const name in template.metadata.annotations) {
    checkQualifiedName(errors, `${path}.annotations`, name.toLowerCase())
  }
  validatePodSpec(template.spec, `${path}.spec`, { podName: '', isPod: false }, errors)
  if (template.spec.ephemeralContainers?.length) {
    errors.forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template')
  }
}
