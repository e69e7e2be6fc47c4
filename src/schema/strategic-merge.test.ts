import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deepFreeze } from './freeze.ts'
import { ApiError } from './status.ts'
import { applyStrategicMergePatch } from './strategic-merge.ts'
import { explicit, int32, list, map, object, oneOf, optional, rawObject, required, string } from './types.ts'

const Port = object('test.Port', '', { containerPort: required(1, int32, ''), name: optional(2, string, '') })
const Container = object('test.Container', '', {
  name: required(1, string, ''),
  image: optional(2, string, ''),
  args: optional(3, list(string, { list: 'atomic' }), ''),
  ports: optional(4, list(Port, { merge: 'containerPort' }), ''),
})
const Selector = object('test.Selector', '', { labels: optional(1, map(string), '') })
const Spec = object('test.Spec', '', {
  replicas: explicit(1, int32, ''),
  policy: optional(2, oneOf('A', 'B'), ''),
  containers: optional(3, list(Container, { merge: 'name' }), ''),
  finalizers: optional(4, list(string, { merge: true }), ''),
  selector: explicit(5, Selector, '', { replace: true }),
  strategy: explicit(6, Selector, ''),
  raw: optional(7, rawObject, ''),
})
const Thing = object('test.Thing', '', { kind: optional(0, string, ''), spec: optional(1, Spec, '') })

const current = deepFreeze({
  kind: 'Thing',
  spec: {
    replicas: 2,
    containers: [
      { name: 'c', image: 'i', args: ['1', '2'], ports: [{ containerPort: 80 }, { containerPort: 81, name: 'x' }] },
      { name: 'd', image: 'j' },
    ],
    finalizers: ['a', 'b'],
    selector: { labels: { a: 'b' } },
    strategy: { labels: { a: 'b', c: 'd' } },
    raw: { x: { y: 1 } },
  },
})
const [first, second] = current.spec.containers

/** A patch of the spec, and the members of the spec that it changes; `undefined`: the member is gone. */
const merges: readonly [string, object, Record<string, unknown>][] = [
  ['a scalar', { replicas: 3 }, { replicas: 3 }],
  ['null', { replicas: null, policy: null }, { replicas: undefined }],
  [
    'an item by its key',
    { containers: [{ name: 'd', image: 'k' }] },
    { containers: [first, { name: 'd', image: 'k' }] },
  ],
  [
    'a new item stands before those that the patch leaves alone',
    { containers: [{ name: 'z' }] },
    { containers: [{ name: 'z' }, first, second] },
  ],
  [
    'items take the order of the patch',
    { containers: [{ name: 'd' }, { name: 'c' }] },
    { containers: [second, first] },
  ],
  [
    'the order of named items',
    { '$setElementOrder/containers': [{ name: 'd' }, { name: 'c' }] },
    { containers: [second, first] },
  ],
  [
    'an order and a change',
    { '$setElementOrder/containers': [{ name: 'z' }, { name: 'd' }, { name: 'c' }], containers: [{ name: 'z' }] },
    { containers: [{ name: 'z' }, second, first] },
  ],
  ['deletion of an item', { containers: [{ name: 'c', $patch: 'delete' }] }, { containers: [second] }],
  ['deletion of an item that is not there', { containers: [{ name: 'y', $patch: 'delete' }] }, {}],
  ['replacement of a list', { containers: [{ $patch: 'replace' }, { name: 'z' }] }, { containers: [{ name: 'z' }] }],
  [
    'a list without merge key',
    { containers: [{ name: 'c', args: ['3'] }] },
    { containers: [{ ...first, args: ['3'] }, second] },
  ],
  ['scalars join', { finalizers: ['b', 'c'] }, { finalizers: ['a', 'b', 'c'] }],
  ['scalars leave', { '$deleteFromPrimitiveList/finalizers': ['a', 'z'] }, { finalizers: ['b'] }],
  [
    'scalars leave a list that is otherwise replaced',
    { containers: [{ name: 'c', '$deleteFromPrimitiveList/args': ['1'] }] },
    { containers: [{ ...first, args: ['2'] }, second] },
  ],
  [
    'scalars leave a list that is not there',
    { containers: [{ name: 'd', '$deleteFromPrimitiveList/args': ['1'] }] },
    {},
  ],
  ['an object', { strategy: { labels: { c: null, e: 'f' } } }, { strategy: { labels: { a: 'b', e: 'f' } } }],
  ['an object that its field replaces', { selector: { labels: { c: 'd' } } }, { selector: { labels: { c: 'd' } } }],
  [
    'replacement of an object',
    { strategy: { $patch: 'replace', labels: { x: 'y' } } },
    { strategy: { labels: { x: 'y' } } },
  ],
  ['deletion of what an object has', { strategy: { $patch: 'delete' } }, { strategy: {} }],
  [
    'the members that stay',
    { strategy: { labels: { $retainKeys: ['c'], c: 'e' } } },
    { strategy: { labels: { c: 'e' } } },
  ],
  ['unknown members', { bogus: { a: null, b: [{ $patch: 'delete' }, 1] } }, { bogus: { b: [1] } }],
]

