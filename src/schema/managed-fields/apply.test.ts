import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { ApiObject } from '../kind.ts'
import { ApiError } from '../status.ts'
import { embedded, explicit, int32, json, list, map, object, optional, required, string } from '../types.ts'
import { apply } from './apply.ts'
import { Conflicts } from './conflicts.ts'
import { emptySet } from './field-set.ts'
import { lastAppliedAnnotation, withLastApplied } from './last-applied.ts'
import { merge } from './merge.ts'
import { decodeOwners, encodeOwners, type ManagedFieldsEntryLike, type Owners } from './owners.ts'
import { ownersAfterScale, scaleOwners } from './scale.ts'
import { shapeOf } from './shape.ts'
import { afterUpdate, type Write } from './tracking.ts'
import { validateApplied } from './validate-applied.ts'

const Sail = object('test.Sail', '', { name: required(1, string, ''), size: explicit(2, int32, '') })
const Port = object('test.Port', '', {
  number: optional(1, int32, ''),
  side: optional(2, string, '', { default: 'left' }),
})
const Paint = object(
  'test.Paint',
  '',
  { colour: optional(1, string, ''), coats: optional(2, int32, '') },
  { atomic: true },
)
const Spec = object('test.Spec', '', {
  sails: optional(1, list(Sail, { list: ['name'] }), ''),
  ports: optional(2, list(Port, { list: ['side', 'number'] }), ''),
  crew: optional(3, list(string, { list: 'set' }), ''),
  cargo: optional(4, list(string), ''),
  names: optional(5, map(string), ''),
  paint: explicit(6, Paint, ''),
  speed: explicit(7, int32, ''),
  extra: optional(8, json, ''),
})
const Boat = object('test.Boat', '', {
  kind: optional(0, string, ''),
  apiVersion: optional(0, string, ''),
  metadata: embedded(
    1,
    object('test.Meta', '', {
      name: optional(1, string, ''),
      uid: optional(2, string, ''),
      annotations: optional(3, map(string), ''),
    }),
    '',
  ),
  spec: embedded(2, Spec, ''),
})

const boat = (spec: unknown, metadata: object = {}) =>
  ({ apiVersion: 'v1', kind: 'Boat', metadata: { name: 'a', ...metadata }, spec }) as unknown as ApiObject
const specOf = (value: ApiObject | undefined) =>
  (value as unknown as { spec: Record<string, unknown> | null }).spec ?? {}

const write = (manager: string, more: Partial<Write> = {}): Write => ({
  schema: Boat,
  apiVersion: 'v1',
  subresource: '',
  reset: emptySet,
  manager,
  now: '2026-01-01T00:00:00Z',
  inVersion: () => undefined,
  ...more,
})

/** An object in a server: what is applied and updated comes upon what was there. */
class Dock {
  live: ApiObject | undefined
  owners: Owners = new Map()

  apply(manager: string, spec: unknown, force = false): this {
    const { object, owners } = apply(write(manager), this.live, boat(spec), this.owners, force)
    this.live = object ?? this.live
    this.owners = owners
    return this
  }

  update(manager: string, spec: unknown): this {
    const next = boat(spec)
    this.owners = afterUpdate(write(manager), this.live, next, this.owners)
    this.live = next
    return this
  }

  /** Who has what, in short. */
  get managed(): unknown {
    return (encodeOwners(this.owners) ?? []).map(({ manager, operation, fieldsV1 }) => [manager, operation, fieldsV1])
  }

  refusal(manager: string, spec: unknown): string {
    return refusal(() => this.apply(manager, spec))
  }
}

function refusal(attempt: () => unknown): string {
  try {
    attempt()
  } catch (error) {
    if (error instanceof Conflicts) return error.toError().message
    throw error
  }
  throw new Error('it was not refused')
}

