import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { limit, type Memory, newMemory, noteRescale } from './limits.ts'

type Behavior = NonNullable<Parameters<typeof limit>[1]>

/** What a server makes of `behavior: {}`: the block that the documentation shows. */
const writtenOut: Behavior = {
  scaleUp: {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [
      { type: 'Pods', value: 4, periodSeconds: 15 },
      { type: 'Percent', value: 100, periodSeconds: 15 },
    ],
  },
  scaleDown: { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
}

const down = (rules: NonNullable<Behavior['scaleDown']>): Behavior => ({
  ...writtenOut,
  scaleDown: { selectPolicy: 'Max', stabilizationWindowSeconds: 0, ...rules },
})
const up = (rules: NonNullable<Behavior['scaleUp']>): Behavior => ({
  ...writtenOut,
  scaleUp: { selectPolicy: 'Max', stabilizationWindowSeconds: 0, ...rules },
})

interface Run {
  readonly behavior?: Behavior
  readonly from: number
  /** What the metrics ask for, every 15 seconds. */
  readonly asked: readonly number[]
  readonly min?: number
  readonly max?: number
}

interface Step {
  readonly replicas: number
  readonly able: string
  readonly limited: string
}

/** Follows an autoscaler that does what the limits say. */
function follow({ behavior, from, asked, min = 1, max = 100 }: Run): Step[] {
  const memory: Memory = newMemory(from, 0)
  let current = from
  return asked.map((desired, number) => {
    const now = number * 15_000
    const { replicas, able, limited } = limit({ current, desired, min, max, now }, behavior, memory, 300_000)
    if (replicas !== current) noteRescale(memory, behavior, { current, desired: replicas, now })
    current = replicas
    return { replicas, able: able.reason, limited: `${limited.holds ? '' : 'not '}${limited.reason}` }
  })
}

const replicas = (run: Run) => follow(run).map((step) => step.replicas)
const always = (desired: number, times: number): number[] => Array.from({ length: times }, () => desired)

describe('without rules', () => {
  test('at most twice as many, or four, in one step: 1, 4, 8, 10 [HPA-09]', () => {
    assert.deepEqual(follow({ from: 1, asked: [7, 28, 30, 30], max: 10 }), [
      { replicas: 4, able: 'ReadyForNewScale', limited: 'ScaleUpLimit' },
      { replicas: 8, able: 'ReadyForNewScale', limited: 'ScaleUpLimit' },
      { replicas: 10, able: 'ReadyForNewScale', limited: 'TooManyReplicas' },
      { replicas: 10, able: 'ReadyForNewScale', limited: 'TooManyReplicas' },
    ])
  })

  test('down to the highest number asked for in five minutes, and not before [HPA-12]', () => {
    const steps = follow({ from: 10, asked: [10, ...always(1, 22)] })
    assert.deepEqual(
      steps.map((step) => step.replicas),
      [...always(10, 21), 1, 1],
    )
    assert.deepEqual(steps[1], { replicas: 10, able: 'ScaleDownStabilized', limited: 'not DesiredWithinRange' })
    assert.deepEqual(steps.at(-1), { replicas: 1, able: 'ReadyForNewScale', limited: 'not DesiredWithinRange' })
  })

  test('it is a window that looks back, not a pause after a change', () => {
    // What was asked for in between keeps it up for as long again.
    assert.deepEqual(replicas({ from: 10, asked: [1, 1, 6, ...always(1, 21), 1] }).slice(-5), [10, 6, 6, 1, 1])
  })

  test('never below the fewest', () => {
    assert.deepEqual(follow({ from: 3, asked: [0], min: 2 }), [
      { replicas: 3, able: 'ScaleDownStabilized', limited: 'not DesiredWithinRange' },
    ])
    assert.deepEqual(follow({ from: 2, asked: always(0, 22), min: 2 }).at(-1), {
      replicas: 2,
      able: 'ReadyForNewScale',
      limited: 'TooFewReplicas',
    })
  })
})

describe('with rules', () => {
  test('the usual ones written out allow four pods or as many again: 1, 5, 10 [HPA-09]', () => {
    assert.deepEqual(follow({ behavior: writtenOut, from: 1, asked: [7, 30, 30], max: 10 }), [
      { replicas: 5, able: 'ReadyForNewScale', limited: 'ScaleUpLimit' },
      { replicas: 10, able: 'ReadyForNewScale', limited: 'TooManyReplicas' },
      { replicas: 10, able: 'ReadyForNewScale', limited: 'TooManyReplicas' },
    ])
  })

  test('and the window of the controller holds where the rules name none', () => {
    assert.deepEqual(replicas({ behavior: writtenOut, from: 10, asked: [10, ...always(1, 22)] }), [
      ...always(10, 20),
      1,
      1,
      1,
    ])
  })

  const table: Readonly<Record<string, readonly [Run, readonly number[]]>> = {
    'pods in a period': [
      {
        behavior: up({ policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }] }),
        from: 1,
        asked: always(20, 9),
      },
      [3, 3, 3, 3, 5, 5, 5, 5, 7],
    ],
    'percent in a period, rounded up': [
      {
        behavior: up({ policies: [{ type: 'Percent', value: 10, periodSeconds: 15 }] }),
        from: 1,
        asked: always(20, 4),
      },
      [2, 3, 4, 5],
    ],
    'the policy that changes most': [
      {
        behavior: up({
          policies: [
            { type: 'Pods', value: 1, periodSeconds: 15 },
            { type: 'Percent', value: 50, periodSeconds: 15 },
          ],
        }),
        from: 4,
        asked: always(50, 3),
      },
      [6, 9, 14],
    ],
    'the policy that changes least': [
      {
        behavior: up({
          selectPolicy: 'Min',
          policies: [
            { type: 'Pods', value: 1, periodSeconds: 15 },
            { type: 'Percent', value: 50, periodSeconds: 15 },
          ],
        }),
        from: 4,
        asked: always(50, 3),
      },
      [5, 6, 7],
    ],
    'up is switched off': [{ behavior: up({ selectPolicy: 'Disabled' }), from: 4, asked: [50, 50] }, [4, 4]],
    'down is switched off': [{ behavior: down({ selectPolicy: 'Disabled' }), from: 4, asked: [1, 1] }, [4, 4]],
    'down at once, without a window': [
      { behavior: down({ policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] }), from: 10, asked: [1] },
      [1],
    ],
    'a few pods down in a period': [
      {
        behavior: down({ policies: [{ type: 'Pods', value: 3, periodSeconds: 30 }] }),
        from: 10,
        asked: always(1, 6),
      },
      [7, 7, 4, 4, 1, 1],
    ],
    'percent down, rounded down': [
      {
        behavior: down({ policies: [{ type: 'Percent', value: 10, periodSeconds: 15 }] }),
        from: 10,
        asked: always(1, 4),
      },
      [9, 8, 7, 6],
    ],
    'the smaller change down': [
      {
        behavior: down({
          selectPolicy: 'Min',
          policies: [
            { type: 'Pods', value: 4, periodSeconds: 15 },
            { type: 'Percent', value: 10, periodSeconds: 15 },
          ],
        }),
        from: 20,
        asked: always(1, 2),
      },
      [18, 16],
    ],
    'a window up: the lowest number asked for in it': [
      {
        behavior: up({
          stabilizationWindowSeconds: 60,
          policies: [{ type: 'Percent', value: 1000, periodSeconds: 15 }],
        }),
        from: 2,
        asked: [10, 5, 10, 10, 10, 10, 10],
      },
      [2, 2, 2, 2, 5, 10, 10],
    ],
    'what came in a period may go again in it': [
      {
        behavior: down({ policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] }),
        from: 4,
        asked: [8, 1],
      },
      // The period began with 4: three may be left.
      [8, 3],
    ],
  }
  for (const [title, [run, expected]] of Object.entries(table))
    test(title, () => assert.deepEqual(replicas(run), expected))

  test('what holds back is told', () => {
    const slowly = down({ policies: [{ type: 'Pods', value: 1, periodSeconds: 15 }] })
    assert.deepEqual(follow({ behavior: slowly, from: 4, asked: [1, 1, 1, 1], min: 2 }), [
      { replicas: 3, able: 'ReadyForNewScale', limited: 'ScaleDownLimit' },
      { replicas: 2, able: 'ReadyForNewScale', limited: 'TooFewReplicas' },
      { replicas: 2, able: 'ReadyForNewScale', limited: 'TooFewReplicas' },
      { replicas: 2, able: 'ReadyForNewScale', limited: 'TooFewReplicas' },
    ])
  })
})
