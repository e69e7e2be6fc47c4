import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FieldErrors } from '../../schema/field-errors.ts'
import type { DeviceClass } from './device-class.ts'
import { validateDeviceClass } from './validation.ts'

const faultsOf = (expression: string) => {
  const errors = new FieldErrors()
  const spec = { selectors: [{ cel: { expression } }] }
  validateDeviceClass({ metadata: { name: 'c' }, spec } as DeviceClass, errors)
  return errors.causes.map(({ message }) => message)
}

test('selectors of devices', () => {
  const good = [
    'device.driver == "dra.example.com"',
    'device.attributes["dra.example.com"].model == "a" && device.attributes["dra.example.com"].?fast.orValue(false)',
    'device.capacity["dra.example.com"].memory.compareTo(quantity("10Gi")) >= 0',
    'device.attributes["dra.example.com"].version.isGreaterThan(semver("0.0.1"))',
    'device.attributes["dra.example.com"].whatever',
  ]
  for (const expression of good) assert.deepEqual(faultsOf(expression), [], expression)
  assert.deepEqual(faultsOf('device.driver'), [
    'Invalid value: "device.driver": must evaluate to bool or the unknown type, not string',
  ])
  assert.match(faultsOf('device.name == "a"')[0]!, /compilation failed: ERROR: <input>:1:7: undefined field 'name'/)
  assert.deepEqual(faultsOf(`device.driver == "${'x'.repeat(11_000)}"`), ['Too long: may not be more than 10240 bytes'])
  const all = 'device.attributes.all(a, '
  const slow = `${all}${all}${all}${all}true))))`.replaceAll('all(a', 'all(a')
  assert.deepEqual(faultsOf(slow), ['Forbidden: too complex, exceeds cost limit'])
})