describe('ownership', () => {
  test('an update owns what it changes, an apply what it states', () => {
    const dock = new Dock().update('one', { speed: 1, names: { a: '1' }, sails: [{ name: 'fore', size: 2 }] })
    assert.deepEqual(dock.managed, [
      [
        'one',
        'Update',
        {
          'f:spec': {
            'f:names': { '.': {}, 'f:a': {} },
            'f:sails': { '.': {}, 'k:{"name":"fore"}': { '.': {}, 'f:name': {}, 'f:size': {} } },
            'f:speed': {},
          },
        },
      ],
    ])
    dock.apply('two', { names: { b: '2' } })
    assert.deepEqual(specOf(dock.live)['names'], { a: '1', b: '2' })
    assert.deepEqual((dock.managed as unknown[])[0], ['two', 'Apply', { 'f:spec': { 'f:names': { 'f:b': {} } } }])
  })

  test('a value that becomes an object is owned with what is in it', () => {
    const dock = new Dock()
      .update('one', { extra: { a: 1, b: { c: 1 } } })
      .update('two', { extra: { a: { deep: [1] }, b: 2 } })
    assert.deepEqual(dock.managed, [
      ['one', 'Update', { 'f:spec': { 'f:extra': {} } }],
      ['two', 'Update', { 'f:spec': { 'f:extra': { 'f:a': { '.': {}, 'f:deep': {} }, 'f:b': {} } } }],
    ])
  })

  test('an update takes over from whoever applied', () => {
    const dock = new Dock().apply('one', { speed: 1, cargo: ['tea'] }).update('two', { speed: 2, cargo: ['tea'] })
    assert.deepEqual(dock.managed, [
      ['one', 'Apply', { 'f:spec': { 'f:cargo': {} } }],
      ['two', 'Update', { 'f:spec': { 'f:speed': {} } }],
    ])
  })

  test('what a way of writing resets belongs to nobody', () => {
    const reset = { 'f:spec': { 'f:speed': {} } }
    const owners = afterUpdate(write('one', { reset }), undefined, boat({ speed: 1, crew: ['x'] }), new Map())
    assert.deepEqual(encodeOwners(owners)?.[0]?.fieldsV1, { 'f:spec': { 'f:crew': { '.': {}, 'v:"x"': {} } } })
  })

  test('an object of which nobody keeps track stays so until somebody applies', () => {
    const dock = new Dock()
    dock.live = boat({ speed: 1 })
    assert.deepEqual(dock.update('one', { speed: 2 }).managed, [])
    assert.match(dock.refusal('two', { speed: 3 }), /conflict with "before-first-apply" using v1: \.spec\.speed$/)
  })

  test('only ten that update are told apart', () => {
    const dock = new Dock().update('m0', { names: { n0: '' } })
    for (let i = 1; i < 12; i++) {
      const names = { ...(specOf(dock.live)['names'] as object), [`n${i}`]: '' }
      const next = boat({ names })
      const now = `2026-01-01T00:00:${String(i).padStart(2, '0')}Z`
      dock.owners = afterUpdate(write(`m${i}`, { now }), dock.live, next, dock.owners)
      dock.live = next
    }
    const entries = encodeOwners(dock.owners)!
    assert.equal(entries.length, 10)
    const ancient = entries.find(({ manager }) => manager === 'ancient-changes')!
    assert.deepEqual(ancient.fieldsV1, { 'f:spec': { 'f:names': { '.': {}, 'f:n0': {}, 'f:n1': {}, 'f:n2': {} } } })
    assert.equal(ancient.time, '2026-01-01T00:00:02Z')
  })

  test('who owned a part of what has become atomic owns it all', () => {
    const fieldsV1 = {
      'f:spec': { 'f:paint': { '.': {}, 'f:colour': {} }, 'f:cargo': { 'v:"tea"': {} }, 'f:speed': {} },
    }
    const entry = { manager: 'x', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1 }
    const live = boat({ paint: { colour: 'red' }, cargo: ['tea'], speed: 1 })
    const owners = afterUpdate(write('y'), live, live, decodeOwners([entry])!)
    assert.deepEqual(encodeOwners(owners)?.[0]?.fieldsV1, { 'f:spec': { 'f:cargo': {}, 'f:paint': {}, 'f:speed': {} } })
  })

  test('spoilt entries are worth nothing', () => {
    const entry = { manager: 'x', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: {} }
    assert.equal(decodeOwners([entry])?.size, 1)
    for (const fault of [
      { operation: 'Bad' },
      { apiVersion: '' },
      { fieldsType: 'FieldsV2' },
      { fieldsV1: { a: {} } },
    ]) {
      assert.equal(decodeOwners([{ ...entry, ...fault }]), undefined)
    }
  })
})

