/**
 * The file format of bbolt, which etcd keeps its state in: pages of equal size, numbered from 0. Everything is
 * little-endian, as on the machines that etcd supports.
 *
 * - **Page header** (16 bytes): number (8), kind (2), count of elements (2), count of further pages that belong to it (4).
 * - **Meta** (pages 0 and 1, the one with the higher transaction number and a sound checksum counts): magic (4), version
 *   (4), page size (4), flags (4), root bucket (8) and its sequence (8), page of the free list (8), count of pages in use
 *   (8), transaction (8), FNV-1a of what comes before (8).
 * - **Branch element** (16 bytes): where its key lies, counted from the element (4), length of the key (4), page (8).
 * - **Leaf element** (16 bytes): flags (4), where its key lies (4), length of the key (4), of the value behind it (4).
 * - **Bucket**: a leaf element with flag 1, its value being the number of its root page (8) and a sequence (8); with
 *   page 0 the one leaf page that it consists of follows at once.
 */
export const pageHeaderLength = 16
export const elementLength = 16
export const bucketHeaderLength = 16
export const metaLength = 64
export const metaChecksumAt = 56

export const pageKind = { branch: 0x01, leaf: 0x02, meta: 0x04, freeList: 0x10 } as const
export const bucketFlag = 0x01

export const magic = 0xed0cdaed
export const formatVersion = 2

const fnvOffset = 0xcbf29ce484222325n
const fnvPrime = 0x100000001b3n

export function fnv1a64(bytes: Uint8Array): bigint {
  let hash = fnvOffset
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * fnvPrime)
  return hash
}
