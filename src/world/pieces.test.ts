import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { hostWorld } from './host.ts'
import { VirtualHost } from './virtual-host.ts'
import { type Disk, DiskError } from './world.ts'

async function conforms(disk: Disk, folder: string): Promise<void> {
  const file = `${folder}/some/file`
  await disk.writePieces(file, [Buffer.from('hello '), Buffer.from([0, 255])], 0o640)
  assert.equal((await disk.stat(file))!.mode, 0o640)
  const read: Uint8Array[] = []
  for await (const piece of disk.readPieces(file)) read.push(piece)
  assert.deepEqual(Buffer.concat(read), Buffer.from([...Buffer.from('hello '), 0, 255]))
  {
    using parts = (await disk.openParts(file))!
    assert.equal(parts.size, 8)
    assert.deepEqual(parts.read(6, 2), Buffer.from([0, 255]))
    assert.equal(parts.read(1, 4).toString(), 'ello')
  }
  assert.equal(await disk.openParts(`${folder}/none`), undefined)
  await assert.rejects(async () => {
    for await (const _ of disk.readPieces(`${folder}/none`));
  }, DiskError)

  const broken = async function* () {
    yield Buffer.from('half')
    throw new Error('the source is gone')
  }
  await assert.rejects(disk.writePieces(file, broken()), /^Error: the source is gone$/)
  assert.equal(await disk.size(file), 8, 'what was there stays')
  await assert.rejects(disk.writePieces(`${folder}/new`, broken()))
  assert.equal(await disk.stat(`${folder}/new`), undefined)
}

test('files piece by piece on the disk of this machine', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coracle-pieces-'))
  try {
    await conforms(hostWorld(() => {}).disk, folder)
    assert.deepEqual((await readdir(folder)).sort(), ['some'])
    assert.deepEqual(await readdir(join(folder, 'some')), ['file'])
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('files piece by piece on a disk in memory', () => conforms(new VirtualHost().disk, '/folder'))
