import { findEtcd, readEtcdManifest } from '../../../lifecycle/etcd/access.ts'
import { EtcdCareError } from '../../../lifecycle/etcd/faults.ts'
import { findRestorer } from '../../../lifecycle/etcd/install.ts'
import { memberList } from '../../../lifecycle/etcd/members.ts'
import { printSnapshotStatus } from '../../../lifecycle/etcd/print.ts'
import { dataDirOfHost, type RestoreShare, restoreInto, restorePhases } from '../../../lifecycle/etcd/restore.ts'
import {
  describePlan,
  makePlan,
  parseHosts,
  type RestoreHost,
  type RestorePlan,
  readPlan,
  writePlan,
} from '../../../lifecycle/etcd/restore-plan.ts'
import { openSnapshot, snapshotStatus } from '../../../lifecycle/etcd/snapshot-file.ts'
import { saveSnapshot } from '../../../lifecycle/etcd/snapshot-save.ts'
import { runPhases } from '../../../lifecycle/phase.ts'
import { type Command, type CommandContext, UserError } from '../../command.ts'
import { absolute, integerFlag } from '../../flags.ts'
import {
  accessFlags,
  dryRunFlag,
  formatOf,
  oneArgument,
  outputFlags,
  secondsFlag,
  textFlags,
  withEtcd,
  withExplanation,
} from './context.ts'

const save: Command = {
  name: 'save',
  summary: 'Save what one member has into a file, which is checked and on the disk when it is there',
  usage: 'FILE',
  flags: accessFlags,
  examples: ['coracle etcd snapshot save /backup/etcd.db'],

  run: (context) =>
    withEtcd(context, async (connections) => {
      const file = absolute(oneArgument(context, 'file'))
      const { endpoints } = connections.access
      const [endpoint, ...others] = endpoints
      if (others.length > 0 && !connections.access.ofHost) {
        throw new UserError(`snapshot must be requested to one selected node, not multiple [${endpoints.join(' ')}]`)
      }
      const { bytes, sha256 } = await saveSnapshot(connections, endpoint!, file)
      context.print(`Snapshot saved at ${context.args[0]}`)
      context.print(`${bytes} bytes, sha256 ${sha256}`)
    }),
}

const skipHashCheckFlag = { type: 'boolean', help: 'for a file that was copied from a data directory' } as const

const status: Command = {
  name: 'status',
  summary: 'Say what is in a snapshot file, and whether it is whole',
  usage: 'FILE',
  flags: { ...outputFlags('simple'), skipHashCheck: skipHashCheckFlag },
  examples: ['coracle etcd snapshot status /backup/etcd.db -w table'],

  run: (context) =>
    withExplanation(async () => {
      const name = oneArgument(context, 'file')
      using parts = await context.world.disk.openParts(absolute(name))
      if (!parts) throw new UserError(`${name} is not there`)
      const database = openSnapshot(parts, name, context.flags.skipHashCheck === true)
      for (const line of printSnapshotStatus(snapshotStatus(database, name), formatOf(context, 'simple'))) {
        context.print(line)
      }
    }),
}

const restore: Command = {
  name: 'restore',
  summary: 'Restore a snapshot on all hosts of a cluster, or into a data directory',
  usage: 'FILE',
  flags: {
    ...accessFlags,
    dryRun: dryRunFlag,
    hosts: {
      type: 'string',
      value: 'NAME=PEER-URL,…',
      help: 'all hosts of the restored cluster (default: the members that there are)',
    },
    plan: { type: 'string', value: 'FILE', help: 'the plan that all hosts share (default FILE.plan.json)' },
    local: { type: 'boolean', help: "do this host's share of the plan" },
    name: {
      type: 'string',
      value: 'NAME',
      help: 'which of the hosts this is (default: as its manifest or host name says)',
    },
    dataDir: {
      type: 'string',
      value: 'DIR',
      help: 'restore into this new directory, and do nothing else; with --local: that of the etcd that is here',
    },
    initialCluster: { type: 'string', value: 'NAME=PEER-URL,…', help: 'with --data-dir: the members' },
    initialAdvertisePeerUrls: {
      type: 'string',
      value: 'URL',
      help: 'with --data-dir: where the others reach this one',
    },
    initialClusterToken: {
      type: 'string',
      value: 'TOKEN',
      help: 'tells this cluster from others (default: a new one)',
    },
    bumpRevision: { type: 'string', value: 'N', default: '1000000000', help: 'by how much the revision is raised' },
    keepHistory: { type: 'boolean', help: 'do not mark the history before as compacted' },
    skipHashCheck: skipHashCheckFlag,
    etcdctlBinary: { type: 'string', value: 'FILE', help: 'the etcdctl that restores (default: on the search path)' },
    etcdutlBinary: { type: 'string', value: 'FILE', help: 'the etcdutl that restores' },
    stopCommand: { type: 'string', value: 'COMMAND', help: 'stops an etcd that is no static pod' },
    startCommand: { type: 'string', value: 'COMMAND', help: 'starts it' },
    wait: { type: 'string', value: 'SECONDS', default: '120', help: 'how long to wait for the others, and for etcd' },
  },
  examples: [
    'coracle etcd snapshot restore etcd.db --hosts m1=https://10.0.0.1:2380,m2=https://10.0.0.2:2380,m3=https://10.0.0.3:2380',
    'coracle etcd snapshot restore etcd.db --plan etcd.db.plan.json --local',
    'coracle etcd snapshot restore etcd.db --data-dir /var/lib/etcd-copy',
  ],

  run: (context) =>
    withExplanation(async () => {
      const file = absolute(oneArgument(context, 'file'))
      if (context.flags.local) {
        return restoreShare(context, file, await readPlan(context.world, planFileOf(context, file)))
      }
      if (context.flags.dataDir !== undefined) return restoreDirectory(context, file)
      await planForAll(context, file)
    }),
}

