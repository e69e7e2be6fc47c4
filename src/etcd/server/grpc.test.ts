/** The border to the network: what clients send, whole or in pieces, sound or not. */
import assert from 'node:assert/strict'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { encodeMessage } from '../../schema/protobuf.ts'
import { MemoryStore } from '../../store/memory.ts'
import { realClock, realRandom } from '../../world/real.ts'
import { seededRandom } from '../../world/virtual.ts'
import { EtcdClient } from '../client.ts'
import { FrameBuffer } from '../frame-buffer.ts'
import { methods, PutRequest, RangeRequest } from '../messages.ts'
import { AuthorityRepair } from './authority.ts'
import { type EtcdServer, startEtcdServer } from './server.ts'

const store = new MemoryStore({ clock: realClock, random: realRandom })
let server: EtcdServer
let session: ClientHttp2Session
before(async () => {
  server = await startEtcdServer({ store, clock: realClock, listenUrl: 'http://127.0.0.1:0' })
  session = connectHttp2(server.url)
})
after(async () => {
  session.destroy()
  await server[Symbol.asyncDispose]()
})

/** A frame of gRPC. */
function framed(message: Buffer, flags = 0): Buffer {
  const head = Buffer.alloc(5)
  head[0] = flags
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

interface Outcome {
  readonly http: number
  readonly status: string | undefined
  readonly message: string
}

function call(
  path: string,
  body: Buffer,
  headers: Record<string, string> = {},
  pieceLength = body.length,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ...{ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' },
      ...headers,
    })
    let http = 0
    let trailers: Record<string, unknown> = {}
    stream.on('response', (answer) => {
      http = Number(answer[':status'])
      trailers = { ...answer }
    })
    stream.on('trailers', (given) => {
      trailers = { ...given }
    })
    stream.on('error', reject)
    stream.on('close', () => {
      const message = decodeURIComponent(String(trailers['grpc-message'] ?? ''))
      resolve({ http, status: trailers['grpc-status'] as string | undefined, message })
    })
    stream.resume()
    for (let at = 0; at < body.length; at += pieceLength) stream.write(body.subarray(at, at + pieceLength))
    stream.end()
  })
}

const range = framed(encodeMessage(RangeRequest, { key: 'a' }))
const large = (bytes: number) => framed(encodeMessage(PutRequest, { key: 'a', value: Buffer.alloc(bytes) }))

const rows: readonly (readonly [string, () => Promise<Outcome>, Partial<Outcome>])[] = [
  ['a request', () => call('/etcdserverpb.KV/Range', range), { http: 200, status: '0' }],
  ['in pieces of one byte', () => call('/etcdserverpb.KV/Range', range, {}, 1), { http: 200, status: '0' }],
  [
    'a method that is not there',
    () => call('/etcdserverpb.KV/Nothing', range),
    { status: '12', message: 'unknown method Nothing for service etcdserverpb.KV' },
  ],
  [
    'a service that is not there',
    () => call('/v3electionpb.Election/Campaign', range),
    { status: '12', message: 'unknown service v3electionpb.Election' },
  ],
  ['no gRPC', () => call('/etcdserverpb.KV/Range', range, { 'content-type': 'text/plain' }), { http: 415 }],
  [
    'a compressed message',
    () => call('/etcdserverpb.KV/Range', framed(range, 1)),
    { status: '12', message: 'grpc: compressed messages are not supported' },
  ],
  [
    'no message of that type',
    () => call('/etcdserverpb.KV/Range', framed(Buffer.from('ffffff', 'hex'))),
    { status: '13' },
  ],
  [
    'a request that is too large for etcd',
    () => call('/etcdserverpb.KV/Put', large(1_600_000)),
    { status: '3', message: 'etcdserver: request is too large' },
  ],
  [
    'a message that is too large for gRPC',
    () => call('/etcdserverpb.KV/Put', large(2_200_000)),
    { status: '8', message: 'grpc: received message larger than max (2200008 vs. 2097152)' },
  ],
]
for (const [what, ask, expected] of rows) {
  test(`asked with ${what}`, async () => {
    const outcome = await ask()
    for (const [name, value] of Object.entries(expected)) assert.equal(outcome[name as keyof Outcome], value)
  })
}

