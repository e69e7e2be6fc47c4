import type { PageSource } from '../../etcd/bbolt/read.ts'
import type { EtcdConnections } from './access.ts'
import { hexId, listMembers } from './members.ts'
import { membersInSnapshot, openSnapshot } from './snapshot-file.ts'
import { snapshotPieces } from './snapshot-save.ts'

/**
 * Where the members that an etcd lists (up to 3.5: of its v2 store) are not those in its file (the v3 store), which
 * etcd 3.6 goes by: removed ones would come back, promoted ones be learners again. A line each; none when all is well.
 */
export async function membershipFaults(
  connections: EtcdConnections,
  endpoints: readonly string[],
): Promise<readonly string[]> {
  const faults: string[] = []
  for (const endpoint of endpoints) {
    const listed = await listMembers(connections.at(endpoint), { linearizable: false })
    const inFile = membersInSnapshot(await snapshotOf(connections, endpoint), `the snapshot of ${endpoint}`)
    for (const { id, name, isLearner } of inFile) {
      const same = listed.find((member) => member.id === id)
      const who = `${same?.name || name || 'a member'} (${hexId(id)})`
      if (!same) faults.push(`${endpoint}: its file still has ${who}, which was removed`)
      else if (same.isLearner !== isLearner) {
        faults.push(`${endpoint}: in its file ${who} is ${isLearner ? 'a learner' : 'a voter'}, in the list it is not`)
      }
    }
    for (const { id, name } of listed) {
      if (!inFile.some((member) => member.id === id)) {
        faults.push(`${endpoint}: its file lacks ${name || 'a member'} (${hexId(id)})`)
      }
    }
  }
  return faults
}

async function snapshotOf(connections: EtcdConnections, endpoint: string): Promise<PageSource> {
  const pieces: Uint8Array[] = []
  for await (const piece of snapshotPieces(connections, endpoint)) pieces.push(piece)
  const whole = Buffer.concat(pieces)
  const source = { size: whole.length, read: (at: number, length: number) => whole.subarray(at, at + length) }
  return openSnapshot(source, `the snapshot of ${endpoint}`)
}
