import assert from 'node:assert/strict'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { findRunning, recordRunning } from '../src/cli/running.ts'
import { createAuthority, issueCertificate } from '../src/lifecycle/pki.ts'
import { hostWorld } from '../src/world/host.ts'
import { VirtualHost, type VirtualServer } from '../src/world/virtual-host.ts'
import {
  type Disk,
  DiskError,
  type HostWorld,
  type Network,
  NetworkError,
  type OutgoingTls,
} from '../src/world/world.ts'

/** What a world must do whether it is there or not. */
interface Place {
  readonly network: Network
  readonly disk: Disk
  /** A folder that does not exist yet. */
  readonly folder: string
  readonly modeOf: (path: string) => Promise<number | undefined>
  readonly serve: (server: VirtualServer) => Promise<Served>
}

interface Served {
  readonly origin: string
  readonly tls?: OutgoingTls
  readonly stop: () => Promise<void>
}

const real = hostWorld(() => {})
const authority = createAuthority('test', real)
const certificate = issueCertificate(authority, { commonName: 'x', hosts: ['127.0.0.1'], usages: ['server'] }, real)

const places: Readonly<Record<string, () => Promise<Place>>> = {
  async real() {
    const folder = await mkdtemp(join(tmpdir(), 'coracle-world-'))
    after(() => rm(folder, { recursive: true }))
    return {
      ...real,
      folder: join(folder, 'new'),
      modeOf: async (path) => (await stat(path)).mode & 0o777,
      serve: serveReally,
    }
  },
  async virtual() {
    const host = new VirtualHost()
    return {
      disk: host.disk,
      network: host.network,
      folder: '/var/lib/new',
      modeOf: async (path) => host.disk.modeOf(path),
      async serve(server) {
        const origin = 'https://10.0.0.1:6443'
        const stop = host.network.serve(origin, server)
        return { origin, stop: async () => stop() }
      },
    }
  },
}

async function serveReally(server: VirtualServer): Promise<Served> {
  const listening = createServer({ cert: certificate.certificate, key: certificate.key }, async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { url, method, headers } = request
    const asked = { url: `https://x${url}`, timeoutMs: 0, headers: headers as Record<string, string> }
    const body = Buffer.concat(chunks).toString()
    try {
      const answer = await server({ ...asked, ...(method && { method }), body })
      response.writeHead(answer.status, answer.headers).end(answer.body)
    } catch {
      response.destroy()
    }
  })
  await new Promise<void>((done) => listening.listen(0, '127.0.0.1', done))
  const { port } = listening.address() as { port: number }
  return {
    origin: `https://127.0.0.1:${port}`,
    tls: { ca: authority.certificate },
    async stop() {
      listening.closeAllConnections()
      await new Promise((done) => listening.close(done))
    },
  }
}

const failsWith = (reason: NetworkError['reason']) => (error: unknown) =>
  error instanceof NetworkError && error.reason === reason

