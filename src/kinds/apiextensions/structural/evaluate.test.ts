import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FieldErrors } from '../../../schema/field-errors.ts'
import { evaluateRules } from './evaluate.ts'
import type { JsonSchema } from './json-schema.ts'

const integer: JsonSchema = { type: 'integer' }

/** Of an object with two numbers that breaks the rule. */
function faultsOf(rule: object): string[] {
  const errors = new FieldErrors()
  const schema = {
    type: 'object',
    properties: { spec: { type: 'object', properties: { a: integer, b: integer } } },
    'x-kubernetes-validations': [rule],
  } as JsonSchema
  evaluateRules(schema, { spec: { a: 2, b: 1 } }, undefined, errors)
  return errors.causes.map(({ field, message }) => `${field}: ${message}`)
}

test('a rule of the whole object has no path, but where it says one', () => {
  const rule = 'self.spec.a <= self.spec.b'
  assert.deepEqual(faultsOf({ rule, message: 'too much' }), ['<nil>: Invalid value: too much'])
  assert.deepEqual(faultsOf({ rule, message: 'too much', fieldPath: '.spec.a' }), ['spec.a: Invalid value: too much'])
  assert.match(faultsOf({ rule: 'self.spec.a / 0 == 1' })[0]!, /^<nil>: Invalid value: "object": .*division by zero/)
})
