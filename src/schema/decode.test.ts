import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cannotBeHandled, DecodeError, decode, decodeAround, decodeLike, zeroOf } from './decode.ts'
import { clone, deepFreeze } from './freeze.ts'
import {
  bool,
  bytes,
  double,
  duration,
  embedded,
  explicit,
  int32,
  int64,
  intOrString,
  json,
  list,
  map,
  microTime,
  type ObjectType,
  object,
  optional,
  quantity,
  rawObject,
  required,
  string,
  time,
} from './types.ts'

const Meta = object('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', '', {
  name: optional(1, string, ''),
  labels: optional(11, map(string), ''),
  creationTimestamp: optional(8, time, ''),
  managedFields: optional(17, list(rawObject), ''),
})
const Port = object('io.k8s.api.core.v1.ContainerPort', '', {
  name: optional(1, string, ''),
  containerPort: required(3, int32, ''),
  target: embedded(4, intOrString, ''),
})
const Container = object('io.k8s.api.core.v1.Container', '', {
  name: required(1, string, ''),
  args: optional(4, list(string), ''),
  ports: optional(6, list(Port), ''),
  limits: optional(8, map(quantity), ''),
})
const Spec = object('io.k8s.api.core.v1.BoatSpec', '', {
  containers: required(2, list(Container), ''),
  replicas: explicit(3, int32, ''),
  paused: optional(4, bool, ''),
  big: optional(5, int64, ''),
  ratio: optional(6, double, ''),
  at: explicit(7, microTime, ''),
  wait: explicit(8, duration, ''),
  data: optional(9, map(bytes), ''),
  any: optional(10, json, ''),
  phase: optional(11, { ...string, goType: 'v1.BoatPhase' }, ''),
  security: explicit(12, object('io.k8s.api.core.v1.Security', '', { on: optional(1, bool, '') }), ''),
})
const Boat = object('io.k8s.api.core.v1.Boat', '', {
  kind: optional(1, string, ''),
  apiVersion: optional(2, string, ''),
  metadata: embedded(1, Meta, ''),
  spec: embedded(2, Spec, ''),
})

const decoded = (value: unknown) => JSON.stringify(decode(Boat, value).object)

test('fields stand in the order of the type, zeros are filled in or left out', () => {
  assert.equal(decoded({}), '{"metadata":{},"spec":{"containers":null}}')
  assert.equal(
    decoded({
      spec: {
        replicas: 0,
        paused: false,
        security: {},
        containers: [{ ports: [{ target: 'web' }], args: [], name: 'c' }],
      },
      metadata: { labels: {}, name: '' },
      apiVersion: 'v1',
      kind: 'Boat',
    }),
    '{"kind":"Boat","apiVersion":"v1","metadata":{},"spec":{"containers":[{"name":"c","ports":[{"containerPort":0,"target":"web"}]}],"replicas":0,"security":{}}}',
  )
  assert.deepEqual(zeroOf(Boat), { metadata: {}, spec: { containers: null } })
})

test('null is the same as absent, and an empty required list is none, as in protobuf', () => {
  assert.equal(decoded(null), '{"metadata":{},"spec":{"containers":null}}')
  assert.equal(decoded({ spec: null, metadata: { labels: null, name: null, creationTimestamp: null } }), decoded({}))
  assert.equal(decoded({ spec: { containers: [], replicas: null, security: null } }), decoded({}))
  assert.equal(
    decoded({ metadata: { labels: { a: null } } }),
    '{"metadata":{"labels":{"a":""}},"spec":{"containers":null}}',
  )
  assert.equal(
    decoded({ spec: { data: { a: null }, containers: [null] } }),
    '{"metadata":{},"spec":{"containers":[{"name":""}],"data":{"a":""}}}',
  )
})

test('a nullable field is written as null when it is absent', () => {
  const Crew = object('io.k8s.api.test.v1.Crew', '', {
    captain: embedded(1, Port, '', { nullable: true }),
    size: required(2, int32, '', { nullable: true }),
  })
  assert.equal(JSON.stringify(decode(Crew, {}).object), '{"captain":null,"size":null}')
  assert.equal(
    JSON.stringify(decode(Crew, { captain: {}, size: 0 }).object),
    '{"captain":{"containerPort":0,"target":0},"size":0}',
  )
})

