import { alarmType } from '../../etcd/messages.ts'
import { NetworkError } from '../../world/world.ts'
import type { EtcdConnections } from './access.ts'
import { compact, defragment, defragOrder, disarm, listAlarms, newestRevision } from './maintenance.ts'
import { alarmName, type EndpointStatus, endpointStatuses } from './status.ts'
import { sizeText } from './table.ts'

/**
 * How near each member is to its quota, and the way back when it was reached: etcd then refuses every change that
 * could make it larger (alarm NOSPACE), also the updates that come before a deletion in Kubernetes.
 */
export interface HeadRoom {
  readonly endpoint: string
  readonly memberId: bigint
  /** Of the file. The quota is about this. */
  readonly sizeBytes: number
  /** Of what is in it: what would be left of the file after a defragmentation. */
  readonly usedBytes: number
  readonly quotaBytes: number
  readonly noSpace: boolean
}

/** What etcd takes when it is told nothing. */
const defaultQuotaBytes = 2 * 1024 ** 3
/** From so much of the quota on there is something to do. */
const worrying = 0.8

export async function headRooms(
  connections: EtcdConnections,
  endpoints: readonly string[],
): Promise<readonly HeadRoom[]> {
  const [{ answers }, alarms] = await Promise.all([endpointStatuses(connections, endpoints), listAlarms(connections)])
  const full = new Set(alarms.filter(({ alarm }) => alarm === alarmType.noSpace).map(({ memberId }) => memberId))
  return Promise.all(answers.map((one) => headRoom(connections, one, full)))
}

async function headRoom(
  connections: EtcdConnections,
  { endpoint, status }: EndpointStatus,
  full: ReadonlySet<bigint>,
): Promise<HeadRoom> {
  const memberId = status.header?.memberId ?? 0n
  return {
    endpoint,
    memberId,
    sizeBytes: status.dbSize,
    usedBytes: status.dbSizeInUse,
    quotaBytes: status.dbSizeQuota || (await quotaOf(connections, endpoint)),
    noSpace: full.has(memberId),
  }
}

/** What the member says of itself among its metrics (from 3.6 on in its status, too); etcd's default when it does not. */
async function quotaOf({ world, access }: EtcdConnections, endpoint: string): Promise<number> {
  const { tls } = access
  try {
    const answer = await world.network.request({
      url: `${endpoint}/metrics`,
      timeoutMs: 5_000,
      ...(tls && {
        tls: {
          ...(tls.ca && { ca: String(tls.ca) }),
          ...(tls.cert && tls.key && { clientCertificate: String(tls.cert), clientKey: String(tls.key) }),
        },
      }),
    })
    const metrics = await answer.text(16 << 20)
    const [, value] = /^etcd_server_quota_backend_bytes ([\d.e+]+)$/m.exec(metrics) ?? []
    return Number(value) || defaultQuotaBytes
  } catch (error) {
    if (error instanceof NetworkError) return defaultQuotaBytes
    throw error
  }
}

export const isTight = ({ sizeBytes, quotaBytes, noSpace }: HeadRoom): boolean =>
  noSpace || sizeBytes >= worrying * quotaBytes

/** A line for each member, and what to do. */
export function describeHeadRoom(rooms: readonly HeadRoom[]): string[] {
  const lines = rooms.map(({ endpoint, sizeBytes, usedBytes, quotaBytes, noSpace }) => {
    const percent = Math.floor((sizeBytes / quotaBytes) * 100)
    const alarm = noSpace ? ', alarm NOSPACE: nothing can be written' : ''
    return `${endpoint}: ${sizeText(sizeBytes)} of ${sizeText(quotaBytes)} (${percent} %), ${sizeText(usedBytes)} in use${alarm}`
  })
  if (!rooms.some(isTight)) return [...lines, 'There is room.']
  return [...lines, 'Make room with: coracle etcd check --free']
}

/** The steps back, in the one order in which they help. */
export async function planToFree(connections: EtcdConnections, rooms: readonly HeadRoom[]): Promise<string[]> {
  const { answers } = await endpointStatuses(
    connections,
    rooms.map(({ endpoint }) => endpoint),
  )
  return [
    `compact all history up to revision ${await newestRevision(connections)}: watches that are behind have to list anew`,
    ...defragOrder(answers).map(({ endpoint }) => `defragment ${endpoint}, which answers nobody meanwhile`),
    ...rooms.filter(({ noSpace }) => noSpace).map(({ endpoint }) => `call off the alarm NOSPACE of ${endpoint}`),
  ]
}

/**
 * Compacts, defragments one member after the other, and calls off the alarm last: called off before there is room, it
 * is raised anew at the next write. Can be run again at any point.
 */
export async function freeSpace(
  connections: EtcdConnections,
  endpoints: readonly string[],
  print: (line: string) => void,
): Promise<void> {
  const revision = await newestRevision(connections)
  await compact(connections, revision).catch(ignoreCompacted)
  print(`compacted revision ${revision}`)
  const { answers } = await endpointStatuses(connections, endpoints)
  for (const { endpoint } of defragOrder(answers)) {
    await defragment(connections, endpoint)
    print(`Finished defragmenting etcd member[${endpoint}]`)
  }
  // An alarm about damage is none that room mends.
  for (const alarm of await disarm(connections, alarmType.noSpace)) print(alarmLine(alarm))
}

const ignoreCompacted = (error: Error) => {
  if (!error.message.includes('has been compacted')) throw error
}

/** As etcdctl has it, with the space at its end. */
export const alarmLine = ({ memberId, alarm }: { readonly memberId: bigint; readonly alarm: number }): string =>
  `memberID:${memberId} alarm:${alarmName(alarm)} `
