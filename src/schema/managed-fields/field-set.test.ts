import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  difference,
  emptySet,
  equalSets,
  type FieldSet,
  has,
  intersection,
  isEmptySet,
  leaves,
  node,
  pathsOf,
  recursiveDifference,
  singleton,
  union,
} from './field-set.ts'
import { fromFieldsV1, toFieldsV1 } from './fields-v1.ts'
import { pathText } from './path-element.ts'

const elements = ['f:a', 'f:b', 'f:ä', 'k:{"name":"x"}', 'k:{"port":80}', 'k:{"port":443}', 'v:"x"', 'v:3', 'i:0']

/** Sets as the reference would have them: no node without a field in or below it. */
const sets: fc.Arbitrary<FieldSet> = fc
  .array(fc.array(fc.constantFrom(...elements), { minLength: 1, maxLength: 4 }), { maxLength: 12 })
  .map((paths) => paths.map(singleton).reduce(union, emptySet))

const paths = (set: FieldSet) => [...pathsOf(set)].map(pathText).sort()
const same = (left: FieldSet, right: FieldSet) => assert.deepEqual(paths(left), paths(right))
const runs = { numRuns: 200 }

test('sets of fields are sets', () => {
  fc.assert(
    fc.property(sets, sets, sets, (a, b, c) => {
      same(union(a, b), union(b, a))
      same(union(union(a, b), c), union(a, union(b, c)))
      same(union(a, a), a)
      same(intersection(a, b), intersection(b, a))
      same(intersection(a, union(b, c)), union(intersection(a, b), intersection(a, c)))
      same(union(difference(a, b), intersection(a, b)), a)
      assert.ok(isEmptySet(intersection(difference(a, b), b)))
      assert.ok(isEmptySet(difference(a, a)))
      same(difference(a, union(b, c)), difference(difference(a, b), c))
    }),
    runs,
  )
})

test('an operation holds exactly the fields that it should', () => {
  fc.assert(
    fc.property(sets, sets, (a, b) => {
      const [inA, inB] = [new Set(paths(a)), new Set(paths(b))]
      assert.deepEqual(paths(union(a, b)), [...new Set([...inA, ...inB])].sort())
      assert.deepEqual(paths(intersection(a, b)), [...inA].filter((path) => inB.has(path)).sort())
      assert.deepEqual(paths(difference(a, b)), [...inA].filter((path) => !inB.has(path)).sort())
      const below = (path: string) => [...inB].some((taken) => path === taken || isBelow(path, taken))
      assert.deepEqual(paths(recursiveDifference(a, b)), [...inA].filter((path) => !below(path)).sort())
      for (const path of pathsOf(a)) assert.ok(has(a, path))
    }),
    runs,
  )
})

const isBelow = (path: string, above: string) => path.startsWith(above) && /^[.[]/.test(path.slice(above.length))

test('what is written can be read, whatever order it came in', () => {
  fc.assert(
    fc.property(sets, (set) => {
      const written = JSON.stringify(toFieldsV1(set))
      const read = fromFieldsV1(JSON.parse(written))!
      assert.ok(equalSets(read, set))
      assert.equal(JSON.stringify(toFieldsV1(read)), written)
      assert.equal(JSON.stringify(toFieldsV1(turned(set))), written)
    }),
    runs,
  )
})

const turned = (set: FieldSet): FieldSet =>
  Object.fromEntries(
    Object.entries(set)
      .reverse()
      .map(([element, below]) => [element, turned(below)]),
  )

test('elements stand in the order of the reference', () => {
  const set = {
    'v:"b"': {},
    'v:2': {},
    'k:{"port":443}': {},
    'k:{"port":80}': {},
    'f:b': {},
    'f:a': { 'f:x': {}, '.': {} },
  }
  assert.equal(
    JSON.stringify(toFieldsV1(set)),
    '{"f:a":{".":{},"f:x":{}},"f:b":{},"k:{\\"port\\":80}":{},"k:{\\"port\\":443}":{},"v:2":{},"v:\\"b\\"":{}}',
  )
})

test('leaves are the fields without others below', () => {
  const set = { 'f:a': { '.': {}, 'f:x': {} }, 'f:b': {} }
  assert.deepEqual(leaves(set), { 'f:a': { 'f:x': {} }, 'f:b': {} })
  assert.equal(node(false, {}), undefined)
})

test('what is no set of fields is not read as one', () => {
  for (const value of [
    null,
    'x',
    1,
    { a: {} },
    { 'f:a': 1 },
    { 'f:a': { 'k:x': {} } },
    { 'k:[]': {} },
    { 'i:x': {} },
    { 'f:a': [] },
  ]) {
    assert.equal(fromFieldsV1(value), undefined, JSON.stringify(value))
  }
})

test('alike sets are one', () => {
  const set = () => ({ 'f:spec': { 'f:replicas': {} } })
  assert.equal(toFieldsV1(set()), toFieldsV1(set()))
})

test('of sets that take megabytes none is kept', () => {
  const large = () => ({ 'f:data': Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`f:${at}-key`, {}])) })
  const first = toFieldsV1(large())
  assert.notEqual(toFieldsV1(large()), first)
  assert.deepEqual(toFieldsV1(large()), first)
})
