import { exportEmbedded } from '../../../cluster/embedded-store.ts'
import type { BackupSource } from '../../../lifecycle/backup/create.ts'
import { folderPlace } from '../../../lifecycle/backup/folder.ts'
import type { BackupPlace } from '../../../lifecycle/backup/place.ts'
import { s3Place } from '../../../lifecycle/backup/s3.ts'
import type { Secret } from '../../../lifecycle/backup/seal.ts'
import { readEtcdManifest } from '../../../lifecycle/etcd/access.ts'
import { listMembers } from '../../../lifecycle/etcd/members.ts'
import { saveSnapshot } from '../../../lifecycle/etcd/snapshot-save.ts'
import { paths } from '../../../lifecycle/paths.ts'
import { type CommandContext, type Flag, UserError } from '../../command.ts'
import { absolute, dataDirFlag, dataDirOf } from '../../flags.ts'
import { accessFlags, withEtcd } from '../etcd/context.ts'

/** What `backup`, `restore` and `drill` share: where backups are kept, how they are opened, what is backed up. */
export const placeFlags = {
  in: { type: 'string', value: 'PLACE', help: 'a folder, or s3://BUCKET/PREFIX (default $CORACLE_BACKUPS)' },
  s3Endpoint: { type: 'string', value: 'URL', help: 'of the storage (default: Amazon)' },
  s3Region: { type: 'string', value: 'REGION', help: 'default $AWS_REGION or us-east-1' },
} as const satisfies Record<string, Flag>

export const secretFlags = {
  passphraseFile: {
    type: 'string',
    value: 'FILE',
    help: 'the passphrase is its first line (default: $CORACLE_BACKUP_PASSPHRASE)',
  },
  keyFile: { type: 'string', value: 'FILE', help: 'a file of at least 32 random bytes, instead of a passphrase' },
} as const satisfies Record<string, Flag>

export const sourceFlags = { ...accessFlags, dataDir: dataDirFlag } as const satisfies Record<string, Flag>

export const workDirFlag = {
  type: 'string',
  value: 'DIR',
  default: '/var/tmp',
  help: 'where the store lies unencrypted for a moment',
} as const satisfies Flag

export function placeOf({ flags, env, world }: CommandContext): BackupPlace {
  const where = flags.in === undefined ? env.CORACLE_BACKUPS : String(flags.in)
  if (!where)
    throw new UserError('where are the backups?', { hint: 'give --in FOLDER or --in s3://BUCKET/PREFIX', exitCode: 2 })
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)\/?(.*?)\/?$/.exec(where) ?? []
  if (bucket === undefined) return folderPlace(world.disk, absolute(where))
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = env
  if (!accessKeyId || !secretAccessKey) {
    throw new UserError('$AWS_ACCESS_KEY_ID and $AWS_SECRET_ACCESS_KEY are not set')
  }
  const region = String(flags.s3Region ?? env.AWS_REGION ?? 'us-east-1')
  const endpoint = String(flags.s3Endpoint ?? `https://s3.${region}.amazonaws.com`)
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) }
  return s3Place({ world, endpoint, region, bucket, prefix, credentials })
}

export async function secretOf({ flags, env, world }: CommandContext): Promise<Secret> {
  if (flags.keyFile !== undefined) {
    const keyFile = await world.disk.readBytes(absolute(String(flags.keyFile)))
    if (keyFile === undefined) throw new UserError(`${flags.keyFile} is not there`)
    return { keyFile }
  }
  if (flags.passphraseFile !== undefined) {
    const text = await world.disk.read(absolute(String(flags.passphraseFile)))
    if (text === undefined) throw new UserError(`${flags.passphraseFile} is not there`)
    return { passphrase: text.split(/\r?\n/)[0]! }
  }
  if (env.CORACLE_BACKUP_PASSPHRASE) return { passphrase: env.CORACLE_BACKUP_PASSPHRASE }
  throw new UserError('a backup is encrypted: with what?', {
    hint: 'give --passphrase-file, --key-file, or set $CORACLE_BACKUP_PASSPHRASE',
    exitCode: 2,
  })
}

/** What a control plane needs to be made again. */
const hostPaths = [paths.kubernetes, paths.kubeletConfig, paths.kubeletFlags, paths.kubeletCertificates] as const

/**
 * The host's etcd and what lies in kubeadm's places when there is a manifest of etcd here, or endpoints are given;
 * else the data directory of `up`.
 */
export async function sourceOf(context: CommandContext): Promise<BackupSource> {
  const { flags, world } = context
  const kubernetesDir = String(flags.kubernetesDir)
  const manifest = flags.dataDir === undefined ? await readEtcdManifest(world.disk, kubernetesDir) : undefined
  if (!manifest && flags.endpoints === undefined) return dataDirectory(context)
  const name = manifest?.flag('name') ?? world.machine.hostName
  return {
    kind: 'host',
    etcd: {
      name,
      peerUrl: manifest?.flag('initial-advertise-peer-urls')?.split(',')[0] ?? 'http://localhost:2380',
      clientUrl: manifest?.flag('advertise-client-urls')?.split(',')[0] ?? 'http://localhost:2379',
      dataDir: manifest?.flag('data-dir') ?? paths.etcdData,
      members: await withEtcd(context, async ({ client }) => {
        return (await listMembers(client, { linearizable: false })).map((member) => member.name)
      }),
    },
    root: '',
    paths: [kubernetesDir, ...hostPaths.filter((path) => path !== paths.kubernetes)],
    except: [`${kubernetesDir}/tmp`],
    saveStore: (file) =>
      withEtcd(context, async (connections) => {
        await saveSnapshot(connections, connections.access.endpoints[0]!, file)
      }),
  }
}

async function dataDirectory(context: CommandContext): Promise<BackupSource> {
  const dataDir = dataDirOf(context)
  if (!(await context.world.disk.stat(`${dataDir}/store`))) {
    throw new UserError(`there is neither an etcd on this host nor a cluster in ${dataDir}`, {
      hint: 'name it: --data-dir DIR, or --endpoints URL',
    })
  }
  return {
    kind: 'data-directory',
    root: dataDir,
    paths: ['/pki'],
    saveStore: async (file) => void (await exportEmbedded(context.world, dataDir, file)),
  }
}
