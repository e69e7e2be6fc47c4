import assert from 'node:assert/strict'
import type { ClientHttp2Session } from 'node:http2'
import { test } from 'node:test'
import { HttpClient } from '../../src/client/http.ts'
import { ConfigMap } from '../../src/kinds/core/config-map.ts'
import { realWorld } from '../../src/world/real.ts'
import { ask, wireTarget } from '../support/wire.ts'

const path = '/api/v1/namespaces/default/configmaps?watch=true&resourceVersion='

test('who never reads a watch is cut off; others miss nothing and memory stays bounded', async () => {
  await using target = await wireTarget()
  const { client } = target.cluster
  const { resourceVersion } = await client.list(ConfigMap, { namespace: 'default' })

  const sleepers = Array.from({ length: 20 }, () => {
    const session = target.session()
    const stream = session.request({ ':path': path + resourceVersion })
    stream.on('error', () => {})
    const ended = new Promise<void>((resolve) => session.once('close', resolve))
    const cut = new Promise<void>((resolve) => stream.once('close', resolve))
    return { session, stream, cut, ended }
  })
  await Promise.all(sleepers.map(({ stream }) => new Promise((resolve) => stream.once('response', resolve))))

  await using reader = new HttpClient({
    ...realWorld(() => {}),
    server: `https://127.0.0.1:${target.server.port}`,
    certificateAuthority: target.authority.certificate,
    clientCertificate: target.admin.certificate,
    clientKey: target.admin.key,
  })
  const stop = new AbortController()
  const watch = reader.watch(ConfigMap, { namespace: 'default', resourceVersion, signal: stop.signal })

  const names = Array.from({ length: 40 }, (_, index) => `m-${index}`)
  const before = process.memoryUsage().rss
  const seen: string[] = []
  const reading = (async () => {
    for await (const event of watch) {
      if (event.type === 'ADDED') seen.push(event.object.metadata.name!)
      if (seen.length === names.length) return
    }
  })()
  for (const [index, name] of names.entries())
    await client.create(ConfigMap, {
      metadata: { name, namespace: 'default' },
      data: { k: String(index % 10).repeat(900_000) },
    })
  await reading
  stop.abort()
  assert.deepEqual(seen, names)
  // Cut off without their help: none of them has read a byte.
  await Promise.all(sleepers.map(({ cut }) => cut))
  for (const { session } of sleepers) session.destroy()
  assert.ok(process.memoryUsage().rss - before < 600 * 1024 * 1024)
})

test('thousands of watches that come and go leave nothing behind', async () => {
  await using target = await wireTarget()
  const open = async (session: ClientHttp2Session) => {
    const stream = session.request({ ':path': path })
    stream.on('error', () => {})
    await new Promise((resolve) => stream.once('response', resolve))
    stream.close()
  }
  for (let round = 0; round < 20; round++) {
    const session = target.session()
    await Promise.all(Array.from({ length: 100 }, () => open(session)))
    session.destroy()
  }
  const watching = async () => {
    const session = target.session()
    const { body } = await ask(session, { ':path': '/metrics' })
    session.destroy()
    return Number(/^apiserver_longrunning_requests\{.*verb="WATCH".*\} (\d+)$/m.exec(body)![1])
  }
  while ((await watching()) > 0) await new Promise(setImmediate)
})
