import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Metrics } from '../../base/metrics.ts'
import type { FlowSchemaSpec } from '../../kinds/flowcontrol/flow-schema.ts'
import type { PriorityLevelConfigurationSpec } from '../../kinds/flowcontrol/priority-level-configuration.ts'
import { VirtualWorld } from '../../world/virtual.ts'
import type { ApiRequest } from '../request.ts'
import { readRequestInfo } from '../request-info.ts'
import type { Place } from './admission.ts'
import { bootstrapFlows, bootstrapLevels } from './bootstrap-flows.ts'
import { FlowControl } from './flow-control.ts'
import { levelObject, schemaObject } from './testing.ts'
import { TooBusyError } from './too-busy.ts'

type Level = PriorityLevelConfigurationSpec

const queued = (shares: number, queuing: object, more: object = {}) =>
  ({
    type: 'Limited',
    limited: {
      nominalConcurrencyShares: shares,
      lendablePercent: 0,
      limitResponse: { type: 'Queue', queuing },
      ...more,
    },
  }) as Level
const rejecting = (shares: number) =>
  ({
    type: 'Limited',
    limited: { nominalConcurrencyShares: shares, lendablePercent: 0, limitResponse: { type: 'Reject' } },
  }) as Level
const everything = bootstrapFlows['catch-all']!.rules![0]!

/** Everybody's requests go to the level. */
const allTo = (level: string, by = 'ByUser'): FlowSchemaSpec => ({
  priorityLevelConfiguration: { name: level },
  matchingPrecedence: 1000,
  distinguisherMethod: { type: by },
  rules: [{ ...everything, subjects: [{ kind: 'User', user: { name: '*' } }] }],
})

function start(seats: number, levels: Record<string, Level>, schemas: Record<string, FlowSchemaSpec>) {
  const world = new VirtualWorld()
  const metrics = new Metrics()
  const control = new FlowControl({ clock: world.clock, metrics, seats, sizes: { of: () => undefined } })
  // What must be there gets no seats, unless the test says so.
  if (levels['catch-all'] === undefined) control.setLevel(levelObject('catch-all', rejecting(0)))
  for (const [name, spec] of Object.entries(levels)) control.setLevel(levelObject(name, spec))
  for (const [name, spec] of Object.entries(schemas)) control.setSchema(schemaObject(name, spec))
  const admit = async (user: string, line = 'GET /api/v1/pods', { groups = [] as string[], signal = never } = {}) => {
    const [method = '', url = ''] = line.split(' ')
    const info = readRequestInfo(method, url)
    return (await control.admit({ signal } as ApiRequest, info, { name: user, groups }))!
  }
  const level = (name: string) => control.levels.find((each) => each.name === name)!
  return { world, metrics, control, admit, level }
}
type Server = ReturnType<typeof start>

const never = new AbortController().signal

/** A client that always has `parallel` requests under way, each of which takes `ms` when it has a seat. */
class Client {
  answered = 0
  refused = 0
  longestWait = 0
  isStopped = false
  readonly #server: Server
  readonly #user: string
  readonly #options: { readonly line?: string; readonly groups?: string[]; readonly ms: number }

  constructor(server: Server, user: string, options: Client['options']) {
    this.#server = server
    this.#user = user
    this.#options = options
  }

  get options() {
    return this.#options
  }

  begin(parallel: number): this {
    for (let n = 0; n < parallel; n++) void this.#loop()
    return this
  }

  async #loop(): Promise<void> {
    const { clock } = this.#server.world
    const { line, groups = [], ms } = this.#options
    while (!this.isStopped) {
      const asked = clock.monotonic()
      let place: Place
      try {
        place = await this.#server.admit(this.#user, line, { groups })
      } catch (error) {
        assert.ok(error instanceof TooBusyError)
        this.refused++
        await clock.after(error.retryAfterSeconds * 1000)
        continue
      }
      this.longestWait = Math.max(this.longestWait, clock.monotonic() - asked)
      await clock.after(ms)
      place.leave()
      this.answered++
    }
  }
}

const wide = { queues: 64, handSize: 6, queueLengthLimit: 1000 }

