import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import http2 from 'node:http2'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Etcd, etcdMissing, startEtcd } from '../../test/support/etcd.ts'
import { realClock } from '../world/real.ts'
import { VirtualClock } from '../world/virtual.ts'
import { EtcdClient, EtcdError, grpcCode } from './client.ts'
import { methods } from './messages.ts'

const skip = etcdMissing()
const nowhere = 'http://127.0.0.1:1'
let etcd: Etcd

before(async () => {
  if (skip === undefined) etcd = await startEtcd()
})
after(() => etcd?.[Symbol.asyncDispose]())

const connect = (...endpoints: string[]) => new EtcdClient({ endpoints, clock: realClock, timeoutMs: 2_000 })
const put = (client: EtcdClient, key: string, value: string) =>
  client.write(methods.put, { key, value: Buffer.from(value) })

test('keys are bytes, values are bytes, ids are whole', { skip }, async () => {
  using client = connect(etcd.endpoint)
  const key = 'k\xff\0\x80'
  const { id } = await client.write(methods.leaseGrant, { ttl: 60, id: 2n ** 62n + 1n })
  assert.equal(id, 2n ** 62n + 1n)
  await client.write(methods.put, { key, value: Uint8Array.of(0, 255), lease: id })
  const { kvs, header } = await client.read(methods.range, { key })
  assert.deepEqual([kvs?.[0]?.key, [...kvs![0]!.value], kvs?.[0]?.lease], [key, [0, 255], id])
  assert.ok(header!.clusterId > 2n ** 53n, 'a cluster id has 64 bits')
  assert.deepEqual((await client.read(methods.leaseTimeToLive, { id, keys: true })).keys, [key])
})

test('status, members, hashes and a snapshot', { skip }, async () => {
  using client = connect(etcd.endpoint)
  await put(client, 'a', 'x'.repeat(100_000))
  const status = await client.read(methods.status, {})
  assert.match(status.version, /^3\.\d+\.\d+/)
  const { members } = await client.read(methods.memberList, {})
  assert.deepEqual(
    members?.map(({ name, clientUrls }) => [name, clientUrls]),
    [['test', [etcd.endpoint]]],
  )
  assert.equal(members![0]!.id, status.leader)
  const hashes = [await client.read(methods.hashKv, {}), await client.read(methods.hashKv, {})]
  assert.equal(hashes[0]!.hash, hashes[1]!.hash)
  let size = 0
  for await (const { blob } of client.stream(methods.snapshot, {})) size += blob.length
  assert.ok(size >= 100_000, 'the database file and its hash')
})

test('etcd refuses in its own words', { skip }, async () => {
  using client = connect(etcd.endpoint)
  await assert.rejects(client.write(methods.leaseRevoke, { id: 404n }), (error: EtcdError) => {
    assert.deepEqual([error.code, error.message], [5, 'etcdserver: requested lease not found'])
    return true
  })
})

test('dead endpoints are passed over; when all are dead it says so', { skip }, async () => {
  using client = connect(nowhere, etcd.endpoint)
  await put(client, 'over', 'there')
  assert.equal((await client.read(methods.range, { key: 'over' })).count, 1)
  using lost = connect(nowhere, 'http://127.0.0.1:2')
  await assert.rejects(
    put(lost, 'a', '1'),
    /^Error: etcd: cannot reach http:\/\/127\.0\.0\.1:[12]: connect ECONNREFUSED/,
  )
})

test('what one says that was reached is told, not that another cannot be reached', async () => {
  const server = http2.createServer().listen(0, '127.0.0.1')
  server.on('stream', (stream) => {
    const said = { 'grpc-status': `${grpcCode.unavailable}`, 'grpc-message': 'etcdserver: no leader' }
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...said }, { endStream: true })
  })
  await new Promise((done) => server.once('listening', done))
  using client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, nowhere)
  await assert.rejects(client.read(methods.status, {}), /^Error: etcdserver: no leader$/)
  await assert.rejects(client.read(methods.status, {}), /^Error: etcdserver: no leader$/)
  server.close()
})

test('an endpoint that is silent runs into the deadline', async () => {
  const server = createServer(() => {}).listen(0, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  {
    using client = new EtcdClient({ endpoints: [endpoint], clock: realClock, timeoutMs: 50 })
    await assert.rejects(client.read(methods.status, {}), {
      code: grpcCode.deadlineExceeded,
      message: /did not answer within/,
    })
  }
  server.close()
})

test('an endpoint with which no connection comes about is passed over, also by writes', { skip }, async () => {
  // As a host that stands still: the kernel takes the connection, and nobody speaks.
  const server = createServer()
  const taken = new Promise<Socket>((resolve) => server.once('connection', resolve))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const clock = new VirtualClock(0)
  const silent = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  using client = new EtcdClient({ endpoints: [silent, etcd.endpoint], clock })
  const written = put(client, 'passed', 'over')
  const socket = await taken
  clock.advance(2_000)
  await written
  assert.equal((await client.read(methods.range, { key: 'passed' })).count, 1)
  socket.destroy()
  server.close()
})

test('a watch goes on behind its last change when etcd comes back', { skip }, async () => {
  await using other = await startEtcd()
  using client = connect(other.endpoint)
  const abort = new AbortController()
  const seen: string[] = []
  let wake = () => {}
  const until = async (count: number) => {
    while (seen.length < count) {
      await new Promise<void>((done) => {
        wake = done
      })
    }
  }
  client.watch(
    { key: 'w', rangeEnd: 'x', startRevision: 1 },
    {
      onEvents(events) {
        for (const { kv } of events) seen.push(`${kv!.modRevision} ${kv!.key}`)
        wake()
      },
      onError: assert.ifError,
    },
    abort.signal,
  )
  await put(client, 'w1', '1')
  await until(1)
  await other.restart()
  await put(connectFor(other), 'w2', '1')
  await until(2)
  abort.abort()
  assert.deepEqual(seen, ['2 w1', '3 w2'])
})

function connectFor({ endpoint }: Etcd): EtcdClient {
  const client = connect(endpoint)
  after(() => client[Symbol.dispose]())
  return client
}

const noOpenssl = spawnSync('openssl', ['version']).status === 0 ? undefined : 'needs openssl, to make certificates'

test('TLS with a certificate for each side', { skip: skip ?? noOpenssl }, async () => {
  const home = await mkdtemp(join(tmpdir(), 'coracle-tls-'))
  const files = { ca: join(home, 'cert.pem'), cert: join(home, 'cert.pem'), key: join(home, 'key.pem') }
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  const names = ['-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1']
  assert.equal(spawnSync('openssl', [...request, ...names, '-keyout', files.key, '-out', files.cert]).status, 0)
  {
    await using secure = await startEtcd(files)
    const [ca, cert, key] = [files.ca, files.cert, files.key].map((path) => readFileSync(path))
    using client = new EtcdClient({ endpoints: [secure.endpoint], tls: { ca, cert, key }, clock: realClock })
    await put(client, 'a', '1')
    using stranger = new EtcdClient({ endpoints: [secure.endpoint], tls: { ca }, clock: realClock })
    await assert.rejects(put(stranger, 'a', '2'), EtcdError)
  }
  await rm(home, { recursive: true })
})
