import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRequestInfo } from '../request-info.ts'
import { WatchCounts } from './watch-counts.ts'
import { estimate } from './work.ts'

/** 2000 pods of 4 kB, and 30,000 secrets of 100 kB. */
const sizes = {
  of: (_: string, resource: string) =>
    resource === 'pods'
      ? { count: 2000, averageBytes: 4000 }
      : resource === 'secrets'
        ? { count: 30_000, averageBytes: 100_000 }
        : undefined,
}
const pods = '/api/v1/pods'

const lists: readonly [line: string, seats: number, mostSeats?: number][] = [
  [`GET ${pods}`, 10],
  [`GET ${pods}?limit=500`, 10],
  [`GET ${pods}?limit=100`, 4],
  [`GET ${pods}?limit=1`, 1],
  [`GET ${pods}?labelSelector=a&limit=100`, 4],
  [`GET ${pods}?fieldSelector=metadata.name=a`, 1],
  ['GET /api/v1/namespaces/a/pods/b', 1],
  // What is read from the history is all in memory at once.
  [`GET ${pods}?resourceVersion=7&resourceVersionMatch=Exact`, 80],
  [`GET ${pods}?resourceVersion=7&resourceVersionMatch=Exact&labelSelector=a&limit=1`, 40],
  [`GET ${pods}?resourceVersion=7&limit=500`, 20],
  [`GET ${pods}?resourceVersion=0&limit=500`, 10],
  [`GET ${pods}?resourceVersion=7&resourceVersionMatch=NotOlderThan`, 10],
  [`GET ${pods}?continue=abc&limit=500`, 20],
  ['GET /api/v1/secrets?continue=abc', 100],
  ['GET /api/v1/secrets?continue=abc', 7, 7],
  ['GET /api/v1/secrets', 10],
  ['GET /api/v1/unknown', 1],
  [`GET ${pods}?watch=1`, 1],
  [`GET ${pods}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`, 10],
  [`GET ${pods}?watch=1&sendInitialEvents=false`, 1],
  [`DELETE ${pods}`, 1],
  ['GET /metrics', 1],
]

for (const [line, seats, mostSeats = 0] of lists) {
  test(`seats of ${line}${mostSeats ? `, at most ${mostSeats}` : ''}`, () => {
    const [method = '', url = ''] = line.split(' ')
    const work = estimate(readRequestInfo(method, url), sizes, new WatchCounts(), mostSeats)
    assert.deepEqual(work, { seats, seatsAfter: 0, afterMs: 0 })
  })
}

test('a write keeps seats while the watches are told of it', () => {
  const watches = new WatchCounts()
  const watch = (url: string) => watches.add(readRequestInfo('GET', url))
  const ends = Array.from({ length: 20 }, () => watch('/api/v1/pods?watch=1'))
  for (let n = 0; n < 4; n++) watch('/api/v1/namespaces/a/pods?watch=1')
  watch('/api/v1/namespaces/a/pods?watch=1&fieldSelector=metadata.name=b')
  for (let n = 0; n < 50; n++) watch(`/api/v1/pods?watch=1&fieldSelector=spec.nodeName=n${n}`)
  const ofWrite = (method: string, url: string, mostSeats = 0) => {
    const { seats, seatsAfter, afterMs } = estimate(readRequestInfo(method, url), sizes, watches, mostSeats)
    return `${seats} ${seatsAfter} ${afterMs}`
  }
  assert.equal(ofWrite('POST', '/api/v1/namespaces/c/pods'), '1 2 5')
  assert.equal(ofWrite('POST', '/api/v1/namespaces/a/pods'), '1 3 5')
  assert.equal(ofWrite('PUT', '/api/v1/namespaces/a/pods/b'), '1 3 5')
  assert.equal(ofWrite('PATCH', '/api/v1/namespaces/a/pods/b/status', 2), '1 2 7.5')
  assert.equal(ofWrite('POST', '/api/v1/namespaces/a/configmaps'), '1 0 0')
  assert.equal(ofWrite('GET', '/api/v1/namespaces/a/pods/b'), '1 0 0')
  for (const end of ends) {
    end()
    end()
  }
  assert.equal(ofWrite('POST', '/api/v1/namespaces/a/pods'), '1 0 0')
})
