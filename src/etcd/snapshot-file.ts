/** Snapshots as files of the host. They may be larger than memory should be, so they are read where they are. */
import { closeSync, fsyncSync, openSync, readSync, renameSync, statSync, writeSync } from 'node:fs'
import type { PageSource } from './bbolt/read.ts'
import {
  type EtcdState,
  type ReadSnapshotOptions,
  readSnapshot,
  type SnapshotFile,
  UnusableSnapshotError,
} from './snapshot.ts'

/** Writes a snapshot; the file is there as a whole or not at all. Throws what the disk has to say. */
export function saveSnapshot(path: string, snapshot: SnapshotFile): void {
  const part = `${path}.part`
  const file = openSync(part, 'w', 0o600)
  try {
    for (const piece of snapshot.pieces()) writeSync(file, piece)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(part, path)
}

/** Throws `UnusableSnapshotError`, which names the file. */
export function loadSnapshot(path: string, options: ReadSnapshotOptions = {}): EtcdState {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    throw new UnusableSnapshotError(`the snapshot ${path} cannot be read: ${(error as Error).message}`, {
      cause: error,
    })
  }
  try {
    return readSnapshot(fileSource(file, statSync(path).size), options)
  } catch (error) {
    if (!(error instanceof UnusableSnapshotError)) throw error
    throw new UnusableSnapshotError(`the snapshot ${path} cannot be used: ${error.message}`, { cause: error })
  } finally {
    closeSync(file)
  }
}

function fileSource(file: number, size: number): PageSource {
  return {
    size,
    read(offset, length) {
      const bytes = Buffer.allocUnsafe(length)
      let at = 0
      while (at < length) {
        const count = readSync(file, bytes, at, length - at, offset + at)
        if (count === 0) throw new UnusableSnapshotError('it became shorter while it was read')
        at += count
      }
      return bytes
    },
  }
}
