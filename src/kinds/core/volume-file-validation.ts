/** The files of which volumes are made: their names, modes, and what is written into them. */
import type { FieldErrors } from '../../schema/field-errors.ts'
import { fileFields, validateFieldRef, validateResourceRef } from './env-validation.ts'
import { checkLocalNonReservedPath } from './field-checks.ts'
import type { DownwardAPIVolumeFile, KeyToPath } from './volumes.ts'

export function checkMode(mode: number | undefined, path: string, errors: FieldErrors): void {
  if (mode !== undefined && (mode < 0 || mode > 0o777)) {
    errors.invalid(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive')
  }
}

export function validateItems(items: readonly KeyToPath[] | undefined, path: string, errors: FieldErrors): void {
  items?.forEach((item, index) => {
    const at = `${path}[${index}]`
    if (item.key === '') errors.required(`${at}.key`)
    if (item.path === '') errors.required(`${at}.path`)
    checkLocalNonReservedPath(errors, `${at}.path`, item.path)
    checkMode(item.mode, `${at}.mode`, errors)
  })
}

/** Faults of a file are shown at the volume: so the reference does. */
export function validateFile(file: DownwardAPIVolumeFile, path: string, errors: FieldErrors): void {
  if (file.path === '') errors.required(`${path}.path`)
  checkLocalNonReservedPath(errors, `${path}.path`, file.path)
  if (file.fieldRef) {
    validateFieldRef(file.fieldRef, fileFields, `${path}.fieldRef`, errors)
    if (file.resourceFieldRef) {
      errors.invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously')
    }
  } else if (file.resourceFieldRef) {
    validateResourceRef(file.resourceFieldRef, `${path}.resourceFieldRef`, true, errors)
  } else {
    errors.required(path, 'one of fieldRef and resourceFieldRef is required')
  }
  checkMode(file.mode, `${path}.mode`, errors)
}
