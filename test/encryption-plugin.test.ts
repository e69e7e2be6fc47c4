/** A cluster whose secrets are under the keys of a KMS plugin: a process of its own, which comes and goes. */
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { HttpClient } from '../src/client/http.ts'
import { ConfigMap } from '../src/kinds/core/config-map.ts'
import { Secret } from '../src/kinds/core/secret.ts'
import { hostWorld } from '../src/world/host.ts'
import type { Clock, HostWorld } from '../src/world/world.ts'
import { Home } from './support/cli.ts'
import { clientOf, serve } from './support/served.ts'
import { root } from './support/sources.ts'

const plugins: ChildProcess[] = []
after(() => {
  for (const plugin of plugins) plugin.kill('SIGKILL')
})

async function startPlugin(path: string) {
  const child = fork(join(root, 'test/support/servers/kms.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  plugins.push(child)
  const tell = async (message: object) => {
    child.send(message)
    await once(child, 'message')
  }
  await tell({ path })
  return {
    tell,
    async kill() {
      child.kill('SIGKILL')
      await once(child, 'exit')
      await rm(path)
    },
  }
}

const secretbox = (name: string) => ({
  secretbox: { keys: [{ name, secret: Buffer.alloc(32, name).toString('base64') }] },
})
const kms = (path: string) => ({ kms: { apiVersion: 'v2', name: 'safe', endpoint: `unix://${path}`, timeout: '1s' } })
const configuration = (...providers: object[]) =>
  JSON.stringify({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: [{ resources: ['secrets'], providers }],
  })

const namespace = 'default'
const put = (client: HttpClient, name: string) =>
  client.create(Secret, { metadata: { name, namespace }, stringData: { word: 'swordfish' } })
const wordOf = async (client: HttpClient, name: string) =>
  Buffer.from(String((await client.get(Secret, { namespace, name })).data?.['word']), 'base64').toString()

/** Reads and writes every secret, so that all are under the newest key (`kubectl get … | kubectl replace -f -`). */
async function rewrite(client: HttpClient): Promise<void> {
  for (const secret of (await client.list(Secret)).items) await client.update(Secret, secret)
}

test('`coracle up --encryption-provider-config`: no file of the store shows a secret, whatever key it is under', async () => {
  await using home = await Home.make()
  const socket = home.path('kms.sock')
  const plugin = await startPlugin(socket)
  const file = home.path('encryption.json')
  const heads: string[][] = []

  /** One life of the server, and with which words the values of secrets begin in its files. */
  const life = async (text: string, work: (client: HttpClient) => Promise<unknown>) => {
    await writeFile(file, text)
    const up = home.start('up', '--port', '0', '--api-only', '--encryption-provider-config', file)
    await up.until('Stop with')
    const client = await home.client()
    await work(client)
    assert.equal(await wordOf(client, 'a'), 'swordfish')
    await client[Symbol.asyncDispose]()
    up.kill('SIGTERM')
    await up.ended
    const files = globSync('.coracle/**/store/**', { cwd: home.folder, withFileTypes: true }).filter((each) =>
      each.isFile(),
    )
    const bytes = (await Promise.all(files.map((each) => readFile(join(each.parentPath, each.name))))).map((each) =>
      each.toString('latin1'),
    )
    assert.ok(
      bytes.some((each) => each.includes('not hidden')),
      'these are the files of the store',
    )
    for (const word of ['swordfish', Buffer.from('swordfish').toString('base64').slice(0, 10)]) {
      assert.ok(!bytes.some((each) => each.includes(word)), word)
    }
    heads.push([...new Set(bytes.flatMap((each) => each.match(/k8s:enc:\w+:v\d:\w+:/g) ?? []))].sort())
  }

  await life(configuration(secretbox('one')), async (client) => {
    await put(client, 'a')
    await client.create(ConfigMap, { metadata: { name: 'm', namespace }, data: { word: 'not hidden' } })
  })
  await life(configuration(secretbox('two'), secretbox('one')), rewrite)
  await life(configuration(kms(socket), secretbox('two')), rewrite)
  await plugin.tell({ keyId: 'key-2' })
  // What came before needs no other key any more.
  await life(configuration(kms(socket)), async (client) => {
    await rewrite(client)
    await put(client, 'b')
  })
  assert.ok(heads[0]?.includes('k8s:enc:secretbox:v1:one:'))
  assert.ok(heads[1]?.includes('k8s:enc:secretbox:v1:two:'))
  assert.ok(heads[2]?.includes('k8s:enc:kms:v2:safe:'))
})

test('while the plugin is away, `/healthz` tells and what is known is read; back again, or done without, all is well', async () => {
  await using home = await Home.make()
  const socket = home.path('kms.sock')
  const first = await startPlugin(socket)
  const file = home.path('encryption.json')
  await writeFile(file, configuration(kms(socket), secretbox('one')))
  const { world, pass, log } = fastWorld()
  await using served = await serve({
    world,
    dataDir: home.path('data'),
    accessFlags: { 'encryption-provider-config': file, 'encryption-provider-config-automatic-reload': 'true' },
  })
  const client = clientOf(served)
  const health = async (path: string) => {
    const { status, body } = await served.cluster.handler({ ...question, url: path })
    return `${status} ${String(body).split('\n')[0]}`
  }
  await put(client, 'a')
  assert.equal(await health('/healthz/kms-providers'), '200 ok')

  await first.kill()
  pass(30_000)
  for (const path of ['/healthz/kms-providers', '/readyz/kms-providers', '/livez/kms-providers']) {
    assert.match(await health(path), /^500 internal server error/, path)
  }
  assert.match(await health('/healthz'), /^500 /)
  assert.equal(await wordOf(client, 'a'), 'swordfish')
  await put(client, 'b')

  const second = await startPlugin(socket)
  pass(30_000)
  assert.equal(await health('/healthz/kms-providers'), '200 ok')
  assert.equal(await wordOf(client, 'b'), 'swordfish')

  // With the plugin well its values are read, and written anew under another key.
  const logged = async (pattern: RegExp, times = 1) => {
    while (log.filter((line) => pattern.test(line)).length < times) await hostWorld(() => {}).clock.after(20)
  }
  await writeFile(file, configuration(secretbox('one'), kms(socket)))
  await logged(/was read again/)
  await rewrite(client)
  await writeFile(file, configuration(secretbox('one')))
  await logged(/was read again/, 2)
  await second.kill()
  pass(30_000)
  assert.equal(await health('/healthz/kms-providers'), '200 ok')
  assert.deepEqual([await wordOf(client, 'a'), await wordOf(client, 'b')], ['swordfish', 'swordfish'])
  assert.ok(!log.join('\n').includes('swordfish'))
})

const question = {
  method: 'GET',
  headers: {},
  body: () => Promise.resolve(Buffer.alloc(0)),
  signal: new AbortController().signal,
  remoteAddress: '127.0.0.1',
  user: { name: 'admin', groups: ['system:masters'] },
}

/** The real world, in which time can be made to pass. */
function fastWorld(): { readonly world: HostWorld; pass(milliseconds: number): void; readonly log: string[] } {
  const log: string[] = []
  const real = hostWorld((level, message, fields) => log.push(`${level} ${message} ${JSON.stringify(fields)}`))
  let passed = 0
  const clock: Clock = {
    now: () => real.clock.now() + passed,
    monotonic: () => real.clock.monotonic() + passed,
    timer: (delayMs, run) => real.clock.timer(delayMs, run),
    after: (delayMs, signal) => real.clock.after(delayMs, signal),
  }
  return {
    world: { ...real, clock },
    pass: (milliseconds) => {
      passed += milliseconds
    },
    log,
  }
}