test('amounts, times, durations and base64 become canonical', () => {
  const { object: boat } = decode(Boat, {
    metadata: { creationTimestamp: '2026-01-01T01:00:00.5+01:00' },
    spec: {
      containers: [{ name: 'c', limits: { memory: '1024Mi', cpu: 0.5 } }],
      at: '2026-01-01T01:00:00.123456+01:00',
      wait: '90s',
      data: { a: 'aGVsbG8=\n' },
    },
  })
  assert.equal(boat.metadata.creationTimestamp, '2026-01-01T00:00:00Z')
  assert.deepEqual(boat.spec.containers[0]?.limits, { cpu: '500m', memory: '1Gi' })
  assert.equal(boat.spec.at, '2026-01-01T00:00:00.123456Z')
  assert.equal(boat.spec.wait, '1m30s')
  assert.deepEqual(boat.spec.data, { a: 'aGVsbG8=' })
})

test('maps are written in the order of their keys’ bytes', () => {
  assert.equal(
    JSON.stringify(
      decode(Boat, { metadata: { labels: { b: '1', a: '2', '\u{1f600}': '3', '\uff5e': '4', B: '5' } } }).object
        .metadata,
    ),
    '{"labels":{"B":"5","a":"2","b":"1","\uff5e":"4","\u{1f600}":"3"}}',
  )
})

test('a hostile key is a key like any other', () => {
  const value = JSON.parse(
    '{"__proto__":{"x":1},"metadata":{"labels":{"__proto__":"a","constructor":"b"}},"constructor":1,"toString":2}',
  )
  const { object: boat, problems } = decode(Boat, value, { mode: 'Warn' })
  assert.equal(JSON.stringify(boat.metadata), '{"labels":{"__proto__":"a","constructor":"b"}}')
  assert.equal(({} as { x?: number }).x, undefined)
  assert.deepEqual(problems, ['unknown field "__proto__"', 'unknown field "constructor"', 'unknown field "toString"'])
})

test('unknown fields are dropped, and told in the order of the document', () => {
  const value = {
    metadata: { bogus: 1, labels: { fine: 'x' } },
    top: { inner: 1 },
    spec: { containers: [{ name: 'c' }, { name: 'd', Name: 'x', ports: [{ bogus: 1 }] }], any: { all: 'known' } },
  }
  const problems = [
    'unknown field "metadata.bogus"',
    'unknown field "top"',
    'unknown field "spec.containers[1].Name"',
    'unknown field "spec.containers[1].ports[0].bogus"',
  ]
  const warned = decode(Boat, value, { mode: 'Warn' })
  assert.deepEqual(warned.problems, problems)
  assert.equal(JSON.stringify(warned.object.metadata), '{"labels":{"fine":"x"}}')
  assert.deepEqual(decode(Boat, value, { mode: 'Ignore' }).problems, [])
  assert.throws(
    () => decode(Boat, value, { mode: 'Strict' }),
    new DecodeError(`strict decoding error: ${problems.join(', ')}`),
  )
})

test('duplicates that were found in the text are told, but not those inside unknown fields', () => {
  const textProblems = ['duplicate field "kind"', 'duplicate field "top.a"', 'duplicate field "top"']
  const { problems } = decode(Boat, { kind: 'Boat', top: { a: 1 } }, { mode: 'Warn', textProblems })
  assert.deepEqual(problems, ['duplicate field "kind"', 'unknown field "top"'])
  const yaml = ['line 3: key "a" already set in map', 'line 5: key "b" already set in map']
  assert.throws(() => decode(Boat, { top: 1 }, { mode: 'Strict', textProblems: yaml }), {
    message: `strict decoding error: yaml: unmarshal errors:\n  ${yaml[0]}\n  ${yaml[1]}, unknown field "top"`,
  })
})

test('no more than a hundred problems are told', () => {
  const value = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`field${index}`, 1]))
  assert.equal(decode(Boat, value, { mode: 'Warn' }).problems.length, 100)
})

