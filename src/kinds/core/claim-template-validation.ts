/** Templates of the claims that are made for a pod's own volumes. */
import type { FieldErrors } from '../../schema/field-errors.ts'
import { addFaults, checkLabels } from './field-checks.ts'
import { dnsSubdomainFaults } from '../../schema/names.ts'
import type { PersistentVolumeClaimSpec } from './persistent-volume-claim-spec.ts'
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
  claimSpecCheck(template.spec, `${path}.spec`, errors)
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

const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']

function claimSpecCheck(spec: PersistentVolumeClaimSpec, path: string, errors: FieldErrors): void {
  const { accessModes: modes = [], resources, volumeMode, storageClassName } = spec
  if (modes.length === 0) errors.required(`${path}.accessModes`, 'at least 1 access mode is required')
  for (const mode of modes)
    if (!accessModes.includes(mode)) errors.notSupported(`${path}.accessModes`, mode, accessModes)
  if (resources.requests?.storage === undefined) errors.required(`${path}.resources[storage]`)
  if (storageClassName)
    addFaults(errors, `${path}.storageClassName`, storageClassName, dnsSubdomainFaults(storageClassName))
  if (volumeMode !== undefined && volumeMode !== 'Block' && volumeMode !== 'Filesystem') {
    errors.notSupported(`${path}.volumeMode`, volumeMode, ['Block', 'Filesystem'])
  }
}
