import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clone, deepFreeze, equalJson } from './freeze.ts'

const pod = () => ({
  metadata: { name: 'a', labels: { app: 'web' } },
  spec: { containers: [{ name: 'c', args: ['x'] }] },
})

test('a frozen tree is frozen down to its leaves, and its clone is free', () => {
  const frozen = deepFreeze(pod())
  assert.throws(() => {
    frozen.spec.containers[0]?.args.push('y')
  }, TypeError)
  assert.throws(() => {
    frozen.metadata.labels.app = 'db'
  }, TypeError)
  const copy = clone(frozen)
  copy.metadata.labels.app = 'db'
  copy.spec.containers[0]?.args.push('y')
  assert.equal(frozen.metadata.labels.app, 'web')
  assert.deepEqual(frozen.spec.containers[0]?.args, ['x'])
})

test('freezing survives nesting that would exhaust the stack', () => {
  let deep: unknown = 'leaf'
  for (let level = 0; level < 100_000; level++) deep = [deep]
  assert.ok(Object.isFrozen(deepFreeze(deep)))
})

test('nothing, an empty list and an empty map are the same', () => {
  const same: [unknown, unknown][] = [
    [{ a: [] }, {}],
    [{}, { a: {} }],
    [{ a: null }, { a: [] }],
    [{ a: undefined }, {}],
    [
      { b: 1, a: 2 },
      { a: 2, b: 1 },
    ],
    [[], null],
  ]
  const different: [unknown, unknown][] = [
    [{ a: '' }, {}],
    [{ a: 0 }, { a: null }],
    [{ a: false }, {}],
    [{ a: [1, 2] }, { a: [2, 1] }],
    [{ a: [1] }, { a: [1, null] }],
    [{ a: [] }, { a: { b: 1 } }],
    [{ constructor: 1 }, {}],
    [{}, { toString: 'x' }],
    [1, '1'],
  ]
  for (const [left, right] of same) {
    assert.ok(equalJson(left, right), JSON.stringify([left, right]))
    assert.ok(equalJson(right, left), JSON.stringify([right, left]))
  }
  for (const [left, right] of different) {
    assert.ok(!equalJson(left, right), JSON.stringify([left, right]))
    assert.ok(!equalJson(right, left), JSON.stringify([right, left]))
  }
})

test('a clone says the same as the original, whatever the keys are called', () => {
  const hostile = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":1}}')
  assert.equal(JSON.stringify(clone(hostile)), JSON.stringify(hostile))
  assert.equal(({} as { polluted?: boolean }).polluted, undefined)
  fc.assert(
    fc.property(fc.json(), (text) => {
      const value = JSON.parse(text)
      assert.equal(JSON.stringify(clone(value)), JSON.stringify(value))
      assert.ok(equalJson(clone(value), value))
    }),
    { numRuns: 100 },
  )
})
