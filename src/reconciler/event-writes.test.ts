import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deferred } from '../base/deferred.ts'
import type { ApiObject } from '../schema/kind.ts'
import { Lanes } from './event-writes.ts'
import { Gate } from './gate.ts'

const object = (uid: string) => ({ metadata: { uid } }) as ApiObject

test('writes about one object go one after the other, in order, and no more at once than the gate lets through', async () => {
  const lanes = new Lanes(new Gate(2))
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const write = (name: string, uid: string) =>
    lanes.run(object(uid), () => {
      begun.push(name)
      const { promise, resolve } = deferred()
      ends.set(name, resolve)
      return promise
    })
  /** What has begun once a write is through. */
  const after = async (name: string) => {
    ends.get(name)!()
    await new Promise(setImmediate)
    return begun.join(' ')
  }
  for (const [name, uid] of [
    ['a1', 'a'],
    ['a2', 'a'],
    ['b1', 'b'],
    ['c1', 'c'],
  ] as const)
    write(name, uid)
  await new Promise(setImmediate)
  assert.equal(begun.join(' '), 'a1', 'the other turn is that of the second about the same')
  assert.equal(await after('a1'), 'a1 a2 b1')
  assert.equal(await after('b1'), 'a1 a2 b1 c1')
  assert.ok(lanes.busy)
  await after('a2')
  await after('c1')
  await lanes.idle
  assert.ok(!lanes.busy)
})

test('what has not begun when the gate closes is left out, and nobody waits for it', async () => {
  const gate = new Gate(1)
  const lanes = new Lanes(gate)
  const { promise, resolve } = deferred()
  const begun: string[] = []
  const write = (name: string) =>
    lanes.run(object(name), () => {
      begun.push(name)
      return promise
    })
  for (const name of ['a1', 'a2', 'b1', 'a3']) write(name)
  await new Promise(setImmediate)
  gate.close()
  await new Promise(setImmediate)
  assert.ok(lanes.busy, 'what has begun goes on to its end')
  write('c1')
  resolve()
  await lanes.idle
  assert.deepEqual(begun, ['a1'])
  assert.ok(!lanes.busy)
})
