import { createHash, type Hash } from 'node:crypto'
import { methods } from '../../etcd/messages.ts'
import type { EtcdConnections } from './access.ts'
import { EtcdCareError } from './faults.ts'

const hashBytes = 32

/**
 * Saves what one member has into a file, which is there as a whole or not at all: it comes into a temporary one, its
 * hash is compared, it is on the disk before it takes the name. Throws a `DiskError` when there is no room, an
 * `EtcdCareError` when it arrived damaged, an `EtcdError` when the member failed.
 */
export async function saveSnapshot(
  connections: EtcdConnections,
  endpoint: string,
  file: string,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const check = new Check()
  await connections.world.disk.writePieces(file, check.pass(snapshotPieces(connections, endpoint)))
  return { bytes: check.bytes, sha256: check.sha256 }
}

/** What a member sends, as it comes. */
export async function* snapshotPieces(connections: EtcdConnections, endpoint: string): AsyncGenerator<Uint8Array> {
  for await (const { blob } of connections.at(endpoint).stream(methods.snapshot, {})) yield blob
}

/** Lets a snapshot through and throws at its end when it is not what its own last bytes say. */
class Check {
  bytes = 0
  readonly #ofAll: Hash = createHash('sha256')
  readonly #ofDatabase: Hash = createHash('sha256')
  /** The last bytes so far: the hash, when nothing comes behind. */
  #tail: Buffer = Buffer.alloc(0)
  #digest = ''

  get sha256(): string {
    this.#digest ||= this.#ofAll.digest('hex')
    return this.#digest
  }

  async *pass(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      this.#take(piece)
      yield piece
    }
    this.#finish()
  }

  #take(piece: Uint8Array): void {
    this.bytes += piece.length
    this.#ofAll.update(piece)
    const known = Buffer.concat([this.#tail, piece])
    const kept = Math.max(0, known.length - hashBytes)
    this.#ofDatabase.update(known.subarray(0, kept))
    this.#tail = known.subarray(kept)
  }

  #finish(): void {
    if (this.bytes % 512 === hashBytes && this.#ofDatabase.digest().equals(this.#tail)) return
    throw new EtcdCareError('the snapshot arrived damaged: its hash does not fit', {
      hint: 'nothing was kept; try again',
    })
  }
}
