import { EtcdCareError } from './faults.ts'
import { type EtcdMember, hexId, isStarted } from './members.ts'

/** What a majority is, and which changes of the members a cluster survives. */

export const quorumOf = (voters: number): number => Math.floor(voters / 2) + 1

/** How many voters may be lost with the others still going on. */
export const toleratedFailures = (voters: number): number => voters - quorumOf(voters)

export const votersOf = (members: readonly EtcdMember[]): readonly EtcdMember[] =>
  members.filter(({ isLearner }) => !isLearner)

/** The members, with the ids of those that answer. */
export interface Liveness {
  readonly members: readonly EtcdMember[]
  readonly alive: ReadonlySet<bigint>
}

/**
 * Throws an `EtcdCareError` when too few voters would be left that answer. etcd looks only at members that are started
 * as it sees them; whoever takes a healthy member out of a weak cluster loses it all.
 */
export function requireQuorumWithout({ members, alive }: Liveness, id: bigint): void {
  const leaving = members.find((member) => member.id === id)
  if (!leaving || leaving.isLearner) return
  const left = votersOf(members).filter((member) => member.id !== id)
  if (left.length === 0) {
    throw new EtcdCareError(`${nameOf(leaving)} is the only voting member: without it there is no cluster`)
  }
  const answering = left.filter((member) => alive.has(member.id))
  const needed = quorumOf(left.length)
  if (answering.length >= needed) return
  const silent = left.filter((member) => !alive.has(member.id)).map(nameOf)
  throw new EtcdCareError(
    `without ${nameOf(leaving)} quorum is lost: ${needed} of ${left.length} would have to answer, and ${answering.length} ` +
      `${answering.length === 1 ? 'does' : 'do'} (silent: ${silent.join(', ')})`,
    { hint: 'start the silent members first, or remove those that will not come back' },
  )
}

/**
 * Throws an `EtcdCareError` when a member may not be added now: another has been added and not come up, a learner
 * waits for its vote, or a voter is down, so that the larger cluster would have no majority.
 */
export function requireRoomForAnother({ members, alive }: Liveness): void {
  const unstarted = members.find((member) => !isStarted(member))
  if (unstarted) {
    throw new EtcdCareError(`${nameOf(unstarted)} has been added and has not come up`, {
      hint: `start it, or remove it: coracle etcd member remove ${hexId(unstarted.id)}`,
    })
  }
  const learner = members.find(({ isLearner }) => isLearner)
  if (learner) {
    throw new EtcdCareError(`${nameOf(learner)} is a learner: there can be one at a time`, {
      hint: `give it its vote: coracle etcd member promote ${hexId(learner.id)}`,
    })
  }
  const silent = votersOf(members).filter((member) => !alive.has(member.id))
  const answering = votersOf(members).length - silent.length
  // Where all answer it is the new one that may be missing, as in a cluster of one that grows.
  if (silent.length === 0 || answering >= quorumOf(votersOf(members).length + 1)) return
  throw new EtcdCareError(
    `with another member ${quorumOf(votersOf(members).length + 1)} would have to answer, and ${answering} do ` +
      `(silent: ${silent.map(nameOf).join(', ')})`,
    { hint: 'start the silent members first, or replace them: coracle etcd replace NAME' },
  )
}

/** What to know about a cluster of so many voters; nothing when there is nothing to say. */
export function warnAboutSize(voters: number): string | undefined {
  if (voters > 7) return `${voters} voting members: more than 7 make every write slower and nothing safer`
  if (voters > 1 && voters % 2 === 0) {
    const tolerated = toleratedFailures(voters)
    return (
      `${voters} voting members survive the loss of ${tolerated}, no more than ${voters - 1} do, and write slower: ` +
      `go on to ${voters + 1}`
    )
  }
  return undefined
}

export const nameOf = (member: EtcdMember): string =>
  `${member.name || (member.peerUrls ?? []).join(',') || 'a member'} (${hexId(member.id)})`
