import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { toProtobuf } from '../../src/apiserver/protobuf-body.ts'
import { Deployment } from '../../src/kinds/apps/deployment.ts'
import { ConfigMap } from '../../src/kinds/core/config-map.ts'
import { Pod } from '../../src/kinds/core/pod.ts'
import { ServiceAccount } from '../../src/kinds/core/service-account.ts'
import { apiVersionOf, type Kind } from '../../src/schema/kind.ts'
import { garbled, hostileTarget, nearly, type Target } from '../support/hostile.ts'

/** The same bodies in every run; `FUZZ_SEED` and `FUZZ_RUNS` ask for others, and for more of them. */
const seed = Number(process.env['FUZZ_SEED'] ?? 1)
const many = Number(process.env['FUZZ_RUNS'] ?? 1)
const runs = (count: number): fc.Parameters<unknown> => ({ seed, numRuns: count * many, verbose: 0 })

let target: Target
before(async () => {
  target = await hostileTarget()
  for (const [kind, object] of seeds)
    assert.equal((await target.call('POST', collectionOf(kind), { body: JSON.stringify(object) })).status, 201)
})
after(() => target[Symbol.asyncDispose]())

const collectionOf = (kind: Kind) =>
  `${kind.group === '' ? '/api' : `/apis/${kind.group}`}/${kind.version}${kind.namespaced ? '/namespaces/default' : ''}/${kind.plural}`

const podSpec = {
  containers: [{ name: 'c', image: 'nginx', ports: [{ containerPort: 80 }], env: [{ name: 'A', value: 'b' }] }],
}
const pod = { metadata: { name: 'p' }, spec: { serviceAccountName: 'default', ...podSpec } }
const labels = { app: 'd' }
const deployment = {
  metadata: { name: 'd' },
  spec: { replicas: 0, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec } },
}
const configMap = { metadata: { name: 'c', labels }, data: { a: 'b' } }
const account = { metadata: { name: 'default' } }

const seeds: readonly (readonly [Kind, object])[] = [
  [ServiceAccount as Kind, account],
  [ConfigMap as Kind, configMap],
  [Deployment as Kind, deployment],
  [Pod as Kind, pod],
]

test('objects of every kind, nearly right', async () => {
  const writable = target.cluster.registry.kinds.filter(({ verbs }) => verbs.includes('create'))
  assert.ok(writable.length > 50)
  const statuses = new Map<number, number>()
  const perKind = Math.ceil(1500 / writable.length)
  for (const kind of writable) {
    const body = fc
      .oneof(nearly(kind.schema, false), nearly(kind.schema, true))
      .map((object) =>
        typeof object === 'object' ? { ...object, kind: kind.kind, apiVersion: apiVersionOf(kind) } : object,
      )
    await fc.assert(
      fc.asyncProperty(body, fc.constantFrom('POST', 'PUT'), async (object, method) => {
        const url = method === 'POST' ? collectionOf(kind) : `${collectionOf(kind)}/a`
        const { status } = await target.call(method, `${url}?dryRun=All`, { body: JSON.stringify(object) })
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }),
      runs(perKind),
    )
  }
  // Some were understood and then refused, some not even understood: both is looked into.
  for (const status of [201, 400, 422]) assert.ok((statuses.get(status) ?? 0) > 0, JSON.stringify([...statuses]))
})

