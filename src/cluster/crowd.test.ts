import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApiRequest, ApiResponse } from '../apiserver/request.ts'
import { deferred } from '../base/deferred.ts'
import { Crowd } from './crowd.ts'

test('whoever looks is told of the most writes that were under way together since he looked last', async () => {
  const answer = deferred<ApiResponse>()
  const crowd = new Crowd((request) =>
    request.url === '/fails' ? Promise.reject(new Error('no')) : request.url === '/soon' ? soon : answer.promise,
  )
  const soon = Promise.resolve({ status: 200 } as ApiResponse)
  const [first, second] = [crowd.looker(), crowd.looker()]
  const ask = (method: string, url = '/') => crowd.handler({ method, url } as ApiRequest)
  assert.equal(first(), 0)

  const writes = ['POST', 'PUT', 'PATCH', 'DELETE'].map((method) => ask(method))
  const reads = ['GET', 'HEAD'].map((method) => ask(method))
  assert.equal(first(), 4, 'reads do not count')
  await assert.rejects(ask('POST', '/fails'))
  assert.equal(first(), 5, 'also who was refused has waited')
  assert.equal(first(), 4)

  answer.resolve({ status: 200 } as ApiResponse)
  assert.equal((await Promise.all([...writes, ...reads])).length, 6)
  assert.deepEqual([first(), first()], [4, 0])
  assert.deepEqual([second(), second()], [5, 0], 'another looker has not looked yet')
  await ask('POST', '/soon')
  assert.equal(first(), 1, 'what is over counts, too')
})
