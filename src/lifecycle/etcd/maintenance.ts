import { EtcdError } from '../../etcd/client.ts'
import { type AlarmMember, alarmAction, methods } from '../../etcd/messages.ts'
import type { Infer } from '../../schema/types.ts'
import type { EtcdConnections } from './access.ts'
import { EtcdCareError } from './faults.ts'
import { type EndpointStatus, endpointHealth, endpointStatuses } from './status.ts'

/** Compaction, defragmentation, alarms, the leader: what keeps members in shape. */

export type Alarm = Infer<typeof AlarmMember>

/** A member is blocked while it is defragmented, and that takes longer the more it holds. */
const defragTimeoutMs = 10 * 60_000
const healthPatienceMs = 60_000

/** Followers first, the leader last, so that there is at most one election: none, as the leader keeps its place. */
export function defragOrder(statuses: readonly EndpointStatus[]): readonly EndpointStatus[] {
  const leads = ({ status }: EndpointStatus) => status.leader === status.header?.memberId
  return [...statuses.filter((one) => !leads(one)), ...statuses.filter(leads)]
}

export interface DefragOptions {
  print(line: string): void
}

/**
 * Gives back what each member's file does not use, one member at a time; goes on only when all others are well again.
 * Throws an `EtcdCareError` when a member is not well before or does not get well behind.
 */
export async function defragOneByOne(
  connections: EtcdConnections,
  endpoints: readonly string[],
  { print }: DefragOptions,
): Promise<void> {
  const { answers, failures } = await endpointStatuses(connections, endpoints)
  const [dead] = failures
  if (dead) {
    throw new EtcdCareError(`${dead.endpoint} does not answer (${dead.reason}): nothing was defragmented`, {
      hint: 'a member is blocked meanwhile, which a cluster that lacks one may not survive; start it or leave it out of --endpoints',
    })
  }
  for (const { endpoint } of defragOrder(answers)) {
    await defragment(connections, endpoint)
    print(`Finished defragmenting etcd member[${endpoint}]`)
    await waitUntilWell(connections, endpoints)
  }
}

export async function defragment(connections: EtcdConnections, endpoint: string): Promise<void> {
  using client = connections.patient(endpoint, defragTimeoutMs)
  await client.write(methods.defragment, {})
}

async function waitUntilWell(connections: EtcdConnections, endpoints: readonly string[]): Promise<void> {
  const deadline = connections.clock.monotonic() + healthPatienceMs
  for (;;) {
    const ill = (await endpointHealth(connections, endpoints)).filter(isIll)
    if (ill.length === 0) return
    if (connections.clock.monotonic() > deadline) {
      throw new EtcdCareError(`${ill.map(({ endpoint, error }) => `${endpoint} is unhealthy: ${error}`).join('; ')}`, {
        hint: 'the others were not defragmented; see "coracle etcd status", then run the command again',
      })
    }
    await connections.clock.after(250)
  }
}

/** An alarm is what defragmentation is there to mend. */
const isIll = ({ health, error }: { health: boolean; error?: string }) => !health && !error?.startsWith('Active Alarm')

/** Forgets all history up to `revision`; `physical` waits until it is gone from the file. */
export async function compact(connections: EtcdConnections, revision: number, physical = true): Promise<void> {
  await connections.client.write(methods.compact, { revision, physical }, { timeoutMs: defragTimeoutMs })
}

export async function listAlarms(connections: EtcdConnections): Promise<readonly Alarm[]> {
  const { alarms = [] } = await connections.client.read(methods.alarm, { action: alarmAction.get })
  return alarms
}

/** Calls off all alarms, or those of one type. Gives those that were raised. */
export async function disarm(connections: EtcdConnections, type?: number): Promise<readonly Alarm[]> {
  const raised = (await listAlarms(connections)).filter(({ alarm }) => type === undefined || alarm === type)
  for (const { memberId, alarm } of raised) {
    await connections.client.write(methods.alarm, { action: alarmAction.deactivate, memberId, alarm })
  }
  return raised
}

/** Makes another member the leader. Gives the one that led. Throws an `EtcdCareError` when no leader is reached. */
export async function moveLeader(
  connections: EtcdConnections,
  endpoints: readonly string[],
  targetId: bigint,
): Promise<bigint> {
  const { answers } = await endpointStatuses(connections, endpoints)
  const leader = answers.find(({ status }) => status.leader === status.header?.memberId)
  if (!leader) throw new EtcdCareError(`no leader endpoint given at [${endpoints.join(' ')}]`)
  const from = leader.status.leader
  if (from === targetId) return from
  try {
    await connections.at(leader.endpoint).write(methods.moveLeader, { targetId })
  } catch (error) {
    if (error instanceof EtcdError && error.message.includes('bad leader transferee')) {
      throw new EtcdCareError(error.message, { hint: 'learners and strangers cannot lead', cause: error })
    }
    throw error
  }
  return from
}

export async function newestRevision(connections: EtcdConnections): Promise<number> {
  const { header } = await connections.client.read(methods.range, { key: '\0', limit: 1, keysOnly: true })
  return header?.revision ?? 0
}
