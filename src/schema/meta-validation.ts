/**
 * What may stand in an object's metadata, and in labels and selectors anywhere, in the reference's words and order
 * (apimachinery's `api/validation` and `apis/meta/v1/validation`).
 */

import { sortedKeys } from '../base/sorted-keys.ts'
import type { FieldErrors } from './field-errors.ts'
import { equalJson } from './freeze.ts'
import type { ObjectMetaLike, OwnerReferenceLike } from './kind.ts'
import {
  type Faults,
  kubeFinalizerFaults,
  labelNameRule,
  labelValueFaults,
  type NameRule,
  qualifiedNameFaults,
} from './names.ts'

export interface MetaRules {
  readonly namespaced: boolean
  readonly nameRule: NameRule
  /** Finalizers without a domain must be ones that Kubernetes knows; see `checksKubeFinalizers`. */
  readonly kubeFinalizers?: boolean
}

/** As many bytes as all keys and values of an object's annotations may have together. */
export const annotationSizeLimit: number = 256 * 1024

/** Checks the metadata of a new object, whose name has been generated already. */
export function validateObjectMeta(
  metadata: ObjectMetaLike,
  rules: MetaRules,
  path: string,
  errors: FieldErrors,
): void {
  validateName(metadata, rules.nameRule, path, errors)
  validateNamespace(metadata, rules.namespaced, path, errors)
  if ((metadata.generation ?? 0) < 0) {
    errors.invalid(`${path}.generation`, metadata.generation, 'must be greater than or equal to 0')
  }
  validateLabels(metadata.labels, `${path}.labels`, errors)
  validateAnnotations(metadata.annotations, `${path}.annotations`, errors)
  validateOwnerReferences(metadata.ownerReferences, `${path}.ownerReferences`, errors)
  validateFinalizers(metadata.finalizers, `${path}.finalizers`, errors)
  validateManagedFields(metadata.managedFields, `${path}.managedFields`, errors)
  if (rules.kubeFinalizers === true) validateKubeFinalizers(metadata.finalizers, `${path}.finalizers`, errors)
}

/**
 * Checks how metadata has changed. The server has filled in before what an update may leave out: uid, timestamps,
 * resourceVersion.
 */
export function validateObjectMetaUpdate(
  metadata: ObjectMetaLike,
  old: ObjectMetaLike,
  path: string,
  errors: FieldErrors,
  rules: Pick<MetaRules, 'kubeFinalizers'> = {},
): void {
  if (old.deletionTimestamp !== undefined) validateNoNewFinalizers(metadata, old, path, errors)
  if ((metadata.resourceVersion ?? '') === '') {
    errors.invalid(`${path}.resourceVersion`, '', 'must be specified for an update')
  }
  if ((metadata.generation ?? 0) < (old.generation ?? 0)) {
    errors.invalid(`${path}.generation`, metadata.generation ?? 0, 'must not be decremented')
  }
  for (const field of immutableText) {
    validateImmutableField(metadata[field] ?? '', old[field] ?? '', `${path}.${field}`, errors)
  }
  for (const field of immutableNullable) validateImmutableField(metadata[field], old[field], `${path}.${field}`, errors)
  validateLabels(metadata.labels, `${path}.labels`, errors)
  validateAnnotations(metadata.annotations, `${path}.annotations`, errors)
  validateOwnerReferences(metadata.ownerReferences, `${path}.ownerReferences`, errors)
  validateManagedFields(metadata.managedFields, `${path}.managedFields`, errors)
  if (rules.kubeFinalizers === true) validateKubeFinalizers(metadata.finalizers, `${path}.finalizers`, errors)
}

