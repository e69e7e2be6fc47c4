import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deepFreeze } from './freeze.ts'
import { applyMergePatch } from './merge-patch.ts'
import { ApiError } from './status.ts'

// The examples of RFC 7386, appendix A, whose both sides are objects.
const examples: readonly [object, object, object][] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
]

for (const [current, patch, merged] of examples) {
  test(`${JSON.stringify(current)} with ${JSON.stringify(patch)}`, () => {
    assert.deepEqual(applyMergePatch(deepFreeze(current), deepFreeze(patch)), merged)
  })
}

test('null vanishes from objects in lists, but not from lists', () => {
  assert.deepEqual(applyMergePatch({}, { a: [{ b: null, c: 1 }, null] }), { a: [{ c: 1 }, null] })
})

test('untouched parts are shared, and a patch that says nothing new gives the object itself', () => {
  const current = deepFreeze({ metadata: { name: 'a' }, spec: { n: 1 } })
  const merged = applyMergePatch(current, { spec: { n: 2 } }) as typeof current
  assert.equal(merged.metadata, current.metadata)
  assert.equal(applyMergePatch(current, { spec: { n: 1 }, status: null }), current)
})

test('__proto__ is a member like any other', () => {
  const merged = applyMergePatch({ data: {} }, JSON.parse('{"data":{"__proto__":{"polluted":true}}}'))
  assert.equal(JSON.stringify(merged), '{"data":{"__proto__":{"polluted":true}}}')
  assert.equal(({} as { polluted?: boolean }).polluted, undefined)
})

const faults: readonly [unknown, string][] = [
  [null, 'Invalid JSON Patch'],
  [[1], 'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}'],
  ['x', 'error decoding patch: json: cannot unmarshal string into Go value of type map[string]interface {}'],
]

for (const [patch, message] of faults) {
  test(`rejects ${JSON.stringify(patch)}`, () => {
    assert.throws(
      () => applyMergePatch({}, patch),
      (error) => error instanceof ApiError && error.code === 400 && error.message === message,
    )
  })
}
