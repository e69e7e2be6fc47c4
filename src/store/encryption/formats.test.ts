import assert from 'node:assert/strict'
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { realRandom } from '../../world/real.ts'
import { aesCbc, aesGcm, extendedNonceAesGcm } from './aes.ts'
import { openBox, sealBox, secretbox } from './secretbox.ts'
import { identity, prefixTransformers, type ValueTransformer } from './transformer.ts'

/** What lies in the store, byte for byte: made here with Node's cryptography alone, and read back with it. */

const key = '/registry/secrets/default/a'
const plain = Buffer.from('{"kind":"Secret"}')
const secret = (bytes: number) => Buffer.from(Array.from({ length: bytes }, (_, at) => at + 1))
const hex = (text: string) => Buffer.from(text, 'hex')

function gcm(algorithm: 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm', secretKey: Buffer, aad: string): Buffer {
  const nonce = Buffer.alloc(12, 9)
  const cipher = createCipheriv(algorithm, secretKey, nonce)
  cipher.setAAD(Buffer.from(aad))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function ungcm(secretKey: Buffer, stored: Buffer): string {
  const decipher = createDecipheriv('aes-256-gcm', secretKey, stored.subarray(0, 12))
  decipher.setAAD(Buffer.from(key)).setAuthTag(stored.subarray(-16))
  return Buffer.concat([decipher.update(stored.subarray(12, -16)), decipher.final()]).toString()
}

const opened = (transformer: ValueTransformer, stored: Buffer, at = key) =>
  transformer.fromStorage(stored, at).value.toString()

test('AES-GCM: nonce, sealed value, tag; bound to the key path; keys of three sizes', () => {
  for (const bits of [128, 192, 256] as const) {
    const transformer = aesGcm(secret(bits / 8), realRandom)
    assert.equal(opened(transformer, gcm(`aes-${bits}-gcm`, secret(bits / 8), key)), plain.toString())
    assert.equal(transformer.toStorage(plain, key).length, 12 + plain.length + 16)
  }
  const transformer = aesGcm(secret(32), realRandom)
  assert.equal(ungcm(secret(32), transformer.toStorage(plain, key)), plain.toString())
  const elsewhere = gcm('aes-256-gcm', secret(32), '/registry/secrets/default/b')
  const refused = { message: 'cipher: message authentication failed' }
  assert.throws(() => opened(transformer, elsewhere), refused)
  assert.throws(() => opened(aesGcm(secret(16), realRandom), gcm('aes-256-gcm', secret(32), key)), refused)
  assert.throws(() => opened(transformer, Buffer.alloc(11)), { message: /shorter than the required size/ })
  assert.throws(() => opened(transformer, Buffer.alloc(20)), refused)
  assert.notDeepEqual(transformer.toStorage(plain, key), transformer.toStorage(plain, key))
})

test('AES-GCM with keys of a seed: 32 bytes of which the key comes, then as before', () => {
  const seed = secret(32)
  const transformer = extendedNonceAesGcm(seed, realRandom)
  const info = Buffer.alloc(32, 5)
  const derived = createHmac('sha256', seed)
    .update(Buffer.concat([info, Buffer.of(1)]))
    .digest()
  assert.equal(opened(transformer, Buffer.concat([info, gcm('aes-256-gcm', derived, key)])), plain.toString())
  const stored = transformer.toStorage(plain, key)
  const again = createHmac('sha256', seed)
    .update(Buffer.concat([stored.subarray(0, 32), Buffer.of(1)]))
    .digest()
  assert.equal(ungcm(again, stored.subarray(32)), plain.toString())
  assert.throws(() => extendedNonceAesGcm(secret(31), realRandom), { message: /invalid seed length 31/ })
})

test('AES-CBC: vector, then the padded value', () => {
  const transformer = aesCbc(secret(32), realRandom)
  const vector = Buffer.alloc(16, 3)
  const seal = (padded: Buffer) => {
    const cipher = createCipheriv('aes-256-cbc', secret(32), vector).setAutoPadding(false)
    return Buffer.concat([vector, cipher.update(padded), cipher.final()])
  }
  const padding = 16 - (plain.length % 16)
  assert.equal(opened(transformer, seal(Buffer.concat([plain, Buffer.alloc(padding, padding)]))), plain.toString())
  const stored = transformer.toStorage(plain, key)
  assert.equal(stored.length, 16 + plain.length + padding)
  assert.equal(opened(transformer, stored), plain.toString())
  const faults: readonly [Buffer, string][] = [
    [Buffer.alloc(15), 'the stored data was shorter than the required size'],
    [Buffer.alloc(33), 'the stored data is not a multiple of the block size'],
    [vector, 'invalid PKCS7 data (empty or not padded)'],
    [seal(Buffer.alloc(16)), 'invalid PKCS7 data (empty or not padded)'],
    [seal(Buffer.alloc(16, 17)), 'invalid PKCS7 data (empty or not padded)'],
    [seal(Buffer.concat([Buffer.alloc(15), Buffer.of(2)])), 'invalid padding on input'],
  ]
  for (const [value, message] of faults) assert.throws(() => opened(transformer, value), { message })
})

test("secretbox: NaCl's own vector", () => {
  const boxKey = hex('1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389')
  const nonce = hex('69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37')
  const message = hex(
    'be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f4' +
      '1db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52' +
      'f0a089bc76897040e082f937763848645e0705',
  )
  const box = hex(
    'f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b' +
      '4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da' +
      '99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5',
  )
  assert.deepEqual(sealBox(boxKey, nonce, message), box)
  assert.deepEqual(openBox(boxKey, nonce, box), message)
  const transformer = secretbox(boxKey, realRandom)
  assert.equal(transformer.fromStorage(Buffer.concat([nonce, box]), key).value.equals(message), true)
})

test('secretbox: every length comes back, and no changed byte does', () => {
  const transformer = secretbox(secret(32), realRandom)
  for (let length = 0; length < 200; length++) {
    const value = realRandom.bytes(length)
    const stored = transformer.toStorage(value, key)
    assert.equal(stored.length, 24 + 16 + length)
    assert.deepEqual(Buffer.from(transformer.fromStorage(stored, key).value), Buffer.from(value))
    stored[length % stored.length]! ^= 1
    assert.throws(() => transformer.fromStorage(stored, key), {
      message: 'output array was not large enough for encryption',
    })
  }
})

test('the first provider writes, all read, and what others wrote is stale', () => {
  const named = (name: string, transformer: ValueTransformer) => ({ prefix: Buffer.from(name), transformer })
  const first = named('k8s:enc:aescbc:v1:k:', aesCbc(secret(32), realRandom))
  const same = named('k8s:enc:aescbc:v1:k:', aesCbc(secret(16), realRandom))
  const none = named('', identity)
  const read = (stored: Buffer, ...all: Parameters<typeof prefixTransformers>[0][number][]) => {
    const { value, stale } = prefixTransformers(all, 'no matching prefix found').fromStorage(stored, key)
    return [value.toString(), stale]
  }
  const old = prefixTransformers([same], '').toStorage(Buffer.alloc(64, 'x'), key)
  assert.deepEqual(read(old, first, same), ['x'.repeat(64), true], 'of two keys with one name, each is tried')
  assert.deepEqual(read(old, same, first), ['x'.repeat(64), false])
  assert.deepEqual(read(old, none, same), ['x'.repeat(64), true], 'identity before a key: on the way back')
  assert.deepEqual(read(plain, first, none), [plain.toString(), true])
  assert.deepEqual(read(plain, none, first), [plain.toString(), false])
  assert.throws(() => read(plain, first), { message: 'no matching prefix found' })
  assert.throws(() => read(old, none), { message: 'no matching prefix found' })
})
