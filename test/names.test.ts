/**
 * The names of services, asked for by clients that we have not written: the resolver of Node.js (c-ares), over UDP and TCP,
 * and `dig` where it is installed.
 */
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import * as codec from 'dns-packet'
import type { Client } from '../src/client/client.ts'
import { startCluster } from '../src/cluster/cluster.ts'
import { Service } from '../src/kinds/core/service.ts'
import { EndpointSlice } from '../src/kinds/discovery/endpoint-slice.ts'
import { startDns } from '../src/network/dns/server.ts'
import { until } from './support/call.ts'
import { Home } from './support/cli.ts'
import { quietWorld, serve } from './support/served.ts'

const namespace = 'default'
const zone = 'default.svc.cluster.local'
const host = '127.0.0.1'

function resolverAt(port: number): Resolver {
  const resolver = new Resolver({ timeout: 2000, tries: 2 })
  resolver.setServers([`${host}:${port}`])
  return resolver
}

/** A service without an address, and as many endpoints, written by hand. */
async function headless(client: Client, name: string, count: number): Promise<void> {
  const ports = [{ name: 'tcp', port: 9000 }]
  await client.create(Service, { metadata: { namespace, name }, spec: { clusterIP: 'None', ports } })
  await client.create(EndpointSlice, {
    metadata: { namespace, name, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: Array.from({ length: count }, (_, n) => ({ addresses: [`10.1.0.${n + 1}`], hostname: `${name}-${n}` })),
    ports,
  })
}

describe('names of services', { concurrency: true }, () => {
  it('are known as soon as there is such a service, and no longer than that', async () => {
    await using cluster = await startCluster({ apiOnly: true })
    await using dns = await startDns({ ...quietWorld, caches: cluster.caches, at: { host, port: 0 } })
    const resolver = resolverAt(dns.port)
    await assert.rejects(resolver.resolve4(`web.${zone}`), { code: 'ENOTFOUND' })
    const made = await cluster.client.create(Service, {
      metadata: { namespace, name: 'web' },
      spec: { ports: [{ port: 80 }] },
    })
    const address = made.spec.clusterIP!
    await until(async () => cluster.caches.of(Service).get(namespace, 'web') !== undefined)
    assert.deepEqual(await resolver.resolve4(`web.${zone}`, { ttl: true }), [{ address, ttl: 30 }])
    await assert.rejects(resolver.resolve6(`web.${zone}`), { code: 'ENODATA' })
    assert.deepEqual(await resolver.reverse(address), [`web.${zone}`])
    await assert.rejects(resolver.resolve4('example.org'), { code: 'EREFUSED' })
    await cluster.client.delete(Service, { namespace, name: 'web' })
    await until(async () => cluster.caches.of(Service).get(namespace, 'web') === undefined)
    await assert.rejects(resolver.resolve4(`web.${zone}`), { code: 'ENOTFOUND' })
    await dns[Symbol.asyncDispose]()
    await assert.rejects(resolver.resolve4(`web.${zone}`))
  })

  it('of many endpoints come whole, over a connection when a datagram is too small', async () => {
    await using cluster = await startCluster({ apiOnly: true })
    await headless(cluster.client, 'many', 100)
    await using dns = await startDns({ ...quietWorld, caches: cluster.caches, at: { host, port: 0 } })
    const resolver = resolverAt(dns.port)
    assert.equal((await resolver.resolve4(`many.${zone}`)).length, 100)
    const ports = await resolver.resolveSrv(`_tcp._tcp.many.${zone}`)
    assert.deepEqual(
      ports.map(({ name, port }) => `${name}:${port}`).sort(),
      Array.from({ length: 100 }, (_, n) => `many-${n}.many.${zone}:9000`).sort(),
    )
  })

  it('are asked for by several questions on one connection, however their bytes come', async () => {
    await using cluster = await startCluster({ apiOnly: true })
    await using dns = await startDns({ ...quietWorld, caches: cluster.caches, at: { host, port: 0 } })
    const question = (id: number) =>
      Buffer.from(
        `${id.toString(16).padStart(4, '0')}010000010000000000000573766362${'72'.repeat(2)}00000100 01`.replace(
          ' ',
          '',
        ),
        'hex',
      )
    const socket = connect(dns.port, host)
    const framed = Buffer.concat(
      [1, 2, 3].map((id) => Buffer.concat([Buffer.from([0, question(id).length]), question(id)])),
    )
    for (const byte of framed) socket.write(Buffer.from([byte]))
    let said = Buffer.alloc(0)
    for await (const chunk of socket) {
      said = Buffer.concat([said, chunk as Buffer])
      const size = said.length > 1 ? 2 + said.readUInt16BE(0) : Number.POSITIVE_INFINITY
      if (said.length >= 3 * size) break
    }
    const size = 2 + said.readUInt16BE(0)
    assert.deepEqual(
      [0, 1, 2].map((n) => said.readUInt16BE(n * size + 2)),
      [1, 2, 3],
    )
  })

  it('are answered for one after the other, also to a client that reads the answers late', async () => {
    await using cluster = await startCluster({ apiOnly: true })
    await headless(cluster.client, 'many', 100)
    await using dns = await startDns({ ...quietWorld, caches: cluster.caches, at: { host, port: 0 } })
    const question = codec.streamEncode({ type: 'query', id: 7, questions: [{ type: 'A', name: `many.${zone}` }] })
    const count = 5000
    const socket = connect(dns.port, host).pause()
    socket.write(Buffer.concat(Array.from({ length: count }, () => question)))
    await new Promise((resolve) => setTimeout(resolve, 500))
    let answers = 0
    let rest = Buffer.alloc(0)
    for await (const chunk of socket) {
      rest = Buffer.concat([rest, chunk as Buffer])
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
        assert.equal(rest.readUInt16BE(8), 100)
        rest = rest.subarray(2 + rest.readUInt16BE(0))
        answers++
      }
      if (answers === count) break
    }
  })

  it('are answered for on a port that is free for datagrams too; one that is taken is said to be', async () => {
    await using cluster = await startCluster({ apiOnly: true })
    const at = (port: number) => startDns({ ...quietWorld, caches: cluster.caches, at: { host, port } })
    const streams = createServer().listen(0, host)
    await once(streams, 'listening')
    await assert.rejects(at((streams.address() as { port: number }).port), { code: 'EADDRINUSE' })
    streams.close()
    const datagrams = createSocket('udp4')
    datagrams.bind(0, host)
    await once(datagrams, 'listening')
    await assert.rejects(at(datagrams.address().port), { code: 'EADDRINUSE' })
    datagrams.close()
  })

  it('come with a served cluster, with those of its pods', async () => {
    await using served = await serve({ apiOnly: false, dnsPort: 0 })
    const resolver = resolverAt(served.dnsPort!)
    assert.deepEqual(await resolver.resolve4('kubernetes.default.svc.cluster.local'), ['10.96.0.1'])
    // What is written by hand is found beside what a controller writes.
    await headless(served.cluster.client, 'hand', 2)
    await served.cluster.settle()
    assert.deepEqual((await resolver.resolve4(`hand.${zone}`)).sort(), ['10.1.0.1', '10.1.0.2'])
    const [port, ...more] = await resolver.resolveSrv('_https._tcp.kubernetes.default.svc.cluster.local')
    const { name, port: number, priority, weight } = port!
    assert.deepEqual([name, number, priority, weight], ['kubernetes.default.svc.cluster.local', 443, 0, 100])
    assert.deepEqual(more, [])
  })
})

