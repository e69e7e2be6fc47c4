import assert from 'node:assert/strict'
import { once } from 'node:events'
import * as http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { keepStreamsInLists } from './open-streams.ts'

describe('keepStreamsInLists', () => {
  const found: boolean[] = []
  const waiting = new Map<string, http2.ServerHttp2Stream>()
  let changed = Promise.withResolvers<void>()
  const server = http2.createServer()
  server.on('session', (session) => found.push(keepStreamsInLists(session)))
  server.on('stream', (stream, headers) => {
    const path = headers[':path']!
    waiting.set(path, stream)
    stream.on('error', () => {})
    stream.on('close', () => {
      waiting.delete(path)
      changed.resolve()
    })
    changed.resolve()
  })

  async function untilWaiting(...paths: string[]): Promise<void> {
    while ([...waiting.keys()].sort().join(' ') !== paths.join(' ')) {
      changed = Promise.withResolvers()
      await changed.promise
    }
  }

  before(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
  after(() => server.close())

  async function connect(): Promise<http2.ClientHttp2Session> {
    const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    await once(session, 'connect')
    return session
  }

  async function ask(session: http2.ClientHttp2Session, path: string): Promise<string> {
    let text = ''
    for await (const chunk of session.request({ ':path': path })) text += String(chunk)
    return text
  }

  function answer(path: string): void {
    const stream = waiting.get(path)!
    stream.respond({ ':status': 200 })
    stream.end(`answer to ${path}`)
  }

  it('finds where this Node.js keeps them, and lets requests be answered in any order', async () => {
    const session = await connect()
    const answers = ['/a', '/b', '/c'].map((path) => ask(session, path))
    await untilWaiting('/a', '/b', '/c')
    assert.deepEqual(found, [true])
    for (const path of ['/b', '/c', '/a']) answer(path)
    assert.deepEqual(await Promise.all(answers), ['answer to /a', 'answer to /b', 'answer to /c'])
    await untilWaiting()
    session.destroy()
  })

  it('lets a session that closes wait for what is open', async () => {
    const session = await connect()
    const [first, second] = ['/a', '/b'].map((path) => ask(session, path))
    await untilWaiting('/a', '/b')
    const closed = once(waiting.get('/a')!.session!, 'close')
    waiting.get('/a')!.session!.close()
    answer('/a')
    assert.equal(await first, 'answer to /a')
    answer('/b')
    assert.equal(await second, 'answer to /b')
    await closed
  })

  it('ends what is open when the connection ends', async () => {
    const session = await connect()
    const requests = ['/a', '/b', '/c'].map((path) => session.request({ ':path': path }).on('error', () => {}))
    await untilWaiting('/a', '/b', '/c')
    requests[1]!.close(http2.constants.NGHTTP2_CANCEL)
    await untilWaiting('/a', '/c')
    session.destroy()
    await untilWaiting()
  })

  it('leaves alone what looks otherwise', () => {
    for (const other of [{}, { [Symbol('state')]: { streams: [] } }, { [Symbol('state')]: undefined }]) {
      assert.equal(keepStreamsInLists(other), false)
    }
    const used = { streams: new Map([[1, {}]]), pendingStreams: new Set() }
    assert.equal(keepStreamsInLists({ [Symbol('state')]: used }), false)
    assert.ok(used.streams instanceof Map)
  })
})
