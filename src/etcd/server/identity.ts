/**
 * Who answers: the one member of a cluster of one. Its ids are those that etcd works out for the member `default` at
 * `http://localhost:2380`, which are also those of a member that `etcdctl snapshot restore` makes when it is told nothing
 * else; so the ids stay when the store becomes an etcd that way.
 */
import { createHash } from 'node:crypto'
import type { Infer } from '../../schema/types.ts'
import type { Member, ResponseHeader } from '../messages.ts'
import type { SnapshotMember } from '../snapshot.ts'

/** The version of etcd's API that is spoken, and that clients choose features by. */
export const apiVersion = '3.5.21'
/** There are no elections: it is the first term for ever (a new etcd begins with 2). */
const term = 2n

export class Identity {
  readonly memberId: bigint
  readonly clusterId: bigint
  readonly #clientUrls: readonly string[]

  constructor(clientUrls: readonly string[]) {
    this.memberId = hash(Buffer.from('http://localhost:2380etcd-cluster'))
    const id = Buffer.alloc(8)
    id.writeBigUInt64BE(this.memberId)
    this.clusterId = hash(id)
    this.#clientUrls = clientUrls
  }

  header(revision: number): Infer<typeof ResponseHeader> {
    return { clusterId: this.clusterId, memberId: this.memberId, revision, raftTerm: term }
  }

  member(): SnapshotMember & Infer<typeof Member> {
    return { id: this.memberId, name: 'default', peerUrls: [], clientUrls: [...this.#clientUrls], isLearner: false }
  }

  get term(): bigint {
    return term
  }
}

/** The first eight bytes of the SHA-1, as etcd has it. */
function hash(bytes: Uint8Array): bigint {
  return createHash('sha1').update(bytes).digest().readBigUInt64BE()
}
