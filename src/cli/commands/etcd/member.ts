import { EtcdCareError } from '../../../lifecycle/etcd/faults.ts'
import { livenessOf } from '../../../lifecycle/etcd/liveness.ts'
import {
  addMember,
  clusterIdText,
  type EtcdMember,
  hexId,
  listMembers,
  memberList,
  promoteMember,
  takeOut,
  updateMember,
  whenWell,
} from '../../../lifecycle/etcd/members.ts'
import { printMembers } from '../../../lifecycle/etcd/print.ts'
import {
  nameOf,
  requireQuorumWithout,
  requireRoomForAnother,
  votersOf,
  warnAboutSize,
} from '../../../lifecycle/etcd/quorum.ts'
import { environmentOf } from '../../../lifecycle/etcd/replace.ts'
import { type Command, UserError } from '../../command.ts'
import { accessFlags, dryRunFlag, formatOf, oneArgument, outputFlags, withEtcd } from './context.ts'

const list: Command = {
  name: 'list',
  summary: 'List the members',
  flags: { ...accessFlags, ...outputFlags('table') },
  examples: ['coracle etcd member list', 'coracle etcd member list -o simple'],

  run: (context) =>
    withEtcd(context, async (connections) => {
      const found = await memberList(connections.client, { linearizable: false })
      for (const line of printMembers(found, formatOf(context, 'table'))) context.print(line)
    }),
}

const peerUrlsFlag = { type: 'string', value: 'URLS', help: 'where the others reach it, with commas between' } as const

const add: Command = {
  name: 'add',
  summary: 'Add a member; say what it has to be started with',
  usage: 'NAME --peer-urls URL',
  flags: {
    ...accessFlags,
    dryRun: dryRunFlag,
    peerUrls: peerUrlsFlag,
    learner: { type: 'boolean', help: 'without a vote until it is promoted (the safer way)' },
  },
  examples: ['coracle etcd member add master02 --peer-urls https://10.0.0.2:2380 --learner'],

  run: (context) =>
    withEtcd(context, async (connections) => {
      const { flags, print } = context
      const name = oneArgument(context, 'name')
      const peerUrls = urlsOf(flags.peerUrls)
      const before = await livenessOf(connections)
      requireRoomForAnother(before)
      const warning = warnAboutSize(votersOf(before.members).length + 1)
      if (flags.dryRun) {
        print(`add ${name} at ${peerUrls.join(',')}${flags.learner ? ' as a learner' : ''}`)
        if (warning) print(`note: ${warning}`)
        return
      }
      const { member, clusterId } = await whenWell(connections, () =>
        addMember(connections.client, peerUrls, flags.learner === true),
      )
      print(`Member ${hexId(member.id)} added to cluster ${clusterIdText(clusterId)}`)
      print('')
      const members = await listMembers(connections.client, { linearizable: false })
      for (const line of environmentOf(members, member, { name, peerUrl: peerUrls.join(',') })) print(line)
      if (warning) print(`note: ${warning}`)
    }),
}

function urlsOf(flag: string | boolean | undefined): string[] {
  const urls = String(flag ?? '')
    .split(',')
    .filter((url) => url !== '')
  if (urls.length === 0)
    throw new UserError('member peer urls not provided.', { hint: 'give --peer-urls', exitCode: 2 })
  return urls
}

const promote: Command = {
  name: 'promote',
  summary: 'Give a learner its vote',
  usage: 'MEMBER',
  flags: accessFlags,
  examples: ['coracle etcd member promote 8715488046f0887', 'coracle etcd member promote master02'],

  run: (context) =>
    withEtcd(context, async ({ client }) => {
      const member = memberCalled(await listMembers(client), oneArgument(context, 'member'))
      const { clusterId } = await promoteMember(client, member.id)
      context.print(`Member ${hexId(member.id)} promoted in cluster ${clusterIdText(clusterId)}`)
    }),
}

const remove: Command = {
  name: 'remove',
  summary: 'Take a member out for good',
  usage: 'MEMBER',
  flags: {
    ...accessFlags,
    dryRun: dryRunFlag,
    force: { type: 'boolean', help: 'also when that leaves no majority that answers' },
  },
  examples: ['coracle etcd member remove a78dd15fd54968fb', 'coracle etcd member remove master01'],

  run: (context) =>
    withEtcd(context, async (connections) => {
      const { flags, print } = context
      const before = await livenessOf(connections)
      const member = memberCalled(before.members, oneArgument(context, 'member'))
      if (!flags.force) requireQuorumWithout(before, member.id)
      const voters = votersOf(before.members).filter(({ id }) => id !== member.id).length
      const warning = warnAboutSize(voters)
      if (flags.dryRun) {
        print(`remove ${nameOf(member)}: it cannot come back with the data it has`)
        if (warning) print(`note: ${warning}`)
        return
      }
      const { clusterId } = await takeOut(connections.client, member.id, connections)
      print(`Member ${hexId(member.id)} removed from cluster ${clusterIdText(clusterId)}`)
      if (warning) print(`note: ${warning}`)
    }),
}

const update: Command = {
  name: 'update',
  summary: 'Say anew where the others reach a member',
  usage: 'MEMBER --peer-urls URL',
  flags: { ...accessFlags, peerUrls: peerUrlsFlag },
  examples: ['coracle etcd member update master02 --peer-urls https://10.0.0.22:2380'],

  run: (context) =>
    withEtcd(context, async ({ client }) => {
      const member = memberCalled(await listMembers(client), oneArgument(context, 'member'))
      if (member.isLearner) {
        // etcd issue 21694: it counts as a voter in one list and as a learner in another, and can never be promoted.
        throw new EtcdCareError(`${nameOf(member)} is a learner: etcd would forget that, and never give it a vote`, {
          hint: `promote it first, or remove it and add it at the new address`,
        })
      }
      const { clusterId } = await updateMember(client, member.id, urlsOf(context.flags.peerUrls))
      context.print(`Member ${hexId(member.id)} updated in cluster ${clusterIdText(clusterId)}`)
    }),
}

/** By id, as etcd writes it, or by name. */
export function memberCalled(members: readonly EtcdMember[], text: string): EtcdMember {
  const found = members.filter((member) => hexId(member.id) === text.toLowerCase() || member.name === text)
  const [first] = found
  if (found.length > 1) {
    throw new EtcdCareError(`several members are called ${text}: ${found.map(nameOf).join(', ')}`, {
      hint: 'say its id',
    })
  }
  if (first) return first
  throw new EtcdCareError('etcdserver: member not found', { hint: 'see "coracle etcd member list"' })
}

export const member: Command = {
  name: 'member',
  summary: 'List, add, promote, remove and update members',
  flags: {},
  examples: ['coracle etcd member list'],
  subcommands: [list, add, promote, remove, update],
}
