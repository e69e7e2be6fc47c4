/** What a pod says about the nodes it can run on: affinity, spread, tolerations, gates. */
import type { FieldErrors } from '../../schema/field-errors.ts'
import { validateLabelSelector } from '../../schema/meta-validation.ts'
import { labelValueFaults } from '../../schema/names.ts'
import type { LabelSelector } from '../meta/label-selector.ts'
import { addFaults, checkOneOf, checkQualifiedName } from './field-checks.ts'
import type { PodSchedulingGate } from './pod-spec.ts'
import type {
  Affinity,
  NodeAffinity,
  PodAffinity,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from './scheduling.ts'
import { namespaceNameFaults, validateNodeSelector, validateNodeSelectorTerm } from './selector-validation.ts'

const required = 'requiredDuringSchedulingIgnoredDuringExecution'
const preferred = 'preferredDuringSchedulingIgnoredDuringExecution'

export function validateAffinity(affinity: Affinity, path: string, errors: FieldErrors): void {
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity
  if (nodeAffinity) validateNodeAffinity(nodeAffinity, `${path}.nodeAffinity`, errors)
  if (podAffinity) validatePodAffinity(podAffinity, `${path}.podAffinity`, errors)
  if (podAntiAffinity) validatePodAffinity(podAntiAffinity, `${path}.podAntiAffinity`, errors)
}

function checkWeight(weight: number, path: string, errors: FieldErrors): void {
  if (weight <= 0 || weight > 100) errors.invalid(path, weight, 'must be in the range 1-100')
}

function validateNodeAffinity(affinity: NodeAffinity, path: string, errors: FieldErrors): void {
  const must = affinity[required]
  if (must) validateNodeSelector(must, `${path}.${required}`, errors)
  affinity[preferred]?.forEach(({ weight, preference }, index) => {
    const at = `${path}.${preferred}[${index}]`
    checkWeight(weight, `${at}.weight`, errors)
    validateNodeSelectorTerm(preference, `${at}.preference`, errors, true)
  })
}

function validatePodAffinity(affinity: PodAffinity, path: string, errors: FieldErrors): void {
  affinity[required]?.forEach((term, index) => {
    validateTerm(term, `${path}.${required}[${index}]`, errors)
  })
  affinity[preferred]?.forEach(({ weight, podAffinityTerm }, index) => {
    const at = `${path}.${preferred}[${index}]`
    checkWeight(weight, `${at}.weight`, errors)
    validateTerm(podAffinityTerm, `${at}.podAffinityTerm`, errors)
  })
}

function validateTerm(term: PodAffinityTerm, path: string, errors: FieldErrors): void {
  validateLabelSelector(term.labelSelector, `${path}.labelSelector`, errors)
  validateLabelSelector(term.namespaceSelector, `${path}.namespaceSelector`, errors)
  for (const name of term.namespaces ?? []) addFaults(errors, `${path}.namespace`, name, namespaceNameFaults(name))
  const { matchLabelKeys = [], mismatchLabelKeys = [] } = term
  validateLabelKeys(matchLabelKeys, term.labelSelector, `${path}.matchLabelKeys`, errors)
  validateLabelKeys(mismatchLabelKeys, term.labelSelector, `${path}.mismatchLabelKeys`, errors)
  matchLabelKeys.forEach((key, index) => {
    if (mismatchLabelKeys.includes(key)) {
      errors.invalid(`${path}.matchLabelKeys[${index}]`, key, 'exists in both matchLabelKeys and mismatchLabelKeys')
    }
  })
  if (term.topologyKey === '') errors.required(`${path}.topologyKey`, 'can not be empty')
  checkQualifiedName(errors, `${path}.topologyKey`, term.topologyKey)
}

function validateLabelKeys(
  keys: readonly string[],
  selector: LabelSelector | undefined,
  path: string,
  errors: FieldErrors,
): void {
  if (keys.length === 0) return
  if (!selector) errors.forbidden(path, 'must not be specified when labelSelector is not set')
  keys.forEach((key, index) => {
    checkQualifiedName(errors, `${path}[${index}]`, key)
  })
}

export function validateSpread(
  constraints: readonly TopologySpreadConstraint[],
  path: string,
  errors: FieldErrors,
): void {
  constraints.forEach((constraint, index) => {
    const at = `${path}[${index}]`
    const { maxSkew, topologyKey, whenUnsatisfiable, nodeAffinityPolicy, nodeTaintsPolicy } = constraint
    if (maxSkew <= 0) errors.invalid(`${at}.maxSkew`, maxSkew, 'must be greater than zero')
    if (topologyKey === '') errors.required(`${at}.topologyKey`, 'can not be empty')
    else checkQualifiedName(errors, `${at}.topologyKey`, topologyKey)
    checkOneOf(errors, `${at}.whenUnsatisfiable`, whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway'])
    const repeated = constraints
      .slice(index + 1)
      .some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable)
    if (repeated) errors.duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`)
    validateMinDomains(constraint, `${at}.minDomains`, errors)
    if (nodeAffinityPolicy !== undefined) {
      checkOneOf(errors, `${at}.nodeAffinityPolicy`, nodeAffinityPolicy, ['Honor', 'Ignore'])
    }
    if (nodeTaintsPolicy !== undefined) {
      checkOneOf(errors, `${at}.nodeTaintsPolicy`, nodeTaintsPolicy, ['Honor', 'Ignore'])
    }
    validateLabelKeys(constraint.matchLabelKeys ?? [], constraint.labelSelector, `${at}.matchLabelKeys`, errors)
    validateLabelSelector(constraint.labelSelector, `${at}.labelSelector`, errors)
  })
}

function validateMinDomains(constraint: TopologySpreadConstraint, path: string, errors: FieldErrors): void {
  const { minDomains, whenUnsatisfiable } = constraint
  if (minDomains === undefined) return
  if (minDomains <= 0) errors.invalid(path, minDomains, 'must be greater than zero')
  if (whenUnsatisfiable !== 'DoNotSchedule') {
    const detail = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`
    errors.invalid(path, minDomains, detail)
  }
}

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

export function validateTolerations(tolerations: readonly Toleration[], path: string, errors: FieldErrors): void {
  for (let index = 0; index < tolerations.length; index++) {
    validateToleration(tolerations[index] as Toleration, `${path}[${index}]`, errors)
  }
}

function validateToleration(toleration: Toleration, path: string, errors: FieldErrors): void {
  const { key = '', operator = '', value = '', effect = '', tolerationSeconds } = toleration
  if (key !== '') checkQualifiedName(errors, `${path}.key`, key)
  if (key === '' && operator !== 'Exists') {
    const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
    errors.invalid(`${path}.operator`, operator, detail)
  }
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    errors.invalid(`${path}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
  }
  if (operator === '' || operator === 'Equal') {
    const faults = labelValueFaults(value)
    if (faults.length > 0) errors.invalid(`${path}.operator`, value, faults.join(';'))
  } else if (operator === 'Exists') {
    if (value !== '') errors.invalid(`${path}.operator`, value, "value must be empty when `operator` is 'Exists'")
  } else errors.notSupported(`${path}.operator`, operator, ['Equal', 'Exists'])
  if (effect !== '') checkOneOf(errors, `${path}.effect`, effect, effects)
}

export function validateGates(gates: readonly PodSchedulingGate[], path: string, errors: FieldErrors): void {
  const seen = new Set<string>()
  gates.forEach(({ name }, index) => {
    checkQualifiedName(errors, `${path}[${index}]`, name)
    if (seen.has(name)) errors.duplicate(`${path}[${index}]`, name)
    seen.add(name)
  })
}
