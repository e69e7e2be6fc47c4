import assert from 'node:assert/strict'
import { test } from 'node:test'
import { etcdMissing, startEtcd } from '../../test/support/etcd.ts'
import { realClock, realRandom } from '../world/real.ts'
import type { Clock } from '../world/world.ts'
import { EtcdStore } from './etcd.ts'
import { StoreUnreachableError } from './store.ts'

/** Time that passes fifty times as fast. */
const hurried: Clock = {
  ...realClock,
  monotonic: () => realClock.monotonic() * 50,
  timer: (ms, run) => realClock.timer(ms / 50, run),
  after: (ms, signal) => realClock.after(ms / 50, signal),
}

const options = { skip: etcdMissing() ?? false, timeout: 30_000 }

test('who asks an etcd that is gone is told so in time, each time', options, async (t) => {
  const etcd = await startEtcd()
  const store = await EtcdStore.connect({ endpoints: [etcd.endpoint], clock: hurried, random: realRandom })
  t.after(() => store[Symbol.asyncDispose]())
  await store.currentRevision()
  await etcd[Symbol.asyncDispose]()
  for (let time = 0; time < 3; time++) await assert.rejects(store.currentRevision(), StoreUnreachableError)
})
