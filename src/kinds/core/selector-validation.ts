/** Label selectors and node selectors. */
import type { FieldErrors } from '../../schema/field-errors.ts'
import { dnsLabelFaults, dnsSubdomainFaults, labelValueFaults } from '../../schema/names.ts'
import type { LabelSelector } from '../meta/label-selector.ts'
import { addFaults, checkQualifiedName } from './field-checks.ts'
import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from './scheduling.ts'

export const isEmptySelector = (selector: LabelSelector): boolean =>
  Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0

export function selectorMatches(
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  labels: Readonly<Record<string, string>>,
): boolean {
  for (const key in matchLabels) if (labels[key] !== matchLabels[key]) return false
  return matchExpressions.every(({ key, operator, values = [] }) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined
    if (operator === 'In') return value !== undefined && values.includes(value)
    if (operator === 'NotIn') return value === undefined || !values.includes(value)
    return operator === 'Exists' ? value !== undefined : value === undefined
  })
}

export function validateNodeSelector(selector: NodeSelector, path: string, errors: FieldErrors): void {
  const terms = selector.nodeSelectorTerms ?? []
  if (terms.length === 0) errors.required(`${path}.nodeSelectorTerms`, 'must have at least one node selector term')
  terms.forEach((term, index) => {
    validateNodeSelectorTerm(term, `${path}.nodeSelectorTerms[${index}]`, errors)
  })
}

/** `anyValue`: what is only preferred may name values that no label can have. */
export function validateNodeSelectorTerm(
  term: NodeSelectorTerm,
  path: string,
  errors: FieldErrors,
  anyValue = false,
): void {
  term.matchExpressions?.forEach((requirement, index) => {
    validateNodeRequirement(requirement, `${path}.matchExpressions[${index}]`, errors, anyValue)
  })
  term.matchFields?.forEach((requirement, index) => {
    validateNodeFieldRequirement(requirement, `${path}.matchFields[${index}]`, errors)
  })
}

function validateNodeRequirement(
  requirement: NodeSelectorRequirement,
  path: string,
  errors: FieldErrors,
  anyValue: boolean,
): void {
  const { key, operator, values = [] } = requirement
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) {
        errors.required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'")
      }
      break
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) {
        errors.forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
      }
      break
    case 'Gt':
    case 'Lt':
      if (values.length !== 1) {
        errors.required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'")
      }
      break
    default:
      errors.invalid(`${path}.operator`, operator, 'not a valid selector operator')
  }
  checkQualifiedName(errors, `${path}.key`, key)
  if (anyValue) return
  values.forEach((value, index) => {
    addFaults(errors, `${path}.values[${index}]`, value, labelValueFaults(value))
  })
}

function validateNodeFieldRequirement(requirement: NodeSelectorRequirement, path: string, errors: FieldErrors): void {
  const { key, operator, values = [] } = requirement
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length !== 1) {
      errors.required(
        `${path}.values`,
        "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
      )
    }
  } else {
    errors.invalid(`${path}.operator`, operator, 'not a valid selector operator')
  }
  if (key !== 'metadata.name') {
    errors.invalid(`${path}.key`, key, 'not a valid field selector key')
    return
  }
  values.forEach((value, index) => {
    addFaults(errors, `${path}.values[${index}]`, value, dnsSubdomainFaults(value))
  })
}

/** Namespaces are named as DNS labels are. */
export const namespaceNameFaults = dnsLabelFaults
