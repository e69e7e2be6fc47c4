import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../world/virtual.ts'
import { readRequestInfo } from './request-info.ts'
import { Deadlines, timeoutOf } from './timeout.ts'

const limits: readonly (readonly [url: string, expected: number | undefined | RegExp])[] = [
  ['/api/v1/pods', 60_000],
  ['/api/v1/pods?timeout=', 60_000],
  ['/api/v1/pods?timeout=5s', 5000],
  ['/api/v1/pods?timeout=1500ms', 1500],
  ['/api/v1/pods?timeout=0s', 60_000],
  ['/api/v1/pods?timeout=-1s', 60_000],
  ['/api/v1/pods?timeout=1h', 60_000],
  ['/api/v1/pods?timeout=soon', /^invalid timeout specified in the request URL - time: invalid duration "soon"$/],
  ['/api/v1/pods?watch=true&timeout=soon', undefined],
  ['/api/v1/namespaces/a/pods/b/log', undefined],
  ['/healthz?timeout=1s', 1000],
]

for (const [url, expected] of limits) {
  test(`the time that ${url} may take`, () => {
    const info = readRequestInfo('GET', url)
    if (expected instanceof RegExp) assert.throws(() => timeoutOf(info), { message: expected })
    else assert.equal(timeoutOf(info), expected)
  })
}

test('who asks is answered when the time is over, whatever becomes of the work [CFG-18]', async () => {
  const clock = new VirtualClock(0)
  const deadlines = new Deadlines(clock)
  const never = new Promise<string>(() => {})
  const failing = Promise.withResolvers<string>()
  const outcomes: string[] = []
  const note = (name: string, work: Promise<string>) =>
    work.then(
      (value) => outcomes.push(`${name}: ${value}`),
      (error: Error) => outcomes.push(`${name}: ${error.message}`),
    )
  void note('quick', deadlines.within(Promise.resolve('done'), 60_000))
  void note('slow', deadlines.within(never, 60_000))
  void note('hurried', deadlines.within(failing.promise, 1000))
  await clock.advance(1000)
  failing.reject(new Error('nobody hears this'))
  void note('later', deadlines.within(never, 60_000))
  await clock.advance(59_000)
  await clock.advance(500)
  assert.deepEqual(outcomes, [
    'quick: done',
    'hurried: Timeout: request did not complete within the allotted timeout',
    'slow: Timeout: request did not complete within the allotted timeout',
  ])
  await clock.advance(500)
  assert.equal(outcomes.length, 4)
})
