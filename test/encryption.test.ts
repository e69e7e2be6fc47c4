import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readEncryptionConfiguration } from '../src/apiserver/encryption/configuration.ts'
import type { ServedCluster } from '../src/cluster/serve.ts'
import { ConfigMap } from '../src/kinds/core/config-map.ts'
import { Secret } from '../src/kinds/core/secret.ts'
import { putIntoKubeconfig } from '../src/lifecycle/kubeconfig.ts'
import { LmdbStore } from '../src/store/lmdb.ts'
import { hostWorld } from '../src/world/host.ts'
import { oldest } from './support/kubectl.ts'
import { clientOf, serve } from './support/served.ts'

const namespace = 'default'
const keys = { one: Buffer.alloc(32, 'first').toString('base64'), two: Buffer.alloc(32, 'second').toString('base64') }
const homes: string[] = []
after(() => Promise.all(homes.map((home) => rm(home, { recursive: true }))))

async function newHome() {
  const home = await mkdtemp(join(tmpdir(), 'coracle-encryption-'))
  homes.push(home)
  return home
}

const configuration = (resources: readonly object[]) =>
  JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration', resources })
const provider = (type: string, ...names: (keyof typeof keys)[]) => ({
  [type]: { keys: names.map((name) => ({ name, secret: keys[name] })) },
})
const secretsWith = (...providers: object[]) => configuration([{ resources: ['secrets'], providers }])

interface Started {
  readonly served: ServedCluster
  readonly log: string[]
}

/** A server over what lies in the folder, with this configuration. */
async function start(home: string, text: string | undefined, reloads = false): Promise<Started> {
  const log: string[] = []
  const file = join(home, 'encryption.yaml')
  if (text !== undefined) await writeFile(file, text)
  const world = hostWorld((level, message, fields) => log.push(`${level} ${message} ${JSON.stringify(fields)}`))
  const served = await serve({
    world,
    dataDir: join(home, 'data'),
    ...(text !== undefined && {
      accessFlags: {
        'encryption-provider-config': file,
        ...(reloads && { 'encryption-provider-config-automatic-reload': 'true' }),
      },
    }),
  })
  return { served, log }
}

/** What lies on disk, while nobody serves it. */
async function stored(home: string): Promise<ReadonlyMap<string, string>> {
  await using store = await LmdbStore.open(
    join(home, 'data/store'),
    hostWorld(() => {}),
  )
  const { kvs } = store.rangeNow({ from: '\0', to: '\0' })
  return new Map(kvs.map(({ key, value }) => [key, Buffer.from(value).toString('latin1')]))
}

const path = (name: string) => `/registry/secrets/${namespace}/${name}`

const create = (served: ServedCluster, name: string) =>
  clientOf(served).create(Secret, { metadata: { name, namespace }, stringData: { word: 'swordfish' } })

async function word(served: ServedCluster, name: string) {
  const { data = {} } = await clientOf(served).get(Secret, { namespace, name })
  return Buffer.from(String(data['word']), 'base64').toString()
}

const kubectl = globSync('/usr/lib/google-cloud-sdk/bin/kubectl.1.33')[0] ?? oldest.path

async function run(home: string, served: ServedCluster, input: string, ...parameters: string[]): Promise<string> {
  const file = join(home, 'kubeconfig')
  await writeFile(file, putIntoKubeconfig(undefined, { name: 'test', ...served.admin }))
  return new Promise((resolve, reject) => {
    const child = execFile(kubectl, ['--kubeconfig', file, ...parameters], (error, stdout, stderr) =>
      error ? reject(new Error(stderr)) : resolve(stdout),
    )
    child.stdin?.end(input)
  })
}

/** `kubectl get secrets -A -o json | kubectl replace -f -`, as the reference's manual has it. */
async function migrate(home: string, served: ServedCluster): Promise<string> {
  return run(home, served, await run(home, served, '', 'get', 'secrets', '-A', '-o', 'json'), 'replace', '-f', '-')
}

