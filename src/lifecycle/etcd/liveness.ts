import { methods } from '../../etcd/messages.ts'
import type { EtcdConnections } from './access.ts'
import { EtcdCareError } from './faults.ts'
import { type EtcdMember, listMembers } from './members.ts'
import { type Liveness, nameOf, quorumOf, votersOf } from './quorum.ts'
import type { VersionedMember } from './versions.ts'

/** For an election to end, and for those that are silent: one that is only slow answers one of several looks. */
const patienceMs = { election: 10_000, silence: 5_000 }
const betweenLooksMs = 250
const probeMs = 2_000

/**
 * Who belongs to the cluster, and who of them answers. Waits for an election to end, as what is asked meanwhile is
 * lost without a word, and for those that are slow. Throws an `EtcdCareError` when no majority answers.
 */
export async function livenessOf(
  connections: EtcdConnections,
): Promise<Liveness & { readonly versions: readonly VersionedMember[] }> {
  const began = connections.clock.monotonic()
  for (;;) {
    const members = await listMembers(connections.client, { linearizable: false })
    const seen = await Promise.all(members.map((member) => probe(connections, member)))
    const answering = seen.filter(({ version }) => version !== undefined)
    const alive = new Set(answering.map(({ id }) => id))
    const lost = quorumLost({ members, alive })
    if (!lost && answering.some(({ leader }) => leader !== undefined && alive.has(leader))) {
      return { members, alive, versions: answering.map(({ name, version }) => ({ name, version: version! })) }
    }
    if (connections.clock.monotonic() - began > (lost ? patienceMs.silence : patienceMs.election)) {
      throw lost ?? new EtcdCareError('the members that answer have no leader', { hint: 'see "coracle etcd status"' })
    }
    await connections.clock.after(betweenLooksMs)
  }
}

function quorumLost({ members, alive }: Liveness): EtcdCareError | undefined {
  const voters = votersOf(members)
  const silent = voters.filter(({ id }) => !alive.has(id))
  const answering = voters.length - silent.length
  if (answering >= quorumOf(voters.length)) return undefined
  return new EtcdCareError(
    `quorum is lost: ${answering} of ${voters.length} voting members answer (silent: ${silent.map(nameOf).join(', ')})`,
    {
      hint:
        'start those that are down, or mend the network to them; when too few will ever come back, restore a snapshot: ' +
        '"coracle etcd snapshot restore"',
    },
  )
}

async function probe(connections: EtcdConnections, member: EtcdMember) {
  const { id, name } = member
  const ask = (url: string) => connections.at(url).read(methods.status, {}, { timeoutMs: probeMs })
  try {
    const { header, version, leader } = await Promise.any((member.clientUrls ?? []).map(ask))
    // Another may have taken its address.
    if (header?.memberId === id) return { id, name, version, leader }
  } catch {
    // None of its addresses answers.
  }
  return { id, name, version: undefined, leader: undefined }
}
