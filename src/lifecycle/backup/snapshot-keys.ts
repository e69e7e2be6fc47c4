import type { HostWorld } from '../../world/world.ts'
import { EtcdCareError } from '../etcd/faults.ts'
import { openSnapshot } from '../etcd/snapshot-file.ts'
import { type KeyState, keysIn } from './contents.ts'

/** All keys in a snapshot file. Throws an `EtcdCareError` when it is damaged. */
export async function keysOfSnapshot({ disk }: Pick<HostWorld, 'disk'>, file: string): Promise<Map<string, KeyState>> {
  using parts = await disk.openParts(file)
  if (!parts) throw new EtcdCareError(`${file} is not there`)
  return keysIn(openSnapshot(parts, file))
}
