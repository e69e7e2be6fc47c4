import { compareQuantities, parseQuantity } from '../../base/quantity.ts'
import { FieldErrors } from '../../schema/field-errors.ts'
import { clone, equalJson } from '../../schema/freeze.ts'
import { validateLabelSelector } from '../../schema/meta-validation.ts'
import { dnsSubdomainFaults } from '../../schema/names.ts'
import { invalidAll, keepsValue } from '../rules.ts'
import { accessModes } from './access-modes.ts'
import { changes } from './object-changes.ts'
import type { PersistentVolumeClaim } from './persistent-volume-claim.ts'
import { PersistentVolumeClaimSpec } from './persistent-volume-claim-spec.ts'
import { validateResourceAmount } from './resource-names.ts'

export function validateClaim({ spec }: PersistentVolumeClaim, errors: FieldErrors): void {
  if (!spec.accessModes?.length) errors.required('spec.accessModes', 'at least 1 access mode is required')
  validateLabelSelector(spec.selector, 'spec.selector', errors)
  validateAccessModes('spec.accessModes', spec.accessModes ?? [], errors)
  validateStorage(spec.resources.requests?.storage, errors)
  const { storageClassName, volumeMode, volumeAttributesClassName } = spec
  if (storageClassName)
    invalidAll('spec.storageClassName', storageClassName, dnsSubdomainFaults(storageClassName), errors)
  if (volumeMode !== undefined && volumeMode !== 'Block' && volumeMode !== 'Filesystem') {
    errors.notSupported('spec.volumeMode', volumeMode, ['Block', 'Filesystem'])
  }
  validateDataSources(spec, errors)
  if (volumeAttributesClassName) {
    const path = 'spec.volumeAttributesClassName'
    invalidAll(path, volumeAttributesClassName, dnsSubdomainFaults(volumeAttributesClassName), errors)
  }
}

/** What claims are made from, wherever it stands: the rules are the claim's own, only the place is another. */
export function validateClaimSpec(path: string, spec: PersistentVolumeClaimSpec, errors: FieldErrors): void {
  const own = new FieldErrors()
  validateClaim({ spec } as PersistentVolumeClaim, own)
  for (const cause of own.causes)
    errors.causes.push({ ...cause, field: path + (cause.field ?? '').slice('spec'.length) })
}

export function validateAccessModes(path: string, modes: readonly string[], errors: FieldErrors): void {
  for (const mode of modes) if (!accessModes.includes(mode)) errors.notSupported(path, mode, accessModes)
  if (modes.includes('ReadWriteOncePod') && modes.some((mode) => mode !== 'ReadWriteOncePod')) {
    errors.forbidden(path, 'may not use ReadWriteOncePod with other access modes')
  }
}

function validateStorage(amount: string | undefined, errors: FieldErrors): void {
  const path = 'spec.resources[storage]'
  if (amount === undefined) errors.required(path)
  else if (parseQuantity(amount).sign <= 0) errors.invalid(path, amount, 'must be greater than zero')
}

function validateDataSources({ dataSource, dataSourceRef }: PersistentVolumeClaimSpec, errors: FieldErrors): void {
  for (const [field, source] of [
    ['dataSource', dataSource],
    ['dataSourceRef', dataSourceRef],
  ] as const) {
    if (source === undefined) continue
    if (!source.name) errors.required(`spec.${field}.name`)
    if (!source.kind) errors.required(`spec.${field}.kind`)
    if (!source.apiGroup && source.kind && source.kind !== 'PersistentVolumeClaim') {
      errors.invalid(
        `spec.${field}`,
        source.kind,
        "must be 'PersistentVolumeClaim' when referencing the default apiGroup",
      )
    }
  }
}

/** A claim that is bound may grow, and may change its attributes; nothing else. */
export function validateClaimUpdate(
  claim: PersistentVolumeClaim,
  old: PersistentVolumeClaim,
  errors: FieldErrors,
): void {
  const before = clone(old.spec)
  const after = clone(claim.spec)
  before.volumeName ||= after.volumeName
  // A claim without a class may get the default one later (KEP-3333).
  if (before.storageClassName === undefined) after.storageClassName = undefined
  const oldSize = old.spec.resources.requests?.storage ?? '0'
  const newSize = claim.spec.resources.requests?.storage ?? '0'
  if (claim.status.phase === 'Bound' && after.resources.requests !== undefined)
    after.resources.requests.storage = oldSize
  after.volumeAttributesClassName = before.volumeAttributesClassName
  if (!equalJson(after, before)) {
    const rule =
      'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'
    errors.forbidden('spec', `${rule}\n${changes(PersistentVolumeClaimSpec, before, after)}`)
  }
  if (compareQuantities(newSize, oldSize) < 0) {
    const capacity = claim.status.capacity?.storage
    if (capacity === undefined || compareQuantities(newSize, capacity) <= 0) {
      errors.forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity')
    }
  }
  keepsValue('volumeMode', claim.spec.volumeMode, old.spec.volumeMode, errors)
}

export function validateClaimStatus({ status }: PersistentVolumeClaim, errors: FieldErrors): void {
  for (const [name, amount] of Object.entries(status.capacity ?? {})) {
    validateResourceAmount(`status.capacity[${name}]`, name, amount, errors)
  }
}
