/** Templates of the claims that are made for a pod's own volumes. */
import type { FieldErrors } from '../../schema/field-errors.ts'
import { dnsSubdomainFaults } from '../../schema/names.ts'
import { validateClaimSpec } from './claim-validation.ts'
import { checkLabels } from './field-checks.ts'
import type { VolumeContext } from './volume-validation.ts'
import type { PersistentVolumeClaimTemplate } from './volumes.ts'

export function validateClaimTemplate(
  template: PersistentVolumeClaimTemplate,
  path: string,
  errors: FieldErrors,
  { volumeName, volumePath, podName }: VolumeContext,
): void {
  if (podName !== '') {
    const name = `${podName}-${volumeName}`
    for (const fault of dnsSubdomainFaults(name)) {
      errors.invalid(`${volumePath}.name`, volumeName, `PVC name ${JSON.stringify(name)}: ${fault}`)
    }
  }
  checkLabels(errors, `${path}.metadata.labels`, template.metadata.labels)
  validateTemplateMetadata(template.metadata, `${path}.metadata`, errors)
  validateClaimSpec(`${path}.spec`, template.spec, errors)
}

const settable = new Set(['labels', 'annotations'])

/** The claim gets its name from the pod: nothing but labels and annotations can be given. */
function validateTemplateMetadata(
  metadata: PersistentVolumeClaimTemplate['metadata'],
  path: string,
  errors: FieldErrors,
): void {
  for (const name of Object.keys(metadata)) {
    if (!settable.has(name)) errors.forbidden(`${path}.${name}`, 'cannot be set for an ephemeral volume')
  }
}
