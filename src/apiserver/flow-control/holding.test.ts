import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualHost } from '../../world/virtual-host.ts'
import type { ApiRequest, Sink } from '../request.ts'
import { holding, type Place } from './admission.ts'

class CountedPlace implements Place {
  isHeld = true
  readonly isForBeginning: boolean = false
  readonly isScarce: boolean = true

  constructor(options: Partial<Pick<Place, 'isForBeginning' | 'isScarce'>> = {}) {
    Object.assign(this, options)
  }

  marked: Place['marked'] = (response) => response

  leave(): void {
    this.isHeld = false
  }
}

const request = { signal: new AbortController().signal } as ApiRequest
const answer = (bytes: number) => ({ status: 200, headers: {}, body: Buffer.alloc(bytes) })

/** A client that takes nothing until it is told to. */
function slowClient() {
  const taken = Promise.withResolvers<void>()
  let backlog = 0
  const sink: Sink = {
    write(chunk) {
      backlog += chunk.length
    },
    get backlog() {
      return backlog
    },
    drained: () => taken.promise,
    signal: request.signal,
  }
  return { sink, take: () => taken.resolve() }
}

const hold = (place: Place, bytes: number, host: VirtualHost) => {
  const { body } = holding(place, answer(bytes), request, host.clock)
  return body as (sink: Sink) => Promise<void>
}

test('a large answer keeps its place until the client has it; a small one leaves at once', async () => {
  const host = new VirtualHost()
  const [small, exempt, large] = [new CountedPlace(), new CountedPlace({ isScarce: false }), new CountedPlace()]
  assert.equal(typeof hold(small, 1000, host), 'object')
  assert.equal(typeof hold(exempt, 1_000_000, host), 'object')
  assert.deepEqual([small.isHeld, exempt.isHeld], [false, false])
  const { sink, take } = slowClient()
  const writing = hold(large, 1_000_000, host)(sink)
  await host.advance(50_000)
  assert.equal(large.isHeld, true)
  take()
  await writing
  assert.equal(large.isHeld, false)
})

test('who takes longer than a minute is cut off, but for watches', async () => {
  const host = new VirtualHost()
  const place = new CountedPlace()
  const cut = assert.rejects(hold(place, 1_000_000, host)(slowClient().sink), /too slowly/)
  await host.advance(60_000)
  await cut
  assert.equal(place.isHeld, false)

  const watch = new CountedPlace({ isForBeginning: true })
  const { sink, take } = slowClient()
  const body = async (to: Sink) => to.drained()
  const watching = holding(watch, { status: 200, headers: {}, body }, request, host.clock)
  const lasting = (watching.body as (sink: Sink) => Promise<void>)(sink)
  assert.equal(watch.isHeld, false)
  await host.advance(3_600_000)
  take()
  await lasting
})
