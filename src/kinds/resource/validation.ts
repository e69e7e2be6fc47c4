/** Rules for claims and classes of devices. */

import type { FieldErrors } from '../../schema/field-errors.ts'
import { validateLabels } from '../../schema/meta-validation.ts'
import { dnsLabelFaults, dnsSubdomainFaults } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
import { invalidAll } from '../rules.ts'
import type { DeviceClass } from './device-class.ts'
import { compileDeviceSelector, SelectorFault, selectorBytesMax, selectorCostLimit } from './device-selector.ts'
import type { ResourceClaimTemplate } from './resource-claim-template.ts'
import type { DeviceClaim, DeviceConfiguration, DeviceRequest, DeviceSelector, ResourceClaimSpec } from './shared.ts'

/** A request that does not say how many devices it wants, wants one. */
export function fillRequests({ requests }: Mutable<DeviceClaim>): void {
  for (const { exactly, firstAvailable } of requests ?? []) {
    for (const request of [...(exactly === undefined ? [] : [exactly]), ...(firstAvailable ?? [])]) {
      request.allocationMode ||= 'ExactCount'
      if (request.allocationMode === 'ExactCount') request.count ||= 1
    }
  }
}

export function validateClaimTemplate({ spec }: ResourceClaimTemplate, errors: FieldErrors): void {
  validateLabels(spec.metadata?.labels, 'spec.metadata.labels', errors)
  validateClaimSpec('spec.spec', spec.spec, errors)
}

export function validateClaimSpec(path: string, { devices }: ResourceClaimSpec, errors: FieldErrors): void {
  const names = new Set<string>()
  for (const [index, request] of (devices.requests ?? []).entries()) {
    const where = `${path}.devices.requests[${index}]`
    validateRequest(where, request, errors)
    if (names.has(request.name)) errors.duplicate(where, request.name)
    names.add(request.name)
  }
  for (const [index, config] of (devices.config ?? []).entries()) {
    validateConfiguration(`${path}.devices.config[${index}]`, config, errors)
  }
}

function validateRequest(
  path: string,
  { name, exactly, firstAvailable = [] }: DeviceRequest,
  errors: FieldErrors,
): void {
  validateName(`${path}.name`, name, errors)
  if (exactly === undefined && firstAvailable.length === 0) {
    errors.required(path, 'exactly one of `exactly` or `firstAvailable` is required')
  } else if (exactly !== undefined && firstAvailable.length > 0) {
    errors.invalid(path, null, 'exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set')
  }
  if (exactly !== undefined) validateWanted(`${path}.exactly`, exactly, errors)
  for (const [index, request] of firstAvailable.entries()) {
    validateName(`${path}.firstAvailable[${index}].name`, request.name, errors)
    validateWanted(`${path}.firstAvailable[${index}]`, request, errors)
  }
}

interface Wanted {
  readonly deviceClassName: string
  readonly selectors?: readonly DeviceSelector[]
  readonly allocationMode?: string
  readonly count?: number
}

function validateWanted(path: string, wanted: Wanted, errors: FieldErrors): void {
  const { deviceClassName, selectors = [], allocationMode = '', count = 0 } = wanted
  if (!deviceClassName) errors.required(`${path}.deviceClassName`)
  else invalidAll(`${path}.deviceClassName`, deviceClassName, dnsSubdomainFaults(deviceClassName), errors)
  validateSelectors(`${path}.selectors`, selectors, errors)
  if (allocationMode === 'ExactCount') {
    if (count <= 0) errors.invalid(`${path}.count`, count, 'must be greater than zero')
  } else if (allocationMode === 'All') {
    if (count !== 0) errors.invalid(`${path}.count`, count, "must not be specified when allocationMode is 'All'")
  } else {
    errors.notSupported(`${path}.allocationMode`, allocationMode, ['All', 'ExactCount'])
  }
}

export function validateName(path: string, name: string, errors: FieldErrors): void {
  if (!name) errors.required(path)
  else invalidAll(path, name, dnsLabelFaults(name), errors)
}

function validateSelectors(path: string, selectors: readonly DeviceSelector[], errors: FieldErrors): void {
  for (const [index, { cel }] of selectors.entries()) {
    if (cel === undefined) errors.required(`${path}[${index}].cel`)
    else validateExpression(`${path}[${index}].cel.expression`, cel.expression, errors)
  }
}

function validateExpression(path: string, expression: string, errors: FieldErrors): void {
  if (Buffer.byteLength(expression) > selectorBytesMax) return errors.tooLong(path, selectorBytesMax)
  try {
    const { estimate } = compileDeviceSelector(expression)
    if (estimate.max > selectorCostLimit) errors.forbidden(path, 'too complex, exceeds cost limit')
  } catch (error) {
    if (!(error instanceof SelectorFault)) throw error
    errors.invalid(path, expression, error.message)
  }
}

function validateConfiguration(path: string, { opaque }: DeviceConfiguration, errors: FieldErrors): void {
  if (opaque === undefined) errors.required(`${path}.opaque`)
  else if (!opaque.driver) errors.required(`${path}.opaque.driver`)
  else invalidAll(`${path}.opaque.driver`, opaque.driver, dnsSubdomainFaults(opaque.driver), errors)
}

export function validateDeviceClass({ spec }: DeviceClass, errors: FieldErrors): void {
  validateSelectors('spec.selectors', spec.selectors ?? [], errors)
  for (const [index, config] of (spec.config ?? []).entries()) {
    validateConfiguration(`spec.config[${index}]`, config, errors)
  }
}
