import type { Phase } from '../phase.ts'
import type { EtcdConnections } from './access.ts'
import { EtcdCareError, explainEtcd } from './faults.ts'
import { livenessOf } from './liveness.ts'
import {
  addLearner,
  clusterIdText,
  type EtcdMember,
  hexId,
  initialCluster,
  isStarted,
  listMembers,
  promoteWhenReady,
  takeOut,
} from './members.ts'
import {
  type Liveness,
  nameOf,
  requireQuorumWithout,
  requireRoomForAnother,
  votersOf,
  warnAboutSize,
} from './quorum.ts'
import { requireFittingVersion, type VersionedMember } from './versions.ts'

/**
 * A member whose host will not come back is replaced by one on another host, or on the same one made anew: removed,
 * then the new one added as a learner and given its vote when it has caught up. Removed first, since a dead member
 * that stays raises the number that a majority needs.
 *
 * Where it stands is what the member list says, so the same call goes on wherever another ended.
 */
export interface Replacement {
  readonly connections: EtcdConnections
  /** Name or id. */
  readonly dead: string
  /** Name and peer URL of the one that comes. */
  readonly next: { readonly name: string; readonly peerUrl: string }
  /** Of the etcd that will run there, when it is known. */
  readonly version?: string
  /** Also one that answers. */
  readonly force: boolean
  /** How long to wait for the new member to come up. */
  readonly waitMs: number
  print(line: string): void
  readonly signal?: AbortSignal
}

/** The member list seen with a replacement in mind. */
interface Standing extends Liveness {
  /** Still listed. */
  readonly leaving: EtcdMember | undefined
  /** Listed already. */
  readonly coming: EtcdMember | undefined
  readonly versions: readonly VersionedMember[]
}

/** `NAME=URL`, or a URL alone for one of the same name. Nothing: the same name at the same place. */
export async function readReplacement(
  connections: EtcdConnections,
  dead: string,
  what: string | undefined,
): Promise<{ readonly name: string; readonly peerUrl: string }> {
  const [, name, url] = /^(?:([^=/:]+)=)?(https?:\/\/.+)$/.exec(what ?? '') ?? []
  if (what !== undefined && url === undefined) {
    throw new EtcdCareError(`--with ${what} is neither NAME=PEER-URL nor a peer URL`, {
      hint: 'such as --with master01=https://10.0.0.4:2380',
    })
  }
  if (name && url) return { name, peerUrl: url.replace(/\/$/, '') }
  // Not through the quorum, which may be electing a leader: it is only about a name and an address.
  const members = await listMembers(connections.client, { linearizable: false })
  const member = members.find((one) => isCalled(one, dead))
  if (!member) {
    throw new EtcdCareError(`no member is called ${dead}: it may be removed already`, {
      hint: 'say whole what takes its place: --with NAME=PEER-URL',
    })
  }
  return { name: member.name, peerUrl: (url ?? member.peerUrls?.[0] ?? '').replace(/\/$/, '') }
}

const isCalled = (member: EtcdMember, name: string) => member.name === name || hexId(member.id) === name.toLowerCase()

export const replacePhases: readonly Phase<Replacement>[] = [
  { name: 'check', summary: 'Find out whether it can be done', plan: planOf, run: check },
  { name: 'remove', summary: 'Take the dead member out', run: remove },
  { name: 'add', summary: 'Add the new one as a learner', run: add },
  { name: 'start', summary: 'Say what the new host needs', run: sayWhatIsNeeded },
  { name: 'promote', summary: 'Give the new member its vote', run: promote },
]

async function stand({ connections, dead, next }: Replacement): Promise<Standing> {
  const { members, alive, versions } = await livenessOf(connections)
  const called = members.filter((member) => isCalled(member, dead))
  const there = members.filter(({ peerUrls = [] }) => peerUrls.includes(next.peerUrl))
  // Under the same name and address only its state tells the new one: a learner, not come up, or a voter that answers.
  const coming = there.find(
    (member) => !isStarted(member) || member.isLearner || (alive.has(member.id) && !isId(dead, member)),
  )
  const leaving = called.find((member) => member !== coming)
  return { members, alive, versions, leaving, coming }
}

const isId = (text: string, member: EtcdMember) => hexId(member.id) === text.toLowerCase()

function judge(standing: Standing, { dead, next, force, version }: Replacement): void {
  const { leaving, coming, members, alive, versions } = standing
  if (version !== undefined) requireFittingVersion(version, versions)
  if (leaving) {
    if (alive.has(leaving.id) && !force) {
      throw new EtcdCareError(`${nameOf(leaving)} answers: it is not dead`, {
        hint: 'one that is to go although it lives: move the leader away, then "coracle etcd member remove"; or --force',
      })
    }
    requireQuorumWithout(standing, leaving.id)
  } else if (!coming && !members.some((member) => isCalled(member, next.name))) {
    requireRoomForAnother(standing)
  }
  const others = members.filter((member) => member !== leaving && member !== coming)
  const strange = others.find((member) => !isStarted(member) || member.isLearner)
  if (strange) {
    throw new EtcdCareError(
      `${nameOf(strange)} is ${isStarted(strange) ? 'a learner' : 'not started'}: one change at a time`,
      {
        hint: `promote it or remove it first: coracle etcd member remove ${hexId(strange.id)}`,
      },
    )
  }
  const sameName = others.find(({ name }) => name === next.name)
  if (sameName) {
    throw new EtcdCareError(`a member is called ${next.name} already: ${nameOf(sameName)}`, {
      hint: 'members that share a name cannot be told apart in --initial-cluster',
    })
  }
  if (leaving && leaving.name !== dead && !isId(dead, leaving)) throw new EtcdCareError(`no member is called ${dead}`)
}

