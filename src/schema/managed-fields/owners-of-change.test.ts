import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sharing } from '../freeze.ts'
import type { ApiObject } from '../kind.ts'
import { embedded, json, list, map, object, optional, required, string } from '../types.ts'
import { everything } from './compare.ts'
import { emptySet, type FieldSet, leaf } from './field-set.ts'
import { encodeOwners, type Owner, type Owners } from './owners.ts'
import { type Change, OwnersOfChange } from './owners-of-change.ts'
import { shapeOf } from './shape.ts'
import { afterUpdate, type Write } from './tracking.ts'

/** A type of its own each time, of which nothing is remembered. */
function newBoat() {
  const Flag = object('test.Flag', '', { colour: required(1, string, ''), size: optional(2, string, '') })
  const Sail = object('test.Sail', '', {
    name: optional(1, string, ''),
    cloth: optional(2, string, ''),
    flags: optional(3, list(Flag, { list: ['colour'] }), ''),
  })
  const Hull = object('test.Hull', '', {
    sails: optional(1, list(Sail, { list: ['name'] }), ''),
    crew: optional(2, list(string, { list: 'set' }), ''),
    names: optional(3, map(string), ''),
    extra: optional(4, json, ''),
    port: optional(5, string, ''),
    ropes: optional(6, list(string), ''),
  })
  const Meta = object('test.Meta', '', { name: optional(1, string, ''), labels: optional(2, map(string), '') })
  return object('test.Boat', '', {
    metadata: embedded(1, Meta, ''),
    spec: optional(2, Hull, ''),
    status: optional(3, Hull, ''),
  })
}

const few = <T>(...values: T[]) => fc.constantFrom(...values)
const flag = fc.record({ colour: few('red', 'blue'), size: few('s', 'l') }, { requiredKeys: ['colour'] })
const sail = fc.record(
  { name: few('fore', 'main'), cloth: few('red', 'blue'), flags: fc.array(flag, { maxLength: 2 }) },
  { requiredKeys: ['name'] },
)
const names = fc.dictionary(few('a', 'b', '__proto__', 'constructor'), few('x', 'y'), { maxKeys: 2 })
/** What a field may hold: little, so that changes often are nearly alike. */
const fields = {
  sails: fc.option(fc.array(sail, { maxLength: 2 })),
  crew: fc.option(fc.array(few('ann', 'bob', 'cid'), { maxLength: 3 })),
  names: fc.option(names),
  extra: fc.oneof(few<unknown>(1, null, 'x', [], [1]), fc.dictionary(few('a', 'b'), names, { maxKeys: 2 })),
  ropes: fc.option(fc.array(few('a', 'b'), { maxLength: 2 })),
}
const change = (value: fc.Arbitrary<unknown>) =>
  fc.record({
    part: few('spec', 'status'),
    value: fc.option(value, { nil: undefined, freq: 4 }),
    port: few('left', undefined),
    manager: few('jane', 'kate'),
    subresource: few('', 'status'),
  })
const histories = fc.oneof(
  ...Object.entries(fields).map(([field, value]) =>
    fc.record({
      field: fc.constant(field),
      before: fc.array(change(value), { maxLength: 3 }),
      others: fc.array(change(value), { minLength: 2, maxLength: 12 }),
    }),
  ),
)

const resets: Readonly<Record<string, FieldSet>> = {
  '': { 'f:status': leaf },
  status: { 'f:spec': leaf, 'f:metadata': leaf },
}

const writeOf = (schema: Write['schema'], manager: string, subresource: string, now: string): Write => ({
  schema,
  apiVersion: 'v1',
  subresource,
  reset: resets[subresource]!,
  manager,
  now,
  inVersion: () => undefined,
})

