import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import fastJsonPatch from 'fast-json-patch'
import { deepFreeze } from './freeze.ts'
import { applyJsonPatch, jsonPatchFaults, patchFaultOf } from './json-patch.ts'
import { ApiError } from './status.ts'

const pod = deepFreeze({ kind: 'Pod', metadata: { name: 'a' }, spec: { containers: [{ name: 'c' }, { name: 'd' }] } })

const applied: readonly [string, unknown, unknown][] = [
  ['add at the end', [{ op: 'add', path: '/spec/containers/-', value: 1 }], [{ name: 'c' }, { name: 'd' }, 1]],
  ['add before', [{ op: 'add', path: '/spec/containers/0', value: 1 }], [1, { name: 'c' }, { name: 'd' }]],
  ['a negative index', [{ op: 'remove', path: '/spec/containers/-1' }], [{ name: 'c' }]],
  [
    'a negative index to add at',
    [{ op: 'add', path: '/spec/containers/-1', value: 1 }],
    [{ name: 'c' }, { name: 'd' }, 1],
  ],
  ['leading zeros', [{ op: 'replace', path: '/spec/containers/01', value: 1 }], [{ name: 'c' }, 1]],
  ['words before the first slash', [{ op: 'remove', path: 'x/spec/containers/0' }], [{ name: 'd' }]],
  ['move', [{ op: 'move', from: '/spec/containers/1', path: '/spec/containers/0' }], [{ name: 'd' }, { name: 'c' }]],
  [
    'a copy lives on its own',
    [
      { op: 'add', path: '/spec/containers/0/image', value: 'i' },
      { op: 'copy', from: '/spec/containers/0', path: '/spec/containers/1' },
      { op: 'replace', path: '/spec/containers/1/image', value: 'j' },
      { op: 'remove', path: '/spec/containers/2' },
    ],
    [
      { name: 'c', image: 'i' },
      { name: 'c', image: 'j' },
    ],
  ],
  [
    'replace of an absent member',
    [{ op: 'replace', path: '/spec/containers/0/x', value: 1 }],
    [{ name: 'c', x: 1 }, { name: 'd' }],
  ],
  [
    'copy of an absent member',
    [{ op: 'copy', from: '/y', path: '/spec/containers/0/x' }],
    [{ name: 'c', x: null }, { name: 'd' }],
  ],
  [
    'test of an absent member against null',
    [{ op: 'test', path: '/spec/nope', value: null }],
    [{ name: 'c' }, { name: 'd' }],
  ],
  ['test of the document', [{ op: 'test', path: '', value: pod }], [{ name: 'c' }, { name: 'd' }]],
  ['null', null, [{ name: 'c' }, { name: 'd' }]],
]

for (const [name, patch, containers] of applied) {
  test(`applies ${name}`, () => {
    assert.deepEqual(applyJsonPatch(pod, patch), { ...pod, spec: { containers } })
  })
}

const rejected: readonly [string, unknown][] = [
  ['add below an absent member', { op: 'add', path: '/metadata/annotations/x', value: 'y' }],
  ['add to the document', { op: 'add', path: '', value: {} }],
  ['add behind the end', { op: 'add', path: '/spec/containers/9', value: {} }],
  ['remove of an absent member', { op: 'remove', path: '/metadata/annotations' }],
  ['an index that is none', { op: 'remove', path: '/spec/containers/x' }],
  ['a failed test', { op: 'test', path: '/kind', value: 'Nope' }],
  ['a test of an absent member', { op: 'test', path: '/nope', value: 1 }],
  ['an unknown operation', { op: 'fly', path: '/a', value: 1 }],
  ['no operation', { path: '/a' }],
  ['no path', { op: 'add', value: 1 }],
  ['a path without a slash', { op: 'add', path: 'metadata', value: 1 }],
  ['no from', { op: 'move', path: '/a' }],
  ['a scalar document', { op: 'replace', path: '', value: 1 }],
  ['the prototype', { op: 'add', path: '/__proto__/polluted', value: 1 }],
  ['null', null],
]

for (const [name, operation] of rejected) {
  test(`rejects ${name}`, () => {
    assert.deepEqual(
      faultOf(() => applyJsonPatch(pod, [operation])),
      {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'the server rejected our request due to an error in our request',
        reason: 'Invalid',
        details: {},
        code: 422,
      },
    )
  })
}

const undecodable: readonly [unknown, string][] = [
  [{ op: 'add' }, 'json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp'],
  ['x', 'json: cannot unmarshal string into Go value of type []handlers.jsonPatchOp'],
  [[7], 'json: cannot unmarshal number into Go value of type handlers.jsonPatchOp'],
  [[{ op: true }], 'json: cannot unmarshal bool into Go struct field jsonPatchOp.op of type string'],
]

for (const [patch, why] of undecodable) {
  test(`cannot decode ${JSON.stringify(patch)}`, () => {
    const { code, reason, message } = faultOf(() => applyJsonPatch(pod, patch))
    assert.deepEqual([code, reason, message], [400, 'BadRequest', `error decoding patch: ${why}`])
  })
}

test('refuses more than 10,000 operations', () => {
  const patch = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/kind', value: 'Pod' }))
  const { code, message } = faultOf(() => applyJsonPatch(pod, patch))
  assert.equal(code, 413)
  assert.equal(message, 'Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001')
  assert.equal(applyJsonPatch(pod, patch.slice(1)), pod)
})

