import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalQuantity, compareQuantities, isQuantity, parseQuantity, Quantity, QuantityError } from './quantity.ts'

test('an amount is given back in its canonical form', () => {
  const table: Record<string, string> = {
    '0': '0',
    '0m': '0',
    '-0': '0',
    '1000m': '1',
    '1500m': '1500m',
    '0.5': '500m',
    '0.1': '100m',
    '.5': '500m',
    '1.5Gi': '1536Mi',
    '0.5Gi': '512Mi',
    '1024Mi': '1Gi',
    '1000Mi': '1000Mi',
    '1000Ki': '1000Ki',
    '1025': '1025',
    '1024': '1024',
    '0.5Ki': '512',
    '0.1Mi': '104857600m',
    '1e3': '1e3',
    '1E3': '1E3',
    '100e1': '1e3',
    '1e2': '100',
    '1000': '1k',
    '1000k': '1M',
    '1000E': '1e21',
    '-1': '-1',
    '-0.5': '-500m',
    '-1Gi': '-1Gi',
    '0.1n': '1n',
    '1.0000000001': '1000000001n',
    '1e-12': '1e-9',
    '9Ei': '9223372036854775807',
    '1.': '1.',
    '1.234': '1.234',
    '1.0': '1',
    '+1': '+1',
    '123456789012345678901': '123456789012345678901',
    ' 1Gi ': '1Gi',
  }
  for (const [text, canonical] of Object.entries(table)) assert.equal(canonicalQuantity(text), canonical, text)
})

test('what is not an amount is refused in the reference’s words', () => {
  const format = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
  for (const text of ['', 'much', '1 Gi', '1.2.3', '1Gib', '1-5x']) {
    assert.throws(() => parseQuantity(text), { message: format }, text)
  }
  for (const text of ['1K', '1mm', '1ki', '1e', '1KiKi', '--1']) {
    assert.throws(() => parseQuantity(text), { message: "unable to parse quantity's suffix" }, text)
  }
  assert.equal(isQuantity('1Gi'), true)
  assert.equal(isQuantity('much'), false)
})

test('amounts are compared and counted with exactly', () => {
  assert.equal(compareQuantities('1', '1000m'), 0)
  assert.equal(compareQuantities('1Gi', '1G'), 1)
  assert.equal(compareQuantities('-1', '1n'), -1)
  assert.equal(parseQuantity('0.1').add(parseQuantity('0.2')).toString(), '300m')
  assert.equal(parseQuantity('1Gi').subtract(parseQuantity('512Mi')).toString(), '512Mi')
  assert.equal(Quantity.zero.add(parseQuantity('1Gi')).toString(), '1Gi')
  assert.equal(Quantity.zero.subtract(parseQuantity('1Gi')).toString(), '-1Gi')
  assert.equal(parseQuantity('1Gi').add(parseQuantity('1')).toString(), '1073741825')
  assert.equal(parseQuantity('1').negate().toString(), '-1')
})

test('fractions round away from zero', () => {
  assert.equal(parseQuantity('1500m').value(), 2)
  assert.equal(parseQuantity('-1500m').value(), -2)
  assert.equal(parseQuantity('1u').milliValue(), 1)
  assert.equal(parseQuantity('250m').milliValue(), 250)
  assert.equal(parseQuantity('2').milliValue(), 2000)
  assert.equal(parseQuantity('1.5').toNumber(), 1.5)
  assert.equal(parseQuantity('100m').toNumber(), 0.1)
})

test('hostile amounts cost nothing', () => {
  for (const text of [`${'1'.repeat(3_000_000)}x`, `${'0'.repeat(3_000_000)}x`, `1.${'0'.repeat(3_000_000)}!`]) {
    assert.throws(() => parseQuantity(text), QuantityError)
  }
  assert.throws(() => parseQuantity('1'.repeat(3_000_000)), { message: 'unable to parse numeric part of quantity' })
  assert.equal(canonicalQuantity(`${'0'.repeat(3_000_000)}1000m`), '1')
  assert.throws(() => parseQuantity('1e999999999'), { message: 'unable to parse numeric part of quantity' })
})

test('canonical text means the same amount, and the sum does not depend on the order', () => {
  const amount = fc
    .tuple(
      fc.integer({ min: -1_000_000, max: 1_000_000 }),
      fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'Ki', 'Mi', 'Gi', 'e3', 'e-2'),
    )
    .map(([number, suffix]) => `${number}${suffix}`)
  fc.assert(
    fc.property(amount, amount, (left, right) => {
      const [a, b] = [parseQuantity(left), parseQuantity(right)]
      assert.equal(parseQuantity(a.toString()).compare(a), 0)
      assert.equal(a.add(b).compare(b.add(a)), 0)
      assert.equal(a.add(b).subtract(b).compare(a), 0)
      assert.equal(parseQuantity(a.add(b).toString()).compare(a.add(b)), 0)
    }),
    { numRuns: 200 },
  )
})
