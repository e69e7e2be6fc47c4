import { parseDuration } from '../../base/duration.ts'
import { type EtcdClient, EtcdError, grpcCode } from '../../etcd/client.ts'
import { type Member, methods } from '../../etcd/messages.ts'
import type { Infer } from '../../schema/types.ts'
import type { Clock } from '../../world/world.ts'

/** The members of an etcd cluster: who belongs to it, who comes, who goes. Errors of etcd's own are `EtcdError`s. */
export type EtcdMember = Infer<typeof Member>

export interface MemberChange {
  readonly clusterId: bigint
  readonly memberId: bigint
  readonly members: readonly EtcdMember[]
}

/** As etcd writes ids. */
export const hexId = (id: bigint): string => id.toString(16)

/** Ids of clusters are written with sixteen columns, those of members without zeros in front. */
export const clusterIdText = (id: bigint): string => id.toString(16).padStart(16)

/** A member that was added has no name before it has come up. */
export const isStarted = (member: EtcdMember): boolean => member.name !== ''

/**
 * All members, learners included, sorted by id. Asks the quorum unless `linearizable` is false: then the member that
 * is asked says what it knows, also when there is no leader.
 */
export async function listMembers(
  client: EtcdClient,
  { linearizable = true }: { readonly linearizable?: boolean } = {},
): Promise<readonly EtcdMember[]> {
  return (await memberList(client, { linearizable })).members
}

/** The same with who answered. */
export async function memberList(
  client: EtcdClient,
  { linearizable = true }: { readonly linearizable?: boolean } = {},
): Promise<MemberChange & { readonly raftTerm: bigint }> {
  const { header, members = [] } = await client.read(methods.memberList, { linearizable })
  return {
    clusterId: header?.clusterId ?? 0n,
    memberId: header?.memberId ?? 0n,
    raftTerm: header?.raftTerm ?? 0n,
    members: sortedById(members),
  }
}

const sortedById = (members: readonly EtcdMember[]) =>
  members.toSorted((one, other) => (one.id < other.id ? -1 : one.id > other.id ? 1 : 0))

/** Adds a member with a vote at once. A learner is the safer way. */
export async function addMember(client: EtcdClient, peerUrls: readonly string[], isLearner = false) {
  const answer = await client.write(methods.memberAdd, { peerUrls, isLearner })
  return {
    clusterId: answer.header?.clusterId ?? 0n,
    member: answer.member!,
    members: answer.members ?? [],
  }
}

/**
 * Adds a member that gets the log and has no vote, at `peerUrl`; one that was added there before, and has not come up
 * or has no vote yet, is found again. With the members as they are then: what `--initial-cluster` must name. Asks again
 * as long as that may help; throws etcd's last `EtcdError`.
 */
export function addLearner(
  client: EtcdClient,
  peerUrl: string,
  patience: Patience,
): Promise<{ readonly clusterId: bigint; readonly member: EtcdMember; readonly members: readonly EtcdMember[] }> {
  return askAgain(client, patience, async () => {
    const before = await memberList(client)
    const known = before.members.find(({ peerUrls = [] }) => peerUrls.includes(peerUrl))
    if (known) return { ...before, member: known }
    const { member } = await addMember(client, [peerUrl], true)
    return { ...(await memberList(client)), member }
  })
}

export interface Patience {
  readonly clock: Clock
  /** Default 15 seconds for what passes, 2 minutes for a member that has to come up and catch up. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** Called when it has to wait, with etcd's reason. */
  waiting?(reason: string): void
}

/** As long as a configuration says (`timeouts.etcdAPICall`); whoever waits is told once that it takes time. */
export function patienceOf(clock: Clock, timeout: string, say: (line: string) => void): Patience {
  let told = false
  const waiting = (reason: string) => {
    if (!told) say(`${reason}: asking again for up to ${timeout}`)
    told = true
  }
  return { clock, timeoutMs: parseDuration(timeout), waiting }
}

const usualMs = 15_000
const betweenTriesMs = 250

/**
 * Tries a change of the members again while etcd refuses it for what passes: it wants them all connected for some
 * seconds, which they are not right after another change. Throws etcd's last `EtcdError`.
 */
export function whenWell<T>(patience: Patience, run: () => Promise<T>): Promise<T> {
  return retry(patience, run, ({ message }) => /unhealthy cluster|no leader|leader changed/.test(message))
}