describe('one priority level', () => {
  test('whoever finds no seat waits, and goes on in the order of coming', async () => {
    const { admit, world, level } = start(
      2,
      { only: queued(1, { queues: 1, handSize: 1, queueLengthLimit: 10 }) },
      { all: allTo('only') },
    )
    const order: string[] = []
    const places = [await admit('a'), await admit('a')]
    for (const name of ['x', 'y', 'z']) void admit(name).then((place) => places.push(place) && order.push(name))
    await world.advance(1)
    assert.deepEqual([order, level('only').waiting, level('only').seatsInUse], [[], 3, 2])
    places[0]!.leave()
    places[0]!.leave()
    await world.advance(1)
    assert.deepEqual(order, ['x'])
    places[1]!.leave()
    places[2]!.leave()
    await world.advance(1)
    assert.deepEqual([order, level('only').waiting], [['x', 'y', 'z'], 0])
  })

  test('a full queue refuses, and another flow has another queue', async () => {
    const { admit, metrics, level } = start(
      1,
      { only: queued(1, { queues: 64, handSize: 1, queueLengthLimit: 2 }) },
      { all: allTo('only') },
    )
    await admit('a')
    void admit('a').catch(() => {})
    void admit('a').catch(() => {})
    await assert.rejects(admit('a'), (error) => error instanceof TooBusyError && error.retryAfterSeconds === 1)
    void admit('b')
    assert.equal(level('only').waiting, 3)
    const text = metrics.print()
    assert.match(text, /rejected_requests_total\{priority_level="only",flow_schema="all",reason="queue-full"\} 1\n/)
    assert.match(text, /current_inqueue_requests\{priority_level="only",flow_schema="all"\} 3\n/)
  })

  test('a level that rejects has no queues', async () => {
    const { admit, metrics } = start(2, { only: rejecting(1) }, { all: allTo('only') })
    const first = await admit('a')
    await admit('b')
    await assert.rejects(admit('c'), TooBusyError)
    first.leave()
    await admit('c')
    assert.match(metrics.print(), /rejected_requests_total\{.*reason="concurrency-limit"\} 1\n/)
  })

  const patience: readonly [line: string, ms: number][] = [
    ['GET /api/v1/pods', 15_000],
    ['GET /api/v1/pods?timeout=8s', 2000],
    ['GET /api/v1/pods?watch=1', 15_000],
  ]
  for (const [line, ms] of patience) {
    test(`who waits too long is refused: ${line}`, async () => {
      const { admit, world, level, metrics } = start(1, { only: queued(1, wide) }, { all: allTo('only') })
      await admit('a')
      let refusal: unknown
      void admit('a', line).catch((error) => {
        refusal = error
      })
      await world.advance(ms - 1)
      assert.deepEqual([refusal, level('only').waiting], [undefined, 1])
      await world.advance(1)
      assert.ok(refusal instanceof TooBusyError)
      assert.equal(level('only').waiting, 0)
      assert.match(metrics.print(), /rejected_requests_total\{.*reason="time-out"\} 1\n/)
    })
  }

  test('whose client is gone leaves the queue', async () => {
    const { admit, world, level, metrics } = start(1, { only: queued(1, wide) }, { all: allTo('only') })
    const first = await admit('a')
    const gone = new AbortController()
    const waiting = admit('b', 'GET /api/v1/pods', { signal: gone.signal })
    gone.abort()
    await assert.rejects(waiting, TooBusyError)
    await assert.rejects(admit('b', 'GET /api/v1/pods', { signal: gone.signal }), TooBusyError)
    assert.equal(level('only').waiting, 0)
    first.leave()
    await world.advance(20_000)
    assert.equal(level('only').isIdle, true)
    assert.match(metrics.print(), /rejected_requests_total\{.*reason="cancelled"\} 2\n/)
  })

  test('a level of no shares lets nothing out of its queues', async () => {
    const levels = { jail: queued(0, wide, { borrowingLimitPercent: 0 }), other: rejecting(1) }
    const { admit, world } = start(10, levels, { all: allTo('jail') })
    const prisoner = assert.rejects(admit('a'), TooBusyError)
    await world.advance(15_000)
    await prisoner
  })

  test('connections need no seat, watches one until they have begun', async () => {
    const { admit, control, level } = start(1, { only: rejecting(1) }, { all: allTo('only') })
    const exec = readRequestInfo('POST', '/api/v1/namespaces/a/pods/b/exec')
    assert.equal(control.admit({ signal: never } as ApiRequest, exec, { name: 'a', groups: [] }), undefined)
    const watch = await admit('a', 'GET /api/v1/pods?watch=1')
    assert.deepEqual([watch.isForBeginning, level('only').seatsInUse], [true, 1])
    watch.leave()
    assert.equal(level('only').seatsInUse, 0)
  })

  test('a write keeps its seats while many watches are told of it', async () => {
    const { admit, world, level } = start(100, { only: queued(1, wide) }, { all: allTo('only') })
    for (let n = 0; n < 25; n++) (await admit('a', 'GET /api/v1/pods?watch=1')).leave()
    const write = await admit('a', 'POST /api/v1/namespaces/a/pods')
    // At most a hundred seats among a hand of six.
    assert.equal(level('only').seatsInUse, 3)
    write.leave()
    assert.equal(level('only').seatsInUse, 3)
    await world.advance(5)
    assert.equal(level('only').seatsInUse, 0)
  })

  test('what needs more seats than there are gets all of them, when nobody has any', async () => {
    const { control, world, level } = start(4, { only: rejecting(1) }, { all: allTo('only') })
    const sized = new FlowControl({
      clock: world.clock,
      metrics: new Metrics(),
      seats: 4,
      sizes: { of: () => ({ count: 1000, averageBytes: 1000 }) },
    })
    sized.setLevel(levelObject('only', queued(1, { queues: 1, handSize: 1, queueLengthLimit: 9 })))
    sized.setSchema(schemaObject('all', allTo('only')))
    assert.equal(
      level('only').limit + level('catch-all').limit,
      control.levels.reduce((sum, { limits }) => sum + limits.nominal, 0),
    )
    const list = sized.admit({ signal: never } as ApiRequest, readRequestInfo('GET', '/api/v1/pods'), {
      name: 'a',
      groups: [],
    })
    assert.ok(list !== undefined && !(list instanceof Promise))
    assert.equal(sized.levels.find(({ name }) => name === 'only')!.seatsInUse, 1)
  })

  test('queues may become fewer while requests wait in them', async () => {
    const { admit, control, world, level } = start(
      1,
      { only: queued(1, { queues: 16, handSize: 1, queueLengthLimit: 9 }) },
      { all: allTo('only') },
    )
    const first = await admit('a')
    let went = 0
    for (const name of 'bcdefgh') {
      void admit(name).then((place) => {
        went++
        place.leave()
      })
    }
    control.setLevel(levelObject('only', rejecting(1)))
    await assert.rejects(admit('x'), TooBusyError)
    first.leave()
    await world.advance(1)
    assert.deepEqual([went, level('only').isIdle], [7, true])
  })
})

