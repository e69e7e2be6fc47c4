import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalDuration, formatDuration, humanDuration, parseDuration, shortHumanDuration } from './duration.ts'

test('a duration is given back as Go writes it', () => {
  const table = {
    '0': '0s',
    '90s': '1m30s',
    '1h': '1h0m0s',
    '1.5h': '1h30m0s',
    '100ms': '100ms',
    '1500us': '1.5ms',
    '1500ns': '1.5µs',
    '1ns': '1ns',
    '-2m': '-2m0s',
    '+1s': '1s',
    '.5s': '500ms',
    '1m0.25s': '1m0.25s',
    '2540400h10m10.000000000s': '2540400h10m10s',
  }
  for (const [text, canonical] of Object.entries(table)) assert.equal(canonicalDuration(text), canonical, text)
  assert.equal(parseDuration('1m30.5s'), 90_500)
  assert.equal(formatDuration(90_500), '1m30.5s')
})

test('what is not a duration is refused in Go’s words', () => {
  const table = {
    '': 'time: invalid duration ""',
    '5': 'time: missing unit in duration "5"',
    '1x': 'time: unknown unit "x" in duration "1x"',
    s: 'time: invalid duration "s"',
    '.s': 'time: invalid duration ".s"',
    '1constructor': 'time: unknown unit "constructor" in duration "1constructor"',
    '3000000h': 'time: invalid duration "3000000h"',
  }
  for (const [text, message] of Object.entries(table)) assert.throws(() => canonicalDuration(text), { message }, text)
})

test('an age is short and as fine as it is young', () => {
  const [s, m, h, d] = [1000, 60_000, 3_600_000, 86_400_000]
  const table: [number, string][] = [
    [-2.5 * s, '<invalid>'],
    [-1.5 * s, '0s'],
    [0, '0s'],
    [119 * s, '119s'],
    [2 * m, '2m'],
    [2 * m + 5 * s, '2m5s'],
    [10 * m + 5 * s, '10m'],
    [179 * m, '179m'],
    [3 * h, '3h'],
    [7 * h + 59 * m, '7h59m'],
    [47 * h, '47h'],
    [2 * d, '2d'],
    [5 * d + 3 * h, '5d3h'],
    [8 * d + 3 * h, '8d'],
    [729 * d, '729d'],
    [731 * d, '2y1d'],
    [8 * 365 * d + d, '8y'],
  ]
  for (const [milliseconds, text] of table) assert.equal(humanDuration(milliseconds), text)
  assert.deepEqual([59 * s, 60 * s, 25 * h, 366 * d].map(shortHumanDuration), ['59s', '1m', '1d', '1y'])
})
