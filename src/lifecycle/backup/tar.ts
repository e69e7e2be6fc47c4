import { DamagedBackupError } from './seal.ts'

/**
 * Files one behind the other, as tar has them (POSIX 1003.1-1990 with the prefix of ustar): what lies in a backup can be
 * looked at with everybody's own tar once it is decrypted.
 */
export interface TarFile {
  /** Without a slash in front. */
  readonly path: string
  readonly size: number
  readonly mode: number
  content(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

const blockBytes = 512

export async function* writeTar(files: AsyncIterable<TarFile> | Iterable<TarFile>): AsyncGenerator<Buffer> {
  for await (const file of files) {
    yield headerOf(file)
    let written = 0
    for await (const piece of file.content()) {
      written += piece.length
      yield Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    }
    if (written !== file.size)
      throw new Error(`${file.path} changed while it was read: ${written} bytes, not ${file.size}`)
    yield Buffer.alloc(paddingOf(file.size))
  }
  yield Buffer.alloc(2 * blockBytes)
}

const paddingOf = (size: number) => (blockBytes - (size % blockBytes)) % blockBytes

function headerOf({ path, size, mode }: TarFile): Buffer {
  const [prefix, name] = splitPath(path)
  const header = Buffer.alloc(blockBytes)
  header.write(name, 0, 100)
  header.write(octal(mode, 7), 100)
  header.write(octal(0, 7), 108)
  header.write(octal(0, 7), 116)
  // Beyond 8 GiB the number is binary, with the highest bit set (as GNU and POSIX 2001 tools read it).
  if (size < 8 ** 11) header.write(octal(size, 11), 124)
  else {
    header[124] = 0x80
    header.writeBigUInt64BE(BigInt(size), 128)
  }
  header.write(octal(0, 11), 136)
  header.write('        ', 148)
  header.write('0', 156)
  header.write('ustar\x0000', 257, 'latin1')
  header.write(prefix, 345, 155)
  header.write(`${octal(sumOf(header), 6)}\0 `, 148, 'latin1')
  return header
}

const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0')
const sumOf = (header: Buffer) => header.reduce((sum, byte) => sum + byte, 0)

function splitPath(path: string): [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= 100) return ['', path]
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)]
    if (Buffer.byteLength(name) <= 100 && Buffer.byteLength(prefix) <= 155) return [prefix, name]
  }
  throw new Error(`${path} is too long a name for an archive`)
}

export interface TarEntry {
  readonly path: string
  readonly size: number
  readonly mode: number
}

/** Calls `take` for each file with its content, which is skipped when it is not read. Throws `DamagedBackupError`. */
export async function readTar(
  pieces: AsyncIterable<Uint8Array>,
  take: (entry: TarEntry, content: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const input = new Blocks(pieces)
  for (;;) {
    const header = await input.exactly(blockBytes)
    if (header.every((byte) => byte === 0)) break
    const entry = parseHeader(header)
    const content = input.next(entry.size)
    await take(entry, content)
    for await (const _ of content) {
      // Whatever was not read.
    }
    await input.exactly(paddingOf(entry.size))
  }
  await input.drain()
}

function parseHeader(header: Buffer): TarEntry {
  const text = (at: number, length: number) =>
    header
      .subarray(at, at + length)
      .toString()
      .split('\0')[0]!
  const number = (at: number, length: number) =>
    header[at]! & 0x80 ? Number(header.readBigUInt64BE(at + length - 8)) : Number.parseInt(text(at, length).trim(), 8)
  const [path, prefix] = [text(0, 100), text(345, 155)]
  const [size, mode] = [number(124, 12), number(100, 8)]
  if (path === '' || !Number.isSafeInteger(size)) throw new DamagedBackupError('the archive in the backup is damaged')
  return { path: prefix === '' ? path : `${prefix}/${path}`, size, mode }
}

class Blocks {
  readonly #pieces: AsyncIterator<Uint8Array>
  #rest: Buffer = Buffer.alloc(0)

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]()
  }

  async exactly(length: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for await (const part of this.next(length)) parts.push(part)
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  }

  async *next(length: number): AsyncGenerator<Buffer> {
    let left = length
    while (left > 0) {
      if (this.#rest.length === 0) {
        const { value, done } = await this.#pieces.next()
        if (done) throw new DamagedBackupError('the archive in the backup is cut off')
        this.#rest = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
        continue
      }
      const part = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(part.length)
      left -= part.length
      yield part
    }
  }

  /** To the end, where it shows whether nothing is missing. */
  async drain(): Promise<void> {
    while (!(await this.#pieces.next()).done);
  }
}
