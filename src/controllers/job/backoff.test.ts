import assert from 'node:assert/strict'
import { test } from 'node:test'
import { now, pod } from '../fixtures.ts'
import { noFailures, waitAfter, withEnded } from './backoff.ts'

const ended = (name: string, secondsAgo: number) => {
  const finishedAt = new Date(now - secondsAgo * 1000).toISOString()
  const state = { terminated: { exitCode: 1, finishedAt } }
  return pod(name, { rest: { status: { containerStatuses: [{ name: 'main', state }] } } })
}

test('failures in a row are counted until a pod succeeds', () => {
  const two = withEnded(noFailures, [], [ended('a', 5), ended('b', 9)])
  assert.deepEqual(two, { count: 2, lastAt: now - 5000 })
  assert.deepEqual(withEnded(two, [], []), two)
  assert.deepEqual(withEnded(two, [], [ended('c', 1)]), { count: 3, lastAt: now - 1000 })
  assert.deepEqual(withEnded(two, [ended('c', 1)], []), noFailures)
  assert.deepEqual(withEnded(two, [ended('c', 3)], [ended('d', 4), ended('e', 2)]), { count: 1, lastAt: now - 2000 })
})

test('the wait doubles from ten seconds to ten minutes', () => {
  const waits = [0, 1, 2, 3, 6, 7, 8, 60].map((count) => waitAfter({ count, lastAt: now }, now) / 1000)
  assert.deepEqual(waits, [0, 10, 20, 40, 320, 600, 600, 600])
  assert.equal(waitAfter({ count: 1, lastAt: now - 4000 }, now), 6000)
  assert.equal(waitAfter({ count: 1, lastAt: now - 40_000 }, now), 0)
})

test('without ended containers, readiness, deletion or creation tells when a pod ended', () => {
  const time = (secondsAgo: number) => new Date(now - secondsAgo * 1000).toISOString()
  const conditions = [{ type: 'Ready', status: 'False', lastTransitionTime: time(7) }]
  const unready = pod('a', { rest: { status: { conditions } } } as never)
  const deleted = pod('b', { rest: { metadata: { deletionTimestamp: time(-20), deletionGracePeriodSeconds: 30 } } })
  const young = pod('c', { created: time(3) })
  const lastAt = [unready, deleted, young].map((each) => (now - withEnded(noFailures, [], [each]).lastAt) / 1000)
  assert.deepEqual(lastAt, [7, 10, 3])
})
