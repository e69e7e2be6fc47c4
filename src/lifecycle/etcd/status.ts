import { type EtcdClient, EtcdError, grpcCode } from '../../etcd/client.ts'
import { alarmAction, alarmType, methods, type StatusResponse } from '../../etcd/messages.ts'
import type { Infer } from '../../schema/types.ts'
import type { EtcdConnections } from './access.ts'

/** How each member is: what `endpoint status`, `endpoint health` and `endpoint hashkv` ask. */
export interface EndpointStatus {
  readonly endpoint: string
  readonly status: Infer<typeof StatusResponse>
}

export interface EndpointFailure {
  readonly endpoint: string
  /** As etcdctl says it. */
  readonly reason: string
  /** What lies behind it. */
  readonly cause: Error
}

export interface Asked<T> {
  readonly answers: readonly T[]
  readonly failures: readonly EndpointFailure[]
}

/** In the order of the endpoints; those that do not answer are the failures. */
export function endpointStatuses(
  connections: EtcdConnections,
  endpoints: readonly string[],
): Promise<Asked<EndpointStatus>> {
  return askEach(endpoints, async (endpoint) => ({
    endpoint,
    status: await connections.at(endpoint).read(methods.status, {}),
  }))
}

async function askEach<T>(endpoints: readonly string[], ask: (endpoint: string) => Promise<T>): Promise<Asked<T>> {
  const answers: T[] = []
  const failures: EndpointFailure[] = []
  const results = await Promise.allSettled(endpoints.map(ask))
  for (const [index, result] of results.entries()) {
    if (result.status === 'fulfilled') answers.push(result.value)
    else failures.push({ endpoint: endpoints[index]!, reason: reasonOf(result.reason), cause: result.reason as Error })
  }
  return { answers, failures }
}

/** An endpoint that cannot be reached, or does not answer in time, is the same to etcdctl. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof EtcdError)) return (error as Error).message
  const silent = error.code === grpcCode.deadlineExceeded || /^etcd: (cannot reach|lost the)/.test(error.message)
  return silent ? 'context deadline exceeded' : error.message
}

export interface EndpointHealth {
  readonly endpoint: string
  readonly health: boolean
  readonly tookMs: number
  /** Why not. */
  readonly error?: string
}

/** Whether each can read through its quorum, and has no alarm. Those that are first come first. */
export async function endpointHealth(
  connections: EtcdConnections,
  endpoints: readonly string[],
): Promise<EndpointHealth[]> {
  const inTime: EndpointHealth[] = []
  await Promise.all(
    endpoints.map(async (endpoint) => inTime.push(await healthOf(connections.at(endpoint), endpoint, connections))),
  )
  return inTime
}

async function healthOf(client: EtcdClient, endpoint: string, { clock }: EtcdConnections): Promise<EndpointHealth> {
  const from = clock.monotonic()
  const since = () => clock.monotonic() - from
  try {
    await client.read(methods.range, { key: 'health' })
    const tookMs = since()
    const { alarms = [] } = await client.read(methods.alarm, { action: alarmAction.get })
    const raised = alarms.map(({ alarm }) => alarmName(alarm))
    if (raised.length === 0) return { endpoint, health: true, tookMs }
    return { endpoint, health: false, tookMs, error: `Active Alarm(s): ${raised.join(', ')}` }
  } catch (error) {
    // Who may not read is answered through the quorum all the same.
    if (error instanceof EtcdError && error.message.includes('permission denied')) {
      return { endpoint, health: true, tookMs: since() }
    }
    return { endpoint, health: false, tookMs: since(), error: reasonOf(error) }
  }
}

export const alarmName = (alarm: number): string =>
  alarm === alarmType.noSpace ? 'NOSPACE' : alarm === alarmType.corrupt ? 'CORRUPT' : 'NONE'

export interface EndpointHash {
  readonly endpoint: string
  readonly memberId: bigint
  readonly clusterId: bigint
  readonly raftTerm: bigint
  readonly revision: number
  readonly hash: number
  readonly compactRevision: number
}

/**
 * The hash of each member's history up to one revision that all have: 0 takes the lowest of their newest. Hashes can
 * be compared only where the same is compacted.
 */
export async function endpointHashes(
  connections: EtcdConnections,
  endpoints: readonly string[],
  revision = 0,
): Promise<Asked<EndpointHash>> {
  let at = revision
  if (at === 0) {
    const { answers } = await endpointStatuses(connections, endpoints)
    at = Math.min(...answers.map(({ status }) => status.header?.revision ?? 0))
    if (!Number.isFinite(at)) at = 0
  }
  return askEach(endpoints, async (endpoint) => {
    const { header, hash, compactRevision } = await connections.at(endpoint).read(methods.hashKv, { revision: at })
    return {
      endpoint,
      memberId: header?.memberId ?? 0n,
      clusterId: header?.clusterId ?? 0n,
      raftTerm: header?.raftTerm ?? 0n,
      revision: at,
      hash,
      compactRevision,
    }
  })
}

/** Groups of members that have the same history; more than one group: it differs. */
export function compareHashes(hashes: readonly EndpointHash[]): 'same' | 'different' | 'incomparable' {
  if (new Set(hashes.map(({ hash, compactRevision }) => `${hash} ${compactRevision}`)).size <= 1) return 'same'
  return new Set(hashes.map(({ compactRevision }) => compactRevision)).size > 1 ? 'incomparable' : 'different'
}
