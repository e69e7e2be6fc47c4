import {
  alarmLine,
  describeHeadRoom,
  freeSpace,
  headRooms,
  isTight,
  planToFree,
} from '../../../lifecycle/etcd/head-room.ts'
import {
  type Alarm,
  compact as compactTo,
  defragOneByOne,
  defragOrder,
  disarm as disarmAll,
  listAlarms,
  moveLeader as moveTo,
} from '../../../lifecycle/etcd/maintenance.ts'
import { hexId, listMembers } from '../../../lifecycle/etcd/members.ts'
import { membershipFaults } from '../../../lifecycle/etcd/membership.ts'
import { alarmName, endpointStatuses } from '../../../lifecycle/etcd/status.ts'
import { versionWarnings } from '../../../lifecycle/etcd/versions.ts'
import { type Command, UserError } from '../../command.ts'
import { accessFlags, dryRunFlag, oneArgument, withEtcd } from './context.ts'
import { memberCalled } from './member.ts'

/** What keeps members in shape. */
export const moveLeader: Command = {
  name: 'move-leader',
  summary: 'Make another member the leader',
  usage: 'MEMBER',
  flags: accessFlags,
  examples: ['coracle etcd move-leader master02'],

  run: (context) =>
    withEtcd(context, async (connections, endpoints) => {
      const { id } = memberCalled(await listMembers(connections.client), oneArgument(context, 'member'))
      const from = await moveTo(connections, endpoints, id)
      context.print(`Leadership transferred from ${hexId(from)} to ${hexId(id)}`)
    }),
}

export const defrag: Command = {
  name: 'defrag',
  summary: 'Give back what the files do not use: one member at a time, the leader last',
  flags: { ...accessFlags, dryRun: dryRunFlag },
  examples: ['coracle etcd defrag --dry-run', 'coracle etcd defrag'],

  run: (context) =>
    withEtcd(context, async (connections, endpoints) => {
      if (!context.flags.dryRun) return defragOneByOne(connections, endpoints, context)
      const { answers } = await endpointStatuses(connections, endpoints)
      for (const { endpoint } of defragOrder(answers)) {
        context.print(`defragment ${endpoint}, which answers nobody meanwhile; go on when all are healthy`)
      }
    }),
}

export const compact: Command = {
  name: 'compact',
  summary: 'Forget the history up to a revision',
  usage: 'REVISION',
  flags: accessFlags,
  examples: ['coracle etcd compact 151932'],

  run: (context) =>
    withEtcd(context, async (connections) => {
      const text = oneArgument(context, 'revision')
      if (!/^\d+$/.test(text)) throw new UserError(`"${text}" is no revision`, { exitCode: 2 })
      await compactTo(connections, Number(text), false)
      context.print(`compacted revision ${text}`)
    }),
}

const list: Command = {
  name: 'list',
  summary: 'List the alarms that are raised',
  flags: accessFlags,
  examples: ['coracle etcd alarm list'],

  run: (context) =>
    withEtcd(context, async (connections) => {
      for (const alarm of await listAlarms(connections)) context.print(alarmLine(alarm))
    }),
}

const disarm: Command = {
  name: 'disarm',
  summary: 'Call off all alarms; after there is room again ("coracle etcd check --free")',
  flags: accessFlags,
  examples: ['coracle etcd alarm disarm'],

  run: (context) =>
    withEtcd(context, async (connections) => {
      for (const alarm of await disarmAll(connections)) context.print(alarmLine(alarm))
    }),
}

export const alarm: Command = {
  name: 'alarm',
  summary: 'List and call off alarms',
  flags: {},
  examples: ['coracle etcd alarm list'],
  subcommands: [list, disarm],
}

export const check: Command = {
  name: 'check',
  summary: 'Say how near each member is to its quota, make room, and look for traps before an upgrade',
  flags: {
    ...accessFlags,
    dryRun: dryRunFlag,
    free: { type: 'boolean', help: 'compact, defragment, call off the alarm: in this order' },
    members: {
      type: 'boolean',
      help: 'compare what each member lists with what its file lists (reads a snapshot of each)',
    },
  },
  examples: ['coracle etcd check', 'coracle etcd check --free --dry-run', 'coracle etcd check --members'],

  run: (context) =>
    withEtcd(context, async (connections, endpoints) => {
      const { flags, print } = context
      const rooms = await headRooms(connections, endpoints)
      for (const line of describeHeadRoom(rooms)) print(line)
      const corrupt = (await listAlarms(connections)).filter(isCorrupt)
      for (const one of corrupt) print(alarmLine(one))
      const { answers, failures } = await endpointStatuses(connections, endpoints)
      for (const { endpoint, reason } of failures) print(`${endpoint}: does not answer (${reason})`)
      const versions = answers.map(({ endpoint, status: { version } }) => ({ name: endpoint, version }))
      for (const warning of answers.length > 0 ? versionWarnings(versions) : []) print(`note: ${warning}`)
      if (flags.members) await reportMembership(await membershipFaults(connections, endpoints), print)
      if (flags.free && flags.dryRun) for (const line of await planToFree(connections, rooms)) print(line)
      else if (flags.free) await freeSpace(connections, endpoints, print)
      if (corrupt.length > 0) throw corruptError(corrupt[0]!)
      if (flags.free) return
      if (rooms.some(({ noSpace }) => noSpace)) throw new UserError('alarm NOSPACE is raised')
      if (rooms.some(isTight)) throw new UserError('there is little room left')
      if (failures.length > 0) throw new UserError('unhealthy cluster')
    }),
}

const isCorrupt = (one: Alarm) => alarmName(one.alarm) === 'CORRUPT'

const corruptError = ({ memberId }: Alarm) =>
  new UserError(`the data of member ${hexId(memberId)} differ from what the others have`, {
    hint: 'see "coracle etcd hashkv"; take a snapshot of one that is right, then replace this one',
  })

async function reportMembership(faults: readonly string[], print: (line: string) => void): Promise<void> {
  if (faults.length === 0) return print('All members list the same members as their files do.')
  throw new UserError(faults.join('\nerror: '), {
    hint: 'update to 3.5.26 or later, which mends this when it starts, before any step to 3.6',
  })
}