async function planOf(replacement: Replacement): Promise<string[]> {
  const standing = await stand(replacement)
  judge(standing, replacement)
  const { leaving, coming, members } = standing
  const { next } = replacement
  const voters = votersOf(members).length + (leaving ? 0 : coming && !coming.isLearner ? 0 : 1)
  const warning = warnAboutSize(voters)
  if (isFinished(standing)) return [finished(coming!)]
  return [
    ...(leaving ? [`remove ${nameOf(leaving)}, which does not answer and must not come back`] : []),
    ...(coming ? [] : [`add ${next.name} at ${next.peerUrl} as a learner`]),
    ...(coming && isStarted(coming) ? [] : [`wait for etcd to start on the host of ${next.name}`]),
    `give ${next.name} its vote when it has caught up`,
    ...(warning ? [`note: ${warning}`] : []),
  ]
}

async function check(replacement: Replacement): Promise<void> {
  const standing = await stand(replacement)
  judge(standing, replacement)
  if (isFinished(standing)) replacement.print(finished(standing.coming!))
}

const isFinished = ({ leaving, coming }: Standing) => !leaving && coming && isStarted(coming) && !coming.isLearner
const finished = (coming: EtcdMember) => `${nameOf(coming)} is a member with a vote: nothing is left to do`

async function remove(replacement: Replacement): Promise<void> {
  const standing = await stand(replacement)
  if (!standing.leaving) return
  judge(standing, replacement)
  const { leaving } = standing
  const { clusterId } = await attempt('remove', replacement, () =>
    takeOut(replacement.connections.client, leaving.id, patience(replacement)),
  )
  replacement.print(`Member ${hexId(leaving.id)} removed from cluster ${clusterIdText(clusterId)}`)
  replacement.print(
    `If ${leaving.name || 'it'} was a control plane: take it out of the load balancer, and delete its Node ` +
      `(kubectl delete node ${leaving.name})`,
  )
}

async function add(replacement: Replacement): Promise<void> {
  const { connections, next, print } = replacement
  const standing = await stand(replacement)
  if (standing.coming) return
  requireRoomForAnother(standing)
  const { member, clusterId } = await attempt('add', replacement, () =>
    addLearner(connections.client, next.peerUrl, patience(replacement)),
  )
  print(`Member ${hexId(member.id)} added to cluster ${clusterIdText(clusterId)}`)
}

const patience = ({ connections: { clock }, signal }: Replacement) => ({ clock, ...(signal && { signal }) })

async function sayWhatIsNeeded(replacement: Replacement): Promise<void> {
  const { coming, members } = await stand(replacement)
  const { next, print } = replacement
  if (!coming) throw new EtcdCareError(`${next.name} is not listed any more: somebody else changes the members`)
  if (isStarted(coming)) return
  print(`On the host of ${next.name}, with an empty data directory and the certificates of its own:`)
  for (const line of environmentOf(members, coming, next)) print(`  ${line}`)
  print(
    'A control plane made by init or join: coracle reset, then coracle join --control-plane there; it finds its place.',
  )
}

/** What etcdctl prints after `member add`. */
export function environmentOf(
  members: readonly EtcdMember[],
  coming: EtcdMember,
  next: { readonly name: string; readonly peerUrl: string },
): string[] {
  return [
    `ETCD_NAME="${next.name}"`,
    `ETCD_INITIAL_CLUSTER="${initialCluster(members, { id: coming.id, name: next.name })}"`,
    `ETCD_INITIAL_ADVERTISE_PEER_URLS="${next.peerUrl}"`,
    'ETCD_INITIAL_CLUSTER_STATE="existing"',
  ]
}

async function promote(replacement: Replacement): Promise<void> {
  const { connections, next, print, waitMs, signal } = replacement
  const { coming } = await stand(replacement)
  if (!coming) throw new EtcdCareError(`${next.name} is not listed any more: somebody else changes the members`)
  if (isStarted(coming) && !coming.isLearner) return
  let said = false
  const waiting = () => {
    if (!said) print(`Waiting for ${next.name} to come up and catch up`)
    said = true
  }
  await attempt('promote', replacement, () =>
    promoteWhenReady(connections.client, coming.id, {
      clock: connections.clock,
      timeoutMs: waitMs,
      waiting,
      ...(signal && { signal }),
    }),
  )
  print(`Member ${hexId(coming.id)} promoted`)
}

async function attempt<T>(step: string, { next }: Replacement, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    const explained = explainEtcd(error)
    if (!explained) throw error
    throw new EtcdCareError(`${step}: ${explained.message}`, {
      hint: `${explained.hint ? `${explained.hint}; then ` : ''}run the same command with --with ${next.name}=${next.peerUrl}: it goes on where this one ended`,
      cause: error,
    })
  }
}
