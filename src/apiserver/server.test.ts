import assert from 'node:assert/strict'
import * as http2 from 'node:http2'
import * as https from 'node:https'
import { after, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { type ConnectionOptions, TLSSocket, connect as tlsConnect } from 'node:tls'
import { stage } from '../base/stage.ts'
import { createAuthority, issueCertificate } from '../lifecycle/pki.ts'
import { realWorld } from '../world/real.ts'
import type { ApiRequest, ApiResponse } from './request.ts'
import { type ApiServer, type ServerOptions, startServer } from './server.ts'

const world = realWorld(() => {})
const authority = createAuthority('kubernetes', world)
const serverCertificate = (commonName: string) =>
  issueCertificate(authority, { commonName, hosts: ['127.0.0.1'], usages: ['server'] }, world)
const certificates = { ...serverCertificate('first'), clientCa: authority.certificate }
const type = { 'content-type': 'text/plain' }

const servers: ApiServer[] = []
after(() => Promise.all(servers.map((server) => server.close(0))))

async function listen(handler: ServerOptions['handler'], more: Partial<ServerOptions> = {}): Promise<ApiServer> {
  const server = await startServer({ handler, host: '127.0.0.1', port: 0, certificates, ...more })
  servers.push(server)
  return server
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
}

interface Call {
  readonly method?: string
  readonly path?: string
  readonly body?: string
  readonly tls?: { readonly certificate: string; readonly key: string }
}

/** One request over HTTP/1 on a connection of its own. */
function http1(server: ApiServer, { method = 'GET', path = '/', body, tls }: Call = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = https.request(
      {
        host: '127.0.0.1',
        port: server.port,
        method,
        path,
        ca: authority.certificate,
        agent: false,
        ...(tls && { cert: tls.certificate, key: tls.key }),
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('error', reject)
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        )
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

function connect(server: ApiServer, tls?: Call['tls']): http2.ClientHttp2Session {
  const session = http2.connect(`https://127.0.0.1:${server.port}`, {
    ca: authority.certificate,
    ...(tls && { cert: tls.certificate, key: tls.key }),
  })
  session.on('error', () => {})
  return session
}

/** One request over HTTP/2. */
async function overHttp2(server: ApiServer, { method = 'GET', path = '/', body, tls }: Call = {}): Promise<Answer> {
  const session = connect(server, tls)
  const stream = session.request({ ':method': method, ':path': path })
  stream.end(body)
  const chunks: Buffer[] = []
  let headers: http2.IncomingHttpHeaders = {}
  stream.on('response', (received) => {
    headers = received
  })
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  session.close()
  return { status: Number(headers[':status']), headers, text: Buffer.concat(chunks).toString() }
}

test('requests that come together set out together', async () => {
  const steps: string[] = []
  const server = await listen(async () => {
    steps.push('begun')
    await stage
    steps.push('on')
    return { status: 200, headers: type, body: '' }
  })
  const session = connect(server)
  const get = async () => {
    for await (const _ of session.request({ ':path': '/' }));
  }
  await get()
  await Promise.all(Array.from({ length: 8 }, get))
  session.close()
  assert.match(steps.join(), /^begun,on,begun,begun/)
})

test('a body that ends before anybody reads it, and has nothing in it, is empty', async () => {
  const server = await listen(async (request) => {
    await setTimeout(50)
    return { status: 200, headers: type, body: `${(await request.body(1)).length} bytes` }
  })
  const session = connect(server)
  // As kubectl 1.20 sends `delete --raw`: neither a length nor a word that nothing comes.
  const stream = session.request({ ':method': 'DELETE', ':path': '/' }, { endStream: false })
  stream.end()
  assert.equal((await stream.toArray()).join(''), '0 bytes')
  session.close()
})

const echo = async (request: ApiRequest): Promise<ApiResponse> => {
  const body = await request.body(1000).catch((error: { code: number; message: string }) => error)
  if (!Buffer.isBuffer(body)) return { status: body.code, headers: type, body: body.message }
  const who = request.certificate
  return {
    status: 200,
    headers: { ...type, 'x-many': ['a', 'b'] },
    body: JSON.stringify({
      method: request.method,
      url: request.url,
      address: request.remoteAddress,
      body: body.toString(),
      who: who === undefined ? null : [who.commonName, ...who.organizations],
      print: who?.fingerprint.length,
    }),
  }
}

for (const [name, send] of Object.entries({ http1, overHttp2 })) {
  test(`a request comes to the handler as it was sent, and its answer back (${name})`, async () => {
    const server = await listen(echo)
    const answer = await send(server, { method: 'POST', path: '/a%20b?c=d', body: 'hello' })
    assert.equal(answer.status, 200)
    assert.deepEqual(JSON.parse(answer.text), {
      method: 'POST',
      url: '/a%20b?c=d',
      address: '127.0.0.1',
      body: 'hello',
      who: null,
    })
    assert.equal(answer.headers['x-many'], 'a, b')
    const head = await send(server, { method: 'HEAD' })
    assert.deepEqual([head.status, head.text], [200, ''])
  })

  test(`a client certificate counts when the authority signed it (${name})`, async () => {
    const server = await listen(echo)
    const request = {
      commonName: 'system:node:n1',
      organizations: ['system:nodes', 'more'],
      usages: ['client' as const],
    }
    const known = await send(server, { tls: issueCertificate(authority, request, world) })
    assert.deepEqual(JSON.parse(known.text).who, ['system:node:n1', 'more', 'system:nodes'])
    assert.equal(JSON.parse(known.text).print, 64)
    const stranger = issueCertificate(createAuthority('other', world), request, world)
    assert.equal(JSON.parse((await send(server, { tls: stranger })).text).who, null)
  })

  test(`a body that is too long is refused (${name})`, async () => {
    const server = await listen(echo)
    const answer = await send(server, { method: 'POST', body: 'x'.repeat(1001) })
    assert.deepEqual([answer.status, answer.text], [413, 'Request entity too large: limit is 1000'])
  })

  test(`an answer that is written bit by bit arrives whole (${name})`, async () => {
    const piece = 'x'.repeat(100_000)
    const server = await listen(async () => ({
      status: 200,
      headers: type,
      async body(sink) {
        for (let i = 0; i < 50; i++) {
          sink.write(piece)
          if (sink.backlog > 300_000) await sink.drained()
        }
      },
    }))
    assert.equal((await send(server)).text, piece.repeat(50))
  })
}

test('headers and events of a stream come at once, and its end is noticed', async () => {
  const gone = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  const server = await listen(async () => ({
    status: 200,
    headers: type,
    async body(sink) {
      sink.signal.addEventListener('abort', () => gone.resolve())
      await go.promise
      sink.write('event\n')
      await gone.promise
    },
  }))
  const session = connect(server)
  const stream = session.request({ ':path': '/' })
  await new Promise((resolve) => stream.once('response', resolve))
  go.resolve()
  const [event] = await new Promise<[Buffer]>((resolve) => stream.once('data', (chunk: Buffer) => resolve([chunk])))
  assert.equal(event.toString(), 'event\n')
  stream.close(http2.constants.NGHTTP2_CANCEL)
  await gone.promise
  session.close()
})

test('what a client does not take is counted', async () => {
  const backlog = Promise.withResolvers<number>()
  const server = await listen(async () => ({
    status: 200,
    headers: type,
    async body(sink) {
      for (let i = 0; i < 200; i++) sink.write(Buffer.alloc(100_000))
      backlog.resolve(sink.backlog)
    },
  }))
  const session = connect(server)
  session.request({ ':path': '/' }).pause()
  assert.ok((await backlog.promise) > 10_000_000)
  session.destroy()
})

test('an answer that fails half way is cut off, not ended', async () => {
  const server = await listen(async () => ({
    status: 200,
    headers: type,
    async body(sink) {
      sink.write('half')
      throw new Error('the rest is lost')
    },
  }))
  await assert.rejects(http1(server))
})

test('new connections get the new certificate, and the cipher that Go would choose', async () => {
  const server = await listen(echo)
  const agreed = () =>
    new Promise<unknown>((resolve) => {
      const session = connect(server)
      session.once('connect', (_session, socket) => {
        const { getPeerCertificate, getCipher } = TLSSocket.prototype
        const { subject } = getPeerCertificate.call(socket as TLSSocket)
        resolve([subject.CN, getCipher.call(socket as TLSSocket).name])
        session.close()
      })
    })
  assert.deepEqual(await agreed(), ['first', 'TLS_AES_128_GCM_SHA256'])
  server.setCertificates({ ...serverCertificate('second'), clientCa: authority.certificate })
  assert.deepEqual(await agreed(), ['second', 'TLS_AES_128_GCM_SHA256'])
})

test('who cannot do with the preferred cipher gets another, and an old TLS none', async () => {
  const server = await listen(echo)
  const cipherOf = (options: ConnectionOptions) =>
    new Promise<string>((resolve, reject) => {
      const socket = tlsConnect({ host: '127.0.0.1', port: server.port, ca: authority.certificate, ...options }, () => {
        resolve(socket.getCipher().name)
        socket.destroy()
      })
      socket.once('error', reject)
    })
  assert.equal(await cipherOf({ ciphers: 'TLS_AES_256_GCM_SHA384' }), 'TLS_AES_256_GCM_SHA384')
  assert.match(await cipherOf({ maxVersion: 'TLSv1.2' }), /^ECDHE-\w+-AES128-GCM-SHA256$/)
  server.setCertificates({ ...serverCertificate('second'), clientCa: authority.certificate })
  await assert.rejects(cipherOf({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' }))
})

test('closing lets requests finish and ends streams', async () => {
  const release = Promise.withResolvers<void>()
  const arrived = Promise.withResolvers<void>()
  let missing = 2
  const server = await listen(async (request) => {
    if (--missing === 0) arrived.resolve()
    if (request.url === '/slow') {
      await release.promise
      return { status: 200, headers: type, body: 'done' }
    }
    const ended = new Promise<void>((resolve) => request.signal.addEventListener('abort', () => resolve()))
    return { status: 200, headers: type, body: () => ended }
  })
  const slow = overHttp2(server, { path: '/slow' })
  const watch = overHttp2(server, { path: '/watch' })
  await arrived.promise
  const closed = server.close(10_000)
  assert.equal((await watch).text, '')
  release.resolve()
  assert.equal((await slow).text, 'done')
  await closed
  await assert.rejects(http1(server))
})

test('the body of a client that went away before anybody read it does not come, and is not waited for', async () => {
  const gone = Promise.withResolvers<void>()
  const outcome = Promise.withResolvers<unknown>()
  const arrived = Promise.withResolvers<void>()
  await using server = await listen(async (request) => {
    request.signal.addEventListener('abort', () => gone.resolve())
    arrived.resolve()
    await gone.promise
    outcome.resolve(await request.body(1000).catch((error: Error) => error.message))
    return { status: 200, headers: type, body: '' }
  })
  const session = http2.connect(`https://127.0.0.1:${server.port}`, { rejectUnauthorized: false })
  session.on('error', () => {})
  session.request({ ':method': 'POST', ':path': '/', 'content-length': '100' }).on('error', () => {})
  await arrived.promise
  session.destroy()
  assert.equal(await outcome.promise, 'the client went away while it sent the request')
})

test('a port that is taken is told', async () => {
  const server = await listen(echo)
  await assert.rejects(startServer({ handler: echo, host: '127.0.0.1', port: server.port, certificates }), /EADDRINUSE/)
})
