import { Buffer } from 'node:buffer'
import { StoredEntry } from './entry.ts'
import type { Entry } from './resource.ts'

/** A list as it is sent. */
export interface JsonList {
  /** Everything up to the first item. */
  readonly start: Buffer
  readonly entries: readonly Entry[]
  /** Whether items say their kind and apiVersion. */
  readonly whole: boolean
}

const end = Buffer.from(']}\n')
const comma = 0x2c

/** How many bytes the list has; undefined when it has more than `most`, and then not all of it is looked at. */
export function sizeUpTo(most: number, { start, entries, whole }: JsonList): number | undefined {
  let size = start.length + end.length + Math.max(0, entries.length - 1)
  for (const entry of entries) {
    size += sizeOf(entry, whole)
    if (size > most) return undefined
  }
  return size > most ? undefined : size
}

/**
 * The list in parts of (mostly) this size, each made when it is asked for, so that the client reads while we go on. The
 * items are sent as they are stored: put together, never encoded again. `pieces` that come back are written over.
 */
export function* listPieces({ start, entries, whole }: JsonList, pieces: Pieces): Generator<Buffer> {
  let piece = pieces.take(start.length)
  let at = start.copy(piece)
  for (let index = 0; index <= entries.length; index++) {
    const entry = entries[index]
    const needed = entry === undefined ? end.length : sizeOf(entry, whole) + (index > 0 ? 1 : 0)
    if (at + needed > piece.length) {
      yield piece.subarray(0, at)
      piece = pieces.take(needed)
      at = 0
    }
    if (entry === undefined) break
    if (index > 0) piece[at++] = comma
    at = write(entry, whole, piece, at)
  }
  yield piece.subarray(0, at + end.copy(piece, at))
}

/** The items as they are read from the JSON that is sent of them, each when its turn comes. */
export const listItems = ({ entries, whole }: JsonList): Iterable<object> =>
  entries.values().map((entry) => JSON.parse(jsonOf(entry, whole).toString()) as object)

/**
 * Memory for the parts of lists, used again and again: what is allocated and dropped by the megabyte makes the garbage
 * collector walk the whole heap, at a price far above that of the lists.
 */
export class Pieces {
  readonly #size: number
  readonly #most: number
  readonly #free: ArrayBufferLike[] = []

  /** `size`: of a part, in bytes. `most`: how many are kept while nobody needs them. */
  constructor(size: number, most = Number.POSITIVE_INFINITY) {
    this.#size = size
    this.#most = most
  }

  take(least: number): Buffer {
    if (least > this.#size) return Buffer.allocUnsafeSlow(least)
    const free = this.#free.pop()
    return free === undefined ? Buffer.allocUnsafeSlow(this.#size) : Buffer.from(free)
  }

  /** Nobody reads this part any more. */
  giveBack({ buffer }: Buffer): void {
    if (buffer.byteLength === this.#size && this.#free.length < this.#most) this.#free.push(buffer)
  }
}

const sizeOf = (entry: Entry, whole: boolean): number =>
  entry instanceof StoredEntry ? entry.length(whole) : jsonOf(entry, whole).length

function write(entry: Entry, whole: boolean, target: Buffer, at: number): number {
  if (entry instanceof StoredEntry) return entry.write(target, at, whole)
  return at + jsonOf(entry, whole).copy(target, at)
}

const jsonOf = (entry: Entry, whole: boolean): Buffer => (whole ? entry.json() : entry.itemJson())
