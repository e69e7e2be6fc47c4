import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { s3Key, startS3 } from '../../../test/support/s3.ts'
import { hostWorld } from '../../world/host.ts'
import { VirtualHost } from '../../world/virtual-host.ts'
import { folderPlace } from './folder.ts'
import type { BackupPlace } from './place.ts'
import { s3Place } from './s3.ts'
import { DamagedBackupError, readHeader, type Secret, seal, unseal, WrongSecretError } from './seal.ts'
import { signed } from './sigv4.ts'
import { readTar, type TarFile, writeTar } from './tar.ts'

const { random } = new VirtualHost()
const keyFile: Secret = { keyFile: Buffer.alloc(32, 7) }
const mebibyte = 1 << 20

async function* pieces(...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts
}

async function whole(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const read: Uint8Array[] = []
  for await (const part of parts) read.push(Uint8Array.from(part))
  return Buffer.concat(read)
}

const sealed = (content: Uint8Array, secret: Secret = keyFile) =>
  whole(seal(pieces(content), { secret, random, createdAt: '2026-01-01T00:00:00.000Z', host: 'h' }))
const opened = (content: Uint8Array, secret: Secret = keyFile) => whole(unseal(pieces(content), secret))

describe('a seal', () => {
  test('gives back what was put in, whatever its length', async () => {
    for (const length of [0, 1, 1000, mebibyte - 1, mebibyte, mebibyte + 1, 3 * mebibyte]) {
      const content = Buffer.alloc(length, 'coracle')
      assert.ok((await opened(await sealed(content))).equals(content), `${length}`)
    }
  })

  test('comes in pieces of any size', async () => {
    const content = Buffer.alloc(mebibyte + 500, 'x')
    const bytes = await sealed(content)
    const ones = Array.from({ length: 700 }, (_, index) => bytes.subarray(index, index + 1))
    assert.ok((await whole(unseal(pieces(...ones, Buffer.alloc(0), bytes.subarray(700)), keyFile))).equals(content))
  })

  test('with a passphrase, which is told from a wrong one', async () => {
    const bytes = await sealed(Buffer.from('secret'), { passphrase: 'correct horse' })
    assert.equal((await opened(bytes, { passphrase: 'correct horse' })).toString(), 'secret')
    assert.equal(bytes.includes('secret'), false)
    const header = await readHeader(pieces(bytes))
    assert.deepEqual(header.key, { kind: 'passphrase', kdf: 'scrypt', N: 131072, r: 8, p: 1 })
    for (const [secret, message] of [
      [{ passphrase: 'wrong' }, /the passphrase is wrong/],
      [{ passphrase: '' }, /the passphrase is empty/],
      [keyFile, /made with a passphrase/],
    ] as const) {
      await assert.rejects(
        opened(bytes, secret),
        (error) => error instanceof WrongSecretError && message.test(error.message),
      )
    }
    await assert.rejects(opened(await sealed(Buffer.from('x')), { keyFile: Buffer.alloc(32, 8) }), /another key file/)
    await assert.rejects(sealed(Buffer.from('x'), { keyFile: Buffer.alloc(31) }), /31 bytes: at least 32/)
  })

  test('shows every change, cut and addition', async () => {
    const bytes = await sealed(Buffer.alloc(2 * mebibyte + 10, 'y'))
    const first = bytes.indexOf(10) + 1
    const chunk = 4 + mebibyte + 16
    const changed = (at: number) => {
      const copy = Buffer.from(bytes)
      copy[at]! ^= 1
      return copy
    }
    const damaged: Readonly<Record<string, Uint8Array>> = {
      'a bit of the header': changed(bytes.indexOf('"h"') + 1),
      'a bit of the first chunk': changed(first + 100),
      'a bit of a length': changed(first + 1),
      'a bit of the last tag': changed(bytes.length - 1),
      'cut in the middle': bytes.subarray(0, first + chunk + 1000),
      'cut between chunks': bytes.subarray(0, first + 2 * chunk),
      'cut in the header': bytes.subarray(0, 20),
      nothing: Buffer.alloc(0),
      'another file': Buffer.from('{"format":"zip"}\n'),
      'something behind': Buffer.concat([bytes, Buffer.from('z')]),
      'chunks in another order': Buffer.concat([
        bytes.subarray(0, first),
        bytes.subarray(first + chunk, first + 2 * chunk),
        bytes.subarray(first, first + chunk),
        bytes.subarray(first + 2 * chunk),
      ]),
    }
    for (const [what, content] of Object.entries(damaged)) {
      await assert.rejects(opened(content), DamagedBackupError, what)
    }
  })
})

