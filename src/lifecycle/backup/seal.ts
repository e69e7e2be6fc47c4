import { createCipheriv, createDecipheriv, createHmac, hkdfSync, scrypt } from 'node:crypto'
import type { Random } from '../../world/world.ts'
import { LifecycleError } from '../failure.ts'
import { chunksOf } from './chunks.ts'

/**
 * A stream that only who has the passphrase or the key file can read, and that nobody can change, cut or reorder
 * without being noticed.
 *
 * A line of JSON says how the key is made: scrypt of the passphrase or the bytes of a key file, then HKDF-SHA-256, both
 * with salt of this file alone. Behind it come chunks of AES-256-GCM, each with its length in four bytes in front and
 * its tag at the end. A chunk's nonce is its number, with a mark on the last one; as the key is of this file alone, no
 * nonce is ever used twice. The line itself is authenticated with every chunk. (This is the STREAM construction of
 * Hoang, Reyhanitabar, Rogaway and Vizár.)
 */
export type Secret = { readonly passphrase: string } | { readonly keyFile: Uint8Array }

/** What can be known without the secret. */
export interface SealHeader {
  readonly format: 'coracle-backup/1'
  readonly createdAt: string
  readonly host: string
  readonly key:
    | {
        readonly kind: 'passphrase'
        readonly kdf: 'scrypt'
        readonly N: number
        readonly r: number
        readonly p: number
      }
    | { readonly kind: 'file' }
  /** Base64. */
  readonly salt: string
  /** By which a wrong secret is told from a damaged file. */
  readonly check: string
}

/** The wrong passphrase or key file. */
export class WrongSecretError extends LifecycleError {}
/** It is no backup, or was changed or cut off. */
export class DamagedBackupError extends LifecycleError {}

const chunkBytes = 1 << 20
const tagBytes = 16
const keyFileBytesMin = 32
/** 128 MiB and about half a second: what a passphrase that people remember needs. */
const cost = { N: 1 << 17, r: 8, p: 1 }
/** A header that asks for more was not written by this program. */
const costMax = { N: 1 << 20, r: 16, p: 4 }
const headerBytesMax = 4096

export interface SealOptions {
  readonly secret: Secret
  readonly random: Random
  readonly createdAt: string
  readonly host: string
}

export async function* seal(pieces: AsyncIterable<Uint8Array>, options: SealOptions): AsyncGenerator<Buffer> {
  const { secret, random, createdAt, host } = options
  const salt = random.bytes(32)
  const how: SealHeader['key'] =
    'passphrase' in secret ? { kind: 'passphrase', kdf: 'scrypt', ...cost } : { kind: 'file' }
  const keys = await keysOf(secret, how, salt)
  const header: SealHeader = {
    ...{ format: 'coracle-backup/1', createdAt, host, key: how },
    salt: Buffer.from(salt).toString('base64'),
    check: keys.check,
  }
  const line = Buffer.from(`${JSON.stringify(header)}\n`)
  yield line
  let number = 0
  let waiting: Buffer | undefined
  for await (const chunk of chunksOf(pieces, chunkBytes)) {
    if (waiting) yield sealChunk(keys.key, line, number++, waiting, false)
    waiting = chunk
  }
  yield sealChunk(keys.key, line, number, waiting ?? Buffer.alloc(0), true)
}

function sealChunk(key: Buffer, header: Buffer, number: number, chunk: Buffer, isLast: boolean): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(number, isLast))
  cipher.setAAD(header)
  const sealed = Buffer.concat([cipher.update(chunk), cipher.final()])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(sealed.length + tagBytes)
  return Buffer.concat([length, sealed, cipher.getAuthTag()])
}

function nonceOf(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(number, 5, 6)
  nonce[11] = isLast ? 1 : 0
  return nonce
}

async function keysOf(secret: Secret, how: SealHeader['key'], salt: Uint8Array) {
  const root = await rootOf(secret, how, salt)
  const key = Buffer.from(hkdfSync('sha256', root, salt, 'coracle-backup/1 key', 32))
  const check = createHmac('sha256', root).update('coracle-backup/1 check').digest('base64url').slice(0, 16)
  return { key, check }
}