test('patches of every sort', async () => {
  const base = collectionOf(Deployment as Kind)
  const path = fc.oneof(
    fc.constantFrom(
      '',
      '/',
      '/spec',
      '/spec/template/spec/containers/0',
      '/spec/replicas',
      '/metadata',
      '/__proto__',
      '/metadata/labels/constructor',
      '/spec/template/spec/containers/-',
      '/a~2b',
      '/~',
    ),
    fc.string({ maxLength: 10 }),
  )
  const operation = fc.record(
    {
      op: fc.constantFrom<unknown>('add', 'remove', 'replace', 'move', 'copy', 'test', 'x', 1),
      path,
      from: path,
      value: fc.jsonValue({ maxDepth: 2 }),
    },
    { requiredKeys: [] },
  )
  const directives = fc.constantFrom<unknown>(
    { spec: { template: { spec: { $patch: 'replace', containers: null } } } },
    { spec: { template: { spec: { containers: [{ $patch: 'delete' }, { $patch: 'x', name: 'c' }, null, 1] } } } },
    { spec: { template: { spec: { '$setElementOrder/containers': [{}, { name: 'z' }], containers: 'c' } } } },
    { metadata: { '$deleteFromPrimitiveList/finalizers': [1, null] } },
    { spec: { strategy: { $retainKeys: ['type', 1], type: 'Recreate' } } },
    { $patch: 'delete' },
  )
  const patch = fc.oneof(
    fc.record({
      type: fc.constant('json-patch'),
      body: fc.oneof(fc.array(operation, { maxLength: 4 }), fc.jsonValue()),
    }),
    fc.record({
      type: fc.constantFrom('merge-patch', 'strategic-merge-patch'),
      body: fc.oneof(nearly(Deployment.schema, false), directives, fc.jsonValue()),
    }),
  )
  await fc.assert(
    fc.asyncProperty(patch, fc.constantFrom('', '/status', '/scale'), async ({ type, body }, subresource) => {
      const headers = { 'content-type': `application/${type}+json` }
      await target.call('PATCH', `${base}/d${subresource}?dryRun=All`, { headers, body: JSON.stringify(body) })
    }),
    runs(600),
  )
})

test('bytes that are no JSON, no YAML and no protobuf', async () => {
  const text = JSON.stringify(deployment)
  const bytes = toProtobuf({ kind: 'Deployment', apiVersion: 'apps/v1', ...deployment } as never, Deployment.schema)
  const yaml = `kind: Deployment
apiVersion: apps/v1
metadata: &m { name: x, labels: { app: "d" } }
spec:
  selector: { matchLabels: { <<: { app: d } } }
  template:
    metadata: *m
    spec: { containers: [ { name: c, image: !!str nginx } ] }
`
  const inputs = [
    ['application/json', Buffer.from(text)],
    ['application/yaml', Buffer.from(yaml)],
    ['application/vnd.kubernetes.protobuf', bytes],
  ] as const
  for (const [type, right] of inputs) {
    const body = fc.oneof(
      { weight: 6, arbitrary: garbled(right) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((random) => Buffer.from(random)) },
      {
        weight: 1,
        arbitrary: fc.uint8Array({ maxLength: 200 }).map((random) => Buffer.concat([Buffer.from('k8s\0'), random])),
      },
    )
    const check = fc.constantFrom('Strict', 'Warn', 'Ignore')
    await fc.assert(
      fc.asyncProperty(body, check, async (bytes, fieldValidation) => {
        const url = `${collectionOf(Deployment as Kind)}?dryRun=All&fieldValidation=${fieldValidation}`
        await target.call('POST', url, { headers: { 'content-type': type }, body: bytes })
      }),
      runs(400),
    )
    const { status, text } = await target.call('POST', `${collectionOf(Deployment as Kind)}?dryRun=All`, {
      headers: { 'content-type': type },
      body: right,
    })
    // What was garbled was right before.
    assert.ok(status === 201 || status === 409, `${type}: ${status} ${text}`)
  }
})

