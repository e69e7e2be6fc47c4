/**
 * Protobuf's wire format: varints, fixed numbers, bytes with their length in front. Numbers of 64 bits go through two
 * halves of 32, since most of them are small and bigints are slow.
 */

/** Bytes that are no protobuf message, or not one of the type that was expected. */
export class ProtobufError extends Error {
  constructor(why: string) {
    super(`malformed protobuf: ${why}`)
  }
}

export const wireType = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const

const initialSize = 16 * 1024

export class Writer {
  #bytes = Buffer.allocUnsafe(initialSize)
  at = 0

  /** What was written, as a copy; the writer begins anew. */
  finish(): Buffer {
    const written = Buffer.from(this.#bytes.subarray(0, this.at))
    this.at = 0
    // One huge message must not hold its memory for ever.
    if (this.#bytes.length > 64 * initialSize) this.#bytes = Buffer.allocUnsafe(initialSize)
    return written
  }

  /** An unsigned number below 2^32: a tag, a length. */
  uint32(value: number): void {
    this.#reserve(5)
    const bytes = this.#bytes
    while (value > 0x7f) {
      bytes[this.at++] = (value & 0x7f) | 0x80
      value >>>= 7
    }
    bytes[this.at++] = value
  }

  /** A whole number of up to 53 bits and its sign, as int64. */
  int64(value: number): void {
    if (value >= 0 && value <= 0x7fffffff) this.uint32(value)
    else this.#halves(value >>> 0, Math.floor(value / 2 ** 32) >>> 0)
  }

  bigint(value: bigint): void {
    if (value >= 0n && value <= 0x7fffffffn) {
      this.uint32(Number(value))
      return
    }
    const bits = BigInt.asUintN(64, value)
    this.#halves(Number(bits & 0xffffffffn), Number(bits >> 32n))
  }

  double(value: number): void {
    this.#reserve(8)
    this.at = this.#bytes.writeDoubleLE(value, this.at)
  }

  bytes(value: Uint8Array): void {
    this.uint32(value.length)
    this.#reserve(value.length)
    this.#bytes.set(value, this.at)
    this.at += value.length
  }

  latin1(value: string): void {
    this.uint32(value.length)
    this.#reserve(value.length)
    this.at += this.#bytes.write(value, this.at, 'latin1')
  }

  string(value: string): void {
    const start = this.begin()
    this.#reserve(3 * value.length)
    this.at += this.#bytes.write(value, this.at, 'utf8')
    this.end(start)
  }

  /** Begins something whose length is not known yet. */
  begin(): number {
    this.#reserve(1)
    return ++this.at
  }

  /** Puts the length of what was written since `begin` in front of it. */
  end(start: number): void {
    const length = this.at - start
    if (length < 0x80) {
      this.#bytes[start - 1] = length
      return
    }
    const more = length < 1 << 14 ? 1 : length < 1 << 21 ? 2 : length < 1 << 28 ? 3 : 4
    this.#reserve(more)
    this.#bytes.copyWithin(start + more, start, this.at)
    this.at = start - 1
    this.uint32(length)
    this.at += length
  }

  #halves(low: number, high: number): void {
    this.#reserve(10)
    const bytes = this.#bytes
    while (high > 0 || low > 0x7f) {
      bytes[this.at++] = (low & 0x7f) | 0x80
      low = ((low >>> 7) | (high << 25)) >>> 0
      high >>>= 7
    }
    bytes[this.at++] = low
  }

  #reserve(length: number): void {
    const needed = this.at + length
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length))
    this.#bytes.copy(larger, 0, 0, this.at)
    this.#bytes = larger
  }
}

export class Reader {
  readonly #bytes: Buffer
  at = 0
  /** Where what is being read ends: the message, or one inside it. */
  end: number
  #low = 0
  #high = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.end = bytes.length
  }

  uint32(): number {
    const first = this.#bytes[this.at]!
    if (first < 0x80 && this.at < this.end) {
      this.at++
      return first
    }
    this.#readHalves()
    return this.#low
  }

  int32(): number {
    return this.uint32() | 0
  }

  bool(): boolean {
    this.#readHalves()
    return this.#low !== 0 || this.#high !== 0
  }

  int64(): number {
    this.#readHalves()
    return (this.#high | 0) * 2 ** 32 + this.#low
  }

  signed(): bigint {
    this.#readHalves()
    if (this.#high === 0) return BigInt(this.#low)
    return (BigInt(this.#high | 0) << 32n) | BigInt(this.#low)
  }

  unsigned(): bigint {
    this.#readHalves()
    if (this.#high === 0) return BigInt(this.#low)
    return (BigInt(this.#high) << 32n) | BigInt(this.#low)
  }

  double(): number {
    const at = this.#skip(8)
    return this.#bytes.readDoubleLE(at)
  }

  /** A view, not a copy. */
  bytes(): Buffer {
    const length = this.uint32()
    const at = this.#skip(length)
    return this.#bytes.subarray(at, at + length)
  }

  text(encoding: 'utf8' | 'latin1' | 'base64'): string {
    const length = this.uint32()
    const at = this.#skip(length)
    return this.#bytes.toString(encoding, at, at + length)
  }

  /** Narrows the reader to the bytes that come with their length; gives the end to go back to with `leave`. */
  enter(): number {
    const length = this.uint32()
    const end = this.at + length
    if (end > this.end) throw new ProtobufError('a field is longer than its message')
    const outer = this.end
    this.end = end
    return outer
  }

  leave(outer: number): void {
    this.at = this.end
    this.end = outer
  }

  /** Passes over a field of which nobody knows what it means. */
  skipField(tag: number): void {
    switch (tag & 7) {
      case wireType.varint:
        this.#readHalves()
        return
      case wireType.fixed64:
        this.#skip(8)
        return
      case wireType.bytes:
        this.#skip(this.uint32())
        return
      case wireType.startGroup:
        this.#skipGroup(tag)
        return
      case wireType.fixed32:
        this.#skip(4)
        return
      default:
        throw new ProtobufError(`wire type ${tag & 7}`)
    }
  }

  #skipGroup(start: number): void {
    for (;;) {
      const tag = this.uint32()
      if (tag === start + 1) return
      if ((tag & 7) === wireType.startGroup) throw new ProtobufError('a group within a group')
      this.skipField(tag)
    }
  }

  #skip(length: number): number {
    const at = this.at
    if (at + length > this.end) throw new ProtobufError('the message ends within a field')
    this.at = at + length
    return at
  }

  #readHalves(): void {
    const bytes = this.#bytes
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= this.end) throw new ProtobufError('the message ends within a number')
      const byte = bytes[this.at++]!
      if (shift < 28) low |= (byte & 0x7f) << shift
      else if (shift === 28) {
        low |= (byte & 0x0f) << 28
        high = (byte & 0x7f) >> 4
      } else high |= (byte & 0x7f) << (shift - 32)
      if (byte < 0x80) {
        this.#low = low >>> 0
        this.#high = high >>> 0
        return
      }
    }
    throw new ProtobufError('a number of more than 64 bits')
  }
}
