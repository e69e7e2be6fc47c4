/** Where backups are kept: names, each with bytes. A backup is there as a whole or not at all. */
export interface BackupPlace {
  /** As the user wrote it. */
  readonly name: string
  /** Newest first. */
  list(): Promise<readonly StoredBackup[]>
  /** Throws what the place has to say; nothing is left under the name then. */
  put(name: string, pieces: AsyncIterable<Uint8Array>): Promise<void>
  get(name: string): AsyncIterable<Uint8Array>
  remove(name: string): Promise<void>
}

export interface StoredBackup {
  readonly name: string
  readonly bytes: number
}

/** Names sort by the time in them. */
export const backupSuffix = '.coracle-backup'
const pattern = /-(\d{8}T\d{6}Z)-[0-9a-f]{6}\.coracle-backup$/

export const timeIn = (name: string): string | undefined => pattern.exec(name)?.[1]

export function newestFirst(backups: readonly StoredBackup[]): StoredBackup[] {
  return backups
    .filter(({ name }) => timeIn(name) !== undefined)
    .sort((one, other) => (timeIn(one.name)! < timeIn(other.name)! ? 1 : -1))
}
