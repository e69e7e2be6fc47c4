import assert from 'node:assert/strict'
import * as http2 from 'node:http2'
import { after, before, describe, test } from 'node:test'
import { ConfigMap } from '../../src/kinds/core/config-map.ts'
import { ask, otherAuthority, until, type WireTarget, wireTarget } from '../support/wire.ts'

const collection = '/api/v1/namespaces/default/configmaps'
const small = JSON.stringify({ metadata: { generateName: 'small-' } })
const post = { ':method': 'POST', ':path': collection, 'content-type': 'application/json' }
const get = { ':path': '/api/v1/namespaces/default' }
const mebibyte = 1024 * 1024

describe('requests that are too much', () => {
  let target: WireTarget
  before(async () => {
    target = await wireTarget()
  })
  after(() => target[Symbol.asyncDispose]())

  test('a body over 3 MiB is refused, and the connection goes on', async () => {
    const session = target.session()
    const large = Buffer.alloc(3 * mebibyte + 1, 'x')
    const expected =
      /^\{"kind":"Status".*"message":"Request entity too large: limit is 3145728","reason":"RequestEntityTooLarge","code":413\}\s*$/
    for (const headers of [post, { ...post, 'content-length': large.length }]) {
      const { status, body } = await ask(session, headers, large)
      assert.equal(status, 413)
      assert.match(body, expected)
      assert.equal((await ask(session, post, small)).status, 201)
    }
    const most = JSON.stringify({ metadata: { generateName: 'most-' }, data: { k: 'x'.repeat(1000 * 1000) } })
    assert.equal((await ask(session, post, most)).status, 201)
    assert.equal(session.destroyed, false)
    session.destroy()
  })

  test('the same over HTTP/1: the answer comes, whatever the client still sends', async () => {
    const head = `POST ${collection} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`
    const declared = await until(
      await target.socket('http/1.1'),
      `${head}Content-Length: ${4 * mebibyte}\r\n\r\n`,
      'x'.repeat(64 * 1024),
    )
    assert.match(declared, /^HTTP\/1\.1 413 [\s\S]*Request entity too large: limit is 3145728/)
    const chunk = `${(64 * 1024).toString(16)}\r\n${'x'.repeat(64 * 1024)}\r\n`
    const chunked = await until(
      await target.socket('http/1.1'),
      `${head}Transfer-Encoding: chunked\r\n\r\n`,
      ...Array<string>(64).fill(chunk),
    )
    assert.match(chunked, /^HTTP\/1\.1 413 /)
  })

  test('headers over 1 MiB end the request, and nobody else', async () => {
    const other = target.session()
    const socket = await target.socket('http/1.1')
    const answer = await until(socket, 'GET / HTTP/1.1\r\nHost: x\r\n', `X-Large: ${'x'.repeat(2 * mebibyte)}\r\n\r\n`)
    assert.match(answer, /^(HTTP\/1\.1 4(00|31) |$)/)
    const session = target.session()
    await assert.rejects(ask(session, { ...get, 'x-large': 'x'.repeat(2 * mebibyte) }))
    session.destroy()
    const manySession = target.session()
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`x-${index}`, 'y']))
    await ask(manySession, { ...get, ...many }).then(
      ({ status }) => assert.ok(status >= 400),
      () => {},
    )
    manySession.destroy()
    assert.equal((await ask(other, get)).status, 200)
    other.destroy()
  })

  test('more streams than the server takes wait or are refused, and all others are answered', async () => {
    const session = target.session()
    const answers = await Promise.all(Array.from({ length: 1000 }, () => ask(session, get)))
    assert.ok(answers.every(({ status }) => status === 200))
    session.destroy()
  })

  test('streams that are reset as soon as they are opened cost no more than themselves', async () => {
    const session = target.session()
    for (let round = 0; round < 20; round++) {
      for (let index = 0; index < 100; index++)
        session
          .request(get)
          .on('error', () => {})
          .close(http2.constants.NGHTTP2_CANCEL)
      await new Promise(setImmediate)
    }
    session.destroy()
    const other = target.session()
    assert.equal((await ask(other, get)).status, 200)
    other.destroy()
  })
})

