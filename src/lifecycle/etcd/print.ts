import { stringify } from 'yaml'
import { formatDuration } from '../../base/duration.ts'
import { hexId, isStarted, type MemberChange } from './members.ts'
import type { SnapshotStatus } from './snapshot-file.ts'
import type { EndpointHash, EndpointHealth, EndpointStatus } from './status.ts'
import { jsonText, sizeText, table } from './table.ts'

/** What was asked for, in the forms of etcdctl (and YAML, as kubectl has it). */
export const outputFormats = ['table', 'simple', 'json', 'yaml', 'fields'] as const
export type OutputFormat = (typeof outputFormats)[number]

/** One answer in all forms: each is made when it is asked for. */
interface Printable {
  readonly heads: readonly string[]
  readonly rows: () => readonly (readonly string[])[]
  readonly json: () => unknown
  /** Name and value, in groups with an empty line behind each. */
  readonly fields: () => readonly (readonly (readonly [name: string, value: unknown])[])[]
  /** Where it is not the cells with commas. */
  readonly simple?: () => readonly string[]
}

function print(what: Printable, format: OutputFormat): string[] {
  if (format === 'table') return table(what.heads, what.rows())
  if (format === 'json') return [jsonText(what.json())]
  if (format === 'yaml') return stringify(what.json()).trimEnd().split('\n')
  if (format === 'fields') {
    return what
      .fields()
      .flatMap((group) => [...group.map(([name, value]) => `${JSON.stringify(name)} : ${fieldText(value)}`), ''])
  }
  return what.simple ? [...what.simple()] : what.rows().map((row) => row.join(', '))
}

const fieldText = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(value) : Array.isArray(value) ? `[${value.join(' ')}]` : String(value)

/** A zero, an empty text and `false` are left out of Go's JSON. */
const given = <T>(value: T): T | undefined =>
  !value || (Array.isArray(value) && value.length === 0) ? undefined : value

export function printStatuses(statuses: readonly EndpointStatus[], format: OutputFormat): string[] {
  return print(
    {
      heads: [
        'ENDPOINT',
        'ID',
        'VERSION',
        'DB SIZE',
        'IS LEADER',
        'IS LEARNER',
        'RAFT TERM',
        'RAFT INDEX',
        'RAFT APPLIED INDEX',
        'ERRORS',
      ],
      rows: () => statuses.map(statusRow),
      json: () => statuses.map(statusJson),
      fields: () => statuses.map(statusFields),
    },
    format,
  )
}

const statusRow = ({ endpoint, status }: EndpointStatus): string[] => [
  endpoint,
  hexId(status.header?.memberId ?? 0n),
  status.version,
  sizeText(status.dbSize),
  String(status.leader === status.header?.memberId),
  String(status.isLearner),
  String(status.raftTerm),
  String(status.raftIndex),
  String(status.raftAppliedIndex),
  (status.errors ?? []).join(', '),
]

const statusJson = ({ endpoint, status }: EndpointStatus) => ({
  Endpoint: endpoint,
  Status: {
    header: {
      cluster_id: status.header?.clusterId,
      member_id: status.header?.memberId,
      revision: given(status.header?.revision),
      raft_term: given(status.header?.raftTerm),
    },
    version: status.version,
    dbSize: given(status.dbSize),
    leader: given(status.leader),
    raftIndex: given(status.raftIndex),
    raftTerm: given(status.raftTerm),
    raftAppliedIndex: given(status.raftAppliedIndex),
    errors: given(status.errors),
    dbSizeInUse: given(status.dbSizeInUse),
    isLearner: given(status.isLearner),
    storageVersion: given(status.storageVersion),
    dbSizeQuota: given(status.dbSizeQuota),
  },
})

const statusFields = ({ endpoint, status }: EndpointStatus) =>
  [
    ...headerFields(status.header?.clusterId, status.header?.memberId, status.header?.revision, status.raftTerm),
    ['Version', status.version],
    ['DBSize', status.dbSize],
    ['Leader', status.leader],
    ['IsLearner', status.isLearner],
    ['RaftIndex', status.raftIndex],
    ['RaftTerm', status.raftTerm],
    ['RaftAppliedIndex', status.raftAppliedIndex],
    ['Errors', status.errors ?? []],
    ['Endpoint', endpoint],
  ] as const

