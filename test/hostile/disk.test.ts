import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { HttpClient } from '../../src/client/http.ts'
import { ConfigMap } from '../../src/kinds/core/config-map.ts'
import { ApiError } from '../../src/schema/status.ts'
import { clientOf, serve } from '../support/served.ts'

/** A file system that is full soon. Gone at the end. */
async function smallDisk(mebibytes: number): Promise<(AsyncDisposable & { readonly path: string }) | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const path = await mkdtemp(join(tmpdir(), 'coracle-small-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', path]).status === 0
  if (!mounted) await rm(path, { recursive: true })
  return mounted
    ? {
        path,
        async [Symbol.asyncDispose]() {
          spawnSync('umount', [path])
          await rm(path, { recursive: true })
        },
      }
    : undefined
}

const write = (client: HttpClient, name: string) =>
  client.create(ConfigMap, { metadata: { name, namespace: 'default' }, data: { k: 'x'.repeat(200_000) } })

const count = async (client: HttpClient) => (await client.list(ConfigMap, { namespace: 'default' })).items.length

test('a full disk refuses writes and says so; reads go on; with room again writes work', async (context) => {
  await using disk = await smallDisk(16)
  if (disk === undefined) return context.skip('only root can mount a small file system')
  const ballast = join(disk.path, 'ballast')
  await writeFile(ballast, Buffer.alloc(4 * 1024 * 1024))
  const dataDir = join(disk.path, 'data')
  const written: string[] = []
  {
    await using served = await serve({ dataDir })
    await using client = clientOf(served)
    const fill = async () => {
      for (let index = 0; index < 100; index++) {
        const name = `m-${index}`
        await write(client, name)
        written.push(name)
      }
    }
    await assert.rejects(fill(), (error: unknown) => {
      assert.ok(error instanceof ApiError)
      assert.deepEqual([error.reason, error.code], ['InternalError', 500])
      assert.match(error.message, /database space exceeded$/)
      return true
    })
    assert.ok(written.length > 10)
    // Whatever was answered is there, nothing else is, and all of it can be read.
    assert.equal(await count(client), written.length)
    await assert.rejects(write(client, 'refused'), { code: 500 })
    assert.equal((await client.get(ConfigMap, { namespace: 'default', name: 'm-0' })).metadata.name, 'm-0')
    assert.equal(await count(client), written.length)

    await rm(ballast)
    await write(client, 'later')
    written.push('later')
    assert.equal(await count(client), written.length)
  }
  await using again = await serve({ dataDir })
  await using client = clientOf(again)
  const { items } = await client.list(ConfigMap, { namespace: 'default' })
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    written.sort(),
  )
  return undefined
})
