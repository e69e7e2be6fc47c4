/** etcd's own protocol on the store of a running cluster: both ways, guarded, and asked for by flags of `up`. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { toProtobuf } from '../src/apiserver/protobuf-body.ts'
import type { ServedCluster } from '../src/cluster/serve.ts'
import { EtcdClient } from '../src/etcd/client.ts'
import { methods } from '../src/etcd/messages.ts'
import { checkListenUrl, ListenUrlError } from '../src/etcd/server/server.ts'
import { loadSnapshot } from '../src/etcd/snapshot-file.ts'
import { ConfigMap } from '../src/kinds/core/config-map.ts'
import { createAuthority, issueCertificate } from '../src/lifecycle/pki.ts'
import { ApiError } from '../src/schema/status.ts'
import { etcdctl, etcdctlMissing } from './support/etcdctl.ts'
import { clientOf, quietWorld, serve } from './support/served.ts'

const skip = etcdctlMissing()
const namespace = 'default'
const keyOf = (name: string) => `/registry/configmaps/${namespace}/${name}`

let home: string
before(async () => {
  home = await mkdtemp(join(tmpdir(), 'coracle-etcd-endpoint-'))
})
after(() => rm(home, { recursive: true }))

describe('one store, two protocols', { skip }, () => {
  let served: ServedCluster
  before(async () => {
    served = await serve({ etcd: { listenUrl: 'http://127.0.0.1:0' } })
  })
  after(() => served?.[Symbol.asyncDispose]())

  const ctl = async (...args: string[]) => {
    const { stdout, stderr, code } = await etcdctl(served.etcdUrl!, args)
    assert.equal(code, 0, stderr)
    return stdout
  }

  test('what the API writes etcdctl reads, where a kube-apiserver would look for it [ETI-23]', async () => {
    await clientOf(served).create(ConfigMap, { metadata: { name: 'ours', namespace }, data: { word: 'one' } })
    const keys = (await ctl('get', '/', '--prefix', '--keys-only')).split('\n').filter((line) => line !== '')
    assert.ok(keys.includes(keyOf('ours')) && keys.includes('/registry/namespaces/default'), keys.join())
    assert.deepEqual(
      keys.filter((key) => !key.startsWith('/registry/')),
      [],
    )
    const value = JSON.parse(await ctl('get', keyOf('ours'), '--print-value-only'))
    assert.deepEqual([value.kind, value.data], ['ConfigMap', { word: 'one' }])
    const { kvs } = JSON.parse(await ctl('get', keyOf('ours'), '-w', 'json'))
    const { metadata } = await clientOf(served).get(ConfigMap, { namespace, name: 'ours' })
    assert.equal(String(kvs[0].mod_revision), metadata.resourceVersion)
  })

  test("what etcdctl writes the API serves: watches, lists, single objects, and the server's own caches", async () => {
    const client = clientOf(served)
    const made = await client.create(ConfigMap, { metadata: { name: 'shared', namespace }, data: { word: 'one' } })
    const stop = new AbortController()
    const { resourceVersion } = made.metadata
    const watch = client.watch(ConfigMap, { namespace, resourceVersion: resourceVersion!, signal: stop.signal })
    const events = watch[Symbol.asyncIterator]()
    const next = async () => {
      const { value } = await events.next()
      const { type, object } = value as { type: string; object: typeof made }
      return [type, object.metadata.name, object.data?.['word'], object.metadata.resourceVersion]
    }
    const revisionOf = async (said: string) => String(JSON.parse(said).header.revision)

    const stored = await ctl('get', keyOf('shared'), '--print-value-only')
    const changed = await revisionOf(
      await ctl('put', keyOf('shared'), stored.replace('"one"', '"two"').trim(), '-w', 'json'),
    )
    assert.deepEqual(await next(), ['MODIFIED', 'shared', 'two', changed])
    const copy = stored.replace('"shared"', '"copied"').trim()
    const copied = await revisionOf(await ctl('put', keyOf('copied'), copy, '-w', 'json'))
    assert.deepEqual(await next(), ['ADDED', 'copied', 'one', copied])
    const words = async () => {
      const { items } = await client.list(ConfigMap, { namespace })
      return items.flatMap(({ metadata, data }) => (data?.['word'] ? [[metadata.name, data['word']]] : []))
    }
    assert.deepEqual(await words(), [
      ['copied', 'one'],
      ['ours', 'one'],
      ['shared', 'two'],
    ])
    await assert.rejects(
      client.update(ConfigMap, { ...made, data: { word: 'stale' } }),
      (error: ApiError) => error.reason === 'Conflict',
    )

    const gone = await revisionOf(await ctl('del', keyOf('shared'), '-w', 'json'))
    assert.deepEqual(await next(), ['DELETED', 'shared', 'two', gone])
    await assert.rejects(
      client.get(ConfigMap, { namespace, name: 'shared' }),
      (error: ApiError) => error.reason === 'NotFound',
    )
    stop.abort()
    await ctl('del', keyOf('copied'))
    assert.deepEqual(await words(), [['ours', 'one']])
  })

  test('values in protobuf, as a kube-apiserver stores them, are served; what comes later is stored as JSON', async () => {
    const client = clientOf(served)
    const made = await client.create(ConfigMap, { metadata: { name: 'binary', namespace }, data: { word: 'one' } })
    const changed = { ...made, data: { word: 'from protobuf' } }
    const value = toProtobuf(changed, ConfigMap.schema)
    assert.equal(value.toString('latin1', 0, 4), 'k8s\0')
    using etcd = new EtcdClient({ endpoints: [served.etcdUrl!], clock: quietWorld.clock })
    await etcd.write(methods.put, { key: keyOf('binary'), value })
    const read = await client.get(ConfigMap, { namespace, name: 'binary' })
    assert.deepEqual([read.data, read.metadata.uid], [{ word: 'from protobuf' }, made.metadata.uid])
    await client.update(ConfigMap, { ...read, data: { word: 'again' } })
    const { kvs } = await etcd.read(methods.range, { key: keyOf('binary') })
    assert.deepEqual(JSON.parse(String(kvs![0]!.value)).data, { word: 'again' })
    assert.equal(kvs![0]!.version, 3)
  })

  test('nonsense that etcdctl puts harms nobody else, and etcdctl takes it away again', async () => {
    const client = clientOf(served)
    await ctl('put', keyOf('nonsense'), '{"kind":')
    await assert.rejects(client.get(ConfigMap, { namespace, name: 'nonsense' }), (error: ApiError) => {
      assert.ok(error instanceof ApiError && error.code === 500, String(error))
      return true
    })
    assert.equal((await client.get(ConfigMap, { namespace, name: 'ours' })).data?.['word'], 'one')
    await client.create(ConfigMap, { metadata: { name: 'later', namespace } })
    await ctl('del', keyOf('nonsense'))
    const { items } = await client.list(ConfigMap, { namespace })
    assert.ok(items.some(({ metadata }) => metadata.name === 'later'))
  })
})

test('over TLS nobody comes in without a certificate of the right authority [ETI-31 ETB-05]', { skip }, async () => {
  const tools = quietWorld
  const [authority, stranger] = ['etcd-ca', 'somebody'].map((name) => createAuthority(name, tools))
  const file = async (name: string, content: string) => {
    await writeFile(join(home, name), content)
    return join(home, name)
  }
  const pair = async (name: string, by = authority!) => {
    const request = { commonName: name, hosts: ['127.0.0.1', 'localhost'], usages: ['client', 'server'] as const }
    const { certificate, key } = issueCertificate(by, request, tools)
    return { cert: await file(`${name}.crt`, certificate), key: await file(`${name}.key`, key) }
  }
  const [server, other] = [await pair('server'), await pair('other', stranger)]
  const [ca, otherCa] = [
    await file('ca.crt', authority!.certificate),
    await file('other-ca.crt', stranger!.certificate),
  ]
  const etcd = {
    ...{ listenUrl: 'https://127.0.0.1:0', certFile: server.cert, keyFile: server.key, trustedCaFile: ca },
  }
  await using served = await serve({ etcd })
  const ask = (...args: string[]) =>
    etcdctl(served.etcdUrl!, [...args, 'get', '/registry/namespaces/default', '--keys-only'])
  const own = ['--cert', server.cert, '--key', server.key]
  const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["the server's own certificate", ['--cacert', ca, ...own], /^\/registry\/namespaces\/default\n/],
    ['none', ['--cacert', ca], /^$/],
    ['one of a stranger', ['--cacert', ca, '--cert', other.cert, '--key', other.key], /^$/],
    ['the wrong authority for the server', ['--cacert', otherCa, ...own], /^$/],
  ]
  await Promise.all(
    cases.map(async ([who, args, expected]) => {
      const { stdout, code } = await ask(...args, '--command-timeout', '2s', '--dial-timeout', '2s')
      assert.match(stdout, expected, who)
      assert.equal(code === 0, stdout !== '', who)
    }),
  )
  const snapshot = `snapshot save ${join(home, 'over-tls.db')}`
  for (const command of ['endpoint status', 'endpoint hashkv', 'member list', snapshot]) {
    const { code, stderr } = await etcdctl(served.etcdUrl!, ['--cacert', ca, ...own, ...command.split(' ')])
    assert.equal(code, 0, `${command}: ${stderr}`)
  }
  assert.ok(loadSnapshot(join(home, 'over-tls.db')).records.length > 10)
})

const noTls = undefined
const tls = { certificate: 'c', key: 'k' }
const guarded = { ...tls, clientCa: 'ca' }

const addresses: readonly (readonly [string, typeof noTls | typeof tls | typeof guarded, RegExp | undefined])[] = [
  ['http://127.0.0.1:2379', noTls, undefined],
  ['http://127.8.8.8:2379', noTls, undefined],
  ['http://localhost:2379', noTls, undefined],
  ['http://[::1]:2379', noTls, undefined],
  ['https://127.0.0.1:2379', tls, undefined],
  ['https://10.0.0.1:2379', guarded, undefined],
  ['https://0.0.0.0:2379', guarded, undefined],
  [
    'http://10.0.0.1:2379',
    noTls,
    /not a loopback address, and without TLS anybody who reaches it could read and change/,
  ],
  ['http://0.0.0.0:2379', noTls, /not a loopback address/],
  ['http://[::]:2379', noTls, /not a loopback address/],
  ['http://127.0.0.1.example.com:2379', noTls, /not a loopback address/],
  ['http://localhost.example.com:2379', noTls, /not a loopback address/],
  ['https://10.0.0.1:2379', tls, /without client certificates .* --etcd-trusted-ca-file/],
  ['https://127.0.0.1:2379', noTls, /needs a certificate: give --etcd-cert-file and --etcd-key-file/],
  ['http://127.0.0.1:2379', guarded, /has no TLS, though a certificate is given/],
  ['127.0.0.1:2379', noTls, /is no (URL|address to listen on), such as/],
  ['unix:///run/etcd.sock', noTls, /is no address to listen on/],
  ['http://127.0.0.1:2379/v3', noTls, /is no address to listen on/],
]
for (const [url, given, refused] of addresses) {
  const with_ =
    given === undefined ? 'no certificate' : 'clientCa' in given ? 'certificate and authority' : 'certificate'
  test(`${url} with ${with_} is ${refused ? 'refused' : 'served'}`, () => {
    if (refused) assert.throws(() => checkListenUrl(url, given), { constructor: ListenUrlError, message: refused })
    else assert.equal(checkListenUrl(url, given).protocol, new URL(url).protocol)
  })
}

test('what is wrong with the flags is said before anything begins', async () => {
  const there = join(home, 'there.pem')
  await writeFile(there, 'no certificate')
  const listenUrl = 'https://127.0.0.1:0'
  const cases: readonly (readonly [Parameters<typeof serve>[0] & object, RegExp])[] = [
    [
      { etcd: { listenUrl: 'http://10.0.0.1:2379' } },
      /^--etcd-listen-client-url: http:\/\/10\.0\.0\.1:2379 is not a loopback/,
    ],
    [{ etcd: { listenUrl, certFile: there } }, /^--etcd-cert-file and --etcd-key-file are of use together alone$/],
    [{ etcd: { listenUrl, trustedCaFile: there } }, /^--etcd-trusted-ca-file is of use with/],
    [
      { etcd: { listenUrl, certFile: join(home, 'none'), keyFile: there } },
      /^--etcd-cert-file: there is no file .*none$/,
    ],
    [{ etcd: { listenUrl, certFile: there, keyFile: there } }, /^--etcd-listen-client-url: .* cannot be served/],
  ]
  for (const [options, message] of cases) await assert.rejects(serve(options), { name: 'Error', message })
})
