import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as codec from 'dns-packet'
import type { Service } from '../../kinds/core/service.ts'
import type { EndpointSlice } from '../../kinds/discovery/endpoint-slice.ts'
import { respond, type Zone } from './messages.ts'

const service = { metadata: { namespace: 'd', name: 's' }, spec: { clusterIP: 'None' } } as unknown as Service
const sliceOf = (count: number) =>
  ({
    metadata: { labels: { 'kubernetes.io/service-name': 's' } },
    endpoints: Array.from({ length: count }, (_, n) => ({ addresses: [`10.0.${n >> 8}.${n & 255}`], conditions: {} })),
    ports: [{ name: '', port: 80 }],
  }) as unknown as EndpointSlice

const zoneOf = (endpoints: number): Zone => ({
  name: 'cluster.local',
  serial: () => 1,
  failed: (error) => {
    throw error
  },
  names: {
    hasNamespace: () => true,
    service: (_, name) => (name === 's' ? service : undefined),
    slicesOf: () => [sliceOf(endpoints)],
    serviceAt: () => undefined,
    slicesAt: () => [],
  },
})

interface Query {
  readonly name?: string
  readonly type?: codec.RecordType
  readonly flags?: number
  readonly room?: number
  readonly class?: codec.RecordClass
}

const query = ({ name = 's.d.svc.cluster.local', type = 'A', flags = 0x0100, room, ...rest }: Query = {}) =>
  codec.encode({
    type: 'query',
    id: 4711,
    flags,
    questions: [{ name, type, ...rest }],
    ...(room !== undefined && {
      additionals: [{ type: 'OPT', name: '.', udpPayloadSize: room, flags: 0, options: [] } as never],
    }),
  })

function ask(message: Uint8Array, endpoints = 2, isStream = false) {
  const bytes = respond(message, zoneOf(endpoints), isStream)!
  return { ...codec.decode(bytes), length: bytes.length, code: bytes.readUInt16BE(2) & 15 }
}

describe('messages about names', () => {
  it('answer with authority to the question that was asked', () => {
    const given = ask(query({ name: 'S.d.svc.Cluster.Local' }))
    assert.equal(given.id, 4711)
    assert.equal(given.type, 'response')
    assert.deepEqual(
      [given.code, given.flag_aa, given.flag_tc, given.flag_rd, given.flag_ra],
      [0, true, false, true, false],
    )
    assert.deepEqual(given.questions, [{ name: 'S.d.svc.Cluster.Local', type: 'A', class: 'IN' }])
    assert.deepEqual(
      given.answers?.map((record) => ({ ...record })),
      ['10.0.0.0', '10.0.0.1'].map((data) => ({ ...given.answers![0]!, data })),
    )
    assert.deepEqual(
      [given.answers![0]!.name, (given.answers![0] as codec.StringAnswer).ttl],
      ['S.d.svc.Cluster.Local', 30],
    )
    assert.deepEqual([given.authorities, given.additionals], [[], []])
  })

  it('say for how long it is known that there is nothing', () => {
    for (const [name, code] of [
      ['d.svc.cluster.local', 0],
      ['none.d.svc.cluster.local', 3],
    ] as const) {
      const given = ask(query({ name }))
      assert.equal(given.code, code)
      assert.deepEqual(given.answers, [])
      assert.deepEqual(
        given.authorities?.map(({ type, name }) => `${type} ${name}`),
        ['SOA cluster.local'],
      )
    }
  })

  it('say so when it is not ours to say, or not to be understood', () => {
    assert.equal(ask(query({ name: 'example.org' })).code, 5)
    assert.equal(ask(query({ class: 'CH' })).code, 5)
    assert.equal(ask(query({ flags: 0x2000 })).code, 4)
    assert.equal(ask(codec.encode({ type: 'query', id: 1, questions: [] })).code, 1)
    const two = { name: 'a', type: 'A' } as const
    assert.equal(ask(codec.encode({ type: 'query', id: 1, questions: [two, two] })).code, 1)
    const whole = query()
    for (let length = 12; length < whole.length; length++) {
      const given = ask(whole.subarray(0, length))
      assert.deepEqual([given.id, given.code], [4711, 1], `${length} bytes`)
    }
  })

  it('say so when something is wrong here', () => {
    const told: unknown[] = []
    const broken: Zone = {
      ...zoneOf(1),
      failed: (error) => void told.push(error),
      names: {
        ...zoneOf(1).names,
        service: () => {
          throw new Error('broken')
        },
      },
    }
    const bytes = respond(query(), broken, false)!
    assert.deepEqual([bytes.readUInt16BE(0), bytes.readUInt16BE(2) & 15], [4711, 2])
    assert.match(String(told), /broken/)
  })

  it('do not answer what is no question: two servers would go on for ever', () => {
    const whole = query()
    for (let length = 0; length < 12; length++)
      assert.equal(respond(whole.subarray(0, length), zoneOf(1), false), undefined)
    assert.equal(respond(codec.encode({ type: 'response', id: 1 }), zoneOf(1), false), undefined)
  })

  it('of any bytes whatever are answered, or are not, and nothing breaks', () => {
    let seed = 1
    const next = () => (seed = (seed * 48_271) % 2_147_483_647)
    const whole = query({ type: 'SRV', room: 1232 })
    for (let round = 0; round < 5000; round++) {
      const bytes = Buffer.from(whole)
      for (let change = 0; change <= next() % 4; change++) bytes[next() % bytes.length] = next() & 255
      const said = respond(bytes.subarray(0, bytes.length - (next() % 3)), zoneOf(3), false)
      assert.ok(said === undefined || (said.length >= 12 && said.length <= 4096))
    }
  })

  it('are cut to what the client takes, and say so; over a connection they are whole', () => {
    const plain = ask(query(), 100)
    assert.ok(plain.length <= 512 && plain.flag_tc)
    assert.ok(plain.answers!.length > 5 && plain.answers!.length < 100)
    const roomy = ask(query({ room: 1232 }), 100)
    assert.ok(roomy.length <= 1232 && roomy.flag_tc && roomy.answers!.length > plain.answers!.length)
    assert.deepEqual(
      roomy.additionals?.map(({ type }) => type),
      ['OPT'],
    )
    const whole = ask(query(), 100, true)
    assert.deepEqual([whole.flag_tc, whole.answers?.length], [false, 100])
    // One that says it takes next to nothing, or all there is, gets what everybody must take, or what we send.
    assert.ok(ask(query({ room: 1 }), 100).length > 200)
    assert.ok(ask(query({ room: 65_535 }), 1000).length <= 4096)
  })

  it('leave out the addresses of targets before they are cut', () => {
    const given = ask(query({ type: 'SRV' }), 6)
    assert.deepEqual([given.flag_tc, given.answers?.length, given.additionals?.length], [false, 6, 0])
  })
})
