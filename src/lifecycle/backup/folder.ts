import { type Disk, DiskError } from '../../world/world.ts'
import { type BackupPlace, backupSuffix, newestFirst } from './place.ts'

/** A folder of the host, or one that is mounted there. */
export function folderPlace(disk: Disk, folder: string): BackupPlace {
  return {
    name: folder,
    async list() {
      const names = (await disk.list(folder)).filter((name) => name.endsWith(backupSuffix))
      return newestFirst(
        await Promise.all(names.map(async (name) => ({ name, bytes: await disk.size(`${folder}/${name}`) }))),
      )
    },
    put: (name, pieces) => disk.writePieces(`${folder}/${name}`, pieces),
    async *get(name) {
      if (!(await disk.stat(`${folder}/${name}`))) throw new DiskError(`there is no backup ${folder}/${name}`)
      yield* disk.readPieces(`${folder}/${name}`)
    },
    remove: (name) => disk.remove(`${folder}/${name}`),
  }
}