test('bodies that are small and mean to be large', async () => {
  const deep = (open: string, close: string, times: number) => open.repeat(times) + close.repeat(times)
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghij']
    .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[index]}`)}]`)
    .join('\n')}\nkind: ConfigMap\n`
  const cases: readonly (readonly [string, string, string])[] = [
    ['application/json', deep('[', ']', 500_000), 'lists'],
    ['application/json', `{"metadata":{"name":"n","x":${deep('[', ']', 9_000)}}}`, 'lists as deep as is allowed'],
    ['application/json', `${'{"a":'.repeat(500_000)}1${'}'.repeat(500_000)}`, 'objects'],
    ['application/json', `{"metadata":{"annotations":${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}}}`, 'in a map'],
    [
      'application/json',
      `{"metadata":{"managedFields":[{"fieldsV1":${'{"a":'.repeat(50_000)}{}${'}'.repeat(50_000)}}]}}`,
      'in a raw object',
    ],
    ['application/json', '['.repeat(1_000_000), 'lists without an end'],
    [
      'application/json',
      `{"data":{${Array.from({ length: 100_000 }, (_, n) => `"k${n % 10}":"v"`)}}}`,
      'repeated keys',
    ],
    ['application/json', `{${Array.from({ length: 100_000 }, (_, n) => `"k${n}":1`)}}`, 'unknown fields'],
    ['application/json', `{"metadata":{"name":"${'\\u0000'.repeat(100_000)}"}}`, 'an escaped name'],
    ['application/json', `{"metadata":{"generation":${'9'.repeat(1_000_000)}}}`, 'a long number'],
    ['application/yaml', deep('[', ']', 30_000), 'flow lists'],
    ['application/yaml', deep('{a: ', '}', 20_000), 'flow maps'],
    ['application/yaml', `${Array.from({ length: 2000 }, (_, n) => `${' '.repeat(n)}a:`).join('\n')}`, 'block maps'],
    ['application/yaml', '- '.repeat(30_000), 'block lists'],
    ['application/yaml', bomb, 'aliases of aliases'],
    ['application/yaml', 'a: &a [*a]\n', 'an alias of itself'],
    ['application/yaml', '&a '.repeat(10_000), 'anchors'],
    ['application/yaml', '? '.repeat(30_000), 'keys of keys'],
    ['application/yaml', `${'!!binary '.repeat(1000)}x`, 'tags'],
    ['application/yaml', `%YAML 9.9\n---\na: b\n...\n---\nc: d\n`, 'several documents'],
    ['application/yaml', `a: "${'\\x'.repeat(5_000)}`, 'a text without an end'],
  ]
  for (const [type, body, what] of cases) {
    const url = `${collectionOf(ConfigMap as Kind)}?dryRun=All`
    const { status } = await target.call('POST', url, { headers: { 'content-type': type }, body })
    assert.ok(status >= 400 && status < 500, `${what}: ${status}`)
    const patched = await target.call('PATCH', `${collectionOf(ConfigMap as Kind)}/c?dryRun=All`, {
      headers: { 'content-type': 'application/merge-patch+json' },
      body,
    })
    assert.ok(patched.status < 500, `patch with ${what}: ${patched.status}`)
  }
})

test('protobuf that lies about its lengths', async () => {
  const varint = (value: number) => Buffer.from([(value & 127) | 128, ((value >> 7) & 127) | 128, (value >> 14) & 127])
  const envelope = (content: Buffer) => Buffer.concat([Buffer.from('k8s\0'), content])
  let nested = Buffer.from([0x0a, 0x00])
  for (let depth = 0; depth < 20_000; depth++)
    nested = Buffer.concat([Buffer.from([0x0a]), varint(nested.length), nested])
  const bodies = [
    envelope(Buffer.alloc(0)),
    envelope(Buffer.from([0x12, 0xff, 0xff, 0xff, 0xff, 0x0f])),
    envelope(Buffer.from([0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])),
    envelope(Buffer.alloc(1000, 0xff)),
    envelope(Buffer.alloc(1000, 0x0b)),
    envelope(Buffer.concat([Buffer.from([0x12]), varint(nested.length), nested])),
    envelope(Buffer.from([0x00, 0x00])),
  ]
  for (const body of bodies) {
    const { status } = await target.call('POST', `${collectionOf(ConfigMap as Kind)}?dryRun=All`, {
      headers: { 'content-type': 'application/vnd.kubernetes.protobuf' },
      body,
    })
    assert.ok(status >= 400 && status < 500, `${body.subarray(0, 12).toString('hex')}: ${status}`)
  }
})

