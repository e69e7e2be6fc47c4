import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CronError, parseCron } from './cron-schedule.ts'

test('fields name sets of values', () => {
  const times = parseCron('*/20 8-10,22 1 jan-mar mon')
  assert.ok('minutes' in times)
  assert.deepEqual([...times.minutes], [0, 20, 40])
  assert.deepEqual([...times.hours], [8, 9, 10, 22])
  assert.deepEqual([...times.daysOfMonth], [1])
  assert.deepEqual([...times.months], [1, 2, 3])
  assert.deepEqual([...times.daysOfWeek], [1])
  assert.deepEqual([times.anyDayOfMonth, times.anyDayOfWeek], [false, false])
})

test('a start with a step runs to the end', () => {
  const times = parseCron('50/5 * * * ?')
  assert.ok('minutes' in times)
  assert.deepEqual([...times.minutes], [50, 55])
  assert.deepEqual([times.anyDayOfMonth, times.anyDayOfWeek], [true, true])
})

test('descriptors stand for schedules', () => {
  assert.deepEqual(parseCron('@hourly'), parseCron('0 * * * *'))
  assert.deepEqual(parseCron('@every 1h30m'), { everySeconds: 5400 })
})

const wrong: readonly (readonly [schedule: string, message: string])[] = [
  ['', 'empty spec string'],
  ['* *', 'expected exactly 5 fields, found 2: [* *]'],
  ['@often', 'unrecognized descriptor: @often'],
  ['60 * * * *', 'end of range (60) above maximum (59): 60'],
  ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
  ['9-5 * * * *', 'beginning of range (9) beyond end of range (5): 9-5'],
  ['*/0 * * * *', 'step of range should be a positive number: */0'],
  ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
  ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
  ['x * * * *', 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
]

for (const [schedule, message] of wrong) {
  test(`"${schedule}" is not a schedule`, () => {
    assert.throws(() => parseCron(schedule), new CronError(message))
  })
}
