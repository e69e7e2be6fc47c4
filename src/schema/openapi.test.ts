import assert from 'node:assert/strict'
import { test } from 'node:test'
import { schemasOf } from './openapi.ts'
import {
  bool,
  bytes,
  double,
  embedded,
  explicit,
  int32,
  int64,
  intOrString,
  list,
  map,
  object,
  oneOf,
  optional,
  quantity,
  rawObject,
  required,
  string,
  time,
} from './types.ts'

const Part = object('test.v1.Part', 'A part.', { name: required(1, string, 'Its name.') }, { atomic: true })

const Thing = object(
  'test.v1.Thing',
  'A thing.',
  {
    text: required(1, string, 'Some text.'),
    count: optional(2, int32, ''),
    big: optional(3, int64, ''),
    ratio: optional(4, double, ''),
    on: embedded(5, bool, ''),
    data: optional(6, map(bytes), ''),
    policy: optional(7, oneOf('B', 'A'), '', { default: 'A' }),
    at: embedded(8, time, ''),
    port: optional(9, intOrString, ''),
    limits: optional(10, map(quantity), ''),
    labels: optional(11, map(string, { atomic: true }), ''),
    part: embedded(12, Part, 'The part.'),
    other: explicit(13, Part, '', { retainKeys: true }),
    whole: explicit(14, Part, '', { replace: true }),
    parts: required(15, list(Part, { list: ['name'], merge: 'name', retainKeys: true }), ''),
    names: optional(16, list(string, { list: 'set', merge: true }), ''),
    raw: optional(17, rawObject, ''),
  },
  { unions: [{ discriminator: 'policy', fields: { part: 'Part' } }] },
)

const published = [{ type: Thing, kinds: [{ group: 'test', kind: 'Thing', version: 'v1' }] }]
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })

test('version 3 schemas', () => {
  const schemas = schemasOf(published, 3)
  assert.deepEqual(Object.keys(schemas), [
    'io.k8s.apimachinery.pkg.api.resource.Quantity',
    'io.k8s.apimachinery.pkg.apis.meta.v1.Time',
    'io.k8s.apimachinery.pkg.runtime.RawExtension',
    'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
    'test.v1.Part',
    'test.v1.Thing',
  ])
  assert.deepEqual(schemas['test.v1.Part'], {
    description: 'A part.',
    type: 'object',
    required: ['name'],
    properties: { name: { type: 'string', description: 'Its name.', default: '' } },
    'x-kubernetes-map-type': 'atomic',
  })
  const { properties, ...rest } = schemas['test.v1.Thing']!
  assert.deepEqual(rest, {
    description: 'A thing.',
    type: 'object',
    required: ['text', 'parts'],
    'x-kubernetes-group-version-kind': [{ group: 'test', kind: 'Thing', version: 'v1' }],
    'x-kubernetes-unions': [{ discriminator: 'policy', 'fields-to-discriminateBy': { part: 'Part' } }],
  })
  assert.deepEqual(properties, {
    at: { allOf: [ref('io.k8s.apimachinery.pkg.apis.meta.v1.Time')] },
    big: { type: 'integer', format: 'int64' },
    count: { type: 'integer', format: 'int32' },
    data: { type: 'object', additionalProperties: { type: 'string', format: 'byte' } },
    labels: {
      type: 'object',
      additionalProperties: { type: 'string', default: '' },
      'x-kubernetes-map-type': 'atomic',
    },
    limits: { type: 'object', additionalProperties: ref('io.k8s.apimachinery.pkg.api.resource.Quantity') },
    names: {
      type: 'array',
      items: { type: 'string', default: '' },
      'x-kubernetes-list-type': 'set',
      'x-kubernetes-patch-strategy': 'merge',
    },
    on: { type: 'boolean', default: false },
    other: { allOf: [ref('test.v1.Part')], 'x-kubernetes-patch-strategy': 'retainKeys' },
    part: { allOf: [ref('test.v1.Part')], description: 'The part.', default: {} },
    parts: {
      type: 'array',
      items: { allOf: [ref('test.v1.Part')], default: {} },
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-patch-merge-key': 'name',
      'x-kubernetes-patch-strategy': 'merge,retainKeys',
    },
    policy: { type: 'string', enum: ['A', 'B'], default: 'A' },
    port: { allOf: [ref('io.k8s.apimachinery.pkg.util.intstr.IntOrString')] },
    ratio: { type: 'number', format: 'double' },
    raw: { allOf: [ref('io.k8s.apimachinery.pkg.runtime.RawExtension')] },
    text: { type: 'string', description: 'Some text.', default: '' },
    whole: { allOf: [ref('test.v1.Part')], 'x-kubernetes-patch-strategy': 'replace' },
  })
})

test('version 2 schemas refer directly, and have neither defaults nor oneOf', () => {
  const schemas = schemasOf(published, 2)
  const properties = schemas['test.v1.Thing']!['properties'] as Record<string, object>
  assert.deepEqual(properties['part'], { $ref: '#/definitions/test.v1.Part', description: 'The part.' })
  assert.deepEqual(properties['policy'], { type: 'string', enum: ['A', 'B'] })
  assert.equal(schemas['io.k8s.apimachinery.pkg.util.intstr.IntOrString']!['format'], 'int-or-string')
  assert.equal(schemas['io.k8s.apimachinery.pkg.util.intstr.IntOrString']!['type'], 'string')
  assert.doesNotMatch(JSON.stringify(schemas), /oneOf|allOf|"default"/)
})
