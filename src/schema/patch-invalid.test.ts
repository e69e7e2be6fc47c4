import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyJsonPatch } from './json-patch.ts'
import { applyMergePatch } from './merge-patch.ts'
import { patchResultInvalid } from './patch-invalid.ts'

const current = { kind: 'Thing', metadata: { name: 'a', labels: { z: '<', a: 'b' } }, data: { y: 'x', k: 'v' } }
const why = 'json: cannot unmarshal number into Go struct field Thing.data of type string'

test('a JSON patch: what it went through is sorted, all else is as it was', () => {
  const patch = [{ op: 'add', path: '/data/n', value: { c: 1, b: 2 } }]
  const error = patchResultInvalid(applyJsonPatch(current, patch), why, current, patch)
  assert.equal(
    error.message,
    ` "" is invalid: patch: Invalid value: "{\\"data\\":{\\"k\\":\\"v\\",\\"n\\":{\\"c\\":1,\\"b\\":2},\\"y\\":\\"x\\"},\\"kind\\":\\"Thing\\",` +
      `\\"metadata\\":{\\"name\\":\\"a\\",\\"labels\\":{\\"z\\":\\"\\\\u003c\\",\\"a\\":\\"b\\"}}}": ${why}`,
  )
  assert.equal(error.code, 422)
  assert.deepEqual(
    error.details?.causes?.map(({ reason, field }) => [reason, field]),
    [['FieldValueInvalid', 'patch']],
  )
})

test('a merge patch: what it brought is sorted too', () => {
  const patch = { data: { n: { c: 1, b: 2 } } }
  const error = patchResultInvalid(applyMergePatch(current, patch), why, current)
  assert.match(
    error.message,
    /^ "" is invalid: patch: Invalid value: "\{\\"data\\":\{\\"k\\":\\"v\\",\\"n\\":\{\\"b\\":2,\\"c\\":1\}/,
  )
})