test('from plain text to one key, to another, and back, with kubectl', async () => {
  const home = await newHome()
  const versions: string[] = []
  const round = async (text: string | undefined, work: (served: ServedCluster) => Promise<unknown>) => {
    const { served, log } = await start(home, text)
    await work(served)
    const { metadata } = await clientOf(served).get(Secret, { namespace, name: 'a' })
    versions.push(metadata.resourceVersion ?? '')
    assert.equal(await word(served, 'a'), 'swordfish')
    await served[Symbol.asyncDispose]()
    for (const secret of [...Object.values(keys), 'swordfish']) assert.equal(log.join('\n').includes(secret), false)
    return stored(home)
  }
  const inBase64 = Buffer.from('swordfish').toString('base64')
  assert.ok((await round(undefined, (served) => create(served, 'a'))).get(path('a'))?.includes(inBase64))

  const first = await round(secretsWith(provider('aescbc', 'one'), { identity: {} }), async (served) => {
    await create(served, 'b')
    await clientOf(served).create(ConfigMap, { metadata: { name: 'm', namespace }, data: { word: 'shown' } })
  })
  assert.ok(first.get(path('a'))?.includes(inBase64), 'what nobody writes stays as it is')
  assert.ok(first.get(path('b'))?.startsWith('k8s:enc:aescbc:v1:one:'))
  assert.ok(first.get(`/registry/configmaps/${namespace}/m`)?.includes('shown'))

  const migrated = await round(
    secretsWith(provider('secretbox', 'two'), provider('aescbc', 'one'), { identity: {} }),
    (served) => migrate(home, served),
  )
  for (const name of ['a', 'b']) assert.ok(migrated.get(path(name))?.startsWith('k8s:enc:secretbox:v1:two:'))

  const same = await round(secretsWith(provider('secretbox', 'two')), (served) => migrate(home, served))
  assert.equal(same.get(path('a')), migrated.get(path('a')), 'what is under the newest key is not written again')

  const third = await round(secretsWith(provider('aesgcm', 'one'), provider('secretbox', 'two')), (served) =>
    migrate(home, served),
  )
  assert.ok(third.get(path('a'))?.startsWith('k8s:enc:aesgcm:v1:one:'))
  const plain = await round(secretsWith({ identity: {} }, provider('aesgcm', 'one')), (served) => migrate(home, served))
  assert.ok(plain.get(path('a'))?.includes(inBase64))
  assert.equal(new Set(versions).size, 4, 'each migration but the one without an effect made a new version')
})

test('a server without the key says so, and loses nothing', async () => {
  const home = await newHome()
  const gcm = secretsWith(provider('aesgcm', 'one'))
  {
    await using served = (await start(home, gcm)).served
    await create(served, 'a')
  }
  const before = (await stored(home)).get(path('a'))
  const other = secretsWith({ aesgcm: { keys: [{ name: 'one', secret: keys.two }] } })
  for (const [text, why] of [
    [secretsWith(provider('secretbox', 'two'), { identity: {} }), 'no matching prefix found'],
    [secretsWith(provider('aesgcm', 'two')), 'no matching key was found for the provided AES transformer'],
    [other, 'cipher: message authentication failed'],
    [undefined, 'identity transformer tried to read encrypted data'],
  ] as const) {
    await using served = (await start(home, text)).served
    const client = clientOf(served)
    await assert.rejects(client.get(Secret, { namespace, name: 'a' }), {
      reason: 'InternalError',
      code: 500,
      message: `Internal error occurred: ${why}`,
    })
    const inList = text === undefined ? why : `unable to transform key "${path('a')}": ${why}`
    await assert.rejects(client.list(Secret, { namespace }), { message: `Internal error occurred: ${inList}` })
    await assert.rejects(client.delete(Secret, { namespace, name: 'a' }), { reason: 'InternalError' })
    assert.deepEqual((await client.list(ConfigMap, { namespace: 'none' })).items, [])
  }
  assert.equal((await stored(home)).get(path('a')), before)
  await using served = (await start(home, gcm)).served
  assert.equal(await word(served, 'a'), 'swordfish')
})

