/**
 * What etcd keeps in its database, byte for byte: the changes of its keys, found by revision, and its leases.
 *
 * A change's key is its revision: 8 bytes, `_`, the number within the revision in 8 bytes (all big-endian), and `t`
 * behind it when the change is a deletion. Its value is the key-value as protobuf (proto3 as gogo writes it: zeros are
 * left out), of a deletion the key alone.
 */
import { decodeMessage } from '../schema/protobuf.ts'
import { int64, object, required, signed64 } from '../schema/types.ts'
import { KeyValue as KeyValueMessage } from './messages.ts'

export interface EtcdKeyValue {
  readonly key: string
  readonly value: Uint8Array
  readonly createRevision: number
  readonly modRevision: number
  readonly version: number
  readonly lease: bigint
}

/** One change; without `kv` the key was deleted. */
export interface ChangeRecord {
  readonly revision: number
  /** The number within the revision. */
  readonly sub: number
  readonly key: string
  readonly kv: EtcdKeyValue | undefined
}

export interface LeaseRecord {
  readonly id: bigint
  readonly ttlSeconds: number
}

const tombstoneMark = 't'.charCodeAt(0)
const separator = '_'.charCodeAt(0)
const revisionLength = 17

/** 17 bytes: also how the compacted revision is noted. */
export function toRevisionBytes(revision: number, sub: number): Buffer {
  const bytes = Buffer.allocUnsafe(revisionLength)
  bytes.writeBigUInt64BE(BigInt(revision), 0)
  bytes[8] = separator
  bytes.writeBigUInt64BE(BigInt(sub), 9)
  return bytes
}

/** Throws when the bytes are no revision. */
export function parseRevisionBytes(key: Uint8Array): { revision: number; sub: number; isTombstone: boolean } {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength)
  const isTombstone = bytes.length === revisionLength + 1 && bytes[revisionLength] === tombstoneMark
  if ((bytes.length !== revisionLength && !isTombstone) || bytes[8] !== separator)
    throw new Error(`no revision: ${bytes.toString('hex')}`)
  return { revision: Number(bytes.readBigUInt64BE(0)), sub: Number(bytes.readBigUInt64BE(9)), isTombstone }
}

export function toRecordKey({ revision, sub, kv }: ChangeRecord): Buffer {
  const bytes = toRevisionBytes(revision, sub)
  return kv === undefined ? Buffer.concat([bytes, Buffer.of(tombstoneMark)]) : bytes
}

const keyTag = 0x0a
const valueTag = 0x2a
const createTag = 0x10
const modTag = 0x18
const versionTag = 0x20
const leaseTag = 0x30

/** How long `toRecordValue` will be. */
export function recordValueLength({ key, kv }: ChangeRecord): number {
  const keyLength = 1 + varintLength(key.length) + key.length
  if (kv === undefined) return keyLength
  const { value, createRevision, modRevision, version, lease } = kv
  const valueLength = value.length === 0 ? 0 : 1 + varintLength(value.length) + value.length
  const numbers = [createRevision, modRevision, version].reduce(
    (sum, n) => sum + (n === 0 ? 0 : 1 + varintLength(n)),
    0,
  )
  return keyLength + valueLength + numbers + (lease === 0n ? 0 : 1 + varintLength(BigInt.asUintN(64, lease)))
}

export function toRecordValue(record: ChangeRecord): Buffer {
  const bytes = Buffer.allocUnsafe(recordValueLength(record))
  const { key, kv } = record
  let at = writeVarint(bytes, 0, keyTag, key.length)
  at += bytes.write(key, at, 'latin1')
  if (kv === undefined) return bytes
  for (const [tag, number] of [
    [createTag, kv.createRevision],
    [modTag, kv.modRevision],
    [versionTag, kv.version],
  ] as const) {
    if (number !== 0) at = writeVarint(bytes, at, tag, number)
  }
  if (kv.value.length > 0) {
    at = writeVarint(bytes, at, valueTag, kv.value.length)
    bytes.set(kv.value, at)
    at += kv.value.length
  }
  if (kv.lease !== 0n) writeVarint(bytes, at, leaseTag, BigInt.asUintN(64, kv.lease))
  return bytes
}

/** Throws when the bytes are no change. The value is a view of `value`. */
export function parseRecord(key: Uint8Array, value: Uint8Array): ChangeRecord {
  const { revision, sub, isTombstone } = parseRevisionBytes(key)
  const kv = decodeMessage(KeyValueMessage, value)
  return { revision, sub, key: kv.key, kv: isTombstone ? undefined : kv }
}

const LeaseMessage = object('leasepb.Lease', '', {
  id: required(1, signed64, ''),
  ttl: required(2, int64, ''),
})

export function toLeaseKey(id: bigint): Buffer {
  const key = Buffer.allocUnsafe(8)
  key.writeBigInt64BE(id)
  return key
}

export function toLeaseValue({ id, ttlSeconds }: LeaseRecord): Buffer {
  const unsigned = BigInt.asUintN(64, id)
  const bytes = Buffer.allocUnsafe(2 + varintLength(unsigned) + varintLength(ttlSeconds))
  writeVarint(bytes, writeVarint(bytes, 0, 0x08, unsigned), 0x10, ttlSeconds)
  return bytes
}

/** Throws when the bytes are no lease. */
export function parseLease(value: Uint8Array): LeaseRecord {
  const { id, ttl } = decodeMessage(LeaseMessage, value)
  return { id, ttlSeconds: ttl }
}

function varintLength(value: number | bigint): number {
  let length = 1
  if (typeof value === 'bigint') for (let rest = value >> 7n; rest > 0n; rest >>= 7n) length++
  else for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) length++
  return length
}

function writeVarint(bytes: Buffer, at: number, tag: number, value: number | bigint): number {
  bytes[at++] = tag
  let rest = BigInt(value)
  while (rest > 0x7fn) {
    bytes[at++] = Number(rest & 0x7fn) | 0x80
    rest >>= 7n
  }
  bytes[at++] = Number(rest)
  return at
}