const headerFields = (clusterId = 0n, memberId = 0n, revision = 0, raftTerm = 0n) =>
  [
    ['ClusterID', clusterId],
    ['MemberID', memberId],
    ['Revision', revision],
    ['RaftTerm', raftTerm],
  ] as const

export function printMembers(list: MemberChange & { readonly raftTerm: bigint }, format: OutputFormat): string[] {
  const { members } = list
  return print(
    {
      heads: ['ID', 'STATUS', 'NAME', 'PEER ADDRS', 'CLIENT ADDRS', 'IS LEARNER'],
      rows: () =>
        members.map((member) => [
          hexId(member.id),
          isStarted(member) ? 'started' : 'unstarted',
          member.name,
          (member.peerUrls ?? []).join(','),
          (member.clientUrls ?? []).join(','),
          String(member.isLearner),
        ]),
      json: () => ({
        header: { cluster_id: list.clusterId, member_id: list.memberId, raft_term: list.raftTerm },
        members: members.map((member) => ({
          ID: member.id,
          name: given(member.name),
          peerURLs: given(member.peerUrls),
          clientURLs: given(member.clientUrls),
          isLearner: given(member.isLearner),
        })),
      }),
      fields: () => {
        const head = headerFields(list.clusterId, list.memberId, 0, list.raftTerm)
        const each = members.map((member) => [
          ['ID', member.id] as const,
          ['Name', member.name] as const,
          ...(member.peerUrls ?? []).map((url) => ['PeerURL', url] as const),
          ...(member.clientUrls ?? []).map((url) => ['ClientURL', url] as const),
          ['IsLearner', member.isLearner] as const,
        ])
        const [first = [], ...others] = each
        return [[...head, ...first], ...others]
      },
    },
    format,
  )
}

export function printHealth(health: readonly EndpointHealth[], format: OutputFormat): string[] {
  return print(
    {
      heads: ['ENDPOINT', 'HEALTH', 'TOOK', 'ERROR'],
      rows: () => health.map((one) => [one.endpoint, String(one.health), formatDuration(one.tookMs), one.error ?? '']),
      json: () =>
        health.map((one) => ({
          endpoint: one.endpoint,
          health: one.health,
          took: formatDuration(one.tookMs),
          error: given(one.error),
        })),
      fields: () =>
        health.map((one) => [
          ['Endpoint', one.endpoint],
          ['Health', one.health],
          ['Took', { toString: () => formatDuration(one.tookMs) }],
          ['Error', { toString: () => one.error ?? '' }],
        ]),
      simple: () => health.map(healthLine),
    },
    format,
  )
}

function healthLine({ endpoint, health, tookMs, error }: EndpointHealth): string {
  if (health) return `${endpoint} is healthy: successfully committed proposal: took = ${formatDuration(tookMs)}`
  return error?.startsWith('Active Alarm')
    ? `${endpoint} is unhealthy: ${error}`
    : `${endpoint} is unhealthy: failed to commit proposal: ${error}`
}

export function printHashes(hashes: readonly EndpointHash[], format: OutputFormat): string[] {
  return print(
    {
      heads: ['ENDPOINT', 'HASH'],
      rows: () => hashes.map(({ endpoint, hash }) => [endpoint, String(hash)]),
      json: () =>
        hashes.map((one) => ({
          Endpoint: one.endpoint,
          HashKV: {
            header: {
              cluster_id: one.clusterId,
              member_id: one.memberId,
              revision: given(one.revision),
              raft_term: given(one.raftTerm),
            },
            hash: given(one.hash),
            compact_revision: given(one.compactRevision),
          },
        })),
      fields: () =>
        hashes.map((one) => [
          ...headerFields(one.clusterId, one.memberId, one.revision, one.raftTerm),
          ['Endpoint', one.endpoint],
          ['Hash', one.hash],
        ]),
    },
    format,
  )
}

export function printSnapshotStatus(status: SnapshotStatus, format: OutputFormat): string[] {
  const { hash, revision, totalKeys, totalBytes } = status
  return print(
    {
      heads: ['HASH', 'REVISION', 'TOTAL KEYS', 'TOTAL SIZE'],
      rows: () => [[hash.toString(16), String(revision), String(totalKeys), sizeText(totalBytes)]],
      json: () => ({ hash, revision, totalKey: totalKeys, totalSize: totalBytes }),
      fields: () => [
        [
          ['Hash', hash],
          ['Revision', revision],
          ['Keys', totalKeys],
          ['Size', totalBytes],
        ],
      ],
    },
    format,
  )
}