test('what is remembered of updates is what is found anew, one after another', () => {
  const known = newBoat()
  const changed = (live: ApiObject, field: string, { part, value, port }: Partial<Record<string, unknown>>) =>
    sharing({ ...live, [part as string]: { port, [field]: value } } as unknown as ApiObject, live)
  fc.assert(
    fc.property(histories, ({ field, before, others }) => {
      // Somebody owns something: otherwise nobody keeps track.
      let live = { metadata: { name: 'a', labels: { a: 'b' } } } as unknown as ApiObject
      let owners = afterUpdate(writeOf(known, 'eve', '', '0'), undefined, live, new Map())
      for (const [at, change] of before.entries()) {
        const object = changed(live, field, change)
        owners = afterUpdate(writeOf(newBoat(), change.manager, change.subresource, `${at}`), live, object, owners)
        live = object
      }
      // All of these are made of the same object, so that answers for one are at hand for the next.
      for (const change of others) {
        const object = changed(live, field, change)
        const ask = (schema: Write['schema']) =>
          encodeOwners(afterUpdate(writeOf(schema, change.manager, change.subresource, '9'), live, object, owners))
        assert.equal(JSON.stringify(ask(known)), JSON.stringify(ask(newBoat())))
      }
    }),
    { numRuns: 5000 },
  )
})

const sails = (...cloths: string[]) => cloths.map((cloth, at) => ({ name: `sail-${at}`, ...(cloth && { cloth }) }))
const flags = (...colours: string[]) => colours.map((colour) => ({ colour }))
const twins = (cloth: string) => [{ name: 'main' }, { name: 'main', ...(cloth && { cloth }) }]

/** Two changes each, the second of which is all but like the first; of one object, or of two that are owned alike. */
const nearly: readonly {
  readonly what: string
  readonly changes: readonly (readonly [object | null, object | null])[]
}[] = [
  {
    what: 'one item of those that changed',
    changes: [
      [{ sails: sails('red', 'red') }, { sails: sails('blue', 'blue') }],
      [{ sails: sails('red', 'red') }, { sails: sails('blue', 'red') }],
    ],
  },
  {
    what: 'one item of those that got something',
    changes: [
      [{ sails: sails('', '') }, { sails: sails('blue', 'blue') }],
      [{ sails: sails('', '') }, { sails: sails('blue', '') }],
    ],
  },
  {
    what: 'one item of those that lost something',
    changes: [
      [{ sails: sails('red', 'red') }, { sails: sails('', '') }],
      [{ sails: sails('red', 'red') }, { sails: sails('', 'red') }],
    ],
  },
  {
    what: 'an item that is there twice',
    changes: [
      [{ sails: [{ name: 'main' }, { name: 'jib' }] }, { sails: [{ name: 'main', cloth: 'red' }, { name: 'jib' }] }],
      [{ sails: twins('') }, { sails: twins('red') }],
    ],
  },
  {
    what: 'a name that every object has something by',
    changes: [
      [{ names: { constructor: 'x' } }, { names: { constructor: 'y' } }],
      [{ names: { a: 'x' } }, { names: { a: 'x', constructor: 'y' } }],
    ],
  },
  {
    what: 'a field that is there now, and one in which only the order is new',
    changes: [
      [{}, { sails: [] }],
      [
        { sails: [{ name: 'main', flags: flags('red', 'blue', 'red') }] },
        { sails: [{ name: 'main', flags: flags('blue', 'red', 'red') }] },
      ],
    ],
  },
  {
    what: 'a field that was null, and one in which only the order is new',
    changes: [
      [null, {}],
      [{ crew: ['ann', 'bob', 'ann'] }, { crew: ['bob', 'ann', 'ann'] }],
    ],
  },
]

for (const { what, changes } of nearly) {
  test(`nearly the same change is another one: ${what}`, () => {
    const known = newBoat()
    const eve = { manager: 'eve', operation: 'Update', apiVersion: 'v1', subresource: '', time: '0' } as const
    const owners: Owners = new Map([['eve', { ...eve, fields: { 'f:spec': { 'f:port': leaf } } }]])
    for (const [before, after] of changes) {
      const [live, object] = [before, after].map((spec) => ({ metadata: {}, spec }) as unknown as ApiObject)
      const ask = (schema: Write['schema']) =>
        encodeOwners(afterUpdate(writeOf(schema, 'jane', '', '9'), live, sharing(object!, live), owners))
      assert.equal(JSON.stringify(ask(known)), JSON.stringify(ask(newBoat())))
    }
  })
}

const Boat = newBoat()
const owner = (fields: FieldSet): Owners =>
  new Map<string, Owner>([
    ['jane', { manager: 'jane', operation: 'Update', apiVersion: 'v1', subresource: '', time: '0', fields }],
  ])

