import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalMicroTime, canonicalTime, formatMicroTime, formatTime, parseTime } from './go-time.ts'

test('a time is given back in UTC with whole seconds', () => {
  const table = {
    '2026-01-31T12:00:00Z': '2026-01-31T12:00:00Z',
    '2026-01-31T12:00:00.999Z': '2026-01-31T12:00:00Z',
    '2026-01-01T00:30:00+02:00': '2025-12-31T22:30:00Z',
    '2026-01-01T00:30:00-02:30': '2026-01-01T03:00:00Z',
    '2024-02-29T5:00:00Z': '2024-02-29T05:00:00Z',
    '0001-01-01T00:00:00Z': '0001-01-01T00:00:00Z',
  }
  for (const [text, canonical] of Object.entries(table)) assert.equal(canonicalTime(text), canonical)
})

test('what is not a time is refused in Go’s words', () => {
  const layout = '"2006-01-02T15:04:05Z07:00"'
  const table = {
    x: `parsing time "x" as ${layout}: cannot parse "x" as "2006"`,
    '': `parsing time "" as ${layout}: cannot parse "" as "2006"`,
    '2026/01/01': `parsing time "2026/01/01" as ${layout}: cannot parse "/01/01" as "-"`,
    '2026-01-01': `parsing time "2026-01-01" as ${layout}: cannot parse "" as "T"`,
    '2026-01-01T00:00:00': `parsing time "2026-01-01T00:00:00" as ${layout}: cannot parse "" as "Z07:00"`,
    '2026-13-01T00:00:00Z': 'parsing time "2026-13-01T00:00:00Z": month out of range',
    '2026-02-29T00:00:00Z': 'parsing time "2026-02-29T00:00:00Z": day out of range',
    '2026-02-20T24:00:00Z': 'parsing time "2026-02-20T24:00:00Z": hour out of range',
    '2026-02-20T00:00:00Zx': 'parsing time "2026-02-20T00:00:00Zx": extra text: "x"',
  }
  for (const [text, message] of Object.entries(table)) assert.throws(() => canonicalTime(text), { message })
})

test('microseconds are exactly six decimals', () => {
  assert.equal(canonicalMicroTime('2026-01-01T01:00:00.123456+01:00'), '2026-01-01T00:00:00.123456Z')
  const layout = '"2006-01-02T15:04:05.000000Z07:00"'
  assert.throws(() => canonicalMicroTime('2020-01-01T00:00:00Z'), {
    message: `parsing time "2020-01-01T00:00:00Z" as ${layout}: cannot parse "Z" as ".000000"`,
  })
  assert.throws(() => canonicalMicroTime('2020-01-01T00:00:00.123456789Z'), {
    message: `parsing time "2020-01-01T00:00:00.123456789Z" as ${layout}: cannot parse "789Z" as "Z07:00"`,
  })
})

test('milliseconds become text and back', () => {
  assert.equal(formatTime(1_767_225_600_999), '2026-01-01T00:00:00Z')
  assert.equal(formatMicroTime(1_767_225_600_999), '2026-01-01T00:00:00.999000Z')
  assert.equal(formatMicroTime(1_767_225_600_000.25), '2026-01-01T00:00:00.000250Z')
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (seconds) => {
      const text = formatTime(seconds * 1000)
      assert.equal(parseTime(text), seconds * 1000)
      assert.equal(canonicalTime(text), text)
    }),
    { numRuns: 100 },
  )
})
