import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ApiObject } from '../kind.ts'
import { embedded, json, list, map, object, optional, required, string } from '../types.ts'
import { everything } from './compare.ts'
import { emptySet, leaf } from './field-set.ts'
import { FieldsOfNew } from './fields-of-new.ts'
import { ItemFault, shapeOf } from './shape.ts'
import { afterUpdate, type Write, zeroObject } from './tracking.ts'

const Sail = object('test.Sail', '', { name: optional(1, string, ''), cloth: optional(2, string, '') })
const Boat = object('test.Boat', '', {
  metadata: embedded(
    1,
    object('test.Meta', '', { name: optional(1, string, ''), labels: optional(2, map(string), '') }),
    '',
  ),
  spec: embedded(
    2,
    object('test.Spec', '', {
      sails: required(1, list(Sail, { list: ['name'] }), ''),
      crew: optional(2, list(string, { list: 'set' }), ''),
      names: optional(3, map(string), ''),
      extra: optional(4, json, ''),
      port: required(5, string, ''),
    }),
    '',
  ),
})
const shape = shapeOf(Boat)
const boatOf = (spec: unknown) => ({ metadata: { name: 'a' }, spec }) as unknown as ApiObject

const few = (...values: string[]) => fc.constantFrom(...values)
const specs = fc.record(
  {
    sails: fc.option(
      fc.array(fc.record({ name: few('fore', 'main'), cloth: few('red', 'blue') }, { requiredKeys: ['name'] }), {
        maxLength: 3,
      }),
    ),
    crew: fc.array(few('ann', 'bob'), { maxLength: 3 }),
    names: fc.option(fc.dictionary(few('a', 'b', '__proto__'), fc.constant('x'), { maxKeys: 2 })),
    extra: fc.oneof(
      fc.constant(1),
      fc.constant(null),
      fc.constant([]),
      fc.dictionary(few('a', 'b'), fc.dictionary(few('c'), fc.constant(1)), { maxKeys: 2 }),
    ),
    port: fc.option(few('', 'left')),
  },
  { requiredKeys: [] },
)

const write: Write = {
  schema: Boat,
  apiVersion: 'v1',
  subresource: '',
  reset: emptySet,
  manager: 'jane',
  now: '2030-01-01T00:00:00Z',
  inVersion: () => undefined,
}

/** Through an update by way of the object with nothing in it, of which nothing is remembered. */
const found = (object: ApiObject) =>
  [...afterUpdate(write, zeroObject(Boat), object, new Map([['x', { ...unseen }]])).values()].find(
    ({ manager }) => manager === 'jane',
  )?.fields ?? emptySet
const unseen = {
  manager: 'x',
  operation: 'Update',
  apiVersion: 'v1',
  subresource: '',
  time: undefined,
  fields: { 'f:x': leaf },
} as const

test('what is remembered of new objects is what is found anew, one after another', () => {
  fc.assert(
    fc.property(fc.array(specs, { minLength: 2, maxLength: 12 }), (many) => {
      for (const spec of many) {
        const object = boatOf(spec)
        const [owner] = afterUpdate(write, undefined, object, new Map()).values()
        assert.deepEqual(owner?.fields ?? emptySet, found(object))
      }
    }),
    { numRuns: 2000 },
  )
})

test('an object with the fields of the last one is not looked through again', () => {
  const fields = new FieldsOfNew(shape, zeroObject(Boat))
  let times = 0
  const find = (object: ApiObject) => () => {
    times++
    return everything(shape, object)
  }
  const ask = (spec: unknown) => fields.of(boatOf(spec), emptySet, find(boatOf(spec)))
  const first = ask({ port: 'left', sails: [{ name: 'main', cloth: 'red' }] })
  assert.equal(ask({ port: 'right', sails: [{ name: 'main', cloth: 'blue' }] }), first)
  assert.equal(times, 1)
  for (const other of [
    { port: 'left', sails: [{ name: 'fore', cloth: 'red' }] },
    { port: 'left', sails: [{ name: 'main' }] },
    { port: 'left', sails: [] },
    { port: '', sails: [{ name: 'main', cloth: 'red' }] },
    { sails: [{ name: 'main', cloth: 'red' }] },
  ]) {
    const before: number = times
    ask(other)
    assert.equal(times, before + 1, JSON.stringify(other))
  }
  assert.equal(ask({ port: 'right', sails: [{ name: 'main', cloth: 'blue' }] }), first)
  assert.equal(times, 6)
})

test('of an object of very many fields nothing is kept', () => {
  const fields = new FieldsOfNew(shape, zeroObject(Boat))
  const timesOf = (count: number) => {
    const names = Object.fromEntries(Array.from({ length: count }, (_, at) => [`n${at}`, 'x']))
    let times = 0
    const find = () => {
      times++
      return everything(shape, boatOf({ names }))
    }
    for (const _ of [1, 2]) fields.of(boatOf({ names }), emptySet, find)
    return times
  }
  assert.deepEqual([timesOf(1_000), timesOf(2_000)], [1, 2])
})

test('an item without a name is a fault for whoever looks there', () => {
  const fields = new FieldsOfNew(shape, zeroObject(Boat))
  const object = boatOf({ sails: [{ cloth: 'red' }] })
  assert.equal(
    fields.of(object, emptySet, () => leaf),
    leaf,
  )
  const find = () => {
    throw new ItemFault('no name')
  }
  assert.throws(() => fields.of(object, emptySet, find), ItemFault)
})