test('an archive has its files with names, modes and contents, also those that nobody reads', async () => {
  const long = `files/${'folder/'.repeat(20)}name`
  const files: readonly TarFile[] = [
    { path: 'a.json', size: 5, mode: 0o600, content: () => [Buffer.from('hello')] },
    { path: long, size: 0, mode: 0o644, content: () => [] },
    { path: 'b', size: 1024, mode: 0o600, content: () => [Buffer.alloc(512, 1), Buffer.alloc(512, 2)] },
  ]
  const archive = await whole(writeTar(files))
  const seen: unknown[] = []
  await readTar(pieces(archive.subarray(0, 700), archive.subarray(700)), async ({ path, size, mode }, content) => {
    seen.push([path, size, mode, path === 'b' ? 'skipped' : (await whole(content)).toString()])
  })
  assert.deepEqual(seen, [
    ['a.json', 5, 0o600, 'hello'],
    [long, 0, 0o644, ''],
    ['b', 1024, 0o600, 'skipped'],
  ])
  await assert.rejects(
    readTar(pieces(archive.subarray(0, 520)), async () => {}),
    DamagedBackupError,
  )
})

test('a request is signed as in the example of the S3 manual', () => {
  const headers = signed(
    {
      method: 'GET',
      url: new URL('https://examplebucket.s3.amazonaws.com/test.txt'),
      headers: { Range: 'bytes=0-9' },
      body: new Uint8Array(0),
      ...{ region: 'us-east-1', service: 's3', atMs: Date.UTC(2013, 4, 24) },
    },
    { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
  )
  assert.equal(headers['x-amz-date'], '20130524T000000Z')
  assert.equal(
    headers['authorization']!.split('Signature=')[1],
    'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  )
})

const nameAt = (day: number) => `host-202601${String(day).padStart(2, '0')}T000000Z-abcdef.coracle-backup`

async function conforms(place: BackupPlace): Promise<void> {
  assert.deepEqual(await place.list(), [])
  for (const day of [2, 1, 4, 3, 5]) await place.put(nameAt(day), pieces(Buffer.from(`day ${day}`)))
  const listed = await place.list()
  assert.deepEqual(
    listed.map(({ name }) => name),
    [5, 4, 3, 2, 1].map(nameAt),
  )
  assert.equal(listed[0]!.bytes, 5)
  assert.equal((await whole(place.get(nameAt(4)))).toString(), 'day 4')
  await place.remove(nameAt(4))
  assert.equal((await place.list()).length, 4)
  await assert.rejects(whole(place.get(nameAt(4))))

  const large = Buffer.alloc(20 * mebibyte, 'large')
  await place.put(nameAt(6), pieces(large.subarray(0, 9 * mebibyte), large.subarray(9 * mebibyte)))
  assert.ok((await whole(place.get(nameAt(6)))).equals(large))
  const broken = async function* () {
    yield large.subarray(0, 18 * mebibyte)
    throw new Error('the source is gone')
  }
  await assert.rejects(place.put(nameAt(7), broken()), /the source is gone/)
  assert.equal((await place.list())[0]!.name, nameAt(6))
}

describe('where backups are kept', () => {
  test('a folder', () => conforms(folderPlace(new VirtualHost().disk, '/backups')))

  test('S3, with every request signed', async () => {
    await using s3 = await startS3()
    const place = s3Of(s3.endpoint)
    await conforms(place)
    assert.equal(s3.uploads.size, 0, 'no upload is left half done')
    assert.ok(s3.requests.includes(`PUT /backups/prod%20%2B1/${nameAt(6)}?partNumber&uploadId`))

    s3.failNext = 1
    assert.equal((await place.list()).length, 5, 'what passes is tried again')
    s3.refuseFromPart = 2
    await assert.rejects(place.put(nameAt(8), pieces(Buffer.alloc(20 * mebibyte))), /403 QuotaExceeded/)
    assert.equal(s3.uploads.size, 0)
    await assert.rejects(s3Of(s3.endpoint, 'wrong').list(), /403 SignatureDoesNotMatch/)
  })

  function s3Of(endpoint: string, secretAccessKey = s3Key.secretAccessKey): BackupPlace {
    const credentials = { ...s3Key, secretAccessKey }
    const world = hostWorld(() => {})
    return s3Place({ world, endpoint, region: 'eu-test-1', bucket: 'backups', prefix: 'prod +1', credentials })
  }
})
