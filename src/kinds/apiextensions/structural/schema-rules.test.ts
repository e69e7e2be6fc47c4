import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FieldErrors } from '../../../schema/field-errors.ts'
import type { JsonSchema } from './json-schema.ts'
import { validateSchema } from './schema-rules.ts'

function faultsOf(schema: JsonSchema): string[] {
  const errors = new FieldErrors()
  validateSchema({ type: 'object', properties: { a: schema } }, 's', false, errors)
  return errors.causes.map(({ field = '', message }) => `${field.replace('s.properties[a]', '~')}: ${message}`)
}

const text: JsonSchema = { type: 'string' }

const table: readonly (readonly [what: string, schema: JsonSchema, ...faults: string[]])[] = [
  ['a sound one', { type: 'object', properties: { b: text }, required: ['b'] }],
  ['no type', {}, '~.type: Required value: must not be empty for specified object fields'],
  ['any value', { 'x-kubernetes-preserve-unknown-fields': true }],
  ['integer or text, said twice', { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, text] }],
  [
    'integer or text, and kept',
    { 'x-kubernetes-int-or-string': true, 'x-kubernetes-preserve-unknown-fields': true },
    '~.x-kubernetes-preserve-unknown-fields: Invalid value: true: must be false if x-kubernetes-int-or-string is true',
  ],
  [
    'a type in a restriction',
    { type: 'string', allOf: [{ type: 'string' }] },
    '~.allOf[0].type: Forbidden: must be empty to be structural',
  ],
  [
    'a list of keys that are no properties',
    { type: 'array', items: { type: 'object' }, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] },
    '~.x-kubernetes-list-map-keys: Invalid value: ["k"]: entries must all be names of item properties',
  ],
  ['a set of texts', { type: 'array', items: text, 'x-kubernetes-list-type': 'set' }],
  [
    'a default of the wrong type',
    { type: 'integer', default: 'x' },
    '~.default: Invalid value: "string":  in body must be of type integer: "string"',
  ],
  [
    'a default with more than there is',
    { type: 'object', default: { b: 1 } },
    '~.default: Invalid value: {"b":1}: must not have unknown fields',
  ],
  [
    'a default against a rule',
    { type: 'integer', default: 1, 'x-kubernetes-validations': [{ rule: 'self > 1' }] },
    '~.default: Invalid value: 1: failed rule: self > 1',
  ],
  ['a rule', { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self > 1' }] }],
  [
    'a rule that is none',
    { type: 'integer', 'x-kubernetes-validations': [{ rule: ' ' }] },
    '~.x-kubernetes-validations[0].rule: Required value: rule is not specified',
  ],
  [
    'a rule about a change that cannot be followed',
    {
      type: 'array',
      maxItems: 2,
      items: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] },
    },
    '~.items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within s.properties[a]',
  ],
]

for (const [what, schema, ...faults] of table) {
  test(`a schema is looked through: ${what}`, () => assert.deepEqual(faultsOf(schema), faults))
}

test('what a restriction of the whole speaks of must be declared', () => {
  const errors = new FieldErrors()
  validateSchema({ type: 'object', anyOf: [{ properties: { b: { minLength: 1 } } }] }, 's', false, errors)
  assert.deepEqual(
    errors.causes.map(({ field, message }) => `${field}: ${message}`),
    ['s.properties[b]: Required value: because it is defined in s.anyOf[0].properties[b]'],
  )
})
