import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeMessage, encodeMessage, ProtobufError } from './protobuf.ts'
import {
  bool,
  byteString,
  bytes,
  double,
  duration,
  embedded,
  explicit,
  inline,
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
  rawBytes,
  rawObject,
  required,
  signed64,
  string,
  time,
  unsigned64,
} from './types.ts'

const one = (type: Parameters<typeof explicit>[1]) => object('one', '', { v: explicit(1, type, '') }) as ObjectType
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

// Expected bytes by hand from the protobuf encoding guide and Kubernetes' generated.proto files.
const table: [string, Parameters<typeof explicit>[1], unknown, string][] = [
  ['string', string, 'testing', '0a0774657374696e67'],
  ['string beyond ASCII', string, 'é€😀', '0a09c3a9e282acf09f9880'],
  ['empty string', string, '', '0a00'],
  ['true', bool, true, '0801'],
  ['false that was given', bool, false, '0800'],
  ['int32', int32, 150, '089601'],
  ['negative int32 takes ten bytes', int32, -2, '08feffffffffffffffff01'],
  ['int64 of 2^31', int64, 2 ** 31, '088080808008'],
  ['int64 of 2^53', int64, 2 ** 53, '088080808080808010'],
  ['negative int64', int64, -(2 ** 40), '088080808080e0ffffff01'],
  ['double', double, 1.5, '09000000000000f83f'],
  ['bytes are base64 in JSON', bytes, 'AAH/', '0a030001ff'],
  ['a quantity is a message', quantity, '500m', '0a060a043530306d'],
  ['a time', time, '2026-01-02T03:04:05Z', '0a0808a5ebdcca061000'],
  ['a time at 1970', time, '1970-01-01T00:00:00Z', '0a0408001000'],
  ['a time with microseconds', microTime, '2026-01-02T03:04:05.000007Z', '0a0908a5ebdcca0610d836'],
  ['a duration', duration, '1m30s', '0a07088088aca3cf02'],
  ['a number that may be a string', intOrString, 80, '0a060800105 01a00'.replace(' ', '')],
  ['a string that may be a number', intOrString, 'http', '0a0a080110001a0468747470'],
  [
    'any JSON',
    json,
    [1, { a: null }],
    `0a0e0a0c${hex(Buffer.from('[1,{"a":null}]')).slice(0)}`.replace('0a0e0a0c', '0a100a0e'),
  ],
  ['an embedded object', rawObject, { 'f:a': {} }, `0a0c0a0a${hex(Buffer.from('{"f:a":{}}'))}`],
  ['a list repeats its field', list(string), ['a', '', 'b'], '0a01610a000a0162'],
  ['a list of numbers is not packed', list(int32), [1, 300], '080108ac02'],
  ['a map is a list of pairs, sorted', map(string), { b: '2', a: '1' }, '0a060a01611201310a060a0162120132'],
  ['a map of lists wraps each', map(list(string)), { a: ['x', 'y'] }, '0a0b0a016112060a01780a0179'],
  ['a list of objects', list(one(int32)), [{ v: 1 }, {}], '0a0208010a00'],
  ['all 64 bits, signed', signed64, -1n, '08ffffffffffffffffff01'],
  ['the least signed number', signed64, -(2n ** 63n), '0880808080808080808001'],
  ['all 64 bits, unsigned', unsigned64, 2n ** 64n - 1n, '08ffffffffffffffffff01'],
  ['bytes as a string', byteString, 'a\xff\0', '0a0361ff00'],
]

for (const [name, type, value, expected] of table) {
  test(`${name}: there and back`, () => {
    const message = one(type)
    const encoded = encodeMessage(message, { v: value } as never)
    assert.equal(hex(encoded), expected)
    assert.deepEqual(decodeMessage(message, encoded), { v: value })
  })
}

test('raw bytes are a view of what was decoded', () => {
  const message = object('m', '', { v: required(1, rawBytes, '') })
  const encoded = encodeMessage(message, { v: Uint8Array.of(1, 2, 255) })
  const { v } = decodeMessage(message, encoded)
  assert.deepEqual([...v], [1, 2, 255])
  assert.equal(v.buffer, encoded.buffer)
})

