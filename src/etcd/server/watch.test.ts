/** What of watches the model test does not come to: large answers, options of the stream, time. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Infer } from '../../schema/types.ts'
import { MemoryStore } from '../../store/memory.ts'
import { realClock, realRandom } from '../../world/real.ts'
import { type Call, EtcdClient } from '../client.ts'
import { methods, type WatchCreateRequest, type WatchResponse } from '../messages.ts'
import { requestBytesMax } from './kv.ts'
import { type EtcdServer, startEtcdServer } from './server.ts'

const world = { clock: realClock, random: realRandom }

describe('watches', () => {
  let store: MemoryStore
  let server: EtcdServer
  let client: EtcdClient
  let answers: Infer<typeof WatchResponse>[]
  let call: Call<Infer<(typeof methods.watch)['request']>>
  let heard = () => {}

  beforeEach(async () => {
    store = new MemoryStore(world)
    server = await startEtcdServer({
      ...{ store, clock: realClock, listenUrl: 'http://127.0.0.1:0', progressIntervalMs: 30 },
    })
    client = new EtcdClient({ endpoints: [server.url], clock: realClock })
    answers = []
    const onMessage = (answer: Infer<typeof WatchResponse>) => {
      answers.push(answer)
      heard()
    }
    call = client.open(methods.watch, { onMessage, onEnd: () => {} })
  })
  afterEach(async () => {
    client[Symbol.dispose]()
    await server[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()
  })

  const until = async (holds: () => boolean) => {
    while (!holds()) {
      await new Promise<void>((done) => {
        heard = done
      })
    }
  }
  const create = (request: Partial<Infer<typeof WatchCreateRequest>>) =>
    call.send({ createRequest: { key: '\0', rangeEnd: '\0', ...request } })
  const put = (...keys: string[]) =>
    store.txn({ then: keys.map((key) => ({ type: 'put', key, value: Buffer.alloc(400_000, key) })) })
  const keysOf = ({ events = [] }: Infer<typeof WatchResponse>) => events.map(({ kv }) => kv!.key)

  test('one revision comes in fragments to who can put them together, and whole to others', async () => {
    create({ watchId: 1, fragment: true })
    create({ watchId: 2 })
    await until(() => answers.length === 2)
    await put('a', 'b', 'c', 'd', 'e', 'f', 'g')
    await until(() => answers.filter(({ events }) => events).flatMap(keysOf).length === 14)
    const of = (id: number) => answers.filter(({ watchId, events }) => watchId === id && events)
    assert.deepEqual(
      of(1).map((answer) => [keysOf(answer).join(''), answer.fragment]),
      [
        ['abc', true],
        ['def', true],
        ['g', false],
      ],
    )
    for (const { events } of of(1))
      assert.ok(events!.reduce((sum, { kv }) => sum + kv!.value.length, 0) < requestBytesMax)
    assert.deepEqual(
      of(2).map((answer) => [keysOf(answer).join(''), answer.fragment]),
      [['abcdefg', false]],
    )
  })

  test('a long past comes in several answers, each with whole revisions', async () => {
    for (let i = 0; i < 12; i++) await put(`${i}-one`, `${i}-two`)
    create({ startRevision: 2 })
    await until(() => answers.flatMap(keysOf).length === 24)
    const batches = answers.filter(({ events }) => events)
    assert.ok(batches.length > 3)
    for (const { events, header } of batches) {
      assert.equal(events!.length % 2, 0)
      assert.equal(events!.at(-1)!.kv!.modRevision, header!.revision)
    }
  })

  const refusals = [
    ['an id that is in use', [{ watchId: 7 }, { watchId: 7 }], 'mvcc: duplicate watch ID provided on the WatchStream'],
    ['a range that can hold nothing', [{ key: 'b', rangeEnd: 'a' }], 'mvcc: watcher range is empty'],
    ['a range from a key to itself', [{ key: 'b', rangeEnd: 'b' }], 'mvcc: watcher range is empty'],
  ] as const
  for (const [what, requests, reason] of refusals) {
    test(`${what} is refused, and the stream goes on`, async () => {
      for (const request of requests) create(request)
      create({ watchId: 99 })
      await until(() => answers.length > requests.length)
      const { watchId, created, canceled, cancelReason } = answers[requests.length - 1]!
      assert.deepEqual([watchId, created, canceled, cancelReason], [-1, true, true, reason])
      assert.deepEqual([answers.at(-1)!.watchId, answers.at(-1)!.canceled], [99, false])
    })
  }

  test('a watch that was cancelled is quiet, and its id can be used again', async () => {
    create({ watchId: 5 })
    call.send({ cancelRequest: { watchId: 5 } })
    call.send({ cancelRequest: { watchId: 6 } })
    create({ watchId: 5, key: 'b', rangeEnd: '' })
    await until(() => answers.length === 3)
    await put('a')
    await put('b')
    await until(() => answers.some(({ events }) => events))
    assert.deepEqual(
      answers.map((answer) => [answer.created, answer.canceled, keysOf(answer).join()]),
      [
        [true, false, ''],
        [false, true, ''],
        [true, false, ''],
        [false, false, 'b'],
      ],
    )
  })

  test('who wants to know is told how far it is while nothing happens', async () => {
    await put('a')
    create({ watchId: 3, key: 'elsewhere', rangeEnd: '', progressNotify: true })
    create({ watchId: 4, key: 'elsewhere', rangeEnd: '' })
    await put('b')
    const told = () => answers.filter(({ created, events }) => !created && events === undefined)
    await until(() => told().length > 1)
    assert.deepEqual(
      new Set(told().map(({ watchId, header }) => `${watchId} at ${header!.revision}`)),
      new Set(['3 at 3']),
    )
  })

  test('when the store is closed its watches end', async () => {
    create({ watchId: 1 })
    await until(() => answers.length === 1)
    await store[Symbol.asyncDispose]()
    await until(() => answers.length === 2)
    assert.deepEqual([answers[1]!.canceled, answers[1]!.cancelReason], [true, 'the store is closed'])
  })
})