test('names that are not names stay what they are', async () => {
  const names = [
    '__proto__',
    'toString',
    'hasOwnProperty',
    '..',
    '.',
    '%2e%2e',
    'a/b',
    'a\0b',
    'a\nb',
    'x'.repeat(254),
    'ü',
    '🛶',
    'A',
    '',
    ' ',
    '-a',
    '$(x)',
    '"',
    "'; DROP TABLE pods; --",
  ]
  for (const name of names) {
    const sent = await target.call('POST', collectionOf(ConfigMap as Kind), {
      body: JSON.stringify({ metadata: { name }, data: {} }),
    })
    assert.ok(sent.status === 422, `${JSON.stringify(name)}: ${sent.status}`)
    for (const place of [
      `{"metadata":{"name":"ok","labels":{${JSON.stringify(name)}:"v"}}}`,
      `{"metadata":{"name":"ok"},${JSON.stringify(name)}:{"polluted":1},"data":{}}`,
    ])
      await target.call('POST', `${collectionOf(ConfigMap as Kind)}?dryRun=All`, { body: place })
    const path = encodeURIComponent(name) || '%20'
    for (const url of [
      `/api/v1/namespaces/${path}/configmaps`,
      `/api/v1/namespaces/default/configmaps/${path}`,
      `/apis/${path}/v1/x`,
      `/api/v1/${path}`,
      `/apis/apps/v1/namespaces/default/deployments/d/${path}`,
      `/${path}`,
    ]) {
      for (const method of ['GET', 'PUT', 'DELETE'])
        assert.ok((await target.call(method, url, { body: method === 'PUT' ? '{}' : '' })).status < 500)
    }
  }
  // A name like any other, though every object of the language has something of that name.
  const url = collectionOf(ConfigMap as Kind)
  const odd = JSON.stringify({
    metadata: { name: 'constructor', labels: { constructor: 'a' } },
    data: { constructor: 'b' },
  })
  assert.equal((await target.call('GET', `${url}/constructor`)).status, 404)
  assert.equal((await target.call('POST', url, { body: odd })).status, 201)
  const found = await target.call('GET', `${url}?labelSelector=constructor,!toString`)
  assert.equal((JSON.parse(found.text) as { items: unknown[] }).items.length, 1)
  assert.equal((await target.call('DELETE', `${url}/constructor`)).status, 200)
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  assert.equal(Object.keys(Object.prototype).length, 0)
  const { text } = await target.call('GET', collectionOf(ConfigMap as Kind))
  assert.deepEqual(
    (JSON.parse(text) as { items: { metadata: { name: string } }[] }).items.map(({ metadata }) => metadata.name),
    ['c'],
  )
})

test('paths, queries and headers of any sort', async () => {
  const part = fc.constantFrom(
    'api',
    'apis',
    'v1',
    'apps',
    'namespaces',
    'default',
    'pods',
    'p',
    'deployments',
    'd',
    'status',
    'scale',
    'log',
    'exec',
    'watch',
    'proxy',
    '..',
    '.',
    '%2e%2e',
    '%00',
    '%',
    '%zz',
    '',
    '%2F',
    '__proto__',
    'openapi',
    'v2',
    'v3',
    'healthz',
    'metrics',
    'readyz',
    'version',
    'a'.repeat(3000),
    '\\',
    ';a=b',
  )
  const key = fc.constantFrom(
    'watch',
    'limit',
    'continue',
    'resourceVersion',
    'resourceVersionMatch',
    'labelSelector',
    'fieldSelector',
    'timeoutSeconds',
    'dryRun',
    'fieldManager',
    'pretty',
    'fieldValidation',
    'sendInitialEvents',
    'propagationPolicy',
    'gracePeriodSeconds',
    'includeObject',
    'timeout',
    '__proto__',
  )
  const value = fc.oneof(
    fc.constantFrom(
      '',
      '0',
      '-1',
      'true',
      'x',
      '99999999999999999999',
      'All',
      '%00',
      '%',
      'a=b',
      '((',
      'a in (',
      '!a,b!=c,d in (e)',
      'metadata.name=',
      'eyJ2IjoxfQ',
      'Exact',
      '1e9',
      '1s',
      '\u{1f6f6}',
    ),
    fc.string({ maxLength: 12 }),
  )
  const header = fc.dictionary(
    fc.constantFrom(
      'accept',
      'content-type',
      'accept-encoding',
      'impersonate-user',
      'impersonate-group',
      'impersonate-extra-__proto__',
      'impersonate-uid',
      'authorization',
      'user-agent',
      'if-none-match',
      'connection',
      'upgrade',
    ),
    fc.oneof(
      fc.constantFrom(
        '',
        '*/*',
        ';;;',
        'application/json;as=Table;v=v1;g=meta.k8s.io',
        'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
        'application/yaml',
        'application/vnd.kubernetes.protobuf',
        'q=0',
        'Bearer ',
        'Bearer a.b.c',
        'Basic x',
        'Bearer eyJhbGciOiJub25lIn0.e30.',
        'gzip;q=9',
        'a,b,,c',
        '__proto__',
        'websocket',
      ),
      fc.string({ maxLength: 20 }),
    ),
    { maxKeys: 3 },
  )
  const request = fc.record({
    method: fc.constantFrom(
      'GET',
      'POST',
      'PUT',
      'PATCH',
      'DELETE',
      'HEAD',
      'OPTIONS',
      'TRACE',
      'X',
      'constructor',
      '__proto__',
    ),
    path: fc.array(part, { maxLength: 8 }),
    query: fc.array(fc.tuple(key, value), { maxLength: 4 }),
    headers: header,
    body: fc.constantFrom('', '{}', 'null', '[]', '{"kind":"DeleteOptions","dryRun":["All"]}'),
  })
  await fc.assert(
    fc.asyncProperty(request, async ({ method, path, query, headers, body }) => {
      const search = query.map(([name, text]) => `${name}=${text}`).join('&')
      await target.call(method, `/${path.join('/')}${search && '?'}${search}`, { headers, body })
    }),
    runs(1500),
  )
})

