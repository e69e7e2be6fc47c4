/** Small checks that validation of pods and workloads is made of. */
import type { FieldErrors } from '../../schema/field-errors.ts'
import { labelValueFaults, qualifiedNameFaults } from '../../schema/names.ts'
import { notNegative } from '../rules.ts'

export type Faults = readonly string[]

/** Every fault of a value becomes an error of its field. */
export function addFaults(errors: FieldErrors, path: string, value: unknown, faults: Faults): void {
  for (const fault of faults) errors.invalid(path, value, fault)
}

export function checkNotNegative(errors: FieldErrors, path: string, value: number | undefined): void {
  if (value !== undefined && value < 0) errors.invalid(path, value, notNegative)
}

/** `supported` is listed in the given order. */
export function checkOneOf(errors: FieldErrors, path: string, value: string, supported: readonly string[]): void {
  if (!supported.includes(value)) errors.notSupported(path, value, supported)
}

/** The keys and values of labels; both faults are the map's. */
export function checkLabels(
  errors: FieldErrors,
  path: string,
  labels: Readonly<Record<string, string>> | undefined,
): void {
  if (!labels) return
  for (const key in labels) {
    const value = labels[key] ?? ''
    if (isPlainName(key) && (value === '' || isPlainName(value))) continue
    addFaults(errors, path, key, qualifiedNameFaults(key))
    addFaults(errors, path, value, labelValueFaults(value))
  }
}

/** A short name without a prefix, certainly right as a label's key or value. */
function isPlainName(text: string): boolean {
  if (text.length === 0 || text.length > 63) return false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index) | 32
    const digit = text.charCodeAt(index)
    if (!(code >= 97 && code <= 122) && !(digit >= 48 && digit <= 57)) return false
  }
  return true
}

export function checkQualifiedName(errors: FieldErrors, path: string, name: string): void {
  addFaults(errors, path, name, qualifiedNameFaults(name))
}

/** A path below a volume: relative, and never out of it. */
export function checkLocalPath(errors: FieldErrors, path: string, value: string): void {
  if (value.startsWith('/')) errors.invalid(path, value, 'must be a relative path')
  checkNoBackSteps(errors, path, value)
}

export function checkNoBackSteps(errors: FieldErrors, path: string, value: string): void {
  if (value.includes('..') && value.split('/').includes('..')) errors.invalid(path, value, "must not contain '..'")
}

/** A relative path of which not even the first name begins with `..`. */
export function checkLocalNonReservedPath(errors: FieldErrors, path: string, value: string): void {
  checkLocalPath(errors, path, value)
  if (value.startsWith('..') && !value.startsWith('../')) errors.invalid(path, value, "must not start with '..'")
}
