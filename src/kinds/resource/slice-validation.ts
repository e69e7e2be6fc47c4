import type { FieldErrors } from '../../schema/field-errors.ts'
import { dnsSubdomainFaults } from '../../schema/names.ts'
import { invalidAll } from '../rules.ts'
import type { Device, DeviceAttribute, ResourceSlice } from './resource-slice.ts'
import { validateName } from './validation.ts'

const nodeFields = ['nodeName', 'nodeSelector', 'allNodes', 'perDeviceNodeSelection'] as const
const exactlyOneNodeField = `exactly one of ${nodeFields.map((field) => `\`${field}\``).join(', ')} is required`

export function validateSlice({ spec }: ResourceSlice, errors: FieldErrors): void {
  const { driver, pool } = spec
  if (!driver) errors.required('spec.driver')
  else invalidAll('spec.driver', driver, dnsSubdomainFaults(driver), errors)
  if (!pool.name) errors.required('spec.pool.name')
  else for (const part of pool.name.split('/')) invalidAll('spec.pool.name', part, dnsSubdomainFaults(part), errors)
  if (pool.resourceSliceCount <= 0) {
    errors.invalid('spec.pool.resourceSliceCount', pool.resourceSliceCount, 'must be greater than zero')
  }
  if (pool.generation < 0) {
    errors.invalid('spec.pool.generation', pool.generation, 'must be greater than or equal to zero')
  }
  const set = nodeFields.filter((field) => spec[field])
  if (set.length === 0) errors.required('spec', exactlyOneNodeField)
  if (set.length > 1) {
    const shown = `{${set.map((field) => `\`${field}\``).join(', ')}}`
    errors.invalid('spec', shown, `${exactlyOneNodeField}, but multiple fields are set`)
  }
  validateDevices(spec.devices ?? [], errors)
}

function validateDevices(devices: readonly Device[], errors: FieldErrors): void {
  const names = new Set<string>()
  for (const [index, device] of devices.entries()) {
    const path = `spec.devices[${index}]`
    validateName(`${path}.name`, device.name, errors)
    for (const [name, attribute] of Object.entries(device.attributes ?? {})) {
      validateAttribute(`${path}.attributes[${name}]`, attribute, errors)
    }
    if (names.has(device.name)) errors.duplicate(path, device.name)
    names.add(device.name)
  }
}

function validateAttribute(path: string, attribute: DeviceAttribute, errors: FieldErrors): void {
  const { int, bool, string, version, ints, bools, strings, versions } = attribute
  const values = [int, bool, string, version, ints, bools, strings, versions].filter((value) => value !== undefined)
  const detail = 'exactly one value must be specified'
  if (values.length === 0) errors.invalid(path, '', detail)
  else if (values.length > 1) {
    const shown = {
      IntValue: int ?? null,
      BoolValue: bool ?? null,
      StringValue: string ?? null,
      VersionValue: version ?? null,
      IntValues: ints ?? null,
      BoolValues: bools ?? null,
      StringValues: strings ?? null,
      VersionValues: versions ?? null,
    }
    errors.invalid(path, shown, detail)
  }
}
