import { Buffer } from 'node:buffer'
import { timingSafeEqual } from 'node:crypto'
import type { Random } from '../../world/world.ts'
import { tooShort, type ValueTransformer } from './transformer.ts'

/**
 * NaCl's secretbox: XSalsa20 hides, Poly1305 authenticates. Node's OpenSSL has neither, so both are here, after
 * Bernstein's papers ("Extending the Salsa20 nonce", "The Poly1305-AES message-authentication code").
 */

const nonceBytes = 24
const tagBytes = 16

/** A nonce of 24 bytes, then the box. The secret has 32 bytes. The key path is not authenticated. */
export function secretbox(secret: Uint8Array, random: Random): ValueTransformer {
  return {
    fromStorage(stored) {
      if (stored.length < nonceBytes + tagBytes) throw new Error(tooShort)
      const value = openBox(secret, stored.subarray(0, nonceBytes), stored.subarray(nonceBytes))
      // The reference's words for a box that was not made with this key.
      if (value === undefined) throw new Error('output array was not large enough for encryption')
      return { value, stale: false }
    },
    toStorage(value) {
      const nonce = random.bytes(nonceBytes)
      return Buffer.concat([nonce, sealBox(secret, nonce, value)])
    },
  }
}

/** The tag, then the hidden message. */
export function sealBox(secret: Uint8Array, nonce: Uint8Array, message: Uint8Array): Buffer {
  const [tagKey, stream] = streamsOf(secret, nonce, message.length)
  const box = Buffer.allocUnsafeSlow(tagBytes + message.length)
  for (let at = 0; at < message.length; at++) box[tagBytes + at] = message[at]! ^ stream[at]!
  poly1305(tagKey, box.subarray(tagBytes)).copy(box)
  return box
}

/** Undefined: it was not made with this secret and nonce, or was changed. */
export function openBox(secret: Uint8Array, nonce: Uint8Array, box: Uint8Array): Buffer | undefined {
  const hidden = box.subarray(tagBytes)
  const [tagKey, stream] = streamsOf(secret, nonce, hidden.length)
  if (!timingSafeEqual(poly1305(tagKey, hidden), box.subarray(0, tagBytes))) return undefined
  const message = Buffer.allocUnsafeSlow(hidden.length)
  for (let at = 0; at < hidden.length; at++) message[at] = hidden[at]! ^ stream[at]!
  return message
}

/** The first 32 bytes of the stream are the tag's key, the rest hides the message. */
function streamsOf(secret: Uint8Array, nonce: Uint8Array, length: number): [Uint8Array, Uint8Array] {
  const stream = xsalsa20(secret, nonce, length + 32)
  return [stream.subarray(0, 32), stream.subarray(32)]
}

function xsalsa20(secret: Uint8Array, nonce: Uint8Array, length: number): Uint8Array {
  const inner = stateOf(wordsOf(secret), wordsOf(nonce.subarray(0, 16)))
  const mixed = new Uint32Array(16)
  rounds(inner, mixed)
  // HSalsa20: the diagonal and what stands where the nonce stood, without adding the input.
  const subkey = Uint32Array.of(
    ...[mixed[0]!, mixed[5]!, mixed[10]!, mixed[15]!],
    ...[mixed[6]!, mixed[7]!, mixed[8]!, mixed[9]!],
  )
  const [first, second] = wordsOf(nonce.subarray(16))
  const state = stateOf(subkey, Uint32Array.of(first!, second!, 0, 0))
  const stream = new Uint8Array(Math.ceil(length / 64) * 64)
  const view = new DataView(stream.buffer)
  for (let at = 0; at < length; at += 64) {
    rounds(state, mixed)
    for (let word = 0; word < 16; word++) view.setUint32(at + word * 4, mixed[word]! + state[word]!, true)
    state[8] = at / 64 + 1
  }
  return stream.subarray(0, length)
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Uint32Array.from({ length: bytes.length / 4 }, (_, word) => view.getUint32(word * 4, true))
}

/** "expand 32-byte k" on the diagonal, the key round it, nonce and counter in the middle. */
function stateOf(key: Uint32Array, middle: Uint32Array): Uint32Array {
  const state = new Uint32Array(16)
  state[0] = 0x61707865
  state.set(key.subarray(0, 4), 1)
  state[5] = 0x3320646e
  state.set(middle, 6)
  state[10] = 0x79622d32
  state.set(key.subarray(4), 11)
  state[15] = 0x6b206574
  return state
}