test('thousands of parameters, and selectors without an end', async () => {
  const url = collectionOf(ConfigMap as Kind)
  const many = Array.from({ length: 20_000 }, (_, index) => `p${index}=${index}`).join('&')
  assert.equal((await target.call('GET', `${url}?${many}`)).status, 200)
  const same = Array(20_000).fill('labelSelector=a').join('&')
  assert.ok((await target.call('GET', `${url}?${same}`)).status < 500)
  const terms = Array.from({ length: 20_000 }, (_, index) => `k${index}`).join(',')
  assert.equal((await target.call('GET', `${url}?labelSelector=${terms}`)).status, 200)
  const set = `a in (${terms})`
  assert.equal((await target.call('GET', `${url}?labelSelector=${encodeURIComponent(set)}`)).status, 200)
  assert.equal((await target.call('GET', `${url}?labelSelector=${'('.repeat(100_000)}`)).status, 400)
  assert.equal((await target.call('GET', `${url}?fieldSelector=${'a'.repeat(100_000)}`)).status, 400)
  assert.ok((await target.call('GET', `${url}?continue=${'A'.repeat(100_000)}`)).status < 500)
})

test('nothing of all this is kept', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const bigName = 'n'.repeat(100_000)
  const url = collectionOf(ConfigMap as Kind)
  const round = async (index: number) => {
    await target.call('POST', url, { body: JSON.stringify({ metadata: { name: `${bigName}${index}` } }) })
    await target.call('GET', `${url}/${bigName}${index}`)
    await target.call('GET', `${url}?labelSelector=${bigName}${index}`)
    await target.call('GET', `/apis/${bigName}${index}/v1/x`)
    await target.call('GET', url, { headers: { accept: `application/${bigName}${index}` } })
    await target.call('GET', url, { headers: { 'impersonate-user': `${bigName}${index}` } })
    await target.call('GET', url, { headers: { 'user-agent': `${bigName}${index}` } })
    await target.call('GET', url, { headers: { authorization: `Bearer ${bigName}${index}` } })
    await target.call(`M${index}`, url)
  }
  for (let index = 0; index < 20; index++) await round(index)
  collect()
  const before = process.memoryUsage().heapUsed
  for (let index = 20; index < 120; index++) await round(index)
  collect()
  // 100 rounds with eight names of 100 kB each are 80 MB.
  assert.ok(process.memoryUsage().heapUsed - before < 8e6, `${process.memoryUsage().heapUsed - before} bytes were kept`)
})