for (const [name, make] of Object.entries(places)) {
  suite(`the ${name} world`, async () => {
    const { disk, folder, modeOf, network, serve } = await make()

    test('keeps files', async () => {
      const path = `${folder}/a/b.txt`
      assert.equal(await disk.read(path), undefined)
      await disk.write(path, 'one')
      assert.equal(await modeOf(path), 0o600)
      await disk.write(path, 'two', 0o644)
      assert.equal(await disk.read(path), 'two')
      assert.equal(await modeOf(path), 0o644)
      await disk.remove(`${folder}/a`)
      assert.equal(await disk.read(path), undefined)
      await disk.remove(`${folder}/a`)
    })

    test('adds to files, and gives them other names', async () => {
      const path = `${folder}/log/a.log`
      assert.deepEqual([await disk.size(path), await disk.list(`${folder}/log`)], [0, []])
      await disk.append(path, 'one\n')
      await disk.append(path, 'zwei é\n')
      assert.deepEqual([await disk.read(path), await disk.size(path)], ['one\nzwei é\n', 12])
      assert.equal(await modeOf(path), 0o600)
      await disk.rename(path, `${folder}/log/b.log`)
      assert.deepEqual(await disk.list(`${folder}/log`), ['b.log'])
      await assert.rejects(disk.rename(path, `${folder}/log/c.log`), DiskError)
    })

    test('says which file it cannot read or write', async () => {
      await disk.write(`${folder}/file/x`, '')
      const names = (path: string) => (error: unknown) => error instanceof DiskError && error.message.includes(path)
      await assert.rejects(disk.read(`${folder}/file`), names(`${folder}/file`))
      await assert.rejects(disk.write(`${folder}/file`, 'x'), names(`${folder}/file`))
      await assert.rejects(disk.write(`${folder}/file/x/y`, 'x'), names(`${folder}/file/x/y`))
      assert.equal(await disk.read(`${folder}/file/x`), '')
    })

    test('asks servers', async () => {
      const { origin, stop, ...trust } = await serve(async ({ url, method = 'GET', body = '', headers }) => ({
        status: 201,
        headers: { 'x-kind': 'test' },
        body: `${method} ${new URL(url).pathname} ${body} ${headers?.['x-token'] ?? ''}`,
      }))
      const ask = (path: string, more = {}) =>
        network.request({ url: origin + path, timeoutMs: 10_000, ...trust, ...more })
      const answer = await ask('/a', { method: 'POST', body: 'hello', headers: { 'x-token': 't' } })
      assert.deepEqual([answer.status, answer.headers['x-kind']], [201, 'test'])
      assert.equal(await answer.text(100), 'POST /a hello t')
      const { host, hostname, port } = new URL(origin)
      const elsewhere = await ask('', {
        url: `https://api.example:443/b`,
        connectTo: { host: hostname, port: Number(port) },
        tls: { ...trust.tls, serverName: hostname === '127.0.0.1' ? '' : host, skipServerVerification: true },
      })
      assert.equal(await elsewhere.text(100), 'GET /b  ')
      await assert.rejects((await ask('/long')).text(3), failsWith('too-large'))
      await stop()
    })

    test('says why a server does not answer', async () => {
      const { origin, stop, ...trust } = await serve(async ({ url }) => {
        if (url.endsWith('/hang-up')) throw new Error('enough')
        return new Promise(() => {})
      })
      const ask = (path: string, more = {}) =>
        network.request({ url: origin + path, timeoutMs: 10_000, ...trust, ...more })
      await assert.rejects(ask('/hang-up'), failsWith('lost'))
      const gone = new AbortController()
      const asked = ask('/', { signal: gone.signal })
      gone.abort(new Error('no longer wanted'))
      await assert.rejects(asked, { message: 'no longer wanted' })
      await stop()
      await assert.rejects(ask('/'), failsWith('refused'))
      await assert.rejects(ask('', { url: 'https://no-such-host.invalid/' }), failsWith('lookup'))
    })
  })
}

test('a real server that is not trusted is told apart, and so is a slow one', async () => {
  const { origin, tls, stop } = await serveReally(() => new Promise(() => {}))
  await assert.rejects(real.network.request({ url: origin, timeoutMs: 10_000 }), {
    message: 'tls: failed to verify certificate: x509: certificate signed by unknown authority',
  })
  await assert.rejects(real.network.request({ url: origin, timeoutMs: 20, tls: tls! }), failsWith('timeout'))
  await stop()
})

test('in a virtual world a slow server costs no time, and a disk is as full as one says', async () => {
  const host = new VirtualHost()
  host.network.serve('https://slow', async () => {
    await host.clock.after(60_000)
    return { status: 200, body: 'at last' }
  })
  const late = assert.rejects(host.network.request({ url: 'https://slow/', timeoutMs: 1000 }), failsWith('timeout'))
  await host.advance(1000)
  await late
  const patient = host.network.request({ url: 'https://slow/', timeoutMs: 90_000 })
  await host.advance(60_000)
  assert.equal(await (await patient).text(10), 'at last')

  await host.disk.write('/data/a', '12345')
  host.disk.capacityBytes = 8
  await assert.rejects(host.disk.write('/data/a', '1234'), { message: /^cannot write \/data\/a: ENOSPC/ })
  assert.equal(await host.disk.read('/data/a'), '12345')
})

test('a cluster whose process is gone, or does not answer, is not running', async () => {
  const host: VirtualHost & HostWorld = new VirtualHost()
  host.exec.program = async (_args, { ready, print, ended }) => {
    print('serving')
    ready({ url: 'https://127.0.0.1:6443' })
    await new Promise((done) => ended.addEventListener('abort', done))
  }
  const program = host.exec.startSelf(['up'], '/data/log')
  const { url } = (await program.ready) as { url: string }
  const stop = host.network.serve(url, async () => ({ status: 200, body: 'ok' }))
  const running = { pid: program.pid, url, certificateAuthority: '', startedAtMs: host.clock.now(), nodes: 3 }
  await recordRunning(host, '/data', running)
  assert.deepEqual(await findRunning(host, '/data'), running)
  assert.equal(await host.disk.read('/data/log'), 'serving\n')
  stop()
  assert.equal(await findRunning(host, '/data'), undefined)
  host.network.serve(url, async () => ({ status: 200, body: 'ok' }))
  assert.equal(host.exec.signal(program.pid, 'SIGKILL'), true)
  assert.equal(await findRunning(host, '/data'), undefined)
  assert.equal(host.exec.signal(program.pid, 'SIGTERM'), false)
})
