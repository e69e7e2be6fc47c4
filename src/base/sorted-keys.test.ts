import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareBytes, sortedKeys } from './sorted-keys.ts'

test('keys come in the order of their bytes', () => {
  assert.deepEqual(sortedKeys({ b: 1, a: 1, B: 1, '': 1 }), ['', 'B', 'a', 'b'])
  assert.deepEqual(sortedKeys({ '\u{1f600}': 1, '\uff5e': 1 }), ['\uff5e', '\u{1f600}'])
  const text = fc.string({
    unit: fc.constantFrom('a', 'b', 'é', '\ud7ff', '\uff5e', '\u{10000}', '\u{1f600}'),
    maxLength: 4,
  })
  fc.assert(
    fc.property(text, text, (left, right) => {
      assert.equal(Math.sign(compareBytes(left, right)), Buffer.compare(Buffer.from(left), Buffer.from(right)))
    }),
    { numRuns: 200 },
  )
})
