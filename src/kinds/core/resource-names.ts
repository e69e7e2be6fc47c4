/** Which names of resources (cpu, pods, example.com/gpu) stand where, and how their amounts are written. */

import { parseQuantity } from '../../base/quantity.ts'
import type { FieldErrors } from '../../schema/field-errors.ts'
import { qualifiedNameFaults } from '../../schema/names.ts'

const objectCounts = [
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
]
const computeResources = ['cpu', 'memory', 'ephemeral-storage']
const quotaResources: ReadonlySet<string> = new Set([
  ...objectCounts,
  ...computeResources,
  ...computeResources.map((name) => `requests.${name}`),
  ...computeResources.map((name) => `limits.${name}`),
  'requests.storage',
])
const standardResources: ReadonlySet<string> = new Set([...quotaResources, 'storage'])
const countedResources: ReadonlySet<string> = new Set(objectCounts)

const isHugePages = (name: string): boolean => name.startsWith('hugepages-')
const isQuotaHugePages = (name: string): boolean => isHugePages(name) || name.startsWith('requests.hugepages-')

export function isStandardQuotaResource(name: string): boolean {
  return quotaResources.has(name) || isQuotaHugePages(name)
}

function isNativeResource(name: string): boolean {
  return !name.includes('/') || name.includes('kubernetes.io/')
}

/** A resource that a device plugin or an administrator brings, such as `example.com/gpu`. */
export function isExtendedResource(name: string): boolean {
  if (isNativeResource(name) || name.startsWith('requests.')) return false
  return qualifiedNameFaults(`requests.${name}`).length === 0
}

/** Whether limits may be above requests: not for what cannot be taken away again. */
export function isOvercommitAllowed(name: string): boolean {
  return isNativeResource(name) && !isHugePages(name)
}

/** Rules for the name of any resource. False when the name is not even well formed. */
export function validateResourceName(path: string, name: string, errors: FieldErrors): void {
  const faults = qualifiedNameFaults(name)
  for (const fault of faults) errors.invalid(path, name, fault)
  if (faults.length > 0 || name.includes('/')) return
  if (!standardResources.has(name) && !isQuotaHugePages(name)) {
    errors.invalid(path, name, 'must be a standard resource type or fully qualified')
  }
}

export function validateContainerResourceName(path: string, name: string, errors: FieldErrors): void {
  validateResourceName(path, name, errors)
  if (!name.includes('/')) {
    if (!computeResources.includes(name) && !isHugePages(name)) {
      errors.invalid(path, name, 'must be a standard resource for containers')
    }
  } else if (!isNativeResource(name) && !isExtendedResource(name)) {
    errors.invalid(path, name, "doesn't follow extended resource name standard")
  }
}

export function validateQuotaResourceName(path: string, name: string, errors: FieldErrors): void {
  validateResourceName(path, name, errors)
  if (!name.includes('/') && !isStandardQuotaResource(name)) {
    errors.invalid(path, name, 'must be a standard resource for quota')
  }
}

/** An amount may not be negative, and things that are counted come in whole numbers. */
export function validateResourceAmount(path: string, name: string, amount: string, errors: FieldErrors): void {
  const quantity = parseQuantity(amount)
  if (quantity.sign < 0) errors.invalid(path, amount, 'must be greater than or equal to 0')
  const isCounted = countedResources.has(name) || isExtendedResource(name)
  if (isCounted && quantity.milliValue() % 1000 !== 0) errors.invalid(path, amount, 'must be an integer')
}