function rootOf(secret: Secret, how: SealHeader['key'], salt: Uint8Array): Promise<Buffer> {
  if (how.kind === 'file') {
    if (!('keyFile' in secret))
      throw new WrongSecretError('the backup was made with a key file', { hint: 'give --key-file' })
    if (secret.keyFile.length < keyFileBytesMin) {
      throw new WrongSecretError(
        `the key file has ${secret.keyFile.length} bytes: at least ${keyFileBytesMin} are needed`,
        {
          hint: 'make one with: head -c 32 /dev/urandom > FILE',
        },
      )
    }
    return Promise.resolve(Buffer.from(secret.keyFile))
  }
  if (!('passphrase' in secret)) {
    throw new WrongSecretError('the backup was made with a passphrase', { hint: 'give --passphrase-file' })
  }
  if (secret.passphrase === '') throw new WrongSecretError('the passphrase is empty')
  const { N, r, p } = how
  return new Promise((resolve, reject) => {
    scrypt(secret.passphrase.normalize('NFKC'), salt, 32, { N, r, p, maxmem: 256 * N * r }, (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })
}

/** Reads what `seal` wrote. Throws `WrongSecretError`, `DamagedBackupError` (also at the end, when that is missing). */
export async function* unseal(pieces: AsyncIterable<Uint8Array>, secret: Secret): AsyncGenerator<Buffer> {
  const input = new Input(pieces)
  const line = await input.line()
  const header = parseHeader(line)
  const salt = Buffer.from(header.salt, 'base64')
  const keys = await keysOf(secret, header.key, salt)
  if (keys.check !== header.check) {
    throw new WrongSecretError(
      header.key.kind === 'file' ? 'the backup was made with another key file' : 'the passphrase is wrong',
    )
  }
  for (let number = 0; ; number++) {
    const sealed = await input.chunk()
    const last = await input.isAtEnd()
    yield openChunk(keys.key, line, number, sealed, last)
    if (last) return
  }
}

/** Throws `DamagedBackupError`. */
export async function readHeader(pieces: AsyncIterable<Uint8Array>): Promise<SealHeader> {
  return parseHeader(await new Input(pieces).line())
}

function parseHeader(line: Buffer): SealHeader {
  try {
    const header = JSON.parse(line.toString()) as SealHeader
    const { key } = header
    const isCheap = key.kind === 'file' || (key.N <= costMax.N && key.r <= costMax.r && key.p <= costMax.p)
    if (header.format === 'coracle-backup/1' && isCheap && header.salt && header.check) return header
  } catch {
    // Said below.
  }
  throw new DamagedBackupError('this is no backup of Coracle, or its beginning is damaged')
}

function openChunk(key: Buffer, header: Buffer, number: number, sealed: Buffer, isLast: boolean): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(number, isLast), { authTagLength: tagBytes })
  decipher.setAAD(header)
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes))
  const data = decipher.update(sealed.subarray(0, sealed.length - tagBytes))
  try {
    decipher.final()
  } catch (cause) {
    throw new DamagedBackupError(
      isLast
        ? `the backup is damaged or cut off in part ${number + 1}`
        : `the backup is damaged in part ${number + 1}, about ${number} MiB in`,
      { hint: 'use another copy of it, or an older backup: coracle backup list', cause },
    )
  }
  return data
}

/** Bytes in the pieces that are asked for. */
class Input {
  readonly #pieces: AsyncIterator<Uint8Array>
  #rest: Buffer = Buffer.alloc(0)

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]()
  }

  async line(): Promise<Buffer> {
    for (;;) {
      const end = this.#rest.indexOf(10)
      if (end >= 0) return this.#take(end + 1)
      if (this.#rest.length > headerBytesMax || !(await this.#more())) {
        throw new DamagedBackupError('this is no backup of Coracle, or its beginning is damaged')
      }
    }
  }

  async chunk(): Promise<Buffer> {
    const length = (await this.#exactly(4)).readUInt32BE()
    if (length < tagBytes || length > chunkBytes + tagBytes)
      throw new DamagedBackupError('the backup is damaged: a part has no possible length')
    return this.#exactly(length)
  }

  async isAtEnd(): Promise<boolean> {
    return this.#rest.length === 0 && !(await this.#more())
  }

  async #exactly(length: number): Promise<Buffer> {
    while (this.#rest.length < length) {
      if (!(await this.#more())) {
        throw new DamagedBackupError('the backup is cut off: its end is missing', {
          hint: 'use another copy of it, or an older backup: coracle backup list',
        })
      }
    }
    return this.#take(length)
  }

  #take(length: number): Buffer {
    const taken = this.#rest.subarray(0, length)
    this.#rest = this.#rest.subarray(length)
    return taken
  }

  /** Empty pieces are no end. */
  async #more(): Promise<boolean> {
    for (;;) {
      const { value, done } = await this.#pieces.next()
      if (done) return false
      if (value.length === 0) continue
      this.#rest = Buffer.concat([this.#rest, value])
      return true
    }
  }
}