test('a wrong JSON type is refused in the reference’s words', () => {
  const table: [unknown, string][] = [
    [[], 'json: cannot unmarshal array into Go value of type v1.Boat'],
    [{ metadata: 'x' }, 'json: cannot unmarshal string into Go struct field Boat.metadata of type v1.ObjectMeta'],
    [
      { metadata: { labels: { a: 1 } } },
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [
      { metadata: { labels: [] } },
      'json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string',
    ],
    [
      { spec: { containers: {} } },
      'json: cannot unmarshal object into Go struct field BoatSpec.spec.containers of type []v1.Container',
    ],
    [
      { spec: { containers: ['x'] } },
      'json: cannot unmarshal string into Go struct field BoatSpec.spec.containers of type v1.Container',
    ],
    [
      { spec: { containers: [{ ports: [{ containerPort: 'http' }] }] } },
      'json: cannot unmarshal string into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32',
    ],
    [
      { spec: { replicas: 99999999999 } },
      'json: cannot unmarshal number 99999999999 into Go struct field BoatSpec.spec.replicas of type int32',
    ],
    [
      { spec: { replicas: 1.5 } },
      'json: cannot unmarshal number 1.5 into Go struct field BoatSpec.spec.replicas of type int32',
    ],
    [
      { spec: { big: 1e19 } },
      'json: cannot unmarshal number 10000000000000000000 into Go struct field BoatSpec.spec.big of type int64',
    ],
    [
      { spec: { paused: 'yes' } },
      'json: cannot unmarshal string into Go struct field BoatSpec.spec.paused of type bool',
    ],
    [{ spec: { ratio: true } }, 'json: cannot unmarshal bool into Go struct field BoatSpec.spec.ratio of type float64'],
    [
      { spec: { phase: 1 } },
      'json: cannot unmarshal number into Go struct field BoatSpec.spec.phase of type v1.BoatPhase',
    ],
    [
      { spec: { containers: [{ ports: [{ target: 1.5 }] }] } },
      'json: cannot unmarshal number 1.5 into Go struct field ContainerPort.spec.containers.ports.target of type int32',
    ],
    [
      { metadata: { creationTimestamp: 5 } },
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.creationTimestamp of type string',
    ],
    [
      { metadata: { creationTimestamp: 'x' } },
      'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"',
    ],
    [{ spec: { wait: '5' } }, 'time: missing unit in duration "5"'],
    [
      { spec: { containers: [{ limits: { cpu: 'much' } }] } },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    [
      { spec: { containers: [{ limits: { cpu: true } }] } },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    [
      { spec: { data: { a: 1 } } },
      'json: cannot unmarshal number into Go struct field BoatSpec.spec.data of type []uint8',
    ],
  ]
  for (const [value, message] of table)
    assert.throws(() => decode(Boat, value), new DecodeError(message), JSON.stringify(value))
})

test('base64 is refused at the byte at which Go stops', () => {
  const table: [string, number][] = [
    ['!', 0],
    ['a', 0],
    ['abc', 0],
    ['abcd=', 4],
    ['ab=c', 2],
    ['ab=', 3],
    ['ab==cd==', 4],
    ['a===', 1],
    ['abcdé', 4],
  ]
  for (const [text, at] of table) {
    assert.throws(
      () => decode(Boat, { spec: { data: { a: text } } }),
      { message: `illegal base64 data at input byte ${at}` },
      text,
    )
  }
})

test('the first fault is told, unless a type that decodes itself fails', () => {
  assert.throws(() => decode(Boat, { spec: { paused: 1, replicas: 'x' } }), /BoatSpec\.spec\.paused/)
  assert.throws(() => decode(Boat, { spec: { replicas: 'x', paused: 1 } }), /BoatSpec\.spec\.replicas/)
  assert.throws(() => decode(Boat, { spec: { replicas: 'x', wait: '5' } }), /missing unit/)
})

test('after a fault the decoder is as good as new', () => {
  assert.throws(() =>
    decode(Boat, { apiVersion: 'left over', spec: { containers: [{ name: 'left over', args: [1] }] } }),
  )
  assert.equal(decoded({}), '{"metadata":{},"spec":{"containers":null}}')
})

test('a type may contain itself', () => {
  const fields: Record<string, unknown> = { name: optional(1, string, '') }
  const Tree = object('io.k8s.api.test.v1.Tree', '', fields as ObjectType['fields'])
  fields.children = optional(2, list(Tree), '')
  const value = { name: 'a', children: [{ name: 'b', children: [{ children: [{ name: 'd' }] }] }] }
  assert.deepEqual(decode(Tree, value).object, value)
})

test('a fault becomes the answer to a request', () => {
  const error = cannotBeHandled({ kind: 'Boat', version: 'v1' }, 'Boat', new DecodeError('why'))
  assert.deepEqual([error.code, error.message], [400, 'Boat in version "v1" cannot be handled as a Boat: why'])
})

test('what comes out as it was is the old object’s', () => {
  const old = deepFreeze(
    decode(Boat, {
      metadata: { labels: { a: '1', b: '2' } },
      spec: {
        containers: [
          { name: 'x', ports: [{ containerPort: 1 }], limits: { cpu: '1' } },
          { name: 'y', args: ['-v'] },
        ],
        any: { deep: [1, { er: null }] },
      },
    }).object,
  )
  const same = clone(old)
  assert.equal(decodeLike(Boat, { ...same, spec: { ...same.spec, unknown: 1 } }, old), old, 'what is unknown goes')

  const { spec } = decodeLike(Boat, { ...same, metadata: {}, spec: { ...same.spec, replicas: 2 } }, old)
  assert.equal(spec.containers, old.spec.containers)
  assert.equal(spec.any, old.spec.any)
  assert.equal(JSON.stringify(spec), JSON.stringify({ containers: spec.containers, replicas: 2, any: spec.any }))

  same.spec.containers[1]!.args = ['-q']
  const changed = decodeLike(Boat, same, old)
  assert.equal(changed.metadata, old.metadata)
  assert.equal(changed.spec.containers[0], old.spec.containers[0])
  assert.deepEqual(changed.spec.containers[1], { name: 'y', args: ['-q'] })
  assert.deepEqual(old.spec.containers[1], { name: 'y', args: ['-v'] })
})

test('a part of the old object in its place is not looked at', () => {
  const old = decode(Boat, { spec: { containers: [{ name: 'x' }] } }).object
  Object.defineProperty(old.spec.containers[0], 'name', { get: () => assert.fail('looked at'), enumerable: true })
  const { spec } = decodeLike(Boat, { ...old, spec: { ...old.spec, paused: true } }, old)
  assert.equal(spec.containers, old.spec.containers)
})

test('what a draft has without a value is not what an old object lacks', () => {
  const old = decode(Boat, {
    metadata: { labels: { a: '1' } },
    spec: { containers: [{ name: 'x', args: ['-v'] }] },
  }).object
  const labels = { b: undefined } as unknown as Record<string, string>
  assert.throws(() => decodeLike(Boat, { ...old, metadata: { labels } }, old))
  const args = ['-v', undefined]
  assert.throws(() => decodeLike(Boat, { ...old, spec: { containers: [{ name: 'x', args }] } }, old))
})

test('members can be left out of decoding, and stand in the order of the type all the same', () => {
  const spec = { anything: 'goes' }
  const value = { spec, metadata: { name: 'a', labels: {} }, more: 1 }
  const { object, problems } = decodeAround(Boat, value, ['spec'], { mode: 'Warn' })
  assert.equal(object.spec, spec)
  assert.equal(JSON.stringify(object), '{"metadata":{"name":"a"},"spec":{"anything":"goes"}}')
  assert.deepEqual(problems, ['unknown field "more"'])
  assert.throws(() => decodeAround(Boat, { spec, metadata: { name: 1 } }, ['spec']), DecodeError)
})

test('decoding what was decoded changes nothing, and any JSON is decoded or refused', () => {
  const name = fc.constantFrom(
    'metadata',
    'spec',
    'name',
    'labels',
    'containers',
    'ports',
    'limits',
    'replicas',
    'data',
    'any',
    '__proto__',
    'x',
  )
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom(null, '', 'a', '1Gi', 'aGk=', 0, 1, 1.5, true),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(name, tie('tree'), { maxKeys: 5 }),
    ),
  }))
  const boat = fc.record({ metadata: tree, spec: fc.dictionary(name, tree), kind: fc.constant('Boat') })
  const other = decode(Boat, { spec: { containers: [{ name: 'a', ports: [] }], replicas: 1, any: {} } }).object
  fc.assert(
    fc.property(boat, boat, (value, another) => {
      let first: { readonly spec: object }
      try {
        first = decode(Boat, value).object
      } catch (error) {
        assert.ok(error instanceof DecodeError, String(error))
        return
      }
      const text = JSON.stringify(first)
      assert.equal(JSON.stringify(decode(Boat, first, { mode: 'Strict' }).object), text)
      assert.equal(decodeLike(Boat, value, first), first)
      assert.equal(JSON.stringify(decodeLike(Boat, value, other)), text)
      assert.equal(JSON.stringify(decodeLike(Boat, value, decodable(another) ?? other)), text)
    }),
    { numRuns: 300 },
  )
})

function decodable(value: object): object | undefined {
  try {
    return decode(Boat, value).object
  } catch {
    return undefined
  }
}