describe('requests that pretend', () => {
  let target: WireTarget
  before(async () => {
    target = await wireTarget()
  })
  after(() => target[Symbol.asyncDispose]())

  test('no request hides in another one', async () => {
    const hidden = 'GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n'
    const length = `Content-Length: ${hidden.length}\r\n`
    const head = `POST ${collection} HTTP/1.1\r\nHost: x\r\n`
    const attempts: readonly (readonly [string, string])[] = [
      ['both lengths', `${head}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`],
      ['two lengths', `${head}Content-Length: 0\r\n${length}\r\n${hidden}`],
      ['an unknown coding', `${head}Transfer-Encoding: xchunked\r\n${length}\r\n${hidden}`],
      ['chunked, and then not', `${head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${hidden}`],
      ['a blank before the colon', `${head}Content-Length : ${hidden.length}\r\n\r\n${hidden}`],
      ['a length that is none', `${head}Content-Length: +5\r\n\r\n${hidden}`],
      ['a negative length', `${head}Content-Length: -1\r\n\r\n${hidden}`],
      [
        'a folded header',
        `${head}X-A: b\r\n Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${hidden}`,
      ],
      ['a bare line feed', `${head}X-A: b\nTransfer-Encoding: chunked\n${length}\r\n${hidden}`],
      ['a chunk of a senseless size', `${head}Transfer-Encoding: chunked\r\n\r\n-1\r\n${hidden}`],
      ['a NUL in a header', `${head}X-A: \0\r\n\r\n${hidden}`],
      ['no HTTP at all', `\x16\x03\x01\r\n\r\n${hidden}`],
    ]
    for (const [what, bytes] of attempts) {
      const answer = await until(await target.socket('http/1.1'), bytes)
      assert.match(answer, /^HTTP\/1\.1 400 /, what)
    }
    assert.deepEqual(
      target.handled.filter((line) => line.includes('hidden')),
      [],
    )
  })

  test('who one is follows from the connection and the token alone', async () => {
    const nobody = target.session({ certificate: undefined, key: undefined } as never)
    const claims = {
      'x-remote-user': 'admin',
      'x-remote-group': 'system:masters',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-client-cert': 'Subject="CN=admin,O=system:masters"',
      'impersonate-user': 'admin',
      'impersonate-group': 'system:masters',
    }
    for (const [name, value] of Object.entries(claims)) {
      const { status, body } = await ask(nobody, { ...get, [name]: value })
      assert.ok(status === 403 || status === 400, `${name}: ${status} ${body}`)
    }
    nobody.destroy()
  })

  test('an upgrade that nobody offered is refused', async () => {
    const socket = await target.socket('http/1.1')
    const answer = await until(
      socket,
      'GET /api/v1/namespaces/default/pods/p/exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    )
    assert.match(answer, /^HTTP\/1\.1 4\d\d /)
  })

  test('certificates of others, or of yesterday, open nothing', async () => {
    const identities = {
      'another authority': target.issue({ authority: otherAuthority() }),
      'a time that is over': target.issue({ validityMs: -1000 }),
    }
    for (const [what, identity] of Object.entries(identities)) {
      const session = target.session(identity)
      const { status, body } = await ask(session, get)
      assert.equal(status, 401, `${what}: ${body}`)
      assert.match(body, /"message":"Unauthorized","reason":"Unauthorized","code":401/)
      session.destroy()
    }
    const right = target.session(target.issue())
    assert.equal((await ask(right, get)).status, 200)
    right.destroy()
    const without = target.session(target.issue({ groups: [] }))
    const { status, body } = await ask(without, get)
    assert.equal(status, 403)
    assert.match(body, /User \\"somebody\\" cannot get resource \\"namespaces\\"/)
    without.destroy()
  })
})

describe('requests that never end', () => {
  let target: WireTarget
  before(async () => {
    target = await wireTarget({ headersTimeoutMs: 100, bodyTimeoutMs: 100, keepAliveMs: 1000, handshakeTimeoutMs: 100 })
  })
  after(() => target[Symbol.asyncDispose]())

  test('headers that come byte by byte', async () => {
    const socket = await target.socket('http/1.1')
    const dripping = setInterval(() => socket.writable && socket.write('X-A: b\r\n'), 10)
    const answer = await until(socket, 'GET / HTTP/1.1\r\n')
    clearInterval(dripping)
    assert.match(answer, /^(HTTP\/1\.1 408 |HTTP\/1\.1 400 |$)/)
  })

  test('a connection that says nothing after its handshake', async () => {
    const socket = await target.socket('http/1.1')
    assert.match(await until(socket), /^(HTTP\/1\.1 408 |HTTP\/1\.1 400 |$)/)
  })

  test('a body that comes byte by byte', async () => {
    const head = `POST ${collection} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n`
    const socket = await target.socket('http/1.1')
    const dripping = setInterval(() => socket.writable && socket.write(' '), 10)
    const answer = await until(socket, head)
    clearInterval(dripping)
    assert.match(answer, /^HTTP\/1\.1 (504|408) /)

    const session = target.session()
    const stream = session.request(post, { endStream: false })
    const drip = setInterval(() => stream.writable && stream.write(' '), 10)
    stream.on('error', () => {})
    const status = await new Promise((resolve) => stream.once('response', (headers) => resolve(headers[':status'])))
    clearInterval(drip)
    assert.equal(status, 504)
    stream.close()
    // The connection is still good for others.
    assert.equal((await ask(session, get)).status, 200)
    session.destroy()
  })

  test('a handshake that never comes', async () => {
    const { connect } = await import('node:net')
    const socket = connect(target.server.port, '127.0.0.1')
    await new Promise<void>((resolve) => socket.once('close', () => resolve()).on('error', () => {}))
  })
})

describe('clients that vanish', () => {
  let target: WireTarget
  before(async () => {
    target = await wireTarget()
  })
  after(() => target[Symbol.asyncDispose]())

  const inflight = async () => {
    const session = target.session()
    const { body } = await ask(session, { ':path': '/metrics' })
    session.destroy()
    const lines = body.split('\n').filter((line) => /^apiserver_(current_inflight|longrunning)_requests\{/.test(line))
    return lines.reduce((sum, line) => sum + Number(line.split(' ').pop()), 0)
  }

  test('in the middle of a body, before an answer, or during a watch', async () => {
    const before = await inflight()
    for (let round = 0; round < 50; round++) {
      const session = target.session()
      const half = session.request(post, { endStream: false })
      half.on('error', () => {}).write('{"metadata":')
      session.request(get).on('error', () => {})
      const watch = session.request({ ':path': `${collection}?watch=true` })
      watch.on('error', () => {})
      if (round % 2 === 0) await new Promise((resolve) => watch.once('response', resolve))
      session.destroy()
    }
    // All that they had begun is over at once, not after some time.
    while ((await inflight()) !== before) await new Promise(setImmediate)
    assert.ok(await target.cluster.client.create(ConfigMap, { metadata: { name: 'after', namespace: 'default' } }))
  })
})