const immutableText = ['name', 'namespace', 'uid'] as const
const immutableNullable = ['creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const

/**
 * Whether the reference checks a kind's finalizers against those it knows: all kinds but those whose validation was
 * written outside its core package.
 */
export function checksKubeFinalizers({ group, kind }: { readonly group: string; readonly kind: string }): boolean {
  return !(groupsWithOwnFinalizers.has(group) || kind === 'PodDisruptionBudget' || (group === '' && kind === 'Event'))
}

const groupsWithOwnFinalizers: ReadonlySet<string> = new Set([
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'apiregistration.k8s.io',
])

/** A field that must stay what it was; absent and empty are the same. */
export function validateImmutableField(value: unknown, old: unknown, path: string, errors: FieldErrors): void {
  if (!equalJson(value, old)) errors.invalid(path, value, 'field is immutable')
}

export function validateLabels(
  labels: Readonly<Record<string, string>> | undefined,
  path: string,
  errors: FieldErrors,
): void {
  if (!labels) return
  for (const key of sortedKeys(labels)) {
    const value = labels[key] ?? ''
    addFaults(qualifiedNameFaults(key), key, path, errors)
    addFaults(labelValueFaults(value), value, path, errors)
  }
}

export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  path: string,
  errors: FieldErrors,
): void {
  if (!annotations) return
  let size = 0
  for (const key of sortedKeys(annotations)) {
    addFaults(qualifiedNameFaults(key.toLowerCase()), key, path, errors)
    size += Buffer.byteLength(key) + Buffer.byteLength(annotations[key] ?? '')
  }
  if (size > annotationSizeLimit) errors.tooLong(path, annotationSizeLimit)
}

export interface LabelSelectorLike {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly LabelSelectorRequirementLike[]
}

export interface LabelSelectorRequirementLike {
  readonly key: string
  readonly operator: string
  readonly values?: readonly string[]
}

export interface LabelSelectorOptions {
  /** Objects that were stored with values which no label can have stay valid. */
  readonly allowInvalidValues?: boolean
}

export function validateLabelSelector(
  selector: LabelSelectorLike | undefined,
  path: string,
  errors: FieldErrors,
  options: LabelSelectorOptions = {},
): void {
  if (!selector) return
  validateLabels(selector.matchLabels, `${path}.matchLabels`, errors)
  for (const [index, requirement] of (selector.matchExpressions ?? []).entries()) {
    validateRequirement(requirement, `${path}.matchExpressions[${index}]`, errors, options)
  }
}

function validateRequirement(
  { key, operator, values = [] }: LabelSelectorRequirementLike,
  path: string,
  errors: FieldErrors,
  { allowInvalidValues = false }: LabelSelectorOptions,
): void {
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) errors.required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'")
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) {
      errors.forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    }
  } else {
    errors.invalid(`${path}.operator`, operator, 'not a valid selector operator')
  }
  addFaults(qualifiedNameFaults(key), key, `${path}.key`, errors)
  if (allowInvalidValues) return
  for (const [index, value] of values.entries())
    addFaults(labelValueFaults(value), value, `${path}.values[${index}]`, errors)
}

/** Checks the name of somebody who writes fields, as requests and managedFields state it. */
export function validateFieldManager(manager: string, path: string, errors: FieldErrors): void {
  // As nearly all are, of whom each write of an object has several looked at.
  if (/^[ -~]{0,128}$/.test(manager)) return
  if (Buffer.byteLength(manager) > 128) errors.tooLong(path, 128)
  let position = 0
  for (const character of manager) {
    if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character)) {
      errors.invalid(path, manager, `invalid character ${codePoint(character)} (at position ${position})`)
    }
    position += Buffer.byteLength(character)
  }
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}

function validateName(metadata: ObjectMetaLike, nameRule: NameRule, path: string, errors: FieldErrors): void {
  const { name = '', generateName = '' } = metadata
  if (generateName !== '') addFaults(nameRule(generateName, true), generateName, `${path}.generateName`, errors)
  if (name === '') errors.required(`${path}.name`, 'name or generateName is required')
  else addFaults(nameRule(name, false), name, `${path}.name`, errors)
}

function validateNamespace(
  { namespace = '' }: ObjectMetaLike,
  namespaced: boolean,
  path: string,
  errors: FieldErrors,
): void {
  if (!namespaced) {
    if (namespace !== '') errors.forbidden(`${path}.namespace`, 'not allowed on this type')
  } else if (namespace === '') {
    errors.required(`${path}.namespace`)
  } else {
    addFaults(labelNameRule(namespace, false), namespace, `${path}.namespace`, errors)
  }
}