for (const [name, spec, changed] of merges) {
  test(`merges ${name}`, () => {
    const expected = { ...current, spec: { ...current.spec, ...changed } }
    const merged = applyStrategicMergePatch(current, deepFreeze({ spec }), Thing)
    assert.deepEqual(JSON.parse(JSON.stringify(merged)), JSON.parse(JSON.stringify(expected)))
  })
}

test('untouched parts are shared, and a patch that says nothing new gives the object itself', () => {
  const merged = applyStrategicMergePatch(
    current,
    { spec: { containers: [{ name: 'd', image: 'k' }] } },
    Thing,
  ) as typeof current
  assert.equal(merged.spec.containers[0], first)
  assert.equal(merged.spec.selector, current.spec.selector)
  assert.equal(applyStrategicMergePatch(current, { spec: { replicas: 2 } }, Thing), current)
  assert.equal(applyStrategicMergePatch(current, { spec: { containers: [{ name: 'd', image: 'j' }] } }, Thing), current)
  assert.equal(applyStrategicMergePatch(current, null, Thing), current)
})

test('the kind stays, whatever the patch says', () => {
  assert.deepEqual(applyStrategicMergePatch(current, { kind: 'Other' }, Thing), current)
})

const invalid = (shown: string, why: string) =>
  ` "" is invalid: patch: Invalid value: "map[spec:map[${shown}]]": ${why}`

const faults: readonly [object, number, string][] = [
  [{ containers: [{ image: 'q' }] }, 500, 'map: map[image:q] does not contain declared merge key: name'],
  [{ containers: [{ $patch: 'delete' }] }, 500, 'map: map[$patch:delete] does not contain declared merge key: name'],
  [{ containers: [{ name: 'c', $patch: 'merge' }] }, 500, 'merging lists cannot yet be specified in the patch'],
  [{ strategy: { $patch: 'merge' } }, 500, 'unknown patch type: merge in map: map[$patch:merge]'],
  [
    { containers: ['c'] },
    500,
    `list element types are not identical: [[map[args:[1 2] image:i name:c ports:[map[containerPort:80] map[containerPort:81 name:x]]] map[image:j name:d]] [c]]`,
  ],
  [
    { '$setElementOrder/containers': [{ name: 'c' }], containers: [{ name: 'd', image: 'k' }] },
    500,
    "The order in patch list:\n[map[image:k name:d]]\n doesn't match $setElementOrder list:\n[map[name:c]]\n",
  ],
  [
    { '$setElementOrder/nope': ['a'], nope: ['a'] },
    500,
    'unable to find api field in struct Spec for the json field "nope"',
  ],
  [{ '$setElementOrder/containers': 'x' }, 500, 'expected a []interface {}, but received a string'],
  [{ $setElementOrder: [] }, 400, 'invalid patch format of setElementOrder list'],
  [{ $deleteFromPrimitiveList: [] }, 400, 'invalid patch format of primitive list'],
  [{ strategy: { $retainKeys: ['a'], labels: {} } }, 400, 'invalid patch format of retainKeys'],
  [{ strategy: { $retainKeys: 'labels' } }, 400, 'invalid patch format of retainKeys'],
  [{ replicas: 'three' }, 422, invalid('replicas:three', 'unrecognized type: int32')],
  [{ replicas: 1.5 }, 422, invalid('replicas:1.5', 'cannot convert float64 to int32')],
  [{ policy: 1 }, 422, invalid('policy:1', 'cannot convert int64 to string')],
  [{ policy: true }, 422, invalid('policy:true', 'unrecognized type: string')],
  [{ containers: { name: 'c' } }, 422, invalid('containers:map[name:c]', 'cannot restore slice from map')],
  [{ strategy: { labels: [] } }, 422, invalid('strategy:map[labels:[]]', 'cannot restore map from slice')],
  [{ strategy: 'x' }, 422, invalid('strategy:x', 'cannot restore struct from: string')],
]

for (const [spec, code, message] of faults) {
  test(`rejects ${JSON.stringify(spec)}`, () => {
    assert.deepEqual(
      statusOf(() => applyStrategicMergePatch(current, { spec }, Thing)),
      { code, message },
    )
  })
}

test('rejects what is not an object', () => {
  const message = 'json: cannot unmarshal array into Go value of type map[string]interface {}'
  assert.deepEqual(
    statusOf(() => applyStrategicMergePatch(current, [], Thing)),
    { code: 400, message },
  )
})

test('types without a schema cannot be merged', () => {
  const message = 'strategic merge patch format is not supported'
  assert.deepEqual(
    statusOf(() => applyStrategicMergePatch(current, {})),
    { code: 400, message },
  )
})

function statusOf(act: () => unknown): { code: number; message: string } {
  try {
    act()
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { code: error.code, message: error.message }
  }
  throw new assert.AssertionError({ message: 'nothing was thrown' })
}
