import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clone, deepFreeze, equalJson, sharing } from './freeze.ts'

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

test('sharing takes over what is the same, and nothing else', () => {
  const old = deepFreeze({ a: { b: [1, { c: 2 }] }, m: { x: '1', y: '2' }, list: [{ n: 1 }, { n: 2 }], kept: {} })
  const next = { a: { b: [1, { c: 2 }] }, m: { y: '2', x: '1' }, list: [{ n: 1 }, { n: 3 }], more: { kept: {} } }
  const before = structuredClone(next)
  const shared = sharing(next, old)
  assert.deepEqual(next, before)
  assert.equal(JSON.stringify(shared), JSON.stringify(next))
  assert.equal(shared.a, old.a)
  assert.notEqual(shared.m, old.m, 'the order of keys is part of a value')
  assert.equal(shared.list[0], old.list[0])
  assert.notEqual(shared.list[1], old.list[1])
  assert.equal(sharing(structuredClone(old), old), old)
  assert.deepEqual(sharing([1], { 0: 1 }), [1])
  assert.deepEqual(sharing({ a: null }, { a: {} }), { a: null })
})
