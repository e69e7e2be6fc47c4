import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { createAuthority, issueCertificate } from '../lifecycle/pki.ts'
import { realWorld } from '../world/real.ts'
import { startServer } from './server.ts'

const world = realWorld(() => {})

/**
 * The client asks, and when the server is busy with that asks twice more and resets the connection. So the first answer is
 * what finds the connection broken, and what comes behind it is read all the same.
 */
const client = `
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { workerData } from 'node:worker_threads'
const { port, turns } = workerData
const raw = connect(port, '127.0.0.1')
const socket = connectTls({ socket: raw, rejectUnauthorized: false, ALPNProtocols: ['h2'] })
const session = connectHttp2('https://127.0.0.1', { createConnection: () => socket })
session.on('error', () => {})
const ask = (path) => session.request({ ':path': path }).on('error', () => {})
ask('/first')
await Atomics.waitAsync(turns, 0, 0).value
ask('/second')
ask('/third')
await sleep(100)
raw.resetAndDestroy()
await sleep(100)
Atomics.store(turns, 1, 1)
Atomics.notify(turns, 1)
`

test('a client that is gone while the server answers is noticed, and its requests end', {
  timeout: 60_000,
}, async () => {
  const authority = createAuthority('kubernetes', world)
  const certificates = issueCertificate(authority, { commonName: 'a', hosts: ['127.0.0.1'], usages: ['server'] }, world)
  const turns = new Int32Array(new SharedArrayBuffer(8))
  const seen: string[] = []
  const ended = Promise.withResolvers<void>()
  await using server = await startServer({
    host: '127.0.0.1',
    port: 0,
    certificates,
    async handler({ url, signal }) {
      seen.push(url)
      if (url === '/first') {
        Atomics.store(turns, 0, 1)
        Atomics.notify(turns, 0)
        Atomics.wait(turns, 1, 0)
      } else if (url === '/third') {
        signal.addEventListener('abort', () => ended.resolve())
        await ended.promise
      }
      return { status: 200, headers: { 'content-type': 'text/plain' }, body: url }
    },
  })
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(client)}`), {
    workerData: { port: server.port, turns },
  })
  await Promise.all([ended.promise, new Promise((exited) => worker.once('exit', exited))])
  assert.deepEqual(seen, ['/first', '/second', '/third'])
})
