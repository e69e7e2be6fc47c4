import assert from 'node:assert/strict'
import { mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { open } from 'lmdb'
import { VirtualWorld } from '../world/virtual.ts'
import { LmdbStore } from './lmdb.ts'
import { NotAStoreError, TruncatedStoreError } from './lmdb-file.ts'

const world = new VirtualWorld()
const directory = await mkdtemp(join(tmpdir(), 'coracle-lmdb-file-'))
after(() => rm(directory, { recursive: true }))

async function filledStore(name: string): Promise<{ path: string; file: string; bytes: number }> {
  const path = join(directory, name)
  {
    await using store = await LmdbStore.open(path, world)
    const value = Buffer.alloc(5_000, 'x')
    await Promise.all(
      Array.from({ length: 300 }, (_, n) => store.txn({ then: [{ type: 'put', key: `k${n}`, value }] })),
    )
  }
  const file = join(path, 'data.mdb')
  return { path, file, bytes: (await stat(file)).size }
}

const opens = async (path: string) => {
  await using store = await LmdbStore.open(path, world)
  return store.rangeNow({ from: 'k', to: 'l' }).count
}

test('a file that has lost its end is refused with what to do, wherever it was cut, and stays as it is', async () => {
  const { path, file, bytes } = await filledStore('cut')
  assert.equal(await opens(path), 300)
  for (const left of [bytes - 200_000, bytes / 2, 3 * 4096, 5000]) {
    await truncate(file, Math.floor(left))
    await assert.rejects(opens(path), (error: Error) => {
      assert.ok(error instanceof TruncatedStoreError)
      assert.match(error.message, /data\.mdb is cut off \(\d+ of \d+ bytes.*restore a backup.*or remove this one/)
      return true
    })
  }
  for (const left of [4096, 1_000, 10]) {
    await truncate(file, left)
    await assert.rejects(opens(path), NotAStoreError)
    assert.equal((await stat(file)).size, left)
  }
})

test('a file that never had a last page which nobody needs is opened', async () => {
  const { path, file } = await filledStore('short')
  // What is made and taken back within one transaction may leave pages behind that are counted and were never written.
  const database = open({ path, noSubdir: false, keyEncoding: 'binary', encoding: 'binary' } as never) as {
    transactionSync(run: () => void): void
    put(key: Buffer, value: Buffer): void
    remove(key: Buffer): void
    close(): Promise<void>
  }
  const keys = Array.from({ length: 40 }, (_, n) => Buffer.from(`x${n}`))
  database.transactionSync(() => {
    for (const key of keys) database.put(key, Buffer.alloc(20_000, 'y'))
  })
  database.transactionSync(() => {
    for (const key of keys) database.remove(key)
  })
  await database.close()
  // The freed pages stand at the end; nobody reads them.
  await truncate(file, (await stat(file)).size - 10 * 4096)
  assert.equal(await opens(path), 300)
})

test('an empty file is a new store, anything else is none', async () => {
  const path = join(directory, 'other')
  await LmdbStore.open(path, world).then((store) => store[Symbol.asyncDispose]())
  await writeFile(join(path, 'data.mdb'), '')
  assert.equal(await opens(path), 0)
  await writeFile(join(path, 'data.mdb'), 'this is no database'.repeat(1000))
  await assert.rejects(opens(path), NotAStoreError)
})
