import type { BackupContents } from '../../lifecycle/backup/contents.ts'
import { createBackup, keepNewest } from '../../lifecycle/backup/create.ts'
import { findBackup, verifyBackup } from '../../lifecycle/backup/open.ts'
import { timeIn } from '../../lifecycle/backup/place.ts'
import { sizeText } from '../../lifecycle/etcd/table.ts'
import { type Command, UserError } from '../command.ts'
import { absolute, integerFlag } from '../flags.ts'
import { placeFlags, placeOf, secretFlags, secretOf, sourceFlags, sourceOf, workDirFlag } from './backup/common.ts'

const list: Command = {
  name: 'list',
  summary: 'List the backups, the newest first',
  flags: { ...placeFlags, output: { type: 'string', value: 'json', short: 'o', help: 'for machines' } },
  examples: ['coracle backup list --in /backups'],

  async run(context) {
    const backups = await placeOf(context).list()
    if (context.flags.output === 'json') return context.print(JSON.stringify(backups))
    for (const { name, bytes } of backups) context.print(`${timeText(name)}  ${sizeText(bytes).padStart(7)}  ${name}`)
  },
}

const timeText = (name: string) =>
  (timeIn(name) ?? '').replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3 $4:$5:$6')

const verify: Command = {
  name: 'verify',
  summary: 'Read a backup to its end: can it be opened, and is all of it as it was?',
  usage: '[NAME]',
  flags: { ...placeFlags, ...secretFlags, workDir: workDirFlag },
  examples: ['coracle backup verify --in /backups --passphrase-file /root/passphrase'],

  async run(context) {
    const { args, world, print, flags } = context
    const place = placeOf(context)
    const name = await findBackup(place, args[0])
    const contents = await verifyBackup(world, place, name, await secretOf(context), absolute(String(flags.workDir)))
    print(`${name} is whole: ${describe(contents)}`)
  },
}

const describe = ({ host, kind, store, files }: BackupContents) => {
  const keys = Object.values(store.counts).reduce((sum, count) => sum + count, 0)
  return `${kind === 'host' ? 'host' : 'data directory on'} ${host}, revision ${store.revision}, ${keys} keys, ${files.length} files`
}

export const backup: Command = {
  name: 'backup',
  summary: 'Back up store, keys and configuration into one encrypted file, in a folder or S3',
  usage: '',
  flags: {
    ...placeFlags,
    ...secretFlags,
    ...sourceFlags,
    workDir: workDirFlag,
    keep: { type: 'string', value: 'N', help: 'remove all but the newest N of this label' },
    label: { type: 'string', value: 'NAME', help: 'in front of the name (default: the host name)' },
    skipVerify: { type: 'boolean', help: 'do not read it back' },
  },
  examples: [
    'coracle backup --in /backups --passphrase-file /root/passphrase --keep 14',
    'coracle backup --in s3://cluster-backups/prod --s3-endpoint https://s3.example.com --key-file /root/backup.key',
  ],
  subcommands: [list, verify],

  async run(context) {
    const { args, flags, world, print } = context
    if (args.length > 0)
      throw new UserError(`unknown command "backup ${args[0]}"`, { hint: 'see "coracle backup --help"', exitCode: 2 })
    const keep = flags.keep === undefined ? undefined : integerFlag(flags, 'keep', 1, 100_000)
    const [place, secret, source] = [placeOf(context), await secretOf(context), await sourceOf(context)]
    const label = String(flags.label ?? world.machine.hostName).replace(/[^A-Za-z0-9.-]/g, '-')
    const workDir = absolute(String(flags.workDir))
    const { name, contents } = await createBackup({ world, source, place, secret, label, workDir })
    print(`Backed up ${describe(contents)}`)
    print(`as ${name} in ${place.name}`)
    if (!flags.skipVerify) {
      await verifyBackup(world, place, name, secret, workDir)
      print('Read back: it is whole')
    }
    for (const gone of keep === undefined ? [] : await keepNewest(place, label, keep)) print(`Removed ${gone}`)
  },
}
