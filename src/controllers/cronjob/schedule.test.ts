import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CronError } from '../../kinds/batch/cron-schedule.ts'
import { scheduleOf } from './schedule.ts'

/** After a time, what comes next: the schedule in its zone. */
const table: readonly (readonly [
  zone: string | undefined,
  schedule: string,
  after: string,
  next: string | undefined,
])[] = [
  // The minute itself is over; a fraction of a second before it is not.
  [undefined, '* * * * *', '2026-01-01T12:00:00Z', '2026-01-01T12:01:00Z'],
  [undefined, '* * * * *', '2026-01-01T11:59:59.900Z', '2026-01-01T12:00:00Z'],
  [undefined, '*/15 * * * *', '2026-01-01T12:46:10Z', '2026-01-01T13:00:00Z'],
  [undefined, '30 6-16/4 * * 1-5', '2026-01-02T14:31:00Z', '2026-01-05T06:30:00Z'],
  [undefined, '0 0 31 * *', '2026-02-01T00:00:00Z', '2026-03-31T00:00:00Z'],
  [undefined, '0 0 29 2 *', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00Z'],
  [undefined, '0 0 30 2 *', '2026-01-01T00:00:00Z', undefined],
  [undefined, '59 23 31 12 *', '2026-12-31T23:59:00Z', '2027-12-31T23:59:00Z'],
  // With both day fields given, either may match.
  [undefined, '0 0 13 * fri', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'],
  [undefined, '0 0 13 * fri', '2026-01-10T00:00:00Z', '2026-01-13T00:00:00Z'],
  [undefined, '0 0 * * sun', '2026-01-01T00:00:00Z', '2026-01-04T00:00:00Z'],
  [undefined, '@weekly', '2026-01-01T00:00:00Z', '2026-01-04T00:00:00Z'],
  [undefined, '@monthly', '2026-01-31T00:00:00Z', '2026-02-01T00:00:00Z'],
  [undefined, '@every 90m', '2026-01-01T00:10:05.5Z', '2026-01-01T01:40:05Z'],
  // Zones of their own.
  ['Asia/Shanghai', '0 9 * * *', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z'],
  ['Asia/Kolkata', '0 9 * * *', '2026-01-01T00:00:00Z', '2026-01-01T03:30:00Z'],
  ['Etc/UTC', '0 9 * * *', '2026-01-01T00:00:00Z', '2026-01-01T09:00:00Z'],
  [undefined, 'TZ=Asia/Tokyo 0 9 * * *', '2026-01-01T01:00:00Z', '2026-01-02T00:00:00Z'],
  [undefined, 'CRON_TZ=Asia/Tokyo @daily', '2026-01-01T00:00:00Z', '2026-01-01T15:00:00Z'],
  // Berlin, 29 March 2026: 02:00 becomes 03:00. What was to happen at 02:30 does not happen on that day.
  ['Europe/Berlin', '30 2 * * *', '2026-03-28T12:00:00Z', '2026-03-30T00:30:00Z'],
  ['Europe/Berlin', '0 * * * *', '2026-03-29T00:00:00Z', '2026-03-29T01:00:00Z'],
  ['Europe/Berlin', '0 3 * * *', '2026-03-28T12:00:00Z', '2026-03-29T01:00:00Z'],
  // Berlin, 25 October 2026: 03:00 becomes 02:00. 02:30 comes twice.
  ['Europe/Berlin', '30 2 * * *', '2026-10-24T12:00:00Z', '2026-10-25T00:30:00Z'],
  ['Europe/Berlin', '30 2 * * *', '2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z'],
  ['Europe/Berlin', '30 2 * * *', '2026-10-25T01:30:00Z', '2026-10-26T01:30:00Z'],
  ['Europe/Berlin', '0 * * * *', '2026-10-25T00:00:00Z', '2026-10-25T01:00:00Z'],
  // New York, 11 March and 4 November 2012.
  ['America/New_York', '30 2 11 Mar ?', '2012-03-11T05:00:00Z', '2013-03-11T06:30:00Z'],
  ['America/New_York', '0 2 * * *', '2012-03-11T05:00:00Z', '2012-03-12T06:00:00Z'],
  ['America/New_York', '30 1 4 Nov ?', '2012-11-04T05:45:00Z', '2012-11-04T06:30:00Z'],
  // São Paulo changed at midnight: 4 November 2018 began at 01:00.
  ['America/Sao_Paulo', '0 9 10 * *', '2018-10-17T09:00:00Z', '2018-11-10T11:00:00Z'],
  ['America/Sao_Paulo', '0 0 * * *', '2018-11-03T04:00:00Z', '2018-11-05T02:00:00Z'],
  ['America/Sao_Paulo', '30 1 * * *', '2018-11-03T05:00:00Z', '2018-11-04T03:30:00Z'],
  // Half an hour: Lord Howe, 5 April 2026, 02:00 becomes 01:30. Steps of an hour pass over 02:00 on that day.
  ['Australia/Lord_Howe', '0 2 * * *', '2026-04-04T12:00:00Z', '2026-04-05T15:30:00Z'],
]

for (const [zone, schedule, after, next] of table) {
  test(`"${schedule}" in ${zone ?? 'its own zone'} after ${after}`, () => {
    const at = scheduleOf(schedule, zone).next(Date.parse(after))
    assert.equal(at === undefined ? undefined : new Date(at).toISOString().replace('.000', ''), next)
  })
}

test('a zone that does not exist is no part of a schedule', () => {
  assert.throws(() => scheduleOf('TZ=Mars/Olympus * * * * *'), new CronError('provided bad location Mars/Olympus'))
})