describe('apply', () => {
  test('conflicts name every owner and field', () => {
    const dock = new Dock()
      .apply('one', { speed: 1, names: { a: '1' } })
      .update('two', { speed: 1, names: { a: '1' }, crew: ['x'] })
    assert.equal(dock.refusal('three', { speed: 2 }), 'Apply failed with 1 conflict: conflict with "one": .spec.speed')
    assert.equal(
      dock.refusal('three', { speed: 2, names: { a: '2' } }),
      'Apply failed with 2 conflicts: conflicts with "one":\n- .spec.speed\n- .spec.names.a',
    )
    dock.apply('three', { speed: 2 }, true)
    assert.equal(specOf(dock.live)['speed'], 2)
    assert.deepEqual((dock.managed as unknown[][])[0], ['one', 'Apply', { 'f:spec': { 'f:names': { 'f:a': {} } } }])
  })

  test('the same value is shared, and goes when the last one lets go', () => {
    const dock = new Dock().apply('one', { speed: 1, crew: ['x'] }).apply('two', { speed: 1 })
    dock.apply('one', { crew: ['x'] })
    assert.equal(specOf(dock.live)['speed'], 1)
    dock.apply('two', {})
    assert.equal(specOf(dock.live)['speed'], undefined)
  })

  test('what nobody owns inside of what goes keeps it there', () => {
    const dock = new Dock().apply('one', { sails: [{ name: 'fore', size: 1 }] })
    dock.update('two', {
      sails: [
        { name: 'fore', size: 1 },
        { name: 'aft', size: 2 },
      ],
    })
    dock.apply('one', {})
    assert.deepEqual(specOf(dock.live)['sails'], [{ name: 'aft', size: 2 }])
  })

  const merges: readonly [string, unknown, unknown, unknown][] = [
    ['new items come last', { crew: ['a', 'b'] }, { crew: ['c'] }, { crew: ['a', 'b', 'c'] }],
    ['the applied order wins', { crew: ['a', 'b', 'c'] }, { crew: ['c', 'a'] }, { crew: ['b', 'c', 'a'] }],
    ['others keep their place', { crew: ['a', 'b', 'c'] }, { crew: ['a', 'x', 'c'] }, { crew: ['a', 'b', 'x', 'c'] }],
    [
      'items with the same keys are one',
      { ports: [{ side: 'left', number: 1 }] },
      { ports: [{ number: 1 }] },
      { ports: [{ side: 'left', number: 1 }] },
    ],
    ['an atomic list is replaced', { cargo: ['a'] }, { cargo: ['b'] }, { cargo: ['b'] }],
    [
      'an atomic object is replaced',
      { paint: { colour: 'red', coats: 2 } },
      { paint: { colour: 'blue' } },
      { paint: { colour: 'blue' } },
    ],
    [
      'untyped objects are merged, lists not',
      { extra: { a: 1, l: [1] } },
      { extra: { b: 2, l: [2] } },
      { extra: { a: 1, b: 2, l: [2] } },
    ],
  ]
  for (const [title, before, applied, after] of merges) {
    test(title, () => {
      const dock = new Dock().update('one', before).apply('two', applied, true)
      assert.deepEqual(specOf(dock.live), after)
    })
  }

  test('applying on the client before is no conflict for kubectl', () => {
    const last = JSON.stringify(boat({ speed: 1, crew: ['x'] }))
    const live = boat({ speed: 1, crew: ['x'] }, { uid: 'u', annotations: { [lastAppliedAnnotation]: last } })
    const owners = afterUpdate(write('kubectl-client-side-apply'), undefined, live, new Map())
    const wanted = boat({ speed: 2 })
    assert.match(
      refusal(() => apply(write('other'), live, wanted, owners, false)),
      /\.spec\.speed$/,
    )
    const { object } = apply(write('kubectl'), live, wanted, owners, false)
    assert.equal(specOf(object)['speed'], 2)
    const { metadata } = withLastApplied('kubectl', object!, wanted)
    assert.equal(
      metadata.annotations?.[lastAppliedAnnotation],
      '{"apiVersion":"v1","kind":"Boat","metadata":{"name":"a"},"spec":{"speed":2}}\n',
    )
  })

  const faults: readonly [unknown, string][] = [
    [{ speed: 'x' }, '.spec.speed: expected numeric (int or float), got string'],
    [{ cargo: [1] }, '.spec.cargo[0]: expected string, got &value.valueUnstructured{Value:1}'],
    [{ bogus: 1 }, '.spec.bogus: field not declared in schema'],
    [{ crew: ['z', 'z'] }, '.spec.crew: duplicate entries for key [="z"]'],
    [{ sails: [{ name: 'a' }, { name: 'a' }] }, '.spec.sails: duplicate entries for key [name="a"]'],
    [{ names: [] }, '.spec.names: expected map, got &{[]}'],
    [{ sails: {} }, '.spec.sails: expected list, got &{map[]}'],
    [{ crew: [null] }, ".spec.crew: element 0: associative list without keys has an element that's an explicit null"],
    [
      { speed: 'x', cargo: [1] },
      'errors:\n  .spec.cargo[0]: expected string, got &value.valueUnstructured{Value:1}\n  .spec.speed: expected numeric (int or float), got string',
    ],
  ]
  for (const [spec, message] of faults) test(message, () => assert.equal(validateApplied(Boat, boat(spec)), message))
})