const planFileOf = ({ flags }: CommandContext, file: string) =>
  flags.plan === undefined ? `${file}.plan.json` : absolute(String(flags.plan))

const historyOf = ({ flags }: CommandContext) => ({
  bumpRevision: integerFlag(flags, 'bumpRevision', 0, 2 ** 52),
  markCompacted: flags.keepHistory !== true,
  skipHashCheck: flags.skipHashCheck === true,
})

/** As `etcdutl snapshot restore` does, with its names. */
async function restoreDirectory(context: CommandContext, snapshotFile: string): Promise<void> {
  const { flags, world, print } = context
  const { name = 'default', initialAdvertisePeerUrls = 'http://localhost:2380', ...others } = textFlags(flags)
  const dataDir = absolute(String(flags.dataDir))
  const tool = await findRestorer(world, { etcdctl: others.etcdctlBinary, etcdutl: others.etcdutlBinary })
  const into = {
    ...{ snapshotFile, tool, dataDir, name, peerUrl: initialAdvertisePeerUrls, ...historyOf(context) },
    initialCluster: others.initialCluster ?? `${name}=${initialAdvertisePeerUrls}`,
    token: others.initialClusterToken ?? 'etcd-cluster',
  }
  if (flags.dryRun) return print(`restore ${snapshotFile} into ${dataDir} with ${tool.path} ${tool.version}`)
  await restoreInto(world, into)
  print(`Restored into ${dataDir}`)
}

async function planForAll(context: CommandContext, file: string): Promise<void> {
  const { flags, print, world } = context
  const planFile = planFileOf(context, file)
  const hosts = flags.hosts === undefined ? await hostsOfCluster(context) : parseHosts(String(flags.hosts))
  const token = textFlags(flags).initialClusterToken
  const plan = await makePlan(world, { snapshotFile: file, hosts, token, ...historyOf(context) })
  for (const line of describePlan(plan, planFile)) print(line)
  if (flags.dryRun) return
  await writePlan(world, planFile, plan)
  print(`The plan is in ${planFile}`)
}

/** As the members say, or when none answers as the manifest says. */
async function hostsOfCluster(context: CommandContext): Promise<RestoreHost[]> {
  try {
    return await withEtcd(context, async ({ client }) => {
      const { members } = await memberList(client, { linearizable: false })
      return members.flatMap(({ name, peerUrls = [], clientUrls = [] }) =>
        name && peerUrls[0] && clientUrls[0] ? [{ name, peerUrl: peerUrls[0], clientUrl: clientUrls[0] }] : [],
      )
    })
  } catch (error) {
    const manifest = await readEtcdManifest(context.world.disk, String(context.flags.kubernetesDir))
    const initial = manifest?.flag('initial-cluster')
    if (!initial) {
      throw new EtcdCareError(`the members are not known: ${(error as Error).message}`, {
        hint: 'name all with --hosts',
        cause: error,
      })
    }
    context.print('note: etcd does not answer; the hosts are those of the manifest')
    return parseHosts(initial)
  }
}

async function restoreShare(context: CommandContext, snapshotFile: string, plan: RestorePlan): Promise<void> {
  const { flags, world, print } = context
  const { etcdctlBinary, etcdutlBinary, stopCommand, startCommand } = textFlags(flags)
  const kubernetesDir = String(flags.kubernetesDir)
  const host = await whichHost(context, plan)
  const access = await findEtcd(world, { ...textFlags(flags), endpoints: host.clientUrl })
  const given = flags.dataDir === undefined ? undefined : absolute(String(flags.dataDir))
  const dataDir = given ?? (await dataDirOfHost(world, kubernetesDir, plan))
  if (dataDir === undefined) {
    throw new EtcdCareError(`${kubernetesDir}/manifests/etcd.yaml is not there`, {
      hint: 'an etcd that is no static pod: give --data-dir, --stop-command and --start-command',
    })
  }
  const share: RestoreShare = {
    ...{ world, plan, snapshotFile, host, kubernetesDir, dataDir, stopCommand, startCommand, print },
    tls: access.tls,
    tool: await findRestorer(world, { etcdctl: etcdctlBinary, etcdutl: etcdutlBinary }),
    waitMs: secondsFlag(context, 'wait') * 1000,
  }
  await runPhases(restorePhases, share, { dryRun: flags.dryRun === true, print })
  if (!flags.dryRun) print(`${host.name} is restored; "coracle etcd status" shows all`)
}

async function whichHost({ flags, world }: CommandContext, plan: RestorePlan): Promise<RestoreHost> {
  const manifest = await readEtcdManifest(world.disk, String(flags.kubernetesDir))
  const name = String(flags.name ?? manifest?.flag('name') ?? world.machine.hostName)
  const host = plan.hosts.find((one) => one.name === name)
  if (host) return host
  const names = plan.hosts.map((one) => one.name).join(', ')
  throw new EtcdCareError(`${name} is not in the plan, which has ${names}`, {
    hint: 'say with --name which one this is',
  })
}

export const snapshot: Command = {
  name: 'snapshot',
  summary: 'Save, look at and restore snapshots',
  flags: {},
  examples: ['coracle etcd snapshot save /backup/etcd.db'],
  subcommands: [save, status, restore],
}