test('the file is read again when it changes, and a faulty one leaves the keys in force', async () => {
  const home = await newHome()
  const file = join(home, 'encryption.yaml')
  const { served, log } = await start(home, secretsWith(provider('aesgcm', 'one')), true)
  await using _ = served
  const logged = async (pattern: RegExp) => {
    while (!log.some((line) => pattern.test(line))) await hostWorld(() => {}).clock.after(20)
    return log.find((line) => pattern.test(line))!
  }
  await create(served, 'a')
  await writeFile(file, secretsWith({ aesgcm: { keys: [{ name: 'x', secret: keys.one.slice(4) }] } }))
  const fault = await logged(/cannot be used/)
  assert.match(fault, /secret is not of the expected length, got 29, expected one of \[16 24 32\]/)
  await writeFile(file, `{"resources": "${keys.one}`)
  await logged(/it is not a YAML object/)
  await create(served, 'b')
  await writeFile(file, secretsWith(provider('secretbox', 'two'), provider('aesgcm', 'one')))
  await logged(/was read again/)
  await create(served, 'c')
  assert.deepEqual(await Promise.all(['a', 'b', 'c'].map((name) => word(served, name))), Array(3).fill('swordfish'))
  assert.equal(await run(home, served, '', 'get', '--raw', '/readyz/kms-providers'), 'ok')
  await served[Symbol.asyncDispose]()
  const values = await stored(home)
  const heads = ['a', 'b', 'c'].map((name) => values.get(path(name))?.split(':').slice(2, 5).join(' '))
  assert.deepEqual(heads, ['aesgcm v1 one', 'aesgcm v1 one', 'secretbox v1 two'])
  for (const secret of [...Object.values(keys), keys.one.slice(4)]) assert.equal(log.join('\n').includes(secret), false)
})

test('wildcards cover groups, or everything; what is named before has its own', async () => {
  const home = await newHome()
  const text = configuration([
    { resources: ['secrets', 'leases.coordination.k8s.io'], providers: [provider('secretbox', 'two')] },
    { resources: ['*.rbac.authorization.k8s.io'], providers: [provider('aescbc', 'one')] },
    { resources: ['configmaps'], providers: [{ identity: {} }] },
    { resources: ['*.'], providers: [provider('aesgcm', 'one')] },
    { resources: ['*.*'], providers: [provider('aesgcm', 'two')] },
  ])
  await using served = (await start(home, text)).served
  await create(served, 'a')
  await served[Symbol.asyncDispose]()
  const byPlace = new Map<string, string>()
  for (const [key, value] of await stored(home)) {
    const place = key
      .split('/')
      .slice(2, -1)
      .join('/')
      .replace(/\/(default|kube-.*)$/, '')
    byPlace.set(place, value.startsWith('k8s:enc:') ? value.split(':').slice(2, 5).join(' ') : 'plain')
  }
  assert.equal(byPlace.get('secrets'), 'secretbox v1 two')
  assert.equal(byPlace.get('clusterroles'), 'aescbc v1 one')
  assert.equal(byPlace.get('configmaps'), 'plain')
  assert.equal(byPlace.get('namespaces'), 'aesgcm v1 one')
  assert.equal(byPlace.get('services/specs'), 'aesgcm v1 one')
  assert.equal(byPlace.get('flowschemas'), 'aesgcm v1 two')
  assert.equal(byPlace.get('apiregistration.k8s.io/apiservices'), 'aesgcm v1 two')
})

