/** Rules that all kinds which make pods from a template share. */
import type { FieldErrors } from '../../schema/field-errors.ts'
import { FieldErrors as Scratch } from '../../schema/field-errors.ts'
import { validateLabelSelector } from '../../schema/meta-validation.ts'
import { percentFaults } from '../../schema/names.ts'
import type { PodTemplateSpec } from '../core/pod-spec.ts'
import { validatePodTemplate } from '../core/pod-template-validation.ts'
import { isEmptySelector, selectorMatches } from '../core/selector-validation.ts'
import type { LabelSelector } from '../meta/label-selector.ts'
import { invalidAll, validateNotNegative } from '../rules.ts'

export const labelsMismatch = '`selector` does not match template `labels`'

/** Checks a selector that must be there and select by something. False when it cannot be used. */
export function validateSelector(selector: LabelSelector | null, kind: string, errors: FieldErrors): boolean {
  if (!selector) {
    errors.required('spec.selector')
    return true
  }
  validateLabelSelector(selector, 'spec.selector', errors)
  if (isEmptySelector(selector)) {
    errors.invalid('spec.selector', selector, `empty selector is invalid for ${kind}`)
  }
  return isUsable(selector)
}

export function isUsable(selector: LabelSelector): boolean {
  const scratch = new Scratch()
  validateLabelSelector(selector, '', scratch)
  return scratch.length === 0
}

/** No selector selects nothing, an empty one everything. */
export function validateSelects(
  selector: LabelSelector | null,
  template: PodTemplateSpec,
  path: string,
  errors: FieldErrors,
): void {
  const { labels } = template.metadata
  if (!selector || !selectorMatches(selector, labels ?? {}))
    errors.invalid(`${path}.metadata.labels`, labels, labelsMismatch)
}

/** A template whose pods are kept running: they are always restarted, and have no deadline. */
export function validateLastingTemplate(
  template: PodTemplateSpec,
  path: string,
  kind: string,
  errors: FieldErrors,
): void {
  validatePodTemplate(template, path, errors)
  validateLasting(template, path, kind, errors)
}

export function validateLasting({ spec }: PodTemplateSpec, path: string, kind: string, errors: FieldErrors): void {
  if (spec.restartPolicy !== 'Always') {
    errors.notSupported(`${path}.spec.restartPolicy`, spec.restartPolicy ?? '', ['Always'])
  }
  if (spec.activeDeadlineSeconds !== undefined) {
    const detail = `activeDeadlineSeconds in ${kind} is not Supported`
    errors.forbidden(`${path}.spec.activeDeadlineSeconds`, detail)
  }
}

/** A number that is not negative, or a percentage. */
export function validatePositive(path: string, value: number | string | undefined, errors: FieldErrors): void {
  if (typeof value === 'string') invalidAll(path, value, percentFaults(value), errors)
  else validateNotNegative(path, value, errors)
}

export function validateAtMostAll(path: string, value: number | string | undefined, errors: FieldErrors): void {
  if (typeof value !== 'string' || percentFaults(value).length > 0) return
  if (Number.parseInt(value, 10) > 100) errors.invalid(path, value, 'must not be greater than 100%')
}

/** Whether it stands for anything: neither absent, nor `0`, nor `0%`. */
export const isSome = (value: number | string | undefined): boolean =>
  typeof value === 'string' ? percentFaults(value).length === 0 && Number.parseInt(value, 10) !== 0 : !!value

/** Counts of a status that cannot be negative. */
export function validateCounts<S extends object>(
  status: S,
  names: readonly (keyof S & string)[],
  errors: FieldErrors,
): void {
  for (const name of names) validateNotNegative(`status.${name}`, status[name] as number | undefined, errors)
}

/** Counts of a status that are part of another count. */
export function validateParts<S extends object>(
  status: S,
  parts: readonly (keyof S & string)[],
  whole: keyof S & string,
  wholeName: string,
  errors: FieldErrors,
): void {
  for (const name of parts) {
    const value = (status[name] as number | undefined) ?? 0
    if (value > ((status[whole] as number | undefined) ?? 0)) {
      errors.invalid(`status.${name}`, value, `cannot be greater than ${wholeName}`)
    }
  }
}
