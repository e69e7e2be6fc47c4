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
 * or has no vote yet, is found again. With the members as they are then: what `--initial-cluster` must name.
 */
export async function addLearner(
  client: EtcdClient,
  peerUrl: string,
  patience?: Patience,
): Promise<{ readonly member: EtcdMember; readonly members: readonly EtcdMember[] }> {
  const before = await listMembers(client)
  const known = before.find(({ peerUrls = [] }) => peerUrls.includes(peerUrl))
  if (known) return { member: known, members: before }
  const add = () => addMember(client, [peerUrl], true)
  const { member } = await (patience ? whenWell(patience, add) : add())
  return { member, members: await listMembers(client) }
}

export interface Patience {
  readonly clock: Clock
  /** Default 15 seconds for what passes, 2 minutes for a member that has to come up and catch up. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/**
 * Tries a change of the members again while etcd refuses it for what passes: it wants them all connected for some
 * seconds, which they are not right after another change. Throws etcd's last `EtcdError`.
 */
export function whenWell<T>(patience: Patience, run: () => Promise<T>): Promise<T> {
  return retry(patience, patience.timeoutMs ?? 15_000, run, ({ message }) =>
    /unhealthy cluster|no leader|leader changed/.test(message),
  )
}

const betweenTriesMs = 250

async function retry<T>(
  { clock, signal }: Patience,
  timeoutMs: number,
  run: () => Promise<T>,
  passes: (error: EtcdError) => boolean,
): Promise<T> {
  const deadline = clock.monotonic() + timeoutMs
  for (;;) {
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof EtcdError && passes(error)) || clock.monotonic() > deadline) throw error
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

export interface PromoteOptions extends Patience {
  /** Called when it has to wait, with etcd's reason. */
  waiting?(reason: string): void
}

/** etcd's words for a learner that has not caught up; everything else is an answer. */
const notReady = 'can only promote a learner member which is in sync with leader'

/**
 * Gives a learner its vote as soon as it is in sync with the leader; one that has its vote already is left alone.
 * Throws etcd's last `EtcdError` when that takes too long.
 */
export function promoteWhenReady(client: EtcdClient, id: bigint, options: PromoteOptions): Promise<void> {
  const promote = async () => {
    try {
      await client.write(methods.memberPromote, { id })
    } catch (error) {
      // An answer may be lost, and another may have promoted it.
      if (!(await isVoter(client, id))) throw error
    }
  }
  return retry(options, options.timeoutMs ?? 120_000, promote, (error) => {
    const passes = mayComeGood(error)
    if (passes) options.waiting?.(error.message)
    return passes
  })
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

/** Says where a member is reached by the others. */
export async function updateMember(client: EtcdClient, id: bigint, peerUrls: readonly string[]): Promise<MemberChange> {
  const { header, members = [] } = await client.write(methods.memberUpdate, { id, peerUrls })
  return { clusterId: header?.clusterId ?? 0n, memberId: header?.memberId ?? 0n, members }
}
