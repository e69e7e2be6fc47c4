import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeOpenApiV2, encodeOpenApiV3 } from './openapi-protobuf.ts'

/** Reads a message as far as its numbers go: strings stay bytes until `text` or `at` asks for more. */
type Fields = Map<number, (bigint | Buffer)[]>

function decode(bytes: Buffer): Fields {
  const fields: Fields = new Map()
  let position = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[position++]!
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  while (position < bytes.length) {
    const key = Number(varint())
    let value: bigint | Buffer
    if (key % 8 === 0) value = varint()
    else {
      const length = key % 8 === 1 ? 8 : Number(varint())
      value = bytes.subarray(position, position + length)
      position += length
    }
    const number = Math.floor(key / 8)
    fields.set(number, [...(fields.get(number) ?? []), value])
  }
  return fields
}

/** Follows field numbers from a message inwards, and gives what is there as text or number. */
function at(bytes: Buffer, ...path: number[]): unknown {
  const [number, ...rest] = path
  const values = decode(bytes).get(number!) ?? []
  const shown = values.map((value) => {
    if (!Buffer.isBuffer(value)) return Number(value)
    return rest.length > 0 ? at(value, ...rest) : value.toString()
  })
  return shown.length === 1 ? shown[0] : shown
}

const extension = { 'x-kubernetes-group-version-kind': [{ group: '', kind: 'Pod', version: 'v1' }] }

// The numbers are those of gnostic's OpenAPIv2.proto.
test('version 2', () => {
  const bytes = encodeOpenApiV2({
    swagger: '2.0',
    info: { title: 'Kubernetes', version: 'v1' },
    paths: {
      '/p': {
        patch: {
          operationId: 'patchPod',
          parameters: [
            { in: 'query', name: 'dryRun', type: 'string' },
            { $ref: '#/parameters/pretty' },
            { in: 'body', name: 'body', required: true, schema: { $ref: '#/definitions/Patch' } },
          ],
          responses: { 200: { description: 'OK', schema: { $ref: '#/definitions/Pod' } } },
          'x-kubernetes-action': 'patch',
        },
      },
    },
    definitions: {
      Pod: {
        type: 'object',
        required: ['a', 'b'],
        properties: { a: { type: 'array', items: { type: 'string' }, uniqueItems: true } },
        additionalProperties: { type: 'integer' },
        ...extension,
      },
    },
  })
  assert.equal(at(bytes, 1), '2.0')
  assert.equal(at(bytes, 2, 1), 'Kubernetes')
  assert.equal(at(bytes, 8, 2, 1), '/p')
  assert.equal(at(bytes, 8, 2, 2, 8, 5), 'patchPod')
  const parameter = [8, 2, 2, 8, 8]
  assert.deepEqual(at(bytes, ...parameter, 1, 2, 3, 4), ['dryRun', [], []])
  assert.deepEqual(at(bytes, ...parameter, 2, 1), [[], '#/parameters/pretty', []])
  assert.deepEqual(at(bytes, ...parameter, 1, 1, 5, 1), [[], [], '#/definitions/Patch'])
  assert.equal(at(bytes, 8, 2, 2, 8, 9, 1, 2, 1, 2, 1, 1), '#/definitions/Pod')
  assert.equal(at(bytes, 8, 2, 2, 8, 13, 2, 2), '"patch"\n')
  const pod = [9, 1, 2]
  assert.deepEqual(at(bytes, ...pod, 19), ['a', 'b'])
  assert.equal(at(bytes, ...pod, 22, 1), 'object')
  assert.equal(at(bytes, ...pod, 25, 1, 2, 23, 1, 22, 1), 'string')
  assert.equal(at(bytes, ...pod, 25, 1, 2, 16), 1)
  assert.equal(at(bytes, ...pod, 21, 1, 22, 1), 'integer')
  assert.equal(at(bytes, ...pod, 31, 1), 'x-kubernetes-group-version-kind')
  assert.equal(at(bytes, ...pod, 31, 2, 2), '[{"group":"","kind":"Pod","version":"v1"}]\n')
})

// The numbers are those of gnostic's OpenAPIv3.proto.
test('version 3', () => {
  const bytes = encodeOpenApiV3({
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1' },
    paths: {
      '/p': {
        get: {
          operationId: 'readPod',
          requestBody: { content: { '*/*': { schema: { $ref: '#/components/schemas/Pod' } } } },
          responses: { 200: { description: 'OK', content: { 'application/json': { schema: { type: 'string' } } } } },
        },
        parameters: [{ name: 'name', in: 'path', required: true, schema: { type: 'string' } }],
      },
    },
    components: {
      schemas: {
        Pod: {
          type: 'object',
          properties: { a: { allOf: [{ $ref: '#/components/schemas/A' }], default: 'x' } },
          additionalProperties: false,
          ...extension,
        },
      },
    },
  })
  assert.equal(at(bytes, 1), '3.0.0')
  assert.equal(at(bytes, 2, 6), 'v1')
  assert.equal(at(bytes, 4, 1, 2, 4, 5), 'readPod')
  assert.equal(at(bytes, 4, 1, 2, 4, 7, 1, 2, 1, 2, 1, 2, 1), '#/components/schemas/Pod')
  assert.equal(at(bytes, 4, 1, 2, 4, 8, 2, 2, 1, 3, 1, 2, 1, 1, 25), 'string')
  assert.equal(at(bytes, 4, 1, 2, 13, 1, 1), 'name')
  assert.equal(at(bytes, 4, 1, 2, 13, 1, 4), 1)
  const pod = [5, 1, 1, 2, 1]
  assert.equal(at(bytes, ...pod, 25), 'object')
  assert.equal(at(bytes, ...pod, 31, 1, 2, 1, 26, 2, 1), '#/components/schemas/A')
  assert.equal(at(bytes, ...pod, 31, 1, 2, 1, 33, 3), 'x')
  assert.equal(at(bytes, ...pod, 32, 2), 0)
  assert.equal(at(bytes, ...pod, 36, 1), 'x-kubernetes-group-version-kind')
})
