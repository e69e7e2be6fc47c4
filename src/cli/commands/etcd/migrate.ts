import { exportEmbedded, importEmbedded, StoreExistsError } from '../../../cluster/embedded-store.ts'
import { initialClusterText, parseHosts } from '../../../lifecycle/etcd/restore-plan.ts'
import { saveSnapshot } from '../../../lifecycle/etcd/snapshot-save.ts'
import { type Command, type CommandContext, UserError } from '../../command.ts'
import { absolute, dataDirFlag, dataDirOf } from '../../flags.ts'
import { findRunning } from '../../running.ts'
import { accessFlags, dryRunFlag, withEtcd } from './context.ts'

/** A cluster of one host with the embedded store moves to members of a real etcd, or comes back from there. */
const toEtcd: Command = {
  name: 'to-etcd',
  summary: 'Export the embedded store, and say how members of an etcd are made of it: revisions stay as they are',
  flags: {
    dataDir: dataDirFlag,
    dryRun: dryRunFlag,
    hosts: { type: 'string', value: 'NAME=PEER-URL,…', help: 'the members that there will be' },
    out: { type: 'string', value: 'FILE', default: 'etcd.db', help: 'the snapshot to write' },
  },
  examples: [
    'coracle etcd migrate to-etcd --hosts m1=https://10.0.0.1:2380,m2=https://10.0.0.2:2380,m3=https://10.0.0.3:2380',
  ],

  async run(context) {
    const { flags, world, print } = context
    const hosts = flags.hosts === undefined ? [] : parseHosts(String(flags.hosts))
    if (hosts.length === 0) throw new UserError('which members will there be?', { hint: 'give --hosts', exitCode: 2 })
    const dataDir = dataDirOf(context)
    await requireStopped(context, dataDir)
    if (!(await world.disk.stat(`${dataDir}/store`))) throw new UserError(`there is no store in ${dataDir}`)
    const out = absolute(String(flags.out))
    if (await world.disk.stat(out)) throw new UserError(`${out} is there already`)
    const cluster = initialClusterText(hosts)
    const steps = hosts.map(
      ({ name, peerUrl }) =>
        `  ${name}: coracle etcd snapshot restore ${flags.out} --data-dir /var/lib/etcd --bump-revision 0 --keep-history ` +
        `--name ${name} --initial-advertise-peer-urls ${peerUrl} --initial-cluster ${cluster}`,
    )
    if (flags.dryRun) print(`export the store of ${dataDir} into ${out}`)
    else {
      const { revision, keys } = await exportEmbedded(world, dataDir, out)
      print(`Exported ${keys} keys at revision ${revision} into ${out}`)
    }
    print('Copy it to each host, run there, then start etcd on all:')
    for (const step of steps) print(step)
    print('The store in the data directory stays as it is: it is the way back as long as nobody writes to etcd.')
  },
}

const toEmbedded: Command = {
  name: 'to-embedded',
  summary: 'Make the embedded store of a data directory of what an etcd holds: revisions stay as they are',
  flags: { ...accessFlags, dataDir: dataDirFlag, dryRun: dryRunFlag },
  examples: ['coracle etcd migrate to-embedded --endpoints https://10.0.0.1:2379 --data-dir /var/lib/coracle'],

  async run(context) {
    const { flags, world, print } = context
    const dataDir = dataDirOf(context)
    await requireStopped(context, dataDir)
    if (await world.disk.stat(`${dataDir}/store`)) {
      throw new UserError(`there is a store in ${dataDir} already`, {
        hint: 'move it away first, or name another data directory',
      })
    }
    await withEtcd(context, async (connections) => {
      const endpoint = connections.access.endpoints[0]!
      if (flags.dryRun) return print(`save a snapshot of ${endpoint} and make ${dataDir}/store of it`)
      const file = `${dataDir}/store.snapshot`
      try {
        await saveSnapshot(connections, endpoint, file)
        const { keys, revision } = await importEmbedded(file, `${dataDir}/store`, { bumpRevision: 0 })
        print(`${dataDir} holds ${keys} keys at revision ${revision}, as ${endpoint} does`)
        print('What is written to etcd from now on is not in it: stop its API servers before you do this.')
      } catch (error) {
        if (error instanceof StoreExistsError) throw new UserError(error.message, { cause: error })
        throw error
      } finally {
        await world.disk.remove(file)
      }
    })
  },
}

async function requireStopped({ world }: CommandContext, dataDir: string): Promise<void> {
  if (!(await findRunning(world, dataDir))) return
  throw new UserError(`a cluster is running on ${dataDir}: what it writes meanwhile would be lost`, {
    hint: 'stop it with: coracle down',
  })
}

export const migrate: Command = {
  name: 'migrate',
  summary: 'Move between the embedded store and members of an etcd',
  flags: {},
  examples: [...toEtcd.examples, ...toEmbedded.examples],
  subcommands: [toEtcd, toEmbedded],
}