describe('fairness', () => {
  test('a greedy client with a thousand requests under way hardly delays a modest one', async () => {
    const server = start(10, { only: queued(1, wide) }, { all: allTo('only') })
    const greedy = new Client(server, 'greedy', { ms: 100 }).begin(1000)
    await server.world.advance(5000)
    const modest = new Client(server, 'modest', { ms: 100 }).begin(1)
    await server.world.advance(20_000)
    assert.equal(modest.refused, 0)
    // Seven queues share ten seats: a few rounds of a hundred milliseconds, where a single queue takes ten seconds.
    assert.ok(modest.longestWait <= 500, `waited ${modest.longestWait} ms`)
    assert.ok(modest.answered >= 50, `${modest.answered} answered`)
    assert.ok(greedy.answered > 2000, 'and the seats are used')
  })

  test('without queues of its own the modest client would wait behind all', async () => {
    const server = start(10, { only: queued(1, wide) }, { all: allTo('only', 'ByNamespace') })
    new Client(server, 'greedy', { ms: 100 }).begin(1000)
    await server.world.advance(1000)
    const modest = new Client(server, 'modest', { ms: 100 }).begin(1)
    await server.world.advance(20_000)
    assert.ok(modest.longestWait > 5000, `waited ${modest.longestWait} ms`)
  })

  test('flows with equal demands get equal shares, whatever one of their requests takes', async () => {
    const server = start(12, { only: queued(1, { ...wide, handSize: 1 }) }, { all: allTo('only') })
    const long = new Client(server, 'long', { ms: 400 }).begin(100)
    const short = new Client(server, 'short', { ms: 50 }).begin(100)
    await server.world.advance(60_000)
    const ratio = (short.answered * 50) / (long.answered * 400)
    assert.ok(ratio > 0.8 && ratio < 1.25, `the short ones got ${ratio} of what the long ones got`)
  })

  test('leaders are elected at ten times overload', async () => {
    const server = start(600, bootstrapLevels, bootstrapFlows)
    const accounts = Array.from({ length: 20 }, (_, n) =>
      new Client(server, `system:serviceaccount:default:a${n}`, {
        groups: ['system:serviceaccounts', 'system:authenticated'],
        ms: 200,
      }).begin(300),
    )
    const people = new Client(server, 'jane', { groups: ['system:authenticated'], ms: 200 }).begin(500)
    await server.world.advance(3000)
    const line = 'PUT /apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler'
    const leader = new Client(server, 'system:kube-scheduler', { line, ms: 10 }).begin(1)
    const node = new Client(server, 'system:node:a', {
      line: 'PATCH /api/v1/nodes/a/status',
      groups: ['system:nodes'],
      ms: 10,
    }).begin(5)
    await server.world.advance(5000)
    assert.deepEqual([leader.refused, leader.longestWait, node.refused, node.longestWait], [0, 0, 0, 0])
    assert.ok(leader.answered > 490, `${leader.answered} leases renewed`)
    assert.ok(
      accounts.every(({ answered }) => answered > 0),
      'and everybody else gets something',
    )
    assert.ok(people.answered > 0)
  })
})