test('zero, absent and null', () => {
  const message = object('m', '', {
    required: required(1, string, ''),
    embedded: embedded(2, int32, ''),
    optional: optional(3, string, ''),
    explicit: explicit(4, int32, ''),
    time: embedded(5, time, ''),
    flag: optional(6, bool, ''),
  })
  assert.deepEqual(decodeMessage(message, Buffer.alloc(0)), { required: '', embedded: 0 })
  // Kubernetes writes every field that is not a pointer, zero or not; a zero time is an empty message.
  assert.deepEqual(decodeMessage(message, Buffer.from('0a0010001a0020002a003000', 'hex')), {
    required: '',
    embedded: 0,
    explicit: 0,
    time: null,
  })
  assert.equal(hex(encodeMessage(message, { required: '', embedded: 0, time: null as never })), '0a001000')
  // In a map it stands as a value that is there.
  const times = object('', '', { times: optional(1, map(time), '') })
  const encoded = encodeMessage(times, { times: { a: null as never } })
  assert.equal(hex(encoded), '0a050a01611200')
  assert.deepEqual(decodeMessage(times, encoded), { times: { a: null } })
})

test('inlined fields are a message of their own, also two deep', () => {
  const inner = object('inner', '', { deep: optional(3, string, '') })
  const source = object('source', '', {
    hostPath: optional(1, string, ''),
    empty: optional(2, string, ''),
    ...inline(7, inner),
  })
  const volume = object('volume', '', { name: required(1, string, ''), ...inline(2, source) })
  const check = (value: object, expected: string) => {
    const encoded = encodeMessage(volume, value as never)
    assert.equal(hex(encoded), expected)
    assert.deepEqual(decodeMessage(volume, encoded), value)
  }
  check({ name: 'v' }, '0a0176')
  check({ name: 'v', hostPath: '/' }, '0a017612030a012f')
  check({ name: 'v', deep: 'd' }, '0a017612053a031a0164')
  check({ name: 'v', hostPath: '/', deep: 'd' }, '0a017612080a012f3a031a0164')
})

test('apiVersion and kind stand outside the message', () => {
  const message = object('m', '', { kind: optional(0, string, ''), name: optional(1, string, '') })
  assert.equal(hex(encodeMessage(message, { kind: 'Pod', name: 'a' })), '0a0161')
})

test('unknown fields and packed numbers are read, a hostile key is only a key', () => {
  const message = object('m', '', { n: optional(2, list(int64), ''), m: optional(3, map(string), '') })
  const unknown = '0801' + '7a026869' + '3d01020304' + '410102030405060708' + '4b08014c'
  assert.deepEqual(decodeMessage(message, Buffer.from(`${unknown}12030196011005`, 'hex')), { n: [1, 150, 5] })
  const hostile = encodeMessage(message, { m: JSON.parse('{"__proto__":"x"}') })
  const { m } = decodeMessage(message, hostile)
  assert.deepEqual(Object.keys(m!), ['__proto__'])
  assert.equal(Object.getPrototypeOf(m), Object.prototype)
})

test('a type may contain itself; long strings and many fields get their lengths right', () => {
  const fields: Record<string, ReturnType<typeof optional>> = { text: optional(1, string, '') }
  const tree = object('tree', '', fields)
  fields['children'] = optional(2, list(tree), '')
  const value = {
    text: 'é'.repeat(100),
    children: [{ text: 'x'.repeat(20_000) }, { children: [{ text: 'y'.repeat(3_000_000) }] }],
  }
  assert.deepEqual(decodeMessage(tree, encodeMessage(tree, value as never)), value)
})

test('what is no such message is refused', () => {
  const message = object('m', '', {
    s: optional(1, string, ''),
    o: optional(2, one(int32), ''),
    r: optional(3, json, ''),
  })
  for (const bad of [
    '0a05',
    '0a0561',
    '08',
    '0801',
    '12020a01',
    '1203080102',
    'ff',
    '08ffffffffffffffffffff01',
    '0e',
    '1a030a017b',
    '7b',
  ]) {
    assert.throws(() => decodeMessage(message, Buffer.from(bad, 'hex')), ProtobufError, bad)
  }
})
