import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FieldErrors } from '../../../schema/field-errors.ts'
import type { JsonSchema } from './json-schema.ts'
import { validateChange, validateValue } from './validate.ts'

function faultsOf(schema: JsonSchema, value: unknown): string[] {
  const errors = new FieldErrors()
  validateValue({ type: 'object', properties: { a: schema } }, { a: value }, '', errors)
  return errors.causes.map(({ field, message }) => `${field}: ${message}`)
}

const table: readonly (readonly [what: string, schema: JsonSchema, value: unknown, ...faults: string[]])[] = [
  ['a text', { type: 'string', minLength: 2 }, 'ab'],
  [
    'too short',
    { type: 'string', minLength: 2 },
    'a',
    'a: Invalid value: "a": a in body should be at least 2 chars long',
  ],
  ['too long', { type: 'string', maxLength: 2 }, 'abc', 'a: Too long: may not be more than 2 bytes'],
  ['as long as it may be, in characters', { type: 'string', maxLength: 2 }, '😀😀'],
  ['not the pattern', { type: 'string', pattern: '^b' }, 'a', `a: Invalid value: "a": a in body should match '^b'`],
  ['a number', { type: 'string' }, 1, 'a: Invalid value: "integer": a in body must be of type string: "integer"'],
  [
    'a fraction',
    { 'x-kubernetes-int-or-string': true },
    1.5,
    'a: Invalid value: "number": a in body must be of type integer,string: "number"',
  ],
  ['an integer that is a number, too', { type: 'number' }, 1],
  ['nothing where it may be', { type: 'string', nullable: true }, null],
  ['nothing', { type: 'string' }, null, 'a: Invalid value: "null": a in body must be of type string: "null"'],
  [
    'a limit itself',
    { type: 'integer', maximum: 3, exclusiveMaximum: true },
    3,
    'a: Invalid value: 3: a in body should be less than 3',
  ],
  [
    'beyond 32 bits',
    { type: 'integer', format: 'int32' },
    3e9,
    '<nil>: Invalid value: "": Checked value must be of type integer with format int32 in a',
  ],
  [
    'none of the values',
    { type: 'string', enum: ['x', 'y'] },
    'z',
    'a: Unsupported value: "z": supported values: "x", "y"',
  ],
  ['an unknown format', { type: 'string', format: 'strange' }, 'anything'],
  [
    'not its format',
    { type: 'string', format: 'ipv4' },
    'x',
    'a: Invalid value: "x": a in body must be of type ipv4: "x"',
  ],
  [
    'too many items',
    { type: 'array', maxItems: 1, items: { type: 'string' } },
    ['a', 'b'],
    'a: Too many: 2: must have at most 1 item',
  ],
  [
    'too few items',
    { type: 'array', minItems: 1, items: { type: 'string' } },
    [],
    'a: Invalid value: 0: a in body should have at least 1 items',
  ],
  [
    'a wrong item',
    { type: 'array', items: { type: 'string' } },
    ['a', true],
    'a[1]: Invalid value: "boolean": a[1] in body must be of type string: "boolean"',
  ],
  ['what is missing', { type: 'object', required: ['b'] }, {}, 'a.b: Required value'],
  [
    'a wrong value of a map',
    { type: 'object', additionalProperties: { type: 'string' } },
    { x: 1 },
    'a.x: Invalid value: "integer": a.x in body must be of type string: "integer"',
  ],
  [
    'none of several',
    { type: 'object', anyOf: [{ required: ['b'] }, { required: ['c'] }] },
    {},
    '<nil>: Invalid value: "": "a" must validate at least one schema (anyOf)',
    'a.b: Required value',
  ],
  [
    'two of one',
    { type: 'object', oneOf: [{ required: ['b'] }, { required: ['c'] }] },
    { b: 1, c: 2 },
    '<nil>: Invalid value: "": "a" must validate one and only one schema (oneOf). Found 2 valid alternatives',
  ],
  [
    'what must not be',
    { type: 'object', not: { required: ['b'] } },
    { b: 1 },
    '<nil>: Invalid value: "": "a" must not validate the schema (not)',
  ],
]

for (const [what, schema, value, ...faults] of table) {
  test(`a value is held against its schema: ${what}`, () => assert.deepEqual(faultsOf(schema, value), faults))
}

test('a pattern that would take for ever takes no time', () => {
  const text = 'a'.repeat(50_000)
  assert.equal(faultsOf({ type: 'string', pattern: '^(a+)+$' }, `${text}b`).length, 1)
})

test('what was wrong before and has not changed is let pass', () => {
  const items = { type: 'object', required: ['k', 'v'], properties: { k: { type: 'string' }, v: { type: 'integer' } } }
  const list = { type: 'array', items, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] }
  const schema = { type: 'object', properties: { list } }
  const faults = (value: unknown, old: unknown) => {
    const errors = new FieldErrors()
    validateChange(schema, value, old, '', errors)
    return errors.causes.map(({ field }) => field)
  }
  const old = { list: [{ k: 'a' }, { k: 'b' }] }
  assert.deepEqual(faults(old, old), [])
  assert.deepEqual(faults({ list: [{ k: 'b' }, { k: 'c' }] }, old), ['list[1].v'])
})
