import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Event } from '../kinds/core/event.ts'
import { Pod } from '../kinds/core/pod.ts'
import { decode } from '../schema/decode.ts'
import { notFound } from '../schema/status.ts'
import { VirtualWorld } from '../world/virtual.ts'
import { SeriesRecorder } from './series-recorder.ts'

const minuteMs = 60_000

const podAt = (resourceVersion: string) =>
  decode(Pod.schema, { metadata: { name: 'web', namespace: 'dev', uid: 'a1', resourceVersion }, spec: {} })
    .object as unknown as Pod

function recorder() {
  const world = new VirtualWorld()
  const writes: string[] = []
  const made: Event[] = []
  let forgets = false
  const client = {
    create: async (_: unknown, event: Event) => {
      writes.push(`create ${event.message} ${event.series?.count ?? ''}`.trim())
      made.push(event)
    },
    patch: async (_: unknown, { name }: { name: string }, { body }: { body: { series: { count: number } } }) => {
      if (forgets) throw notFound({ group: '', resource: 'events' }, name)
      writes.push(`patch ${body.series.count}`)
    },
  }
  const events = new SeriesRecorder('default-scheduler', { ...world, client: client as never, host: 'master1' })
  const say = async (message: string, resourceVersion = '1') => {
    const about = { kind: Pod, object: podAt(resourceVersion), type: 'Warning', action: 'Scheduling' } as const
    events.record({ ...about, reason: 'FailedScheduling', message })
    await events.idle
  }
  const wait = async (ms: number) => {
    await world.advance(ms)
    await events.idle
  }
  const forget = () => {
    forgets = true
  }
  return { writes, made, say, wait, forget, stop: () => events.stop() }
}

test('an event says who did what to whom, in the new form', async () => {
  const { made, say } = recorder()
  await say(`none ${'x'.repeat(2000)}`)
  const [{ metadata, involvedObject, message, ...rest }] = made as [Event]
  assert.match(metadata.name!, /^web\.[0-9a-f]+$/)
  assert.deepEqual([metadata.namespace, involvedObject.uid], ['dev', 'a1'])
  assert.equal(message!.length, 1024)
  assert.match(message!, /x \.\.\.$/)
  assert.deepEqual(rest, {
    reason: 'FailedScheduling',
    type: 'Warning',
    eventTime: '2026-01-01T00:00:00.000000Z',
    action: 'Scheduling',
    reportingComponent: 'default-scheduler',
    reportingInstance: 'default-scheduler-master1',
  })
})

test('what repeats is a series, written when it begins, every half hour, and when it is over', async () => {
  const { writes, say, wait } = recorder()
  await say('none')
  await say('none')
  await say('none')
  assert.deepEqual(writes, ['create none', 'patch 2'])
  for (let minute = 0; minute < 32; minute++) {
    await wait(minuteMs)
    await say('none')
  }
  assert.deepEqual(writes.splice(0), ['create none', 'patch 2', 'patch 32'])
  await wait(15 * minuteMs)
  assert.deepEqual(writes.splice(0), ['patch 35'])
  await wait(60 * minuteMs)
  await say('none')
  assert.deepEqual(writes, ['create none'], 'the next is a new one')
})

test('what differs, or is about an object that has changed, is another event', async () => {
  const { writes, say, wait } = recorder()
  await say('one')
  await say('two')
  await say('two', '2')
  await wait(7 * minuteMs)
  await say('two', '2')
  assert.deepEqual(writes, ['create one', 'create two', 'create two', 'create two'])
})

test('a series whose event has expired is written anew', async () => {
  const { writes, say, forget } = recorder()
  await say('none')
  forget()
  await say('none')
  assert.deepEqual(writes, ['create none', 'create none 2'])
})

test('after the end nothing is written any more', async () => {
  const { writes, say, wait, stop } = recorder()
  for (let time = 0; time < 3; time++) await say('none')
  stop()
  await wait(60 * minuteMs)
  assert.deepEqual(writes, ['create none', 'patch 2'])
})