test('conflicts are answered with their causes', () => {
  const dock = new Dock().apply('one', { speed: 1 })
  try {
    dock.apply('two', { speed: 2 })
    assert.fail('it was not refused')
  } catch (error) {
    const answer = (error as Conflicts).toError()
    assert.ok(answer instanceof ApiError)
    assert.equal(answer.code, 409)
    assert.deepEqual(answer.details, {
      causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.spec.speed' }],
    })
  }
})

test('owners of the replicas are those of the scale', () => {
  const entry = (manager: string, more: object): ManagedFieldsEntryLike => ({
    manager,
    apiVersion: 'apps/v1',
    fieldsType: 'FieldsV1',
    operation: 'Update',
    fieldsV1: { 'f:spec': { 'f:replicas': {}, 'f:paused': {} } },
    ...more,
  })
  const place = {
    path: ['f:spec', 'f:replicas'],
    apiVersion: 'apps/v1',
    knows: (version: string) => version === 'apps/v1',
  }
  const owners = decodeOwners([entry('one', { operation: 'Apply' }), entry('two', {})])!
  const scale = scaleOwners(owners, place)
  assert.deepEqual(
    [...scale.values()].map(({ manager, apiVersion, fields }) => [manager, apiVersion, fields]),
    [
      ['one', 'autoscaling/v1', { 'f:spec': { 'f:replicas': {} } }],
      ['two', 'autoscaling/v1', { 'f:spec': { 'f:replicas': {} } }],
    ],
  )
  const after = encodeOwners(ownersAfterScale(owners, new Map(), place))!
  assert.deepEqual(
    after.map(({ manager, fieldsV1 }) => [manager, fieldsV1]),
    [
      ['one', { 'f:spec': { 'f:paused': {} } }],
      ['two', { 'f:spec': { 'f:paused': {} } }],
    ],
  )
})

const word = fc.constantFrom('a', 'b', 'c')
const specs = fc
  .record(
    {
      speed: fc.integer({ min: 0, max: 3 }),
      names: fc.dictionary(word, word, { maxKeys: 3 }),
      crew: fc.uniqueArray(word, { maxLength: 3 }),
      cargo: fc.array(word, { maxLength: 3 }),
      sails: fc.uniqueArray(fc.record({ name: word, size: fc.integer({ min: 1, max: 3 }) }), {
        selector: ({ name }) => name,
        maxLength: 3,
      }),
      paint: fc.record({ colour: word }),
    },
    { requiredKeys: [] },
  )
  .map((spec) => JSON.parse(JSON.stringify(spec)) as typeof spec)

test('applying twice is applying once', () => {
  fc.assert(
    fc.property(specs, specs, (first, second) => {
      const dock = new Dock().update('one', first).apply('two', second, true)
      const { live, managed } = dock
      dock.apply('two', second)
      assert.deepEqual(dock.live, live)
      assert.deepEqual(dock.managed, managed)
    }),
    { numRuns: 200 },
  )
})

test('what stays as it was is the very same value, so that nobody need compare it', () => {
  const shape = shapeOf(Boat)
  fc.assert(
    fc.property(specs, specs, (first, second) => {
      const live = merge(shape, boat(first), boat(second)) as ApiObject
      assert.equal(merge(shape, live, boat(second)), live)
      const faster = merge(shape, live, boat({ speed: 9 })) as ApiObject
      for (const [name, value] of Object.entries(specOf(live)))
        if (name !== 'speed') assert.equal(specOf(faster)[name], value)
    }),
    { numRuns: 100 },
  )
})

test('what was applied is there, and letting go of it leaves what was there before', () => {
  fc.assert(
    fc.property(specs, specs, (first, second) => {
      const dock = new Dock().apply('one', first)
      const before = dock.live
      if (hasConflict(() => dock.apply('two', second))) return
      for (const [name, value] of Object.entries(second.names ?? {})) {
        assert.equal((specOf(dock.live)['names'] as Record<string, string>)[name], value)
      }
      dock.apply('two', {})
      assert.deepEqual(asSets(specOf(dock.live)), asSets(specOf(before)))
    }),
    { numRuns: 300 },
  )
})

function hasConflict(attempt: () => unknown): boolean {
  try {
    attempt()
    return false
  } catch (error) {
    if (error instanceof Conflicts) return true
    throw error
  }
}

/** Without what is empty, and lists that are merged in any order: an apply may turn them. */
function asSets(spec: Record<string, unknown>): unknown {
  const { crew, sails, ...rest } = spec
  const sorted = (items: unknown) => (Array.isArray(items) ? items.map((item) => JSON.stringify(item)).sort() : [])
  const isSomething = (value: unknown) => value !== null && value !== undefined && JSON.stringify(value).length > 2
  return [
    sorted(crew),
    sorted(sails),
    Object.fromEntries(Object.entries(rest).filter(([, value]) => isSomething(value) || typeof value === 'number')),
  ]
}
