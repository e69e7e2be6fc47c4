/**
 * etcdctl 3.4 asks single members (`endpoint status`, `snapshot save`, …) under the name that it was given them by,
 * `http://127.0.0.1:2379`, as `:authority`. etcd takes that; the HTTP/2 of Node refuses it, since an authority has no
 * slashes. So the slashes are replaced in what such a client sends, before it is read. Only the one header is touched,
 * and nothing changes its length, neither in bytes nor once it is decoded: the compression of later headers (HPACK,
 * RFC 7541) depends on that.
 */
import { Duplex } from 'node:stream'

const prefaceLength = 24
const frameHeaderLength = 9
const headersFrame = 1
const flags = { padded: 0x8, priority: 0x20 } as const
const priorityLength = 5
/** Of `:authority` in the static table (RFC 7541, appendix A). */
const authorityIndex = 1

/** The same connection, with authorities that can be read. */
export class RepairedConnection extends Duplex {
  readonly #socket: Duplex
  readonly #repair = new AuthorityRepair()

  constructor(socket: Duplex) {
    super()
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      if (!this.push(this.#repair.take(chunk))) socket.pause()
    })
    socket.on('end', () => this.push(null))
    socket.on('error', (error) => this.destroy(error))
    socket.on('close', () => this.destroy())
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  override _final(done: () => void): void {
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }
}

/** What a client sends, frame by frame. */
export class AuthorityRepair {
  /** Bytes that pass as they are before the next frame begins. */
  #passing = prefaceLength
  #held: Buffer = Buffer.alloc(0)

  /** What may go on: all but a frame of headers that is not whole yet. */
  take(chunk: Buffer): Buffer {
    const data = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    let at = 0
    for (;;) {
      const passed = Math.min(this.#passing, data.length - at)
      at += passed
      this.#passing -= passed
      if (data.length - at < frameHeaderLength) break
      const length = data.readUIntBE(at, 3)
      if (data[at + 3] !== headersFrame) {
        this.#passing = frameHeaderLength + length
        continue
      }
      if (data.length - at < frameHeaderLength + length) break
      const payload = data.subarray(at + frameHeaderLength, at + frameHeaderLength + length)
      repairBlock(payload.subarray(blockStart(data[at + 4]!)))
      at += frameHeaderLength + length
    }
    this.#held = data.subarray(at)
    return data.subarray(0, at)
  }
}

function blockStart(given: number): number {
  return (given & flags.padded ? 1 : 0) + (given & flags.priority ? priorityLength : 0)
}

/** Goes from header to header; what it does not understand it leaves to who reads after it. */
function repairBlock(block: Buffer): void {
  let at = 0
  const integer = (prefixBits: number): number => {
    const most = (1 << prefixBits) - 1
    let value = block[at++]! & most
    if (value < most) return value
    for (let shift = 0; at < block.length; shift += 7) {
      const byte = block[at++]!
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) break
    }
    return value
  }
  const text = () => {
    const isHuffman = (block[at]! & 0x80) !== 0
    const length = integer(7)
    at += length
    return { bytes: block.subarray(at - length, at), isHuffman }
  }
  while (at < block.length) {
    const first = block[at]!
    if (first & 0x80) {
      integer(7)
    } else if ((first & 0xe0) === 0x20) {
      integer(5)
    } else {
      const name = integer(first & 0x40 ? 6 : 4)
      if (name === 0) text()
      const { bytes, isHuffman } = text()
      if (name !== authorityIndex) continue
      if (isHuffman) replaceHuffman(bytes)
      else for (let slash = bytes.indexOf('/'); slash >= 0; slash = bytes.indexOf('/')) bytes.write('_', slash)
    }
  }
}

/** Code points by the length of their code, in the order of the codes (RFC 7541, appendix B), as far as hosts have them. */
const huffman: readonly { readonly bits: number; readonly first: number; readonly characters: string }[] = [
  { bits: 5, first: 0x00, characters: '012aceiost' },
  { bits: 6, first: 0x14, characters: ' %-./3456789=A_bdfghlmnpru' },
  { bits: 7, first: 0x5c, characters: ':BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz' },
  { bits: 8, first: 0xf8, characters: '&*,;XZ' },
  { bits: 13, first: 0x1ff8, characters: '\0$@[]~' },
]
const codeBits = 6
const slashCode = 0x18
const underscoreCode = 0x22

/** Both codes have six bits. */
function replaceHuffman(bytes: Buffer): void {
  const end = bytes.length * 8
  let at = 0
  while (at < end) {
    const found = huffman.find(
      ({ bits, first, characters }) => at + bits <= end && isWithin(bitsAt(bytes, at, bits) - first, characters),
    )
    if (found === undefined) return
    if (found.bits === codeBits && bitsAt(bytes, at, codeBits) === slashCode) flipBits(bytes, at)
    at += found.bits
  }
}

const isWithin = (place: number, { length }: string) => place >= 0 && place < length

function bitsAt(bytes: Buffer, at: number, count: number): number {
  let value = 0
  for (let bit = at; bit < at + count; bit++) value = (value << 1) | ((bytes[bit >> 3]! >> (7 - (bit & 7))) & 1)
  return value
}

/** From a slash to an underscore. */
function flipBits(bytes: Buffer, at: number): void {
  const difference = slashCode ^ underscoreCode
  for (let i = 0; i < codeBits; i++) {
    const bit = at + i
    if ((difference >> (codeBits - 1 - i)) & 1) bytes[bit >> 3]! ^= 1 << (7 - (bit & 7))
  }
}
