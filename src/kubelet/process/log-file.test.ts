import assert from 'node:assert/strict'
import { mkdtemp, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { hostWorld } from '../../world/host.ts'
import type { Disk } from '../../world/world.ts'
import { type LogWish, readLog } from './log-file.ts'

const world = hostWorld(() => {})
let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coracle-log-'))
})
after(() => rm(folder, { recursive: true }))

async function whole(path: string, wish: Partial<LogWish>): Promise<string> {
  const pieces: Uint8Array[] = []
  const never = new AbortController().signal
  for await (const piece of readLog(world, path, { follow: false, signal: never, ...wish })) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

/** A disk that counts what is read of files. */
function counting(disk: Disk): { readonly disk: Disk; bytes: number } {
  const counted = {
    bytes: 0,
    disk: {
      ...disk,
      async openParts(path: string) {
        const parts = await disk.openParts(path)
        if (parts === undefined) return undefined
        const read = (offset: number, length: number) => {
          counted.bytes += length
          return parts.read(offset, length)
        }
        return { size: parts.size, read, [Symbol.dispose]: () => parts[Symbol.dispose]() }
      },
    },
  }
  return counted
}

describe('a log file', () => {
  it('gives its last lines, as many bytes as are wanted, or all of it', async () => {
    const long = Array.from({ length: 20_000 }, (_, n) => `line ${n} ${'x'.repeat(n % 50)}`)
    const texts = ['', '\n', 'a', 'a\n', 'a\nb', 'a\n\n\nb\n', `${long.join('\n')}\n`, `${'y'.repeat(200_000)}\nend`]
    for (const [at, text] of texts.entries()) {
      const path = `${folder}/tail-${at}.log`
      await world.disk.write(path, text)
      assert.equal(await whole(path, {}), text)
      const lines = text.split(/(?<=\n)/)
      for (const count of [0, 1, 2, 3, 100, 19_999, 50_000]) {
        const tail = count === 0 ? '' : lines.slice(-count).join('')
        assert.equal(await whole(path, { tailLines: count }), tail, `${count} of ${text.slice(0, 20)}`)
        assert.equal(await whole(path, { tailLines: count, limitBytes: 3 }), tail.slice(0, 3))
      }
    }
    assert.equal(await whole(`${folder}/none.log`, { tailLines: 3 }), '')
  })

  for (const isTold of [true, false]) {
    it(`is followed ${isTold ? 'as the disk tells of it' : 'on a disk that cannot tell'}, each part read once`, async () => {
      const path = `${folder}/followed-${isTold}.log`
      const first = `${'x'.repeat(300_000)}\n`
      await world.disk.write(path, first)
      const { watch: _, ...silent } = world.disk
      const counted = counting(isTold ? world.disk : (silent as Disk))
      const stop = new AbortController()
      const pieces = readLog({ ...world, disk: counted.disk }, path, { follow: true, signal: stop.signal })
      let said = ''
      const until = async (text: string) => {
        while (!said.endsWith(text)) {
          const { value, done } = await pieces.next()
          assert.ok(!done)
          said += Buffer.from(value).toString()
        }
      }
      await until(first)
      for (let n = 0; n < 10; n++) {
        await world.disk.append(path, `line ${n}\n`)
        await until(`line ${n}\n`)
      }
      assert.equal(counted.bytes, said.length)
      await truncate(path, 0)
      const rest = pieces.next()
      await world.disk.append(path, 'anew\n')
      assert.equal(Buffer.from((await rest).value!).toString(), 'anew\n')
      const last = pieces.next()
      stop.abort()
      assert.deepEqual(await last, { value: undefined, done: true })
    })
  }

  it('is followed to its end when nobody writes any more', async () => {
    const path = `${folder}/ended.log`
    await world.disk.write(path, 'a\n')
    const end = Promise.withResolvers<void>()
    const { signal } = new AbortController()
    const pieces = readLog(world, path, { follow: true, ended: end.promise, signal })
    assert.equal(Buffer.from((await pieces.next()).value!).toString(), 'a\n')
    const next = pieces.next()
    await world.disk.append(path, 'b\n')
    assert.equal(Buffer.from((await next).value!).toString(), 'b\n')
    const last = pieces.next()
    end.resolve()
    assert.equal((await last).done, true)
    assert.equal(await whole(path, { follow: true, ended: Promise.resolve() }), 'a\nb\n')
  })

  it('is followed no further than was wanted', async () => {
    const path = `${folder}/limited.log`
    await world.disk.write(path, 'abc')
    const pieces = readLog(world, path, { follow: true, limitBytes: 5, signal: new AbortController().signal })
    assert.equal(Buffer.from((await pieces.next()).value!).toString(), 'abc')
    const next = pieces.next()
    await world.disk.append(path, 'defg')
    assert.equal(Buffer.from((await next).value!).toString(), 'de')
    assert.equal((await pieces.next()).done, true)
  })
})
