import type { FieldErrors } from '../../schema/field-errors.ts'
import { equalJson } from '../../schema/freeze.ts'
import { labelValueFaults, legacyCidrFaults, qualifiedNameFaults } from '../../schema/names.ts'
import { familyOfCidr } from '../ip-rules.ts'
import { invalidAll } from '../rules.ts'
import type { Node } from './node.ts'
import { validateResourceAmount } from './resource-names.ts'
import type { Taint } from './scheduling.ts'

export function validateNode(node: Node, errors: FieldErrors): void {
  validateTaints(node, errors)
  validateAmounts(node, errors)
  validatePodCidrs(node, errors)
}

/** What both an update and a status update have to keep to. */
export function validateNodeUpdate(node: Node, old: Node, errors: FieldErrors): void {
  validateAmounts(node, errors)
  validateAddresses(node, errors)
  const oldCidrs = old.spec.podCIDRs ?? []
  if (oldCidrs.length > 0 && !equalJson(oldCidrs, node.spec.podCIDRs ?? [])) {
    errors.forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid')
  }
  if (old.spec.providerID && old.spec.providerID !== node.spec.providerID) {
    errors.forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid')
  }
  validateTaints(node, errors)
  if ((node.spec.externalID ?? '') !== (old.spec.externalID ?? '')) {
    errors.forbidden('spec.externalID', 'may not be updated')
  }
}

/** Faults of taints are told under `metadata`, where taints once were. */
function validateTaints({ spec }: Node, errors: FieldErrors): void {
  const seen = new Set<string>()
  for (const [index, taint] of (spec.taints ?? []).entries()) {
    const path = `metadata.taints[${index}]`
    validateTaint(path, taint, errors)
    const identity = `${taint.effect} ${taint.key}`
    if (seen.has(identity)) {
      const value = {
        Key: taint.key,
        Value: taint.value ?? '',
        Effect: taint.effect,
        TimeAdded: taint.timeAdded ?? null,
      }
      errors.duplicate(path, value, 'taints must be unique by key and effect pair')
    }
    seen.add(identity)
  }
}

function validateTaint(path: string, { key, value = '', effect }: Taint, errors: FieldErrors): void {
  invalidAll(`${path}.key`, key, qualifiedNameFaults(key), errors)
  const faults = labelValueFaults(value)
  if (faults.length > 0) errors.invalid(`${path}.value`, value, faults.join(';'))
  const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']
  if (!effect) errors.required(`${path}.effect`)
  else if (!effects.includes(effect)) errors.notSupported(`${path}.effect`, effect, effects)
}

function validateAmounts({ status }: Node, errors: FieldErrors): void {
  for (const field of ['capacity', 'allocatable'] as const) {
    for (const [name, amount] of Object.entries(status[field] ?? {})) {
      validateResourceAmount(`status.${field}.${name}`, name, amount, errors)
    }
  }
}

function validateAddresses({ status }: Node, errors: FieldErrors): void {
  const seen = new Set<string>()
  for (const [index, { type, address }] of (status.addresses ?? []).entries()) {
    const identity = `${type} ${address}`
    if (seen.has(identity)) errors.duplicate(`status.addresses[${index}]`, { Type: type, Address: address })
    seen.add(identity)
  }
}

function validatePodCidrs({ spec: { podCIDRs = [] } }: Node, errors: FieldErrors): void {
  for (const [index, cidr] of podCIDRs.entries()) {
    invalidAll(`spec.podCIDRs[${index}]`, cidr, legacyCidrFaults(cidr), errors)
  }
  if (podCIDRs.length < 2) return
  const families = new Set(podCIDRs.map(familyOfCidr))
  if (podCIDRs.length > 2 || families.size < 2) {
    errors.invalid('spec.podCIDRs', podCIDRs, 'may specify no more than one CIDR for each IP family')
  }
}

export function nodeWarnings({ spec }: Node): string[] {
  const warnings: string[] = []
  if (spec.configSource !== undefined) warnings.push('spec.configSource: the feature is removed')
  if (spec.externalID) {
    warnings.push('spec.externalID: this field is deprecated, and is unused by Kubernetes')
  }
  return warnings
}