const hasDig = spawnSync('dig', ['-v']).status === 0

it('`coracle up --dns-port` says how to ask, and dig gets the answer', async (context) => {
  await using home = await Home.make()
  const up = home.start('up', '--port', '0', '--ephemeral', '--nodes', '0', '--dns-port', '0')
  await up.until('Stop with')
  const [, port = '', name = ''] = /dig @127\.0\.0\.1 -p (\d+) (\S+)/.exec(up.stdout) ?? []
  assert.deepEqual(await resolverAt(Number(port)).resolve4(name), ['10.96.0.1'])
  const other = await home.run('up', '--port', '0', '--ephemeral', '--nodes', '0', '--dns-port', port)
  assert.equal(other.code, 1)
  assert.equal(
    other.stderr,
    `error: port ${port} of 127.0.0.1 is in use\n  name another with --dns-port, or --dns-port 0 for any free one\n`,
  )
  if (!hasDig) return context.diagnostic('dig is not installed (Debian: bind9-dnsutils): asked by the resolver alone')
  const dig = promisify(execFile)
  const { stdout } = await dig('dig', [`@${host}`, '-p', port, name, '+noall', '+answer', '+comments'])
  assert.match(stdout, /status: NOERROR/)
  assert.match(stdout, /flags: qr aa rd; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1/)
  assert.match(stdout, /^kubernetes\.default\.svc\.cluster\.local\.\s+30\s+IN\s+A\s+10\.96\.0\.1$/m)
  const tcp = await dig('dig', [`@${host}`, '-p', port, '+tcp', '+short', '-x', '10.96.0.1'])
  assert.equal(tcp.stdout, 'kubernetes.default.svc.cluster.local.\n')
})
