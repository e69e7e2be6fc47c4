import type { Command } from '../command.ts'
import { member } from './etcd/member.ts'
import { migrate } from './etcd/migrate.ts'
import { replace } from './etcd/replace.ts'
import { snapshot } from './etcd/snapshot.ts'
import { hashkv, health, status } from './etcd/status.ts'
import { alarm, check, compact, defrag, moveLeader } from './etcd/upkeep.ts'

export const etcd: Command = {
  name: 'etcd',
  summary: 'Look after the etcd of a cluster: members, room, snapshots',
  flags: {},
  examples: [
    'coracle etcd status',
    'coracle etcd replace master01 --dry-run',
    'coracle etcd snapshot save /backup/etcd.db',
  ],
  subcommands: [status, health, member, replace, snapshot, check, defrag, compact, alarm, moveLeader, hashkv, migrate],
}
