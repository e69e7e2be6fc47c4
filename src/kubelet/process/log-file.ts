import { dirname } from 'node:path'
import { deferred } from '../../base/deferred.ts'
import type { Clock, Disk, FileParts } from '../../world/world.ts'

export interface LogWish {
  /** So many lines before the end of what is there; all of it unless said otherwise. */
  readonly tailLines?: number | undefined
  /** No more than this, however much there is or will be. */
  readonly limitBytes?: number | undefined
  /** Go on with what is added, until the signal, or until nobody writes any more. */
  readonly follow: boolean
  /** Resolves when nobody writes any more. */
  readonly ended?: Promise<void>
  readonly signal: AbortSignal
}

export interface LogHost {
  readonly disk: Disk
  readonly clock: Clock
}

/** What a log file says, piece by piece. Each part of the file is read once, when it is there. */
export async function* readLog(
  { disk, clock }: LogHost,
  path: string,
  { tailLines, limitBytes = Number.POSITIVE_INFINITY, follow, ended, signal }: LogWish,
): AsyncGenerator<Uint8Array> {
  const changes = follow ? await changesOf(disk, clock, path, signal) : undefined
  let isOver = !follow
  ended?.then(() => {
    isOver = true
    changes?.tell()
  })
  try {
    let from = tailLines === undefined ? 0 : await startOfTail(disk, path, tailLines)
    let left = limitBytes
    while (left > 0 && !signal.aborted) {
      changes?.forget()
      const isLast = isOver
      const size = await disk.size(path)
      // Who cuts a log off begins it anew.
      if (size < from) from = 0
      for await (const piece of partOf(disk, path, from, Math.min(size, from + left))) {
        from += piece.length
        left -= piece.length
        yield piece
      }
      if (isLast) return
      if (left > 0 && !isOver) await changes?.next()
    }
  } finally {
    changes?.end()
  }
}

const pieceBytes = 64 * 1024

async function* partOf(disk: Disk, path: string, from: number, to: number): AsyncGenerator<Buffer> {
  if (from >= to) return
  using file = await disk.openParts(path)
  const end = Math.min(to, file?.size ?? 0)
  for (let at = from; at < end; at += pieceBytes) yield file!.read(at, Math.min(pieceBytes, end - at))
}

/** Where the last lines begin: looked for from the end. */
async function startOfTail(disk: Disk, path: string, lines: number): Promise<number> {
  using file = await disk.openParts(path)
  return file === undefined ? 0 : startOfLines(file, lines)
}

const newline = 0x0a

function startOfLines(file: FileParts, lines: number): number {
  if (lines <= 0) return file.size
  // The line break at the very end begins no line.
  let left = lines
  let end = file.size - 1
  while (end > 0) {
    const from = Math.max(0, end - pieceBytes)
    const piece = file.read(from, end - from)
    for (let at = piece.lastIndexOf(newline); at >= 0; at = at === 0 ? -1 : piece.lastIndexOf(newline, at - 1)) {
      if (--left === 0) return from + at + 1
    }
    end = from
  }
  return 0
}

/** On disks that cannot tell of changes, as often as this somebody looks. */
const lookAgainMs = 250

/** Tells when a file may have changed. */
async function changesOf(disk: Disk, clock: Clock, path: string, signal: AbortSignal) {
  let changed = deferred()
  const tell = () => changed.resolve()
  signal.addEventListener('abort', tell)
  // A folder that is not there yet cannot be watched.
  const unwatch = (await disk.stat(dirname(path))) && disk.watch?.(path, tell)
  return {
    tell,
    /** What has changed up to now is seen. */
    forget() {
      changed = deferred()
      if (signal.aborted) tell()
    },
    next: () =>
      unwatch === undefined
        ? Promise.race([clock.after(lookAgainMs, signal).catch(() => {}), changed.promise])
        : changed.promise,
    end() {
      signal.removeEventListener('abort', tell)
      unwatch?.()
    },
  }
}