test('plain HTTP is answered at the same port', async () => {
  const ask = async (path: string) => {
    const answer = await fetch(server.url + path)
    return [answer.status, await answer.text()]
  }
  assert.deepEqual(await ask('/health'), [200, '{"health":"true","reason":""}'])
  assert.deepEqual(await ask('/version'), [200, '{"etcdserver":"3.5.21","etcdcluster":"3.5.0"}'])
  assert.deepEqual(await ask('/v2/keys'), [404, '404 page not found\n'])
})

test('bytes of chance harm nobody else', async () => {
  using client = new EtcdClient({ endpoints: [server.url], clock: realClock })
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed)
    const noise = Buffer.from(random.bytes(1 + random.int(300)))
    const sent = [noise, Buffer.concat([preface, noise]), preface.subarray(0, 1 + random.int(23))][random.int(3)]!
    await new Promise<void>((done) => {
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => socket.end(sent))
      socket.on('error', () => done())
      socket.on('close', () => done())
      socket.resume()
    })
  }
  assert.equal((await client.read(methods.range, { key: 'nothing' })).count, 0)
})

test('messages in pieces of any length come out whole', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = seededRandom(seed)
    const messages = Array.from({ length: 20 }, () => Buffer.from(random.bytes(random.int(4) * random.int(400))))
    const all = Buffer.concat(messages.map((message) => framed(message)))
    const frames = new FrameBuffer()
    const found: Buffer[] = []
    for (let at = 0; at < all.length; ) {
      const end = at + 1 + random.int(300)
      let data = frames.take(all.subarray(at, end))
      while (data.length >= 5 && data.length >= 5 + data.readUInt32BE(1)) {
        const length = data.readUInt32BE(1)
        found.push(data.subarray(5, 5 + length))
        data = data.subarray(5 + length)
      }
      frames.keep(data)
      at = end
    }
    assert.deepEqual(
      found.map((message) => message.toString('hex')),
      messages.map((message) => message.toString('hex')),
    )
  }
})

describe('authorities with slashes', () => {
  // In Huffman code (RFC 7541, appendix B), as Go's client sends them.
  const slashes = Buffer.from('9d29aee30c044eae05c0b86e09975f', 'hex')
  const underscores = Buffer.from('9d29aee451044eae05c0b86e09975f', 'hex')
  const header = (value: Buffer, isHuffman: boolean) =>
    Buffer.concat([
      Buffer.of(0x83, 0x86, 0x41, (isHuffman ? 0x80 : 0) | value.length),
      value,
      Buffer.of(0x44, 2),
      Buffer.from('/a'),
    ])
  const frame = (payload: Buffer, flags = 4) => {
    const head = Buffer.alloc(9)
    head.writeUIntBE(payload.length, 0, 3)
    head[3] = 1
    head[4] = flags
    head.writeUInt32BE(1, 5)
    return Buffer.concat([head, payload])
  }
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  const through = (sent: Buffer, pieceLength: number) => {
    const repair = new AuthorityRepair()
    const pieces: Buffer[] = []
    for (let at = 0; at < sent.length; at += pieceLength)
      pieces.push(Buffer.from(repair.take(Buffer.from(sent.subarray(at, at + pieceLength)))))
    return Buffer.concat(pieces)
  }

  const cases: readonly (readonly [string, Buffer, Buffer, boolean])[] = [
    ['as they are', Buffer.from('http://127.0.0.1:2379'), Buffer.from('http:__127.0.0.1:2379'), false],
    ['in Huffman code', slashes, underscores, true],
    [
      'without slashes',
      Buffer.from('f1e3c2e5f23a6ba0ab90f4ff', 'hex'),
      Buffer.from('f1e3c2e5f23a6ba0ab90f4ff', 'hex'),
      true,
    ],
    ['empty', Buffer.alloc(0), Buffer.alloc(0), false],
  ]
  for (const [how, value, repaired, isHuffman] of cases) {
    test(`${how}: they are made readable, and nothing else is touched`, () => {
      const data = Buffer.from('0000050000000000012f2f2f2f2f', 'hex')
      const sent = (authority: Buffer) =>
        Buffer.concat([preface, data, frame(header(authority, isHuffman)), data, frame(header(authority, isHuffman))])
      for (const pieceLength of [1, 7, 10_000]) assert.deepEqual(through(sent(value), pieceLength), sent(repaired))
    })
  }

  test('headers of chance come through with their length', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = seededRandom(seed)
      const sent = Buffer.concat([preface, frame(Buffer.from(random.bytes(random.int(60))), random.int(256))])
      assert.equal(through(sent, 1 + random.int(20)).length, sent.length)
    }
  })
})
