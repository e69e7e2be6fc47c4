import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bootstrapLevels } from './bootstrap-flows.ts'
import { type Claim, nominalLimits, shareOut } from './share-out.ts'

test('what the usual levels have of 600 seats', () => {
  const limits = nominalLimits(new Map(Object.entries(bootstrapLevels)), 600)
  assert.deepEqual(
    [...limits].map(([name, { nominal, min, max }]) => `${name} ${min} ${nominal} ${max}`),
    [
      'catch-all 13 13 613',
      'exempt 0 0 600',
      'global-default 24 49 649',
      'leader-election 25 25 625',
      'node-high 73 98 698',
      'system 50 74 674',
      'workload-high 49 98 698',
      'workload-low 24 245 845',
    ],
  )
})

const claim = (target: number, min: number, max: number): Claim => ({ target, min, max })

const rows: readonly [what: string, seats: number, claims: readonly Claim[], shares: readonly number[]][] = [
  ['in proportion where no bound matters', 30, [claim(10, 0, 100), claim(20, 0, 100)], [10, 20]],
  ['the same for those who want nothing', 30, [claim(0, 0, 100), claim(0, 0, 100), claim(0, 0, 100)], [10, 10, 10]],
  ['nobody less than what it keeps', 30, [claim(25, 25, 100), claim(90, 0, 100)], [25, 5]],
  ['nobody more than what it may borrow', 30, [claim(90, 0, 20), claim(1, 0, 100)], [20, 10]],
  ['what is kept where that is all there is', 30, [claim(15, 15, 100), claim(500, 15, 100)], [15, 15]],
  ['all that may be had where that is less than there is', 30, [claim(5, 0, 10), claim(5, 0, 12)], [10, 12]],
  ['bounds of several at once', 100, [claim(10, 10, 12), claim(80, 20, 40), claim(5, 0, 100)], [12, 40, 48]],
]

for (const [what, seats, claims, shares] of rows) {
  test(`seats are shared out: ${what}`, () => assert.deepEqual(shareOut(seats, claims), shares))
}
