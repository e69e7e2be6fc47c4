/** Rules that kinds of storage share. */

import type { FieldErrors } from '../../schema/field-errors.ts'
import type { ApiObject } from '../../schema/kind.ts'
import { dnsSubdomainFaults, qualifiedNameFaults } from '../../schema/names.ts'
import type { TopologySelectorLabelRequirement, TopologySelectorTerm } from '../core/scheduling.ts'
import { invalidAll } from '../rules.ts'

/** A provisioner is a qualified name; the reference looks at it, and shows it, in lower case. */
export function validateProvisioner(path: string, provisioner: string, errors: FieldErrors): void {
  const lowerCase = provisioner.toLowerCase()
  if (provisioner === '') errors.required(path)
  else invalidAll(path, lowerCase, qualifiedNameFaults(lowerCase), errors)
}

const maxDriverNameLength = 63

/** The name of a CSI driver. */
export function validateDriverName(path: string, name: string, errors: FieldErrors): void {
  if (name === '') errors.required(path)
  else {
    if (name.length > maxDriverNameLength) errors.tooLong(path, maxDriverNameLength)
    invalidAll(path, name, dnsSubdomainFaults(name.toLowerCase()), errors)
  }
}

const maxParameters = 512
const maxParameterBytes = 256 * 1024

export function validateParameters(
  path: string,
  parameters: Readonly<Record<string, string>> = {},
  presence: 'required' | 'optional',
  errors: FieldErrors,
): void {
  const entries = Object.entries(parameters)
  if (presence === 'required' && entries.length === 0) {
    errors.required(path, 'must contain at least one key/value pair')
  }
  if (entries.length > maxParameters) {
    errors.tooLong(path, maxParameters)
    return
  }
  let size = 0
  for (const [key, value] of entries) {
    if (key === '') errors.invalid(path, key, 'field can not be empty.')
    size += Buffer.byteLength(key) + Buffer.byteLength(value)
  }
  if (size > maxParameterBytes) errors.tooLong(path, maxParameterBytes)
}

export function validateTopologies(path: string, terms: readonly TopologySelectorTerm[], errors: FieldErrors): void {
  const seen = new Set<string>()
  for (const [index, { matchLabelExpressions = [] }] of terms.entries()) {
    const termPath = `${path}[${index}].matchLabelExpressions`
    const keys = new Set<string>()
    for (const [position, requirement] of matchLabelExpressions.entries()) {
      validateTopologyRequirement(`${termPath}[${position}]`, requirement, errors)
      if (keys.has(requirement.key)) errors.duplicate(`${termPath}[${position}].key`, requirement.key)
      keys.add(requirement.key)
    }
    const identity = JSON.stringify(
      matchLabelExpressions.map(({ key, values }) => [key, [...(values ?? [])].sort()]).sort(),
    )
    if (seen.has(identity)) errors.duplicate(termPath, '')
    seen.add(identity)
  }
}

function validateTopologyRequirement(
  path: string,
  requirement: TopologySelectorLabelRequirement,
  errors: FieldErrors,
): void {
  const values = requirement.values ?? []
  if (values.length === 0) errors.required(`${path}.values`)
  const seen = new Set<string>()
  for (const [index, value] of values.entries()) {
    if (seen.has(value)) errors.duplicate(`${path}.values[${index}]`, value)
    seen.add(value)
  }
  invalidAll(`${path}.key`, requirement.key, qualifiedNameFaults(requirement.key), errors)
}

/** The name cell of a class of which one can be the default: that one is marked. */
export function nameWithDefault(annotation: string): (object: ApiObject) => string {
  const annotations = [annotation, annotation.replace('.kubernetes.io', '.beta.kubernetes.io')]
  return ({ metadata }) => {
    const isDefault = annotations.some((key) => metadata.annotations?.[key] === 'true')
    return isDefault ? `${metadata.name} (default)` : (metadata.name ?? '')
  }
}
