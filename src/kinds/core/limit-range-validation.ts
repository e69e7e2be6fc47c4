import { own } from '../../base/own.ts'
import { parseQuantity, type Quantity } from '../../base/quantity.ts'
import type { FieldErrors } from '../../schema/field-errors.ts'
import { qualifiedNameFaults } from '../../schema/names.ts'
import type { LimitRange, LimitRangeItem } from './limit-range.ts'
import { isOvercommitAllowed, validateContainerResourceName, validateResourceName } from './resource-names.ts'

const standardTypes: readonly string[] = ['Pod', 'Container', 'PersistentVolumeClaim']

export function validateLimitRange({ spec }: LimitRange, errors: FieldErrors): void {
  const seen = new Set<string>()
  for (const [index, item] of (spec.limits ?? []).entries()) {
    const path = `spec.limits[${index}]`
    validateType(`${path}.type`, item.type, errors)
    if (seen.has(item.type)) errors.duplicate(`${path}.type`, item.type)
    seen.add(item.type)
    validateItem(path, item, errors)
  }
}

function validateType(path: string, type: string, errors: FieldErrors): void {
  const faults = qualifiedNameFaults(type)
  for (const fault of faults) errors.invalid(path, type, fault)
  if (faults.length === 0 && !type.includes('/') && !standardTypes.includes(type)) {
    errors.invalid(path, type, 'must be a standard limit type or fully qualified')
  }
}

function validateItem(path: string, item: LimitRangeItem, errors: FieldErrors): void {
  validateNames(`${path}.max`, item.type, item.max, errors)
  validateNames(`${path}.min`, item.type, item.min, errors)
  if (item.type === 'Pod') {
    const onlyForContainers = "may not be specified when `type` is 'Pod'"
    if (item.default) errors.forbidden(`${path}.default`, onlyForContainers)
    if (item.defaultRequest) errors.forbidden(`${path}.defaultRequest`, onlyForContainers)
  } else {
    validateNames(`${path}.default`, item.type, item.default, errors)
    validateNames(`${path}.defaultRequest`, item.type, item.defaultRequest, errors)
  }
  if (item.type === 'PersistentVolumeClaim' && !item.min?.storage && !item.max?.storage) {
    errors.required(`${path}.limits`, 'either minimum or maximum storage value is required, but neither was provided')
  }
  validateNames(`${path}.maxLimitRequestRatio`, item.type, item.maxLimitRequestRatio, errors)
  for (const name of resourcesOf(item)) validateOrder(path, name, item, errors)
}

function validateNames(path: string, type: string, amounts: LimitRangeItem['max'], errors: FieldErrors): void {
  const validateName = type === 'Pod' || type === 'Container' ? validateContainerResourceName : validateResourceName
  for (const name of Object.keys(amounts ?? {})) validateName(`${path}[${name}]`, name, errors)
}

function resourcesOf({ max, min, default: limits, defaultRequest, maxLimitRequestRatio }: LimitRangeItem): string[] {
  return Object.keys({ ...max, ...min, ...limits, ...defaultRequest, ...maxLimitRequestRatio }).sort()
}

/** The smallest, the defaults and the largest must stand in this order, resource by resource. */
function validateOrder(path: string, name: string, item: LimitRangeItem, errors: FieldErrors): void {
  const amount = (amounts: LimitRangeItem['max']): Quantity | undefined => {
    const text = own(amounts, name)
    return text === undefined ? undefined : parseQuantity(text)
  }
  const isMore = (left: Quantity | undefined, right: Quantity | undefined) =>
    left !== undefined && right !== undefined && left.compare(right) > 0
  const min = amount(item.min)
  const max = amount(item.max)
  const limit = item.type === 'Pod' ? undefined : amount(item.default)
  const request = item.type === 'Pod' ? undefined : amount(item.defaultRequest)
  const refuse = (field: string, value: Quantity | undefined, detail: string) =>
    errors.invalid(`${path}.${field}[${name}]`, String(value), detail)

  if (isMore(min, max)) refuse('min', min, `min value ${min} is greater than max value ${max}`)
  if (isMore(min, request)) {
    refuse('defaultRequest', request, `min value ${min} is greater than default request value ${request}`)
  }
  if (isMore(request, max)) {
    refuse('defaultRequest', request, `default request value ${request} is greater than max value ${max}`)
  }
  if (isMore(request, limit)) {
    refuse('defaultRequest', request, `default request value ${request} is greater than default limit value ${limit}`)
  }
  if (isMore(min, limit)) refuse('default', min, `min value ${min} is greater than default value ${limit}`)
  if (isMore(limit, max)) refuse('default', max, `default value ${limit} is greater than max value ${max}`)
  validateRatio(path, name, amount(item.maxLimitRequestRatio), { min, max }, errors)
  if (!isOvercommitAllowed(name) && limit && request && limit.compare(request) !== 0) {
    refuse('defaultRequest', request, `default value ${limit} must equal to defaultRequest value ${request} in ${name}`)
  }
}

function validateRatio(
  path: string,
  name: string,
  ratio: Quantity | undefined,
  { min, max }: { readonly min: Quantity | undefined; readonly max: Quantity | undefined },
  errors: FieldErrors,
): void {
  if (ratio === undefined) return
  const field = `${path}.maxLimitRequestRatio[${name}]`
  if (ratio.toNumber() < 1) errors.invalid(field, String(ratio), `ratio ${ratio} is less than 1`)
  if (!min || !max) return
  const largest = max.milliValue() / min.milliValue()
  if (ratio.milliValue() / 1000 > largest) {
    errors.invalid(field, String(ratio), `ratio ${ratio} is greater than max/min = ${largest.toFixed(6)}`)
  }
}