function validateOwnerReferences(
  owners: readonly OwnerReferenceLike[] | undefined,
  path: string,
  errors: FieldErrors,
): void {
  let controller: string | undefined
  for (const owner of owners ?? []) {
    validateOwnerReference(owner, path, errors)
    if (owner.controller !== true) continue
    const name = `${owner.kind}/${owner.name}`
    if (controller === undefined) {
      controller = name
      continue
    }
    const found = `Found "true" in references for ${controller} and ${name}`
    errors.invalid(path, owners, `Only one reference can have Controller set to true. ${found}`)
  }
}

function validateOwnerReference(owner: OwnerReferenceLike, path: string, errors: FieldErrors): void {
  const mustNotBeEmpty = 'must not be empty'
  if (versionOf(owner.apiVersion) === '')
    errors.invalid(`${path}.apiVersion`, owner.apiVersion, 'version must not be empty')
  if (owner.kind === '') errors.invalid(`${path}.kind`, owner.kind, mustNotBeEmpty)
  if (owner.name === '') errors.invalid(`${path}.name`, owner.name, mustNotBeEmpty)
  if (owner.uid === '') errors.invalid(`${path}.uid`, owner.uid, mustNotBeEmpty)
  if (owner.apiVersion === 'v1' && owner.kind === 'Event') {
    errors.invalid(path, owner, '/v1, Kind=Event is disallowed from being an owner')
  }
}

/** Empty for what is not a group and a version. */
function versionOf(apiVersion: string): string {
  const parts = apiVersion.split('/')
  return parts.length > 2 ? '' : (parts.at(-1) ?? '')
}

function validateFinalizers(finalizers: readonly string[] | undefined, path: string, errors: FieldErrors): void {
  if (!finalizers) return
  for (const finalizer of finalizers) addFaults(qualifiedNameFaults(finalizer), finalizer, path, errors)
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    errors.invalid(path, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set')
  }
}

function validateKubeFinalizers(finalizers: readonly string[] | undefined, path: string, errors: FieldErrors): void {
  for (const [index, finalizer] of (finalizers ?? []).entries()) {
    addFaults(kubeFinalizerFaults(finalizer), finalizer, `${path}[${index}]`, errors)
  }
}

function validateNoNewFinalizers(
  metadata: ObjectMetaLike,
  old: ObjectMetaLike,
  path: string,
  errors: FieldErrors,
): void {
  const known = new Set(old.finalizers)
  const added = [...new Set(metadata.finalizers)].filter((finalizer) => !known.has(finalizer)).sort()
  if (added.length === 0) return
  const list = `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(', ')}}`
  errors.forbidden(
    `${path}.finalizers`,
    `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`,
  )
}

interface ManagedFieldsEntryLike {
  readonly manager?: string
  readonly operation?: string
  readonly fieldsType?: string
  readonly subresource?: string
}

function validateManagedFields(entries: readonly unknown[] | undefined, path: string, errors: FieldErrors): void {
  for (const [index, entry] of (entries ?? []).entries()) {
    const { manager = '', operation = '', fieldsType = '', subresource = '' } = entry as ManagedFieldsEntryLike
    const entryPath = `${path}[${index}]`
    if (operation !== 'Apply' && operation !== 'Update') {
      errors.invalid(`${entryPath}.operation`, operation, 'must be `Apply` or `Update`')
    }
    if (fieldsType !== '' && fieldsType !== 'FieldsV1') {
      errors.invalid(`${entryPath}.fieldsType`, fieldsType, 'must be `FieldsV1`')
    }
    validateFieldManager(manager, `${entryPath}.manager`, errors)
    if (subresource.length * 3 > 256 && Buffer.byteLength(subresource) > 256)
      errors.tooLong(`${entryPath}.subresource`, 256)
  }
}

function addFaults(faults: Faults, value: string, path: string, errors: FieldErrors): void {
  for (const fault of faults) errors.invalid(path, value, fault)
}
