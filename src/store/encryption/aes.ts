import { Buffer } from 'node:buffer'
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'
import type { Random } from '../../world/world.ts'
import { tooShort, type ValueTransformer } from './transformer.ts'

const nonceBytes = 12
const tagBytes = 16
const blockBytes = 16
const infoBytes = 32

/** A nonce of 12 bytes, then what AES-GCM makes of value and key path. The secret has 16, 24 or 32 bytes. */
export function aesGcm(secret: Uint8Array, random: Random): ValueTransformer {
  const algorithm = `aes-${(secret.length * 8) as 128 | 192 | 256}-gcm` as const
  return {
    fromStorage(stored, key) {
      if (stored.length < nonceBytes) throw new Error(tooShort)
      const end = stored.length - tagBytes
      if (end < nonceBytes) throw new Error(notAuthentic)
      const decipher = createDecipheriv(algorithm, secret, stored.subarray(0, nonceBytes))
      decipher.setAAD(Buffer.from(key, 'latin1'))
      decipher.setAuthTag(stored.subarray(end))
      const value = decipher.update(stored.subarray(nonceBytes, end))
      try {
        decipher.final()
      } catch {
        throw new Error(notAuthentic)
      }
      return { value, stale: false }
    },
    toStorage(value, key) {
      const nonce = random.bytes(nonceBytes)
      const cipher = createCipheriv(algorithm, secret, nonce)
      cipher.setAAD(Buffer.from(key, 'latin1'))
      return Buffer.concat([nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()])
    },
  }
}

/**
 * AES-GCM with a key of its own for each value, which comes of the seed and of 32 random bytes (the expanding half of
 * HKDF with SHA-256), so that nonces do not run out (KEP-3299). Those bytes come first. The seed has 32 bytes or more.
 */
export function extendedNonceAesGcm(seed: Uint8Array, random: Random): ValueTransformer {
  if (seed.length < infoBytes) throw new Error(`invalid seed length ${seed.length} used for key generation`)
  const keyOf = (info: Uint8Array) => createHmac('sha256', seed).update(info).update(Buffer.of(1)).digest()
  return {
    fromStorage(stored, key) {
      if (stored.length < infoBytes) throw new Error(tooShort)
      return aesGcm(keyOf(stored.subarray(0, infoBytes)), random).fromStorage(stored.subarray(infoBytes), key)
    },
    toStorage(value, key) {
      const info = random.bytes(infoBytes)
      return Buffer.concat([info, aesGcm(keyOf(info), random).toStorage(value, key)])
    },
  }
}

/** An initialisation vector of 16 bytes, then the value padded as PKCS#7 has it. Nothing is authenticated. */
export function aesCbc(secret: Uint8Array, random: Random): ValueTransformer {
  const algorithm = `aes-${secret.length * 8}-cbc`
  return {
    fromStorage(stored) {
      if (stored.length < blockBytes) throw new Error(tooShort)
      if (stored.length % blockBytes !== 0) throw new Error('the stored data is not a multiple of the block size')
      const decipher = createDecipheriv(algorithm, secret, stored.subarray(0, blockBytes)).setAutoPadding(false)
      const padded = Buffer.concat([decipher.update(stored.subarray(blockBytes)), decipher.final()])
      return { value: withoutPadding(padded), stale: false }
    },
    toStorage(value) {
      const vector = random.bytes(blockBytes)
      const cipher = createCipheriv(algorithm, secret, vector)
      return Buffer.concat([vector, cipher.update(value), cipher.final()])
    },
  }
}

function withoutPadding(padded: Buffer): Buffer {
  const count = padded.at(-1) ?? 0
  if (count === 0 || count > padded.length) throw new Error('invalid PKCS7 data (empty or not padded)')
  const end = padded.length - count
  if (padded.subarray(end).some((byte) => byte !== count)) throw new Error('invalid padding on input')
  return padded.subarray(0, end)
}

/** What Go's AEADs say, which clients and runbooks look for. */
export const notAuthentic = 'cipher: message authentication failed'
