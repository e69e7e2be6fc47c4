/** Rules for the four linked fields that say which addresses a service has. */

import type { FieldErrors } from '../../schema/field-errors.ts'
import { legacyIpFaults } from '../../schema/names.ts'
import { familyOf } from '../ip-rules.ts'
import { invalidAll } from '../rules.ts'
import type { Service } from './service.ts'
import { headless, isHeadless } from './service-fields.ts'

/** The allocator applies these too, before it fills in what is missing. */
export function validateAddressFields(service: Service, errors: FieldErrors): void {
  const { type, clusterIP, clusterIPs = [] } = service.spec
  if (type === 'ExternalName') return
  if (clusterIP) {
    if (clusterIPs.length === 0) errors.required('spec.clusterIPs')
    else if (clusterIPs[0] !== clusterIP) {
      errors.invalid('spec.clusterIPs', clusterIPs, 'first value must match `clusterIP`')
    }
  } else if (clusterIPs.length > 0) {
    errors.invalid('spec.clusterIPs', clusterIPs, 'must be empty when `clusterIP` is not specified')
  }
  validateFamilies(service, errors)
  if (!validateClusterIps(clusterIPs, errors)) return
  if (clusterIPs.length > 1 && (clusterIPs.length > 2 || familyOf(clusterIPs[0]!) === familyOf(clusterIPs[1]!))) {
    errors.invalid('spec.clusterIPs', clusterIPs, 'may specify no more than one IP for each IP family')
  }
  validateMatch(service, errors)
}

function validateFamilies({ spec: { ipFamilies = [], ipFamilyPolicy } }: Service, errors: FieldErrors): void {
  const seen = new Set<string>()
  for (const [index, family] of ipFamilies.entries()) {
    const path = `spec.ipFamilies[${index}]`
    if (family !== 'IPv4' && family !== 'IPv6') errors.notSupported(path, family, ['IPv4', 'IPv6'])
    if (seen.has(family)) errors.duplicate(path, family)
    seen.add(family)
  }
  const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack']
  if (ipFamilyPolicy !== undefined && !policies.includes(ipFamilyPolicy)) {
    errors.notSupported('spec.ipFamilyPolicy', ipFamilyPolicy, policies)
  }
}

/** False when there are texts among them that are no addresses: then no other rule makes sense. */
function validateClusterIps(clusterIPs: readonly string[], errors: FieldErrors): boolean {
  let areRight = true
  for (const [index, address] of clusterIPs.entries()) {
    if (index === 0 && address === headless) {
      if (clusterIPs.length === 1) continue
      errors.invalid('spec.clusterIPs', clusterIPs, "'None' must be the first and only value")
      areRight = false
      continue
    }
    const faults = legacyIpFaults(address)
    invalidAll(`spec.clusterIPs[${index}]`, address, faults, errors)
    areRight &&= faults.length === 0
  }
  if (clusterIPs.length > 2) errors.invalid('spec.clusterIPs', clusterIPs, 'may only hold up to 2 values')
  return areRight
}

function validateMatch(service: Service, errors: FieldErrors): void {
  if (isHeadless(service)) return
  const { clusterIPs = [], ipFamilies = [] } = service.spec
  for (const [index, address] of clusterIPs.entries()) {
    const family = ipFamilies[index]
    if ((family === 'IPv4' || family === 'IPv6') && familyOf(address) !== family) {
      const detail = `expected an ${family} value as indicated by \`ipFamilies[${index}]\``
      errors.invalid(`spec.clusterIPs[${index}]`, address, detail)
    }
  }
}

const mayNotChange = 'may not change once set'

/** A service keeps its first address and family for life; a second one may come and go. */
export function validateAddressChanges(service: Service, old: Service, errors: FieldErrors): void {
  if (service.spec.type === 'ExternalName' || old.spec.type === 'ExternalName') return
  const wasHeadless = isHeadless(old)
  const isNowHeadless = isHeadless(service)
  if (!(wasHeadless && isNowHeadless)) {
    validateListChange('clusterIPs', 'clusterIP', service, old, errors)
  }
  if (!wasHeadless && !isNowHeadless) validateListChange('ipFamilies', 'ipFamily', service, old, errors)
}

function validateListChange(
  field: 'clusterIPs' | 'ipFamilies',
  singular: string,
  { spec }: Service,
  old: Service,
  errors: FieldErrors,
): void {
  const values = spec[field] ?? []
  const before = old.spec[field] ?? []
  const path = `spec.${field}`
  if (values.length === before.length) {
    for (const [index, value] of before.entries()) {
      const where = field === 'ipFamilies' ? 0 : index
      if (values[index] !== value) errors.invalid(`${path}[${where}]`, values, mayNotChange)
    }
    return
  }
  if (before.length > values.length && values.length === 0) {
    errors.invalid(`${path}[0]`, values, `primary ${singular} can not be unset`)
  }
  const keepsFirst = before.length === 0 || values.length === 0 || values[0] === before[0]
  if (!keepsFirst) errors.invalid(`${path}[0]`, values, mayNotChange)
  if (before.length > values.length && values.length === 1 && spec.ipFamilyPolicy !== 'SingleStack') {
    const detail = `must be set to 'SingleStack' when releasing the secondary ${singular}`
    errors.invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, detail)
  }
}