const columns = [
  [0, 4, 8, 12],
  [5, 9, 13, 1],
  [10, 14, 2, 6],
  [15, 3, 7, 11],
].flat()
const rows = [
  [0, 1, 2, 3],
  [5, 6, 7, 4],
  [10, 11, 8, 9],
  [15, 12, 13, 14],
].flat()

/** Twenty rounds of Salsa20 of `state`, into `x`. */
function rounds(state: Uint32Array, x: Uint32Array): void {
  x.set(state)
  for (let round = 0; round < 10; round++) {
    quarters(x, columns)
    quarters(x, rows)
  }
}

function quarters(x: Uint32Array, places: readonly number[]): void {
  for (let at = 0; at < 16; at += 4) {
    const a = places[at]!
    const b = places[at + 1]!
    const c = places[at + 2]!
    const d = places[at + 3]!
    let sum = (x[a]! + x[d]!) | 0
    x[b]! ^= (sum << 7) | (sum >>> 25)
    sum = (x[b]! + x[a]!) | 0
    x[c]! ^= (sum << 9) | (sum >>> 23)
    sum = (x[c]! + x[b]!) | 0
    x[d]! ^= (sum << 13) | (sum >>> 19)
    sum = (x[d]! + x[c]!) | 0
    x[a]! ^= (sum << 18) | (sum >>> 14)
  }
}

const limbs = 10
const limbSize = 2 ** 13
const prime = 2n ** 130n - 5n

/** Numbers below 2^130 are ten limbs of 13 bits: sums of their products are exact in doubles. */
function poly1305(key: Uint8Array, message: Uint8Array): Buffer {
  const clamped = Buffer.from(key.subarray(0, 16))
  for (const at of [3, 7, 11, 15]) clamped[at]! &= 15
  for (const at of [4, 8, 12]) clamped[at]! &= 252
  const multiplier = new Float64Array(limbs)
  addBlock(multiplier, clamped, 0)
  const sum = new Float64Array(limbs)
  const block = new Uint8Array(19)
  for (let at = 0; at < message.length; at += 16) {
    const part = message.subarray(at, at + 16)
    block.fill(0)
    block.set(part)
    addBlock(sum, block, part.length)
    multiply(sum, multiplier)
  }
  let total = 0n
  for (let limb = limbs - 1; limb >= 0; limb--) total = total * BigInt(limbSize) + BigInt(sum[limb]!)
  const tag = (total % prime) + littleEndian(key.subarray(16, 32))
  return toLittleEndian(tag)
}

/** Adds 16 bytes; `length` other than 0: with a one behind so many of them. */
function addBlock(sum: Float64Array, bytes: Uint8Array, length: number): void {
  if (length > 0) bytes[length] = 1
  for (let limb = 0; limb < limbs; limb++) {
    const bit = limb * 13
    const at = bit >> 3
    const three = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16)
    sum[limb]! += (three >> (bit & 7)) & (limbSize - 1)
  }
}

const product = new Float64Array(limbs)

function multiply(sum: Float64Array, multiplier: Float64Array): void {
  for (let limb = 0; limb < limbs; limb++) {
    let low = 0
    let high = 0
    for (let other = 0; other <= limb; other++) low += sum[other]! * multiplier[limb - other]!
    // 2^130 is 5.
    for (let other = limb + 1; other < limbs; other++) high += sum[other]! * multiplier[limbs + limb - other]!
    product[limb] = low + 5 * high
  }
  let carry = 0
  for (let limb = 0; limb < limbs; limb++) {
    const value = product[limb]! + carry
    carry = Math.floor(value / limbSize)
    sum[limb] = value - carry * limbSize
  }
  sum[0]! += 5 * carry
  carry = Math.floor(sum[0]! / limbSize)
  sum[0]! -= carry * limbSize
  sum[1]! += carry
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
}

function toLittleEndian(value: bigint): Buffer {
  const hex = (value % 2n ** 128n).toString(16).padStart(32, '0')
  return Buffer.from(hex, 'hex').reverse()
}
