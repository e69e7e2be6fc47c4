import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { KmsProvider } from '../src/store/encryption/kms.ts'
import { KeyNotFetched } from '../src/store/encryption/transformer.ts'
import { realClock, realRandom } from '../src/world/real.ts'
import { root } from './support/sources.ts'

const home = await mkdtemp(join(tmpdir(), 'coracle-kms-'))
const children: ChildProcess[] = []
after(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rm(home, { recursive: true })
})

async function startPlugin(path: string) {
  const child = fork(join(root, 'test/support/servers/kms.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  children.push(child)
  const tell = async (message: object) => {
    child.send(message)
    return ((await once(child, 'message')) as [Record<string, number>])[0]
  }
  await tell({ path })
  return { tell, kill: () => child.kill('SIGKILL') && once(child, 'exit') }
}

const provider = (path: string) =>
  new KmsProvider(
    { name: 'k', endpoint: `unix://${path}`, timeoutMs: 300 },
    { clock: realClock, random: realRandom, log: () => {} },
  )
const key = '/registry/secrets/default/a'
const plain = Buffer.from('hush')

test('a plugin is asked once for a seed, and again by whoever does not know it', async () => {
  const path = join(home, 'one')
  const plugin = await startPlugin(path)
  using first = provider(path)
  await first.start()
  const stored = Array.from({ length: 20 }, () => first.toStorage(plain, key))
  assert.deepEqual(await plugin.tell({}), { Status: 1, Encrypt: 1, Decrypt: 1 })
  assert.deepEqual(first.fromStorage(stored[0]!, key), { value: plain, stale: false })

  using second = provider(path)
  await second.start()
  assert.throws(() => second.fromStorage(stored[0]!, key), KeyNotFetched)
  await Promise.all(stored.map((value) => second.prepare(value)))
  assert.deepEqual(second.fromStorage(stored[7]!, key), { value: plain, stale: false })
  assert.deepEqual(await plugin.tell({ keyId: 'key-2' }), { Status: 1, Encrypt: 1, Decrypt: 2 })
  using third = provider(path)
  await third.start()
  await third.prepare(stored[0]!)
  assert.equal(third.fromStorage(stored[0]!, key).stale, true, 'of the key before')

  await plugin.kill()
  assert.deepEqual(third.fromStorage(stored[0]!, key).value, plain, 'what is known is read without it')
  assert.ok(third.toStorage(plain, key).length > 0)
})

test('a plugin that is silent, ill, lying or dead is told of, and nothing is written under its seeds', async () => {
  const path = join(home, 'two')
  const plugin = await startPlugin(path)
  for (const [mood, why] of [
    ['silent', /status section of the healthz check for KMS Provider k, error: rpc error: code = DeadlineExceeded/],
    ['ill', /kmsv2 Provider k is not healthy, error: got unexpected healthz status: the safe is locked/],
    ['lying', /failed to rotate DEK .*errGen=the plugin does not decrypt what it has encrypted/],
  ] as const) {
    await plugin.tell({ mood })
    using ill = provider(path)
    await assert.rejects(ill.check(), { message: why })
    if (mood !== 'ill') assert.throws(() => ill.toStorage(plain, key), { message: 'got unexpected nil transformer' })
  }
  await plugin.kill()
  using dead = provider(path)
  await assert.rejects(dead.check(), /code = Unavailable/)
})