test('a patch cannot grow without bound by copying', () => {
  const grow = [{ op: 'add', path: '/x', value: ['x'.repeat(1000)] }]
  const doubled = Array.from({ length: 30 }, () => ({ op: 'copy', from: '/x', path: '/x/-' }))
  assert.equal(faultOf(() => applyJsonPatch(pod, [...grow, ...doubled])).code, 422)
})

test('untouched parts are shared', () => {
  const patched = applyJsonPatch(pod, [{ op: 'add', path: '/spec/containers/0/image', value: 'i' }]) as typeof pod
  assert.equal(patched.metadata, pod.metadata)
  assert.equal(patched.spec.containers[1], pod.spec.containers[1])
  assert.notEqual(patched.spec, pod.spec)
})

test('does what fast-json-patch does', () => {
  const key = fc.constantFrom('a', 'b', 'c~/d', '')
  const { document } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.integer(),
      fc.constantFrom('x', null, true),
      tie('document'),
      fc.array(tie('value'), { maxLength: 3 }),
    ),
    document: fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  }))
  const step = fc.record({
    op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test'),
    at: fc.nat(),
    to: fc.nat(),
    name: key,
    value: document,
  })
  fc.assert(
    fc.property(document, fc.array(step, { maxLength: 8 }), (start, steps) => {
      let ours: object = deepFreeze(start as object)
      let theirs = structuredClone(start)
      for (const { op, at, to, name, value } of steps) {
        const paths = pathsOf(theirs)
        if (paths.length === 0) return
        const from = paths[at % paths.length]!
        const parent = paths[to % paths.length]!
        const path =
          op === 'add' || op === 'move' || op === 'copy'
            ? `${parent.slice(0, parent.lastIndexOf('/'))}/${escapeKey(name)}`
            : from
        // The RFC forbids moving a value into itself; the two disagree on how far one gets.
        if (op === 'move' && `${path}/`.startsWith(`${from}/`)) continue
        // An array's index must be a number; both say so, one of them by inserting in the wrong place.
        if (path !== from && Array.isArray(parentOf(theirs, path))) continue
        // What is taken from an array moves what comes after it, and with it the place that the path means.
        const before = from.slice(0, from.lastIndexOf('/') + 1)
        if (op === 'move' && Array.isArray(parentOf(theirs, from)) && path.startsWith(before)) continue
        const operation = { op, path, from, value } as never
        let expected: unknown
        try {
          expected = fastJsonPatch.applyPatch(theirs, [operation], true, false).newDocument
        } catch {
          assert.throws(() => applyJsonPatch(ours, [operation]), ApiError)
          continue
        }
        ours = deepFreeze(applyJsonPatch(ours, [operation]))
        assert.deepEqual(ours, expected)
        theirs = expected as typeof theirs
      }
    }),
    { numRuns: 1_000 },
  )
})

function pathsOf(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) => {
    const here = `${path}/${escapeKey(key)}`
    return [here, ...pathsOf(item, here)]
  })
}

function parentOf(value: unknown, path: string): unknown {
  const keys = path.split('/').slice(1, -1)
  return keys.reduce((at, key) => (at as never)?.[key.replaceAll('~1', '/').replaceAll('~0', '~')], value)
}

const escapeKey = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1')

function faultOf(act: () => unknown) {
  try {
    act()
  } catch (error) {
    assert.ok(error instanceof ApiError)
    return error.toStatus()
  }
  throw new assert.AssertionError({ message: 'nothing was thrown' })
}

test('names the fields that an operation does not have', () => {
  const patch = [null, { op: 'test', path: '/kind', value: 'Pod', foo: 1, Op: 'x' }]
  assert.deepEqual(jsonPatchFaults(patch), ['json patch unknown field "[1].foo"', 'json patch unknown field "[1].Op"'])
  assert.deepEqual(jsonPatchFaults(null), [])
})

test('why an operation cannot be done hangs on the error, in the words of the reference', () => {
  const document = { spec: { list: ['a'] }, name: 'x' }
  const cases: readonly [operation: object, why: string][] = [
    [
      { op: 'add', path: '/none/a', value: 1 },
      'add operation does not apply: doc is missing path: "/none/a": missing value',
    ],
    [{ op: 'remove', path: '/spec/none' }, 'Unable to remove nonexistent key: none: missing value'],
    [
      { op: 'remove', path: '/none/a' },
      'remove operation does not apply: doc is missing path: "/none/a": missing value',
    ],
    [
      { op: 'replace', path: '/none/a', value: 1 },
      'replace operation does not apply: doc is missing path: /none/a: missing value',
    ],
    [
      { op: 'replace', path: '/spec/list/3/a', value: 1 },
      'replace operation does not apply: doc is missing path: /spec/list/3/a: missing value',
    ],
    [{ op: 'add', path: '/spec/list/7', value: 1 }, 'Unable to access invalid index: 7: invalid index referenced'],
    [
      { op: 'move', from: '/none/a', path: '/b' },
      'move operation does not apply: doc is missing from path: /none/a: missing value',
    ],
    [{ op: 'test', path: '/name', value: 'y' }, 'testing path /name failed: test failed'],
    [{ op: 'turn', path: '/name' }, 'Unexpected kind: turn'],
  ]
  for (const [operation, why] of cases) {
    const fault = causeOf(() => applyJsonPatch(document, [operation]))
    assert.equal(fault?.message, why)
    assert.equal(fault?.isTest, why.startsWith('testing'))
  }
})

function causeOf(run: () => unknown) {
  try {
    run()
    return undefined
  } catch (error) {
    return patchFaultOf(error)
  }
}
