import { importEmbedded } from '../../cluster/embedded-store.ts'
import { findBackup, type OpenedBackup, openBackup } from '../../lifecycle/backup/open.ts'
import { hostsOfBackup, lookAhead, type RestoreBackupOptions, restoreBackup } from '../../lifecycle/backup/restore.ts'
import { type Command, type CommandContext, UserError } from '../command.ts'
import { absolute, dataDirFlag, dataDirOf, integerFlag } from '../flags.ts'
import { findRunning } from '../running.ts'
import { placeFlags, placeOf, secretFlags, secretOf, workDirFlag } from './backup/common.ts'

export const restore: Command = {
  name: 'restore',
  summary: 'Restore a backup onto an empty host or data directory',
  usage: '[NAME]',
  flags: {
    ...placeFlags,
    ...secretFlags,
    workDir: workDirFlag,
    dataDir: dataDirFlag,
    root: { type: 'string', value: 'DIR', default: '/', help: 'in front of all paths, for the backup of a host' },
    extract: { type: 'string', value: 'DIR', help: 'only put what is in it into this new folder, and etcd.db beside' },
    force: { type: 'boolean', help: 'put aside what is there' },
    bumpRevision: {
      type: 'string',
      value: 'N',
      default: '1000000000',
      help: 'by how much the revision is raised, so that who watches lists anew',
    },
    etcdctlBinary: { type: 'string', value: 'FILE', help: 'the etcdctl that restores (default: on the search path)' },
    etcdutlBinary: { type: 'string', value: 'FILE', help: 'the etcdutl that restores' },
    dryRun: { type: 'boolean', help: 'say what would be done, and do nothing' },
  },
  examples: [
    'coracle restore --in /backups --passphrase-file /root/passphrase --dry-run',
    'coracle restore --in s3://cluster-backups/prod --key-file /root/backup.key',
  ],

  async run(context) {
    const { args, flags, world, print } = context
    const place = placeOf(context)
    const name = await findBackup(place, args[0])
    const snapshot = `${absolute(String(flags.workDir))}/${name}.restore.db`
    const backup = await openBackup(world, place, name, await secretOf(context), snapshot)
    try {
      print(`Restoring ${name}`)
      if (flags.extract !== undefined) await extract(context, backup, absolute(String(flags.extract)))
      else await putBack(context, backup)
    } finally {
      await world.disk.remove(snapshot)
    }
  },
}

async function extract({ world, print }: CommandContext, backup: OpenedBackup, folder: string): Promise<void> {
  if (await world.disk.stat(folder)) throw new UserError(`${folder} is there already`)
  const modes = new Map(backup.contents.files.map(({ path, mode }) => [path, mode]))
  for (const [path, bytes] of backup.files)
    await world.disk.writeBytes(`${folder}/files${path}`, bytes, modes.get(path))
  await world.disk.writePieces(`${folder}/etcd.db`, world.disk.readPieces(backup.snapshot))
  print(`Put ${backup.files.size} files and etcd.db into ${folder}`)
  const hosts = await hostsOfBackup(world, backup)
  if (hosts) print(`For all members, one plan: coracle etcd snapshot restore ${folder}/etcd.db --hosts ${hosts}`)
}

async function putBack(context: CommandContext, backup: OpenedBackup): Promise<void> {
  const { flags, world, print } = context
  const options: RestoreBackupOptions = {
    ...{ world, backup, print, force: flags.force === true },
    root: await rootOf(context, backup),
    bumpRevision: integerFlag(flags, 'bumpRevision', 0, 2 ** 52),
    importStore: async (snapshot, directory, bumpRevision) =>
      void (await importEmbedded(snapshot, directory, { bumpRevision })),
    etcdctl: flags.etcdctlBinary as string | undefined,
    etcdutl: flags.etcdutlBinary as string | undefined,
  }
  if (flags.dryRun) {
    const { lines, inTheWay } = await lookAhead(options)
    for (const line of lines) print(line)
    for (const path of inTheWay) print(`${flags.force ? 'put aside' : 'in the way, without --force'}: ${path}`)
    return
  }
  await restoreBackup(options)
}

async function rootOf(context: CommandContext, { contents }: OpenedBackup): Promise<string> {
  if (contents.kind === 'host') return absolute(String(context.flags.root)).replace(/\/$/, '')
  const dataDir = dataDirOf(context)
  const running = await findRunning(context.world, dataDir)
  if (running) throw new UserError(`a cluster is running on ${dataDir}`, { hint: 'stop it with: coracle down' })
  return dataDir
}
