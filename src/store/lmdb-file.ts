/** Looks at a database file before lmdb does: what is no such file, or a part of one, would take the process with it. */
import { spawnSync } from 'node:child_process'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'

/** The file is none of lmdb's. */
export class NotAStoreError extends Error {
  constructor(directory: string) {
    super(
      `the store in ${directory} cannot be opened: data.mdb is damaged, or is something else: ` +
        'restore a backup into another directory, or remove this one to begin anew',
    )
  }
}

/** The file has lost its end. */
export class TruncatedStoreError extends Error {
  constructor(directory: string, isBytes: number, shouldBeBytes: number) {
    super(
      `the store in ${directory} cannot be opened: data.mdb is cut off (${isBytes} of ${shouldBeBytes} bytes are ` +
        'there): restore a backup into another directory, or remove this one to begin anew',
    )
  }
}

/** Throws NotAStoreError or TruncatedStoreError. A file that is not there, or empty, is none's fault. */
export function requireDatabase(directory: string): void {
  let file: number
  try {
    file = openSync(join(directory, 'data.mdb'), 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  try {
    const { size } = fstatSync(file)
    // An empty file is one that a crash left between making and filling it.
    if (size === 0) return
    const neededBytes = sizeByItself(file, directory)
    if (size < neededBytes && !canBeRead(directory)) throw new TruncatedStoreError(directory, size, neededBytes)
  } finally {
    closeSync(file)
  }
}

const magic = Buffer.from('dec0efbe', 'hex')
/** Where the first two pages have what lmdb knows of itself (`MDB_meta`, behind the page's header). */
const place = { magic: 24, pageSize: 48, lastPage: 144, transaction: 152, end: 160 }

/** How long the file should be. */
function sizeByItself(file: number, directory: string): number {
  const first = readMeta(file, 0, directory)
  const second = readMeta(file, first.pageSize, directory)
  const { lastPage } = first.transaction > second.transaction ? first : second
  return (Number(lastPage) + 1) * first.pageSize
}

function readMeta(file: number, position: number, directory: string) {
  const buffer = Buffer.alloc(place.end)
  const bytesRead = readSync(file, buffer, { position })
  const magicRead = buffer.subarray(place.magic, place.magic + magic.length)
  if (bytesRead < place.end || !magicRead.equals(magic)) throw new NotAStoreError(directory)
  return {
    pageSize: buffer.readUInt32LE(place.pageSize),
    lastPage: buffer.readBigUInt64LE(place.lastPage),
    transaction: buffer.readBigUInt64LE(place.transaction),
  }
}

/**
 * Whether all that is in the database can be read. Pages that were given back before they were ever written may be
 * missing at the end of a sound file; one that is needed ends whoever reads it, so another process has to try.
 */
function canBeRead(directory: string): boolean {
  const options = { path: directory, noSubdir: false, keyEncoding: 'binary', encoding: 'binary', readOnly: true }
  const script =
    `const { open } = await import(${JSON.stringify(import.meta.resolve('lmdb'))})\n` +
    `for (const _ of open(${JSON.stringify(options)}).getRange({}));\nprocess.exit()`
  const { status } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'ignore' })
  return status === 0
}
