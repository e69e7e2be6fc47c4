import { createHash } from 'node:crypto'

/**
 * The ids that etcd gives: of a member of an initial cluster, the first eight bytes of the SHA-1 of its peer URLs,
 * sorted, with the cluster's token behind; of a cluster, those of the SHA-1 of its initial members' ids in order.
 */
export function initialMemberId(peerUrls: readonly string[], token: string): bigint {
  return firstBytes(Buffer.from(peerUrls.toSorted().join('') + token))
}

export function clusterIdOf(memberIds: readonly bigint[]): bigint {
  const bytes = Buffer.alloc(8 * memberIds.length)
  const inOrder = memberIds.toSorted((one, other) => (one < other ? -1 : 1))
  for (const [index, id] of inOrder.entries()) bytes.writeBigUInt64BE(id, 8 * index)
  return firstBytes(bytes)
}

const firstBytes = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest().readBigUInt64BE()
