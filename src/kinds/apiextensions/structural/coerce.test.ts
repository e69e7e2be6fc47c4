import assert from 'node:assert/strict'
import { test } from 'node:test'
import { coerce, unknownPaths } from './coerce.ts'
import type { JsonSchema } from './json-schema.ts'

const schema: JsonSchema = {
  type: 'object',
  properties: {
    list: { type: 'array', items: { type: 'object', properties: { x: { type: 'integer', default: 1 } } } },
    map: { type: 'object', additionalProperties: { type: 'object', properties: { y: { type: 'string' } } } },
    open: {
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      properties: { closed: { type: 'object', properties: { z: { type: 'string' } } } },
    },
    spec: { type: 'object', default: {}, properties: { colour: { type: 'string', default: 'red' } } },
    plain: { type: 'string' },
    nothing: { type: 'string', nullable: true, default: 'd' },
  },
}

const table: readonly (readonly [what: string, value: object, coerced: object, ...unknown: string[]])[] = [
  ['defaults are filled in, also inside of defaults', {}, { nothing: 'd', spec: { colour: 'red' } }],
  [
    'null is dropped, or becomes the default, or stays',
    { plain: null, spec: null, nothing: null },
    { nothing: null, spec: { colour: 'red' } },
  ],
  [
    'what is unknown is pruned',
    { other: 1, spec: { more: [] }, list: [{ q: 1 }] },
    { list: [{ x: 1 }], nothing: 'd', spec: { colour: 'red' } },
    'list[0].q',
    'other',
    'spec.more',
  ],
  [
    'values of maps have a schema',
    { map: { k: { y: 'a', z: 1 } } },
    { map: { k: { y: 'a' } }, nothing: 'd', spec: { colour: 'red' } },
    'map.k.z',
  ],
  [
    'what is open keeps everything but what its own parts do not know',
    { open: { q: { deep: [1] }, closed: { z: 'a', p: 1 } } },
    { nothing: 'd', open: { closed: { z: 'a' }, q: { deep: [1] } }, spec: { colour: 'red' } },
    'open.closed.p',
  ],
  [
    'whatever stands in a list that should be an object stays wrong',
    { list: ['text'] },
    { list: ['text'], nothing: 'd', spec: { colour: 'red' } },
  ],
  [
    'keys that look like something else are keys',
    JSON.parse('{"map":{"__proto__":{"y":"a"}}}'),
    JSON.parse('{"map":{"__proto__":{"y":"a"}},"nothing":"d","spec":{"colour":"red"}}'),
  ],
]

for (const [what, value, coerced, ...unknown] of table) {
  test(what, () => {
    const before = JSON.stringify(value)
    const result = coerce(schema, value, true)
    assert.equal(JSON.stringify(result.value), JSON.stringify(coerced))
    assert.deepEqual([result.hasUnknown, unknownPaths(schema, value, true)], [unknown.length > 0, unknown])
    assert.equal(JSON.stringify(value), before)
  })
}
