/**
 * What the embedded store has on disk: one lmdb database, its keys told apart by their first byte.
 *
 * | key | value |
 * | --- | --- |
 * | `r`, revision (8 bytes), number within the revision (4 bytes), all big-endian | one change, see below |
 * | `l`, lease id (8 bytes) | its time to live in seconds (a double) |
 * | `mf` | the format's number, in decimal |
 * | `mc` | the revision that the store was compacted to, in decimal; absent: never |
 * | `mo` | who has the store open (`lmdb-lock.ts`) |
 *
 * This is etcd's own layout: a change is found by its revision, so the history window is on disk as well, and
 * compaction removes the changes that a newer one (at or below the compacted revision) made void.
 *
 * A change is: kind (0 put, 1 deletion), create revision, version (doubles), lease (8 bytes), length of the key
 * (4 bytes), key, value.
 */
import type { KeyValue, Lease } from './store.ts'

/** Raised whenever an older Coracle could not read what a newer one writes. */
export const storeFormat = 1

export const formatKey = Buffer.from('mf')
export const compactedKey = Buffer.from('mc')
export const ownerKey = Buffer.from('mo')

const recordPrefix = 0x72
const leasePrefix = 0x6c
const headerLength = 29

export function recordKey(revision: number, sub: number): Buffer {
  const key = Buffer.allocUnsafe(13)
  key[0] = recordPrefix
  writeUint53(key, revision, 1)
  key.writeUInt32BE(sub, 9)
  return key
}

/** Greater than the key of every record. */
export const recordsEnd = Buffer.from([recordPrefix + 1])

export function fromRecordKey(key: Uint8Array): { revision: number; sub: number } {
  const bytes = asBuffer(key)
  return { revision: bytes.readUInt32BE(1) * 2 ** 32 + bytes.readUInt32BE(5), sub: bytes.readUInt32BE(9) }
}

export function leaseKey(id: bigint): Buffer {
  const key = Buffer.allocUnsafe(9)
  key[0] = leasePrefix
  key.writeBigInt64BE(id, 1)
  return key
}

export const leasesStart = Buffer.from([leasePrefix])
export const leasesEnd = Buffer.from([leasePrefix + 1])

export function leaseIdOf(key: Uint8Array): bigint {
  return asBuffer(key).readBigInt64BE(1)
}

export function toLeaseTtl({ ttlSeconds }: Lease): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeDoubleBE(ttlSeconds)
  return bytes
}

export function toPutRecord(kv: KeyValue): Buffer {
  const record = Buffer.allocUnsafe(headerLength + kv.key.length + kv.value.length)
  record[0] = 0
  record.writeDoubleBE(kv.createRevision, 1)
  record.writeDoubleBE(kv.version, 9)
  record.writeBigInt64BE(kv.lease, 17)
  record.writeUInt32BE(kv.key.length, 25)
  record.write(kv.key, headerLength, 'latin1')
  record.set(kv.value, headerLength + kv.key.length)
  return record
}

export function toDeleteRecord(key: string): Buffer {
  const record = Buffer.alloc(headerLength + key.length)
  record[0] = 1
  record.writeUInt32BE(key.length, 25)
  record.write(key, headerLength, 'latin1')
  return record
}

/** The key of a change, and the key-value when it is a put. The value is a copy: what lmdb lends may change. */
export function fromRecord(record: Uint8Array, modRevision: number): { key: string; kv: KeyValue | undefined } {
  const bytes = asBuffer(record)
  const valueAt = headerLength + bytes.readUInt32BE(25)
  const key = bytes.toString('latin1', headerLength, valueAt)
  if (bytes[0] === 1) return { key, kv: undefined }
  const kv: KeyValue = {
    key,
    value: Buffer.from(bytes.subarray(valueAt)),
    createRevision: bytes.readDoubleBE(1),
    modRevision,
    version: bytes.readDoubleBE(9),
    lease: bytes.readBigInt64BE(17),
    memo: undefined,
  }
  return { key, kv }
}

function writeUint53(buffer: Buffer, value: number, at: number): void {
  buffer.writeUInt32BE(Math.floor(value / 2 ** 32), at)
  buffer.writeUInt32BE(value >>> 0, at + 4)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