/**
 * Does something that may be done twice, until it has an answer that waiting does not change; who has not answered in
 * time is not asked next. Throws etcd's last `EtcdError`.
 */
export function askAgain<T>(client: EtcdClient, patience: Patience, run: () => Promise<T>): Promise<T> {
  return retry(patience, run, (error) => {
    if (error.code === grpcCode.deadlineExceeded) client.failOver()
    return mayComeGood(error)
  })
}

async function retry<T>(
  { clock, signal, timeoutMs = usualMs, waiting }: Patience,
  run: () => Promise<T>,
  passes: (error: EtcdError) => boolean,
): Promise<T> {
  const deadline = clock.monotonic() + timeoutMs
  for (;;) {
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof EtcdError && passes(error)) || clock.monotonic() > deadline) throw error
      waiting?.(error.message)
      await clock.after(betweenTriesMs, signal)
    }
  }
}

/** What `--initial-cluster` of a member that joins has to say; the one that has no name yet is `name`. */
export function initialCluster(members: readonly EtcdMember[], joining?: { id: bigint; name: string }): string {
  return members
    .filter((member) => isStarted(member) || member.id === joining?.id)
    .flatMap((member) => {
      const name = isStarted(member) ? member.name : joining!.name
      return (member.peerUrls ?? []).map((url) => `${name}=${url}`)
    })
    .join(',')
}

/** etcd's words for a learner that has not caught up; everything else is an answer. */
const notReady = 'can only promote a learner member which is in sync with leader'

/**
 * Gives a learner its vote as soon as it is in sync with the leader; one that has its vote already is left alone.
 * Throws etcd's last `EtcdError` when that takes too long.
 */
export function promoteWhenReady(client: EtcdClient, id: bigint, patience: Patience): Promise<void> {
  const promote = async () => {
    try {
      await client.write(methods.memberPromote, { id })
    } catch (error) {
      // An answer may be lost, and another may have promoted it.
      if (!(await isVoter(client, id))) throw error
    }
  }
  return askAgain(client, { timeoutMs: 120_000, ...patience }, promote)
}

/** What etcd refuses while members come and go, whatever the request. */
const passing = [notReady, 'too many learner members', 'not enough started members']

/**
 * Whether a change of the members may come good when it is asked for again: a leader is elected, another host joins,
 * or no answer came in time, which says nothing about whether it was done.
 */
export const mayComeGood = ({ code, message }: EtcdError): boolean =>
  code === grpcCode.unavailable ||
  code === grpcCode.deadlineExceeded ||
  passing.some((words) => message.includes(words))

async function isVoter(client: EtcdClient, id: bigint): Promise<boolean> {
  try {
    return (await listMembers(client)).some((member) => member.id === id && !member.isLearner && isStarted(member))
  } catch {
    return false
  }
}

/** Gives a learner its vote now, or says why not. */
export async function promoteMember(client: EtcdClient, id: bigint): Promise<MemberChange> {
  const { header, members = [] } = await client.write(methods.memberPromote, { id })
  return { clusterId: header?.clusterId ?? 0n, memberId: header?.memberId ?? 0n, members }
}

/** Takes a member out for good: it cannot come back with the data it has. */
export async function removeMember(client: EtcdClient, id: bigint): Promise<MemberChange> {
  const { header, members = [] } = await client.write(methods.memberRemove, { id })
  return { clusterId: header?.clusterId ?? 0n, memberId: header?.memberId ?? 0n, members }
}

/** The same, asking again as long as that may help: one that is gone by then is out. Throws etcd's last `EtcdError`. */
export function takeOut(client: EtcdClient, id: bigint, patience: Patience): Promise<MemberChange> {
  let tried = false
  return askAgain(client, patience, async () => {
    try {
      return await removeMember(client, id)
    } catch (error) {
      // The answer to the first time may be lost.
      if (!tried || !(error instanceof EtcdError) || !error.message.includes('member not found')) throw error
      return await memberList(client)
    } finally {
      tried = true
    }
  })
}

/** Says where a member is reached by the others. */
export async function updateMember(client: EtcdClient, id: bigint, peerUrls: readonly string[]): Promise<MemberChange> {
  const { header, members = [] } = await client.write(methods.memberUpdate, { id, peerUrls })
  return { clusterId: header?.clusterId ?? 0n, memberId: header?.memberId ?? 0n, members }
}