test('what is wrong with a configuration is said in the words of the reference, without secrets', () => {
  const one = provider('aesgcm', 'one')
  const of = (resources: unknown, ...providers: object[]) => configuration([{ resources, providers } as object])
  const kms = (more: object) =>
    of(['secrets'], { kms: { apiVersion: 'v2', name: 'k', endpoint: 'unix:///s', ...more } })
  const keyed = (secret: string, name = 'k') => of(['secrets'], { secretbox: { keys: [{ name, secret }] } })
  const cases: readonly [string, RegExp][] = [
    ['', /error while loading file: encryption provider configuration file "f.yaml" is empty$/],
    ['[', /it is not a YAML object$/],
    ['kind: Pod\napiVersion: v1', /no kind "Pod" is registered for version "v1"/],
    [
      of(['secrets'], { aesgcm: { kyes: [] } }),
      /strict decoding error: unknown field "resources\[0\].providers\[0\].aesgcm.kyes"/,
    ],
    [configuration([]), /file: resources: Required value: at least one resources is required$/],
    [of([], one), /resources\[0\].resources: Required value: at least one resources\[0\].resources is required$/],
    [of(['secrets']), /resources\[0\].providers: Required value: at least one resources\[0\].providers is required$/],
    [
      of(['secrets'], {}),
      /Invalid value: {.*}: provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity$/,
    ],
    [
      of(['secrets'], { ...one, identity: {} }),
      /more than one provider specified in a single element, should split into different list elements$/,
    ],
    [
      of(['secrets'], { aescbc: { keys: [] } }),
      /resources\[0\].providers\[0\].aescbc.keys: Required value: at least one keys is required$/,
    ],
    [keyed('####'), /secretbox.keys\[0\].secret: Invalid value: "REDACTED": secrets must be base64 encoded$/],
    [keyed('AAAA'), /Invalid value: "REDACTED": secret is not of the expected length, got 3, expected one of \[32\]$/],
    [keyed(''), /keys\[0\].secret: Required value: secret is a mandatory field for a key$/],
    [keyed(keys.one, ''), /keys\[0\].name: Required value: name is a mandatory field for a key$/],
    [
      of(['*'], one),
      /resources\[0\].resources\[0\]: Invalid value: "\*": use '\*\.' to encrypt all the resources from core API group/,
    ],
    [of(['Secrets'], one), /resource name should not contain capital letters$/],
    [
      of(['secrets', 'secrets'], one),
      /Invalid value: \["secrets","secrets"\]: the same resource cannot be specified multiple times$/,
    ],
    [
      of(['secrets', '*.'], one),
      /using overlapping resources such as 'secrets' and '\*\.' in the same resource list is not allowed as they will be masked$/,
    ],
    [of(['secrets.*'], one), /encrypting the same resource across groups is not supported$/],
    [of(['events.events.k8s.io'], one), /Use 'events' instead in the config file$/],
    [of(['pods.extensions'], one), /'extensions' group has been removed and cannot be used for encryption$/],
    [of(['serviceipallocations'], one), /resources which do not have REST API\/s cannot be encrypted$/],
    [
      configuration([
        { resources: ['*.*'], providers: [one] },
        { resources: ['secrets'], providers: [one] },
      ]),
      /^error while building transformers: resource "secrets" is masked by earlier rule "\*\.\*"$/,
    ],
    [kms({ name: 'a:b' }), /invalid KMS provider name a:b, must not contain ':'$/],
    [kms({ endpoint: 'https://kms' }), /unsupported scheme "https" for KMS provider, only unix is supported$/],
    [kms({ endpoint: '' }), /kms.endpoint: Invalid value: "": endpoint is a mandatory field for a kms$/],
    [kms({ timeout: '-1s' }), /timeout should be a positive value$/],
    [kms({ cachesize: 5 }), /kms.cachesize: Invalid value: 5: cachesize is not supported in v2$/],
    [
      kms({ apiVersion: 'v3' }),
      /kms.apiVersion: Invalid value: "v3": unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported$/,
    ],
    [kms({ apiVersion: 'v1' }), /^error while building transformers: KMSv1 is deprecated/],
  ]
  for (const [text, message] of cases) {
    assert.throws(
      () => readEncryptionConfiguration(text, 'f.yaml'),
      (error: Error) => {
        assert.match(error.message, message)
        assert.equal(error.message.includes(keys.one), false)
        return true
      },
    )
  }
})