describe('borrowing', () => {
  const levels = {
    busy: queued(1, wide),
    idle: queued(1, wide, { lendablePercent: 50 }),
  }
  const schemas = {
    busy: allTo('busy'),
    idle: {
      ...allTo('idle'),
      matchingPrecedence: 1,
      rules: [{ ...everything, subjects: [{ kind: 'User', user: { name: 'rare' } }] }],
    },
  }

  test('what one level does not need another may use, and gives back', async () => {
    const server = start(100, levels, schemas)
    const limits = () => [server.level('busy').limit, server.level('idle').limit]
    assert.deepEqual([server.level('busy').limits.nominal, server.level('idle').limits.nominal], [50, 50])
    const busy = new Client(server, 'often', { ms: 500 }).begin(300)
    await server.world.advance(30_000)
    assert.deepEqual(limits(), [75, 25])
    const rare = new Client(server, 'rare', { ms: 500 }).begin(300)
    await server.world.advance(30_000)
    assert.deepEqual(limits(), [50, 50])
    busy.isStopped = rare.isStopped = true
  })

  test('a level borrows no more than it may', async () => {
    const server = start(100, { ...levels, busy: queued(1, wide, { borrowingLimitPercent: 20 }) }, schemas)
    new Client(server, 'often', { ms: 500 }).begin(300)
    await server.world.advance(30_000)
    assert.equal(server.level('busy').limit, 60)
  })

  test('nothing ticks while nobody asks', async () => {
    const server = start(100, levels, schemas)
    assert.equal(server.world.clock.next, undefined)
    const place = await server.admit('often')
    await server.world.advance(60_000)
    assert.notEqual(server.world.clock.next, undefined)
    place.leave()
    await server.world.advance(20_000)
    assert.equal(server.world.clock.next, undefined)
    // What was wanted long ago is nearly forgotten.
    const { smoothed } = server.level('busy').demand
    await server.world.advance(600_000)
    ;(await server.admit('often')).leave()
    assert.ok(server.level('busy').demand.smoothed < smoothed / 3)
  })
})

test('objects that change are taken over, and what must be there is there without them', async () => {
  const { control, admit, level } = start(100, {}, {})
  assert.deepEqual(
    control.flows.map(({ name }) => name),
    ['exempt', 'catch-all'],
  )
  assert.equal(
    (await admit('root', 'GET /', { groups: ['system:masters'] })).marked({ status: 200, headers: {}, body: '' })
      .headers['x-kubernetes-pf-flowschema-uid'],
    '',
  )
  control.setSchema(schemaObject('all', allTo('late')))
  assert.deepEqual(
    control.flows.map(({ name }) => name),
    ['exempt', 'catch-all'],
    'its level is missing',
  )
  control.setLevel(levelObject('late', rejecting(5)))
  assert.deepEqual(
    control.flows.map(({ name }) => name),
    ['exempt', 'all', 'catch-all'],
  )
  const place = await admit('jane')
  const headers = Object.freeze({ a: 'b' })
  const marked = place.marked({ status: 200, headers, body: '' })
  assert.deepEqual(marked.headers, {
    a: 'b',
    'x-kubernetes-pf-flowschema-uid': 'schema-all',
    'x-kubernetes-pf-prioritylevel-uid': 'level-late',
  })
  assert.equal(place.marked({ status: 200, headers, body: '' }).headers, marked.headers)
  const late = level('late')
  control.setLevel(levelObject('late', rejecting(5)), false)
  assert.deepEqual(
    control.flows.map(({ name }) => name),
    ['exempt', 'catch-all'],
  )
  place.leave()
  assert.equal(late.isIdle, true)
})

test('a status alone changes nothing; another object of the same name, or another spec, does', () => {
  const { control } = start(100, { only: rejecting(5) }, {})
  const schema = schemaObject('all', allTo('only'))
  control.setSchema(schema)
  const first = control.flows
  const condition = { type: 'Dangling', status: 'False', lastTransitionTime: '2026-11-23T00:00:00Z' }
  control.setSchema({ ...schema, status: { conditions: [condition] } })
  assert.equal(control.flows, first)
  control.setSchema({ ...schema, metadata: { ...schema.metadata, uid: 'another' } })
  assert.notEqual(control.flows, first)
  const second = control.flows
  control.setSchema({ ...schema, spec: { ...schema.spec, matchingPrecedence: 7 } })
  assert.notEqual(control.flows, second)
})
