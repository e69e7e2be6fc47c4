/** Requests and limits: names, amounts, and how they relate. */
import { own } from '../../base/own.ts'
import { compareQuantities, parseQuantity } from '../../base/quantity.ts'
import type { FieldErrors } from '../../schema/field-errors.ts'
import { dnsLabelFaults } from '../../schema/names.ts'
import { notNegative } from '../rules.ts'
import { isHugePages, isPodLevelResource } from './container-amounts.ts'
import type { ResourceClaim, ResourceRequirements } from './containers.ts'
import { addFaults } from './field-checks.ts'
import {
  isExtendedResource,
  isOvercommitAllowed,
  validateContainerResourceName,
  validateResourceName,
} from './resource-names.ts'

const ordinary = new Set(['cpu', 'memory', 'ephemeral-storage'])

type NameCheck = (path: string, name: string, errors: FieldErrors) => void

export function validateContainerResources(
  requirements: ResourceRequirements,
  claims: readonly string[],
  path: string,
  errors: FieldErrors,
): void {
  if (!requirements.limits && !requirements.requests && !requirements.claims) return
  validateRequirements(requirements, validateContainerResourceName, claims, path, errors)
}

/** The amounts that a pod states as a whole; it cannot claim devices this way. */
export function validatePodLevelAmounts(requirements: ResourceRequirements, path: string, errors: FieldErrors): void {
  validateRequirements({ ...requirements, claims: [] }, podResourceName, [], path, errors)
}

function validateRequirements(
  { limits = {}, requests = {}, claims = [] }: ResourceRequirements,
  checkName: NameCheck,
  podClaims: readonly string[],
  path: string,
  errors: FieldErrors,
): void {
  for (const name in limits) {
    validateAmount(name, limits[name] ?? '0', `${path}.limits[${name}]`, checkName, errors)
  }
  for (const name in requests) {
    const request = requests[name] ?? '0'
    validateAmount(name, request, `${path}.requests[${name}]`, checkName, errors, () => {
      validateWithinLimit(name, request, own(limits, name), path, errors)
    })
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)]
  if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory')) {
    errors.forbidden(path, 'HugePages require cpu or memory')
  }
  if (claims.length > 0) validateClaims(claims, podClaims, `${path}.claims`, errors)
}

function validateAmount(
  name: string,
  amount: string,
  path: string,
  checkName: NameCheck,
  errors: FieldErrors,
  checkLimit?: () => void,
): void {
  if (!ordinary.has(name) || checkName === podResourceName) checkName(path, name, errors)
  const quantity = parseQuantity(amount)
  if (quantity.sign < 0) errors.invalid(path, amount, notNegative)
  if (isExtendedResource(name) && quantity.milliValue() % 1000 !== 0) errors.invalid(path, amount, 'must be an integer')
  checkLimit?.()
  if (isHugePages(name) && !isMultipleOfPage(name, amount)) {
    errors.invalid(path, amount, `${amount} is not positive integer multiple of ${name}`)
  }
}

function isMultipleOfPage(name: string, amount: string): boolean {
  const page = pageSize(name)
  return page > 0n && parseQuantity(amount).scaled(0) % page === 0n && parseQuantity(amount).sign >= 0
}

function pageSize(name: string): bigint {
  const text = name.slice('hugepages-'.length)
  return /^\d+([KMGTPE]i?|k)?$/.test(text) ? parseQuantity(text).scaled(0) : 0n
}

function validateWithinLimit(
  name: string,
  request: string,
  limit: string | undefined,
  path: string,
  errors: FieldErrors,
): void {
  const overcommit = isOvercommitAllowed(name)
  if (limit === undefined) {
    if (!overcommit) errors.required(`${path}.limits`, 'Limit must be set for non overcommitable resources')
    return
  }
  const order = compareQuantities(request, limit)
  if (order !== 0 && !overcommit) {
    errors.invalid(`${path}.requests`, request, `must be equal to ${name} limit of ${limit}`)
  } else if (order > 0) {
    errors.invalid(`${path}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`)
  }
}

function podResourceName(path: string, name: string, errors: FieldErrors): void {
  validateResourceName(path, name, errors)
  if (!isPodLevelResource(name)) errors.notSupported(path, name, ['cpu', 'hugepages-', 'memory'])
}

/** A container can use only what its pod claims, and each request of it once. */
function validateClaims(
  claims: readonly ResourceClaim[],
  podClaims: readonly string[],
  path: string,
  errors: FieldErrors,
): void {
  const seen = new Set<string>()
  claims.forEach(({ name, request = '' }, index) => {
    const at = `${path}[${index}]`
    if (name === '') {
      errors.required(at)
      return
    }
    const all = seen.has(name)
    const one = request === '' ? [...seen].some((key) => key.startsWith(`${name}/`)) : seen.has(`${name}/${request}`)
    if (all || one) errors.duplicate(at, request === '' ? name : `${name}/${request}`)
    seen.add(request === '' ? name : `${name}/${request}`)
    if (!podClaims.includes(name)) {
      const known = podClaims.length === 0 ? ' which is empty' : `: ${[...podClaims].sort().join(', ')}`
      errors.causes.push({
        reason: 'FieldValueNotFound',
        message: `Not found: ${JSON.stringify(name)}: must be one of the names in pod.spec.resourceClaims${known}`,
        field: at,
      })
    }
    if (request !== '') addFaults(errors, `${at}.request`, request, dnsLabelFaults(request))
  })
}