/** Asks as for a change of the spec, and counts how often all is looked at. */
function asking() {
  const answers = new OwnersOfChange(shapeOf(Boat))
  const asked = { times: 0 }
  const ask = (spec: unknown, of: Partial<Change> = {}) => {
    const live = { metadata: {}, spec: { port: 'left' } } as unknown as ApiObject
    const object = { metadata: {}, spec } as unknown as ApiObject
    const change: Change = {
      live,
      object,
      owners: owner({ 'f:spec': { 'f:port': leaf } }),
      manager: 'kate',
      apiVersion: 'v1',
      subresource: '',
      reset: emptySet,
      given: emptySet,
      skipped: emptySet,
      ...of,
    }
    return answers.of(change, () => {
      asked.times++
      const added = everything(shapeOf(Boat), { spec })['f:spec']!
      const { '.': _, 'f:port': __, ...rest } = added
      const differences = { added: { 'f:spec': rest }, modified: undefined, removed: undefined }
      return { differences, shares: [{ id: 'kate', fields: { 'f:spec': rest }, isWritten: true }] }
    })
  }
  return { ask, asked }
}

test('a change of the same fields is not looked at again, whatever they hold', () => {
  const { ask, asked } = asking()
  const first = ask({ port: 'left', names: { a: 'x' } })
  assert.equal(ask({ port: 'left', names: { a: 'y' } }), first)
  assert.equal(asked.times, 1)
  ask({ port: 'left', names: { b: 'x' } })
  ask({ port: 'left', names: { a: 'x' } }, { manager: 'lea' })
  ask({ port: 'left', names: { a: 'x' } }, { subresource: 'status' })
  ask({ port: 'left', names: { a: 'x' } }, { owners: owner({ 'f:spec': { 'f:crew': leaf } }) })
  assert.equal(asked.times, 5)
})

test('an item that is alone may have another name, unless somebody owns something there', () => {
  const { ask, asked } = asking()
  const spec = (name: string) => ({ port: 'left', sails: [{ name, cloth: 'red' }] })
  ask(spec('main'))
  const [share] = ask(spec('fore'))
  assert.equal(asked.times, 1)
  assert.deepEqual(share!.fields, {
    'f:spec': { 'f:sails': { '.': leaf, 'k:{"name":"fore"}': { '.': leaf, 'f:name': leaf, 'f:cloth': leaf } } },
  })
  const within = (name: string, colour: string) => ({ port: 'left', sails: [{ name, flags: [{ colour }] }] })
  ask(within('main', 'red'))
  const [inner] = ask(within('fore', 'blue'))
  assert.equal(asked.times, 2)
  assert.deepEqual(inner!.fields, {
    'f:spec': {
      'f:sails': {
        '.': leaf,
        'k:{"name":"fore"}': {
          '.': leaf,
          'f:name': leaf,
          'f:flags': { '.': leaf, 'k:{"colour":"blue"}': { '.': leaf, 'f:colour': leaf } },
        },
      },
    },
  })
  const there = owner({ 'f:spec': { 'f:sails': { 'k:{"name":"fore"}': leaf } } })
  ask(spec('main'), { owners: there })
  ask(spec('fore'), { owners: there })
  assert.equal(asked.times, 4)
  ask({ port: 'left', sails: [{ name: 'main', cloth: 'red' }, { name: 'fore' }] })
  assert.equal(asked.times, 5)
})

test('what the schema of another version decides is not remembered', () => {
  const { ask, asked } = asking()
  const old = new Map([['jane', { ...owner(emptySet).get('jane')!, apiVersion: 'v1beta1' }]])
  ask({ names: { a: 'x' } }, { owners: old })
  ask({ names: { a: 'x' } }, { owners: old })
  assert.equal(asked.times, 2)
})

test('of changes of very many fields, and of what has very many, nothing is kept', () => {
  const { ask, asked } = asking()
  const names = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`n${at}`, 'x']))
  const spec = (count: number) => ({ port: 'left', names: names(count) })
  const timesOf = (...change: Parameters<typeof ask>) => {
    const before = asked.times
    for (const _ of [1, 2]) ask(...change)
    return asked.times - before
  }
  assert.deepEqual([timesOf(spec(1_000)), timesOf(spec(2_000))], [1, 2])
  const much = owner({ 'f:spec': Object.fromEntries(Object.keys(names(2_000)).map((name) => [`f:${name}`, leaf])) })
  assert.equal(timesOf(spec(1), { owners: much }), 2)
})
