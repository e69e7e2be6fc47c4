import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CurveError, meanOf, parseCurve } from './curve.ts'

const minute = 60_000
const hour = 60 * minute

test('what curves say', () => {
  // Text, what percentages are of, and [since the start, by the clock] → amount.
  const table: readonly (readonly [string, number, readonly (readonly [number, number, number])[]])[] = [
    ['150m', 0, [[0, 0, 0.15]]],
    ['64Mi', 0, [[9 * hour, 0, 67_108_864]]],
    ['40%', 2, [[0, 0, 0.8]]],
    ['40%', 0, [[0, 0, 0]]],
    ['constant 1', 0, [[0, 0, 1]]],
    [
      'ramp 0 100% 10m',
      4,
      [
        [0, 0, 0],
        [5 * minute, 0, 2],
        [10 * minute, 0, 4],
        [hour, 0, 4],
      ],
    ],
    [
      'ramp 1 0 10m',
      0,
      [
        [5 * minute, 0, 0.5],
        [hour, 0, 0],
      ],
    ],
    [
      'steps 10m 5m=400m 20m=50m',
      0,
      [
        [0, 0, 0.01],
        [5 * minute - 1, 0, 0.01],
        [5 * minute, 0, 0.4],
        [20 * minute, 0, 0.05],
        [99 * hour, 0, 0.05],
      ],
    ],
    [
      'wave 100m 300m 24h',
      0,
      [
        [0, 0, 0.1],
        [0, 12 * hour, 0.3],
        [0, 6 * hour, 0.2],
        [0, 48 * hour, 0.1],
      ],
    ],
    [
      'pulse 0 1 1h 10m',
      0,
      [
        [0, 5 * minute, 1],
        [0, 10 * minute, 0],
        [0, 3 * hour + minute, 1],
      ],
    ],
  ]
  for (const [text, whole, points] of table)
    for (const [since, now, value] of points)
      assert.ok(Math.abs(parseCurve(text, whole).at(since, now) - value) < 1e-9, `${text} at ${since}, ${now}`)
})

test('the mean over a span of time', () => {
  const started = 1_000_000
  const span = (from: number, until: number) => ({ from: started + from, until: started + until })
  assert.equal(meanOf(parseCurve('2', 0), started, span(0, 15_000)), 2)
  assert.ok(Math.abs(meanOf(parseCurve('ramp 0 1 20s', 0), started, span(0, 20_000)) - 0.5) < 1e-9)
  assert.equal(meanOf(parseCurve('steps 0 10s=1', 0), started, span(0, 20_000)), 0.5)
})

test('what is no curve', () => {
  const faults: Readonly<Record<string, RegExp>> = {
    '': /quantities must match/,
    much: /quantities must match/,
    '-1': /"-1" is no amount/,
    'x%': /"x%" is no amount/,
    'tide 1 2 3h': /there is no curve "tide"/,
    'ramp 1 2': /it is written ramp FROM TO OVER/,
    'ramp 1 2 0s': /"0s" is no span of time/,
    'wave 1 2 day': /invalid duration "day"/,
    'pulse 1 2 1h': /it is written pulse LOW HIGH PERIOD LENGTH/,
    steps: /it is written steps AMOUNT/,
    'steps 1 5m': /quantities must match/,
    'constructor 1': /there is no curve "constructor"/,
  }
  for (const [text, message] of Object.entries(faults))
    assert.throws(
      () => parseCurve(text, 1),
      (error) => error instanceof CurveError && message.test(error.message),
      text,
    )
})
