import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { compiledModules, trimImage } from '../tools/trim-image.ts'
import { imageFile } from './support/cli.ts'

describe('what an image of memory has of Node.js', () => {
  test('is what a program that begins with it loads, and nothing that it has loaded', () => {
    for (const command of ['up', undefined]) {
      const modules = compiledModules(readFileSync(imageFile(command)))
      assert.ok(modules.includes('internal/http2/core'), `what Node.js makes is of another form: ${modules}`)
      assert.deepEqual(
        modules.filter((module) => /^(fs|net|internal\/errors|internal\/(quic|repl|deps)\/.*)$/.test(module)),
        [],
      )
    }
  })

  test('is taken out of the list at its end, wherever that begins', () => {
    const names = ['fs', 'internal/errors', 'http2', 'net', 'internal/tls/wrap', 'url']
    for (const before of [0, 1, 7, 100]) {
      const image = imageWith(before, names)
      assert.deepEqual(compiledModules(image), names)
      const trimmed = trimImage(image, (module) => /http|tls/.test(module))
      assert.deepEqual(trimmed, imageWith(before, ['http2', 'internal/tls/wrap']))
    }
  })

  test('stays as it is where the image has another form', () => {
    const image = imageWith(20, ['fs', 'internal/errors', 'http2', 'net', 'internal/tls/wrap'])
    const others = [Buffer.alloc(0), Buffer.alloc(5000), image.subarray(0, -1), Buffer.concat([image, Buffer.of(1)])]
    for (const other of others) {
      assert.equal(
        trimImage(other, () => false),
        other,
      )
    }
  })
})

/** As Node.js ends an image: how many modules there are, and for each its name and some bytes, after their lengths. */
function imageWith(before: number, names: readonly string[]): Buffer {
  const length = (count: number) => Buffer.from(BigUint64Array.of(BigInt(count)).buffer)
  const modules = names.flatMap((name) => [length(name.length), Buffer.from(name), length(30), Buffer.alloc(30, 0xab)])
  return Buffer.concat([Buffer.alloc(before, 0xcd), length(names.length), ...modules])
}
